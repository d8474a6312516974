// Every recorded query, asked of our engine over the same data. The reference is Prometheus 3.5.3; where 3.14, which we
// follow, answers otherwise, its answer counts, and the difference must be one of those listed one by one.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Engine } from '../../lang/engine.ts'
import { ALL_FEATURES } from '../../lang/parse/parse.ts'
import { FakeClock } from '../../lib/std/clock.ts'
import { RemoteWriteReceiver } from '../../lib/ingest/remote-write.ts'
import { Metrics } from '../../lib/std/metrics.ts'
import { Database } from '../../storage/database.ts'
import { StoreQueryable } from '../../storage/store-querier.ts'
import type { Queryable } from '../../storage/interface.ts'
import { MemoryStorage } from '../support/memory-storage.ts'
import type { Reply } from './compare-replies.ts'
import { DATA_SPAN_MS, DATA_START_MS, digestOf } from './data-set.ts'
import { readGolden, type GoldenCase } from './golden.ts'
import { load, push } from './loading.ts'
import { QUERY_SETS } from './sets.ts'
import { unexplained, UNFOLLOWED, VERSION_DIFFERENCES } from './version-differences.ts'

const HEAD_BYTES = 256 * 2 ** 20
const counts = new Map<string, number>()

function ask(engine: Engine, { query, startMs, endMs, stepMs }: GoldenCase, queryable: Queryable): Reply {
  const common = { timeoutMs: 30_000, limit: 0, lookbackMs: 300_000, stats: '', query } as const
  const reply = stepMs > 0
    ? engine.run({ ...common, kind: 'range', startMs, endMs, stepMs }, queryable)
    : engine.run({ ...common, kind: 'instant', timeMs: startMs }, queryable)
  return JSON.parse(new TextDecoder().decode(reply.body)) as Reply
}

/** What is wrong with our answer: it must be that of the version we follow, or of the reference where both agree. */
function failureOf(engine: Engine, recorded: GoldenCase, queryable: Queryable): string | null {
  const want = JSON.parse(recorded.newer ?? recorded.reply) as Reply
  const { difference, ids } = unexplained(recorded, want, ask(engine, recorded, queryable), UNFOLLOWED)
  for (const id of ids) counts.set(id, (counts.get(id) ?? 0) + 1)
  return difference === null ? null : `${titleOf(recorded)}\n  ${difference}`
}

/** What the versions differ in that no entry of the list explains. */
function unlistedOf(recorded: GoldenCase): string | null {
  const { difference, ids } = unexplained(recorded, JSON.parse(recorded.reply) as Reply, JSON.parse(recorded.newer!) as Reply)
  for (const id of ids) counts.set(id, (counts.get(id) ?? 0) + 1)
  return difference === null ? null : `${titleOf(recorded)}\n  ${difference}`
}

function titleOf({ query, startMs, endMs, stepMs }: GoldenCase): string {
  return `${query}  at ${startMs}..${endMs} step ${stepMs}`
}

describe.each(QUERY_SETS)('the reference and we over $name', (set) => {
  const { head, cases } = readGolden(set.name)
  const data = set.data(head.seed)
  const engine = new Engine({ features: { ...ALL_FEATURES, delayedNameRemoval: set.isNameDelayed } })
  const storage = new MemoryStorage()
  beforeAll(() => load(storage, data))

  it('speak of the same data', () => expect(digestOf(data)).toBe(head.digest))

  it('speak of enough, and mostly of something', () => {
    const replies = cases.map(({ reply }) => JSON.parse(reply) as Reply)
    const withValues = replies.filter(({ status, data: answer }) => status === 'success' && JSON.stringify(answer!.result) !== '[]')
    expect(cases.length).toBeGreaterThanOrEqual(set.count)
    expect(withValues.length).toBeGreaterThan(cases.length * 0.7)
  })

  it('differ between versions only as listed', () => {
    expect(cases.filter(({ newer }) => newer !== null).map(unlistedOf).filter((failure) => failure !== null)).toEqual([])
  })

  const byRoot = Map.groupBy(cases, ({ root }) => root)
  it.each([...byRoot])('agree on queries of %s', (_, some) => {
    expect(some.map((recorded) => failureOf(engine, recorded, storage)).filter((failure) => failure !== null)).toEqual([])
  })
})

/** Every how many-th case is asked of the real store too. */
const STRIDE = 5

describe.each(QUERY_SETS)('the reference and we over $name pushed to the real store', (set) => {
  const { head, cases } = readGolden(set.name)
  const engine = new Engine({ features: { ...ALL_FEATURES, delayedNameRemoval: set.isNameDelayed } })
  const folder = mkdtempSync(path.join(tmpdir(), 'differential-'))
  const settings = { folder, retentionMs: Infinity, outOfOrderMs: Infinity, headBytesMax: HEAD_BYTES, clock: new FakeClock(DATA_START_MS + DATA_SPAN_MS) }
  let database: Database
  let queryable: StoreQueryable
  beforeAll(async () => {
    const first = new Database(settings)
    await push(new RemoteWriteReceiver(first, new Metrics(), 1), set.data(head.seed))
    await first.close()
    // Read back from disk: the log replayed, rows encoded and decoded.
    database = new Database(settings)
    queryable = new StoreQueryable(database.handle(), 1)
  })
  afterAll(async () => {
    queryable.close()
    await database.close()
    rmSync(folder, { recursive: true, force: true })
  })

  it('agree after a restart', () => {
    const some = cases.filter((_, i) => i % STRIDE === 0)
    expect(some.map((recorded) => failureOf(engine, recorded, queryable)).filter((failure) => failure !== null)).toEqual([])
  })
})

afterAll(() => {
  for (const { id, reason } of VERSION_DIFFERENCES) console.log(`3.5.3 and 3.14.0 differ, ${id}: ${counts.get(id) ?? 0} (${reason})`)
  for (const { id, reason } of UNFOLLOWED) console.log(`3.14.0 not followed, ${id}: ${counts.get(id) ?? 0} (${reason})`)
})
