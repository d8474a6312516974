// A rule replayed over history: the episodes that live evaluation would have given.
import { describe, expect, it } from 'vitest'
import { Engine } from '../../../lang/engine.ts'
import { labelsFromRecord, labelsToMap } from '../../../lib/model/labels.ts'
import type { RuleConfig } from '../../../lib/config/rule-config.ts'
import type { SentAlert } from '../../../lib/model/alert.ts'
import { backtest, type BacktestJob, type BacktestResult } from '../../../lib/rules/backtest.ts'
import { checkRule } from '../../../lib/rules/json-rule/check-rule.ts'
import { compileRule } from '../../../lib/rules/json-rule/compile.ts'
import { engineQuery } from '../../../lib/rules/rule-query.ts'
import { WindowQueries } from '../../../lib/rules/window/window-query.ts'
import { FakeClock, systemClock } from '../../../lib/std/clock.ts'
import { Random } from '../../../lib/std/random.ts'
import { MemoryStorage } from '../../support/memory-storage.ts'
import { testSeed } from '../../support/seed.ts'
import { alertRule, ruleGroup, RulesFixture, START_MS } from '../../support/rules-fixture.ts'

const STEP_MS = 10_000
const SPAN_MS = 600_000
const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

function replay(storage: MemoryStorage, job: Partial<BacktestJob> & Pick<BacktestJob, 'rule'>, timeoutMs = 30_000): BacktestResult {
  return backtest({
    fromMs: START_MS, toMs: START_MS + 600_000, stepMs: STEP_MS, queryOffsetMs: 0, externalLabels: new Map(), externalUrl: '', ...job,
  }, { engine: new Engine(), queryable: storage, clock: systemClock, lookbackMs: 300_000, timeoutMs, features: {} })
}

/** One sample a step. */
function store(values: readonly number[], more: Record<string, string> = {}, storage = new MemoryStorage()): MemoryStorage {
  values.forEach((value, k) => storage.add(labelsFromRecord({ __name__: 'x', ...more }), START_MS + k * STEP_MS, value))
  return storage
}

const WINDOWS = ['20s', '30s', '45s', '90s', '3m']
/** A condition over values from 0 to 9 that holds now and then. */
const threshold = (random: Random): object => {
  const aggregation = random.pick(['avg', 'min', 'max', 'last', 'p99'])
  return random.int(8) === 0
    ? { operator: 'gte', threshold: 3, window: '40s', aggregation: 'count' }
    : { operator: random.pick(['gt', 'gte', 'lt', 'lte']), threshold: 3 + random.int(4), window: random.pick(WINDOWS), aggregation }
}
/** Rules of each kind, as the API takes them. */
const BODIES: Readonly<Record<string, (random: Random) => object>> = {
  threshold: (random) => ({ metric: 'x', condition: threshold(random), ...(random.int(3) === 0 ? { filters: { server_id: ['a', 'b'] } } : {}) }),
  'rate of change': (random) => ({
    kind: 'rate_of_change', metric: 'x', condition: { operator: random.pick(['gte', 'lt']), window: random.pick(WINDOWS), ...random.pick([{ threshold: 50, change: 'percent' }, { threshold: 2, change: 'absolute' }]) },
  }),
  absence: (random) => ({ kind: 'absence', metric: 'x', condition: { window: random.pick(['20s', '30s']), remember: random.pick(['2m', '5m']) } }),
  composite: (random) => ({ kind: 'composite', match: random.pick(['all', 'any']), conditions: [{ metric: 'x', ...threshold(random) }, { metric: 'y', ...threshold(random) }] }),
  anomaly: (random) => ({
    kind: 'anomaly', metric: 'x', condition: { sigma: random.pick([1, 1.5]), direction: random.pick(['both', 'above', 'below']), window: '30s', season: 'hour_of_day', baseline: '2d', borrow_by: ['service'] },
  }),
}

/** Ten minutes of a few servers' gauges with gaps, whose values come and go in runs, and a day and two before. */
function history(random: Random): MemoryStorage {
  const storage = new MemoryStorage()
  for (const [server, metric] of ['a', 'b', 'c'].flatMap((name) => [[name, 'x'], [name, 'y']] as const)) {
    const labels = labelsFromRecord({ __name__: metric, server_id: server, instance: `${server}:1`, service: 's' })
    for (const [fromMs, stepMs] of [[START_MS - 2 * DAY_MS - HOUR_MS, 300_000], [START_MS - DAY_MS - HOUR_MS, 300_000], [START_MS, STEP_MS]] as const) {
      let value = random.int(10)
      let isGone = false
      for (let t = fromMs; t <= fromMs + (stepMs === STEP_MS ? SPAN_MS : 2 * HOUR_MS); t += stepMs) {
        if (random.int(3) === 0) value = random.int(10)
        if (random.int(isGone ? 4 : 12) === 0) isGone = !isGone
        if (!isGone) storage.add(labels, t + random.int(1000), value)
      }
    }
  }
  return storage
}

const episode = (labels: Readonly<Record<string, string>>, firedAtMs: number, endedAtMs: number | null): string => `${JSON.stringify(labels)} ${firedAtMs} ${endedAtMs}`

/** What the rules tell of over ten minutes as time goes by, windows kept as their thread does; in order. */
async function live(storage: MemoryStorage, rule: RuleConfig): Promise<{ alerts: string[]; firstMs: number; lastMs: number }> {
  const clock = new FakeClock(START_MS)
  const limits = { timeoutMs: 10_000, lookbackMs: 300_000 }
  const windows = new WindowQueries(engineQuery(new Engine(), storage, limits), storage, { ...limits, features: {} })
  const lasting = new Map<string, string>()
  const alerts: string[] = []
  const fixture = new RulesFixture(storage, clock, {
    windows,
    notify: {
      resendMs: 1,
      send: (sent: readonly SentAlert[]) => {
        for (const { labels, startsAtMs, endsAtMs } of sent) {
          const record = Object.fromEntries(labelsToMap(labels))
          const key = `${JSON.stringify(record)} ${startsAtMs}`
          // What goes on ends later than now.
          if (endsAtMs > clock.now()) lasting.set(key, episode(record, startsAtMs, null))
          else if (lasting.delete(key)) alerts.push(episode(record, startsAtMs, endsAtMs))
        }
      },
    },
  })
  await fixture.apply([ruleGroup([rule], { intervalMs: STEP_MS })])
  await fixture.advance(SPAN_MS)
  await fixture.manager.stop()
  const { counts } = fixture.group
  return { alerts: [...alerts, ...lasting.values()].toSorted(), firstMs: counts.lastAtMs - (counts.iterations - 1) * STEP_MS, lastMs: counts.lastAtMs }
}

const shown = ({ alerts }: BacktestResult): unknown[] => alerts.map(({ activeAtMs, firedAtMs, endedAtMs, value }) => [activeAtMs, firedAtMs, endedAtMs].map((ms) => (ms === null ? null : (ms - START_MS) / STEP_MS)).concat(value))

describe('backtest', () => {
  it('tells when each alert became active, fired and ended', () => {
    const storage = store([0, 9, 0, 9, 9, 9, 9, 8, 0, 0, 0, 0, 9, 9, 9, 9, ...Array<number>(45).fill(7)])
    const result = replay(storage, { rule: alertRule('A', 'x > 5', { forMs: 30_000, keepFiringForMs: 20_000, labels: new Map([['sev', '{{ len $labels }} labels']]) }) })
    // keep_firing_for counts from the first evaluation that no longer gives the alert.
    expect(shown(result)).toEqual([[3, 6, 10, 9], [12, 15, null, 9], [1, null, 2, 9]])
    expect(result).toMatchObject({ expr: 'x > 5', steps: 61, stepMs: STEP_MS, firedCount: 2, seriesCount: 1 })
    expect(result.alerts[0]!.labels).toEqual({ alertname: 'A', sev: '1 labels' })
  })

  it('goes on over stretches of steps as if there were none', () => {
    const storage = store(Array.from({ length: 1300 }, (_, k) => (k >= 490 && k < 510 ? 9 : k === 1299 ? 9 : 0)))
    expect(shown(replay(storage, { rule: alertRule('A', 'x > 5'), toMs: START_MS + 1299 * STEP_MS }))).toEqual([[490, 490, 510, 9], [1299, 1299, null, 9]])
  })

  it('looks back by query_offset', () => {
    expect(shown(replay(store([0, 9, 9, ...Array<number>(60).fill(0)]), { rule: alertRule('A', 'x > 5'), queryOffsetMs: 20_000 }))).toEqual([[3, 3, 5, 9]])
  })

  it.each(Object.entries(BODIES))('fires and ends when live evaluation of %s does, over random histories', async (_kind, bodyOf) => {
    const seed = testSeed()
    let firedCount = 0
    for (let k = 0; k < 12; k++) {
      const random = new Random(seed + k)
      const storage = history(random)
      const rule = compileRule({ ...checkRule({ name: 'A', interval: '10s', ...bodyOf(random) }), forMs: random.int(3) * STEP_MS, resolveAfterMs: random.int(3) * STEP_MS }, 'id')
      const { alerts, firstMs, lastMs } = await live(storage, rule)
      const replayed = replay(storage, { rule, fromMs: firstMs, toMs: lastMs }).alerts.filter(({ firedAtMs }) => firedAtMs !== null)
      const told = replayed.map(({ labels, firedAtMs, endedAtMs }) => episode(labels, firedAtMs!, endedAtMs))
      expect(told.toSorted(), `seed ${seed}, history ${k}`).toEqual(alerts)
      firedCount += told.length
    }
    // A kind that never fires compares nothing.
    expect(firedCount).toBeGreaterThan(10)
  }, 60_000)

  it('lists a thousand alerts, those that fired first, and counts all', () => {
    const storage = new MemoryStorage()
    for (let i = 0; i < 1200; i++) store([i < 100 ? 9 : 0, 9, 9], { i: String(i) }, storage)
    const result = replay(storage, { rule: alertRule('A', 'x > 5', { forMs: 20_000 }), toMs: START_MS + 20_000 })
    expect(result).toMatchObject({ firedCount: 100, seriesCount: 100 })
    expect(result.alerts).toHaveLength(1000)
    expect(result.alerts.slice(0, 100).every(({ firedAtMs }) => firedAtMs !== null)).toBe(true)
  })

  it.each([
    ['x / on () group_left () x > 0', /^at 2023-11-14T22:13:20.000Z the rule fails: .*found duplicate series for the match group/s],
    ['label_replace(x, "i", "", "", "") > 0', /vector cannot contain metrics with the same labelset|vector contains metrics with the same labelset/],
  ])('says why %s cannot be replayed', (expr, message) => {
    const storage = store([1, 1], { i: '1' })
    store([1, 1], { i: '2' }, storage)
    expect(() => replay(storage, { rule: alertRule('A', expr) })).toThrow(message)
  })

  it('ends when its time is over', () => {
    expect(() => replay(store([1]), { rule: alertRule('A', 'x > 0') }, 0)).toThrow('replaying takes longer than 0 s; give a shorter range, a longer step, or filters')
  })
})
