// Series of one selector that are kept for different times: each answers from what is left of its own.
import { expect, it } from 'vitest'
import { Engine } from '../../lang/engine.ts'
import { labelsFromRecord } from '../../lib/model/labels.ts'
import type { Matcher } from '../../lib/model/matcher.ts'
import { FakeClock } from '../../lib/std/clock.ts'
import { Random } from '../../lib/std/random.ts'
import type { Database } from '../../storage/database.ts'
import { PARTS_MAX, splitByRule, type RetentionRule } from '../../storage/retention-rules.ts'
import { StoreQueryable } from '../../storage/store-querier.ts'
import { expectSame } from '../support/expect-same.ts'
import { testSeed } from '../support/seed.ts'
import { tempFolder } from '../support/temp-folder.ts'
import { append, batchOf, open } from './store.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const T0 = Math.floor(1_700_000_000_000 / (6 * HOUR)) * 6 * HOUR
const HOURS = 40

/** Every five minutes a sample of each job, and all jobs on blocks done. `ci` has raw for 6 h and minutes for 12, `audit` raw for 36 h; others raw for 20 h and minutes for 14; `teams` have rules of their own, each second one as `ci`. */
async function lived(clock: FakeClock, teams: readonly string[] = []): Promise<Database> {
  const db = open(tempFolder(), { clock, retentionMs: 20 * HOUR })
  const rule = (job: string, raw: number, minutes: number | null): RetentionRule => ({ matchers: [{ name: 'job', op: '=', value: job }], ages: { 'raw': raw, '1m': minutes, '1h': null } })
  db.setLimits({
    retentionMs: 20 * HOUR, retentionBytes: Infinity, minuteRetentionMs: 14 * HOUR, hourRetentionMs: 0, outOfOrderMs: 0,
    rules: [...teams.map((team, i) => rule(team, (i % 2 === 0 ? 6 : 18) * HOUR, 12 * HOUR)), rule('nowhere', HOUR, HOUR), rule('ci', 6 * HOUR, 12 * HOUR), rule('audit', 36 * HOUR, null)],
  })
  const refs = ['ci', 'audit', 'app', ...teams].map((job) => db.series(labelsFromRecord({ __name__: 'm', job })))
  for (let k = 1; k <= HOURS * 12; k++) {
    await clock.advance(5 * MINUTE)
    append(db, batchOf(clock.now(), refs, refs.map((_, i) => (i + 1) * k)))
    if (k % 12 !== 0) continue
    for (let round = 0; round < 3; round++) {
      await db.maintain()
      await db.blocks.idle()
    }
  }
  return db
}

interface Reply {
  data: { result: { metric: { job: string }; value?: [number, string]; values?: [number, string][] }[] }
  warnings?: string[]
}

it('a query over all of them has of each what one of it alone has', async () => {
  const clock = new FakeClock(T0)
  const db = await lived(clock)
  const queryable = new StoreQueryable(db.handle(), 1)
  const ask = (query: string, agoMs: number): Reply => JSON.parse(new TextDecoder().decode(new Engine().run({
    kind: 'instant', query, timeMs: clock.now() - agoMs, lookbackMs: 5 * MINUTE, stats: '', timeoutMs: 60_000, limit: 0,
  }, queryable).body)) as Reply
  // The windows begin and end within minutes, so that rows of these show.
  const queries = ['count_over_time(m[59m])', 'm', 'sum_over_time(m[31m])', 'm[31m]', 'max_over_time(timestamp(m)[10m:1m])', 'increase(m[1h])', 'rate(m[29m] offset 7m)']
  for (const agoMs of [HOUR, 8 * HOUR, 13 * HOUR, 18 * HOUR, 30 * HOUR].map((ms) => ms + 90_000)) {
    for (const query of queries) {
      const all = ask(query, agoMs)
      const alone = ['app', 'audit', 'ci'].flatMap((job) => ask(query.replaceAll('m[', `m{job="${job}"}[`).replace('(m)', `(m{job="${job}"})`).replace(/^m$/, `m{job="${job}"}`), agoMs).data.result)
      expect(all.data.result.toSorted((a, b) => (a.metric.job < b.metric.job ? -1 : 1)), `${query} ${agoMs / HOUR} h ago`).toEqual(alone)
    }
    const counts = Object.fromEntries(ask('count_over_time(m[59m])', agoMs).data.result.map(({ metric, value }) => [metric.job, Number(value![1])]))
    expect(counts['audit'], `${agoMs / HOUR} h ago`).toBe(12)
    expect(counts['app'], `${agoMs / HOUR} h ago`).toBe(agoMs < 20 * HOUR ? 12 : undefined)
  }
  // Steps on both sides of each bound.
  const range = JSON.parse(new TextDecoder().decode(new Engine().run({
    kind: 'range', query: 'count_over_time(m[59m])', startMs: clock.now() - 38 * HOUR, endMs: clock.now(), stepMs: 30 * MINUTE, lookbackMs: 5 * MINUTE, stats: '', timeoutMs: 60_000, limit: 0,
  }, queryable).body)) as Reply
  const firstOf = (job: string): number => (clock.now() / 1000 - range.data.result.find(({ metric }) => metric.job === job)!.values![0]![0]) / 3600
  expect([firstOf('audit'), firstOf('app')]).toEqual([36, 20])
  queryable.close()
  await db.close()
}, 120_000)

it('shows no rows that are past their own retention, though they are still on disk', async () => {
  const clock = new FakeClock(T0)
  const db = await lived(clock)
  // Blocks in which others have most series stay as they are.
  const other = db.series(labelsFromRecord({ __name__: 'm', job: 'app' }))
  for (let k = 0; k < 18; k++) {
    await clock.advance(5 * MINUTE)
    append(db, batchOf(clock.now(), [other], [k]))
  }
  await db.maintain()
  await db.blocks.idle()
  const queryable = new StoreQueryable(db.handle(), 1)
  const points = (query: string, agoMs: number): number => {
    const { body } = new Engine().run({ kind: 'instant', query, timeMs: clock.now() - agoMs, lookbackMs: 5 * MINUTE, stats: '', timeoutMs: 60_000, limit: 0 }, queryable)
    return (JSON.parse(new TextDecoder().decode(body)) as Reply).data.result.length
  }
  for (const query of ['count_over_time(m{job="ci"}[10m])', 'm{job="ci"}', 'quantile_over_time(0.5, m{job="ci"}[10m])', 'changes(m{job="ci"}[10m])']) {
    expect(points(query, 11.5 * HOUR), query).toBe(1)
    expect(points(query, 12.6 * HOUR), query).toBe(0)
  }
  const querier = queryable.querier()
  const refs = (mint: number, maxt: number): number => querier.seriesRefs([[{ name: 'job', op: '=', value: 'ci' }]], clock.now() - mint, clock.now() - maxt).length
  expect([refs(11.6 * HOUR, 11.5 * HOUR), refs(12.7 * HOUR, 12.6 * HOUR)]).toEqual([1, 0])
  querier.close()
  queryable.close()
  await db.close()
}, 60_000)

it('also where a rule for each of a hundred teams tells them apart', async () => {
  const clock = new FakeClock(T0)
  const teams = Array.from({ length: 100 }, (_, i) => `t${i}`)
  const db = await lived(clock, teams)
  const queryable = new StoreQueryable(db.handle(), 1)
  const counts = (query: string, agoMs: number): Map<string, number> => {
    const { body } = new Engine().run({ kind: 'instant', query, timeMs: clock.now() - agoMs, lookbackMs: 5 * MINUTE, stats: '', timeoutMs: 60_000, limit: 0 }, queryable)
    return new Map((JSON.parse(new TextDecoder().decode(body)) as Reply).data.result.map(({ metric, value }) => [metric.job, Number(value![1])]))
  }
  for (const agoMs of [8 * HOUR, 15 * HOUR, 30 * HOUR].map((ms) => ms + 90_000)) {
    const all = counts('count_over_time(m[59m])', agoMs)
    for (const job of ['ci', 'app', 'audit', 't0', 't1', 't98', 't99']) expect(all.get(job), `${job} ${agoMs / HOUR} h ago`).toBe(counts(`count_over_time(m{job="${job}"}[59m])`, agoMs).get(job))
  }
  expect(counts('count_over_time(m[59m])', 15 * HOUR).get('t1'), 'raw of 18 h').toBe(12)
  expect(counts('count_over_time(m[59m])', 15 * HOUR).get('t0'), 'nothing of 12 h').toBeUndefined()
  queryable.close()
  await db.close()
}, 120_000)

it('parts of a selector hold each series once, whatever the rules', () => {
  const seed = testSeed()
  const random = new Random(seed)
  const values = ['x', 'y', 'z']
  const matcher = (): Matcher => ({ name: 'abc'[random.int(3)]!, op: (['=', '!=', '=~', '!~'] as const)[random.int(4)]!, value: 'xyz'[random.int(3)]! })
  const isMet = (list: readonly Matcher[], labels: Record<string, string>): boolean => list.every(({ name, op, value }) => (labels[name] === value) === (op === '=' || op === '=~'))
  for (let round = 0; round < 500; round++) {
    const rules = Array.from({ length: random.int(5) }, (): RetentionRule => ({ matchers: Array.from({ length: random.int(3) }, matcher), ages: { 'raw': 1, '1m': null, '1h': null } }))
    const asked = Array.from({ length: random.int(2) }, matcher)
    const isThere = (part: readonly Matcher[]): boolean => values.some((a) => values.some((b) => values.some((c) => isMet(part, { a, b, c }))))
    const parts = splitByRule(asked, rules, isThere)
    expect(parts.every(({ rule }) => rule !== null || parts.length >= PARTS_MAX)).toBe(true)
    if (parts.length >= PARTS_MAX) continue
    for (const a of 'xyz') for (const b of 'xyz') for (const c of 'xyz') {
      const labels = { a, b, c }
      const first = rules.findIndex(({ matchers }) => isMet(matchers, labels))
      const own = parts.filter(({ matchers }) => isMet(matchers, labels))
      expect(own.length, `seed ${seed}, round ${round}`).toBe(isMet(asked, labels) ? 1 : 0)
      // No two rules share a part.
      for (const { matchers: part, rule } of own) for (const x of 'xyz') for (const y of 'xyz') for (const z of 'xyz') {
        const other = { a: x, b: y, c: z }
        if (!isMet(part, other)) continue
        expectSame(rules.findIndex(({ matchers }) => isMet(matchers, other)), first, `seed ${seed}, round ${round}`)
        expectSame(rule, first === -1 ? rules.length : first, `seed ${seed}, round ${round}`)
      }
    }
  }
  const many = Array.from({ length: 2 * PARTS_MAX }, (_, i): RetentionRule => ({ matchers: [{ name: 'a', op: '=', value: String(i) }], ages: { 'raw': 1, '1m': null, '1h': null } }))
  const bounded = splitByRule([], many, () => true)
  expect(bounded.length).toBe(PARTS_MAX)
  // The last one holds what is left.
  expect(bounded.at(-1)!.rule).toBeNull()
  expect(bounded.at(-1)!.matchers).toEqual(many.slice(0, PARTS_MAX - 1).map(({ matchers: [one] }) => ({ ...one, op: '!=' })))
  expect(splitByRule([], many, (part) => part.every(({ op }) => op === '!='))).toHaveLength(1)
})
