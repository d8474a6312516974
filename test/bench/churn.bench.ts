// Pods that come and go: 50 generations of 20,000 series, each with samples for two hours. Memory is to go by those of the
// last hours, while all stay to be asked for.
//
//   node test/bench/churn.bench.ts [GENERATIONS] [SERIES]
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { FakeClock } from '../../lib/std/clock.ts'
import { labelsFromRecord } from '../../lib/model/labels.ts'
import type { Matcher } from '../../lib/model/matcher.ts'
import { Database } from '../../storage/database.ts'
import { StoreQueryable } from '../../storage/store-querier.ts'

const HOUR = 3_600_000
const START = Math.floor(1_700_000_000_000 / (6 * HOUR)) * 6 * HOUR
const TARGET_SERIES = 500
const [generations, count] = [Number(process.argv[2] ?? 50), Number(process.argv[3] ?? 20_000)]
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'monitor-churn-'))
const clock = new FakeClock(START)
const jobUrl = new URL('../../cmd/maintenance-worker.ts', import.meta.url)
const options = { folder, retentionMs: 7 * 24 * HOUR, headBytesMax: 2 ** 31, clock, jobUrl }

function open(): Database {
  return new Database(options)
}

async function maintained(db: Database): Promise<void> {
  for (let round = 0; round < 3; round++) {
    await db.maintain()
    await db.blocks.idle()
  }
}

async function generation(db: Database, number: number): Promise<void> {
  const targets: Uint32Array[] = []
  for (let first = 0; first < count; first += TARGET_SERIES) {
    targets.push(Uint32Array.from({ length: Math.min(TARGET_SERIES, count - first) }, (_, i) => db.series(labelsFromRecord({
      __name__: `container_metric_${i % 50}`, job: 'kubelet', namespace: `team-${(first / TARGET_SERIES) % 20}`,
      pod: `api-${number}-${first / TARGET_SERIES}`, container: `c${Math.floor(i / 50)}`,
    }))))
  }
  const values = new Float64Array(TARGET_SERIES).map((_, i) => i)
  const verdicts = new Uint8Array(TARGET_SERIES)
  for (let k = 0; k < 24; k++) {
    for (const refs of targets) {
      for (let i = 0; i < values.length; i++) values[i]! += i % 7
      db.append({ count: refs.length, refs, values, t: clock.now(), times: null, stale: null }, verdicts)
    }
    clock.jump(5 * 60_000)
    await db.commit()
  }
  await maintained(db)
}

/** Series that have samples in a generation's two hours. */
function found(queryable: StoreQueryable, number: number, matchers: readonly Matcher[]): number {
  const querier = queryable.querier()
  const mint = START + number * 2 * HOUR
  let series = 0
  const selection = querier.select(matchers, mint, mint + 2 * HOUR - 1, { startMs: 0, endMs: 0, stepMs: 0, rangeMs: 0, func: '' })
  for (let batch = selection.next(); batch; batch = selection.next()) series += batch.seriesCount
  querier.close()
  return series
}

const MIB = 2 ** 20
let db = open()
console.log(`${generations} generations of ${count} series`)
for (let number = 0; number < generations; number++) {
  const started = performance.now()
  await generation(db, number)
  if (number % 5 !== 4 && number > 9) continue
  const rss = process.memoryUsage().rss
  console.log(`after ${number + 1}: ${db.seriesCount} of ${db.head.series.newest} series in the head, ${(db.headBytes / MIB).toFixed(1)} MiB of head, `
    + `RSS ${(rss / MIB).toFixed(0)} MiB, definitions ${(fs.statSync(`${folder}/series/definitions`).size / MIB).toFixed(1)} MiB, ${((performance.now() - started) / 1000).toFixed(1)} s`)
}
const queryable = new StoreQueryable(db.handle(), 1)
for (const number of [0, Math.floor(generations / 2), generations - 1]) {
  for (const matchers of [[{ name: '__name__', op: '=', value: 'container_metric_7' }], [{ name: 'pod', op: '=~', value: `api-${number}-1.` }]] as Matcher[][]) {
    const times = [0, 1].map(() => {
      const started = performance.now()
      const series = found(queryable, number, matchers)
      return { series, ms: performance.now() - started }
    })
    console.log(`generation ${number}, ${matchers[0]!.name}: ${times.map(({ series, ms }) => `${series} series in ${ms.toFixed(1)} ms`).join(', again ')}`)
  }
}
queryable.close()
await db.close()
const started = performance.now()
db = open()
console.log(`restart: ${db.recovery.series} series, ${(performance.now() - started).toFixed(0)} ms`)
await db.close()
fs.rmSync(folder, { recursive: true })
