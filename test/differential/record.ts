// `npm run record-oracle -- PROMETHEUS [--newer=PROMETHEUS] [SET…]`: makes test/golden/differential-*.jsonl.gz anew.
// Starts the binary on loopback, loads each data set, asks the generated queries and keeps what it said: mostly answers
// that hold something, some that are empty, some errors. The newer one is asked the same; where it differs, both are kept.
// Sets of newer syntax are asked of the newer one alone.
import { MALFORMED } from './catalog.ts'
import { differenceOf, type Reply } from './compare-replies.ts'
import { digestOf, type DataSeries } from './data-set.ts'
import { writeGolden, type GoldenCase } from './golden.ts'
import { Reference, versionOf } from './reference.ts'
import { QUERY_SETS, type QuerySet } from './sets.ts'

const PORT = 19_653
/** At most this share of a set may be empty answers, and this share errors. */
const EMPTY_SHARE = 0.08
const ERROR_SHARE = 0.1
/** Times a query is asked again. */
const REPEATS = 4
/** Bytes of an answer that are worth keeping. */
const REPLY_BYTES_MAX = 5000

const args = process.argv.slice(2)
const newerBinary = args.find((arg) => arg.startsWith('--newer='))?.slice('--newer='.length) ?? null
const [binary, ...names] = args.filter((arg) => !arg.startsWith('--'))
if (binary === undefined) {
  console.error('usage: npm run record-oracle -- PROMETHEUS [--newer=PROMETHEUS] [SET…]')
  process.exit(2)
}

for (const set of QUERY_SETS.filter(({ name }) => names.length === 0 || names.includes(name))) {
  if (!set.isNewer) await record(binary, set, newerBinary)
  else if (newerBinary === null) console.log(`${set.name}: left as it is, for want of --newer`)
  else await record(newerBinary, set, null)
}

async function record(program: string, set: QuerySet, newerBinary: string | null): Promise<void> {
  const data = set.data(set.seed)
  const recorded = await withReference(program, set, data, (reference) => ask(reference, set))
  const cases = newerBinary === null ? recorded : await withReference(newerBinary, set, data, (newer) => askAgain(newer, recorded))
  const newer = newerBinary === null ? '' : versionOf(newerBinary)
  const sizeBytes = writeGolden({ reference: versionOf(program), newer, set: set.name, seed: set.seed, digest: digestOf(data) }, cases)
  const differing = cases.filter((one) => one.newer !== null).length
  console.log(`${set.name}: ${cases.length} queries, ${differing} answered otherwise by ${newer || 'nobody else'}, in ${(sizeBytes / 1024).toFixed(0)} KiB`)
}

async function withReference<T>(program: string, set: QuerySet, data: readonly DataSeries[], use: (reference: Reference) => Promise<T>): Promise<T> {
  const reference = await Reference.start(program, PORT, set)
  try {
    await reference.load(data)
    return await use(reference)
  } finally {
    await reference.stop()
  }
}

/** The cases with the newer version's answers; without those that it does not answer twice alike. */
async function askAgain(newer: Reference, recorded: readonly GoldenCase[]): Promise<GoldenCase[]> {
  const cases: GoldenCase[] = []
  for (const one of recorded) {
    const reply = await newer.ask(one)
    const isSame = differenceOf(one, JSON.parse(one.reply) as Reply, JSON.parse(reply) as Reply) === null
    if (isSame || await isSteady(newer, { ...one, reply })) cases.push({ ...one, newer: isSame ? null : reply })
  }
  return cases
}

async function ask(reference: Reference, set: QuerySet): Promise<GoldenCase[]> {
  const generator = set.generator(set.seed)
  const cases: GoldenCase[] = []
  const seen = new Set<string>()
  const room: Record<Outcome, number> = { value: Infinity, empty: set.count * EMPTY_SHARE, error: set.count * ERROR_SHARE, large: 0 }
  let unsteady = 0
  // What no version takes is asked with the other sets.
  for (let i = set.isNewer ? MALFORMED.length : 0; cases.length < set.count; i++) {
    const query = generator.next(i)
    const key = JSON.stringify(query)
    if (seen.has(key)) continue
    seen.add(key)
    const reply = await reference.ask(query)
    const outcome = outcomeOf(reply)
    if (query.root !== 'malformed' && room[outcome] <= 0) continue
    if (!await isSteady(reference, { ...query, reply, newer: null })) {
      unsteady++
      continue
    }
    room[outcome]--
    cases.push({ ...query, reply, newer: null })
  }
  console.log(`${set.name}: ${unsteady} queries left out: the reference itself does not answer them twice alike`)
  return cases
}

/** Joins hand their series on in the order of a Go map: what picks among equals then changes from run to run. */
async function isSteady(reference: Reference, recorded: GoldenCase): Promise<boolean> {
  for (let i = 0; i < REPEATS; i++) {
    const again = await reference.ask(recorded)
    if (again !== recorded.reply && differenceOf(recorded, JSON.parse(recorded.reply) as Reply, JSON.parse(again) as Reply) !== null) return false
  }
  return true
}

type Outcome = 'value' | 'empty' | 'error' | 'large'

function outcomeOf(reply: string): Outcome {
  if (reply.length > REPLY_BYTES_MAX) return 'large'
  if (reply.startsWith('{"status":"error"')) return 'error'
  return reply.includes('"result":[]') ? 'empty' : 'value'
}
