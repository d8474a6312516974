// A rule replayed over history: the episodes that live evaluation would have given.
import { describe, expect, it } from 'vitest'
import { Engine } from '../../../lang/engine.ts'
import { labelsFromRecord, labelsToMap } from '../../../lib/model/labels.ts'
import type { SentAlert } from '../../../lib/model/alert.ts'
import { backtest, type BacktestJob, type BacktestResult } from '../../../lib/rules/backtest.ts'
import { systemClock } from '../../../lib/std/clock.ts'
import { Random } from '../../../lib/std/random.ts'
import { MemoryStorage } from '../../support/memory-storage.ts'
import { alertRule, ruleGroup, RulesFixture, START_MS } from '../../support/rules-fixture.ts'

const STEP_MS = 10_000

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

const shown = ({ alerts }: BacktestResult): unknown[] => alerts.map(({ activeAtMs, firedAtMs, endedAtMs, value }) => [activeAtMs, firedAtMs, endedAtMs].map((ms) => (ms === null ? null : (ms - START_MS) / STEP_MS)).concat(value))

describe('backtest', () => {
  it('tells when each alert became active, fired and ended', () => {
    const storage = store([0, 9, 0, 9, 9, 9, 9, 8, 0, 0, 0, 0, 9, 9, 9, 9, ...Array<number>(45).fill(7)])
    const result = replay(storage, { rule: alertRule('A', 'x > 5', { forMs: 30_000, keepFiringForMs: 20_000, labels: new Map([['sev', '{{ len $labels }} labels']]) }) })
    // keep_firing_for counts from the first evaluation that no longer gives the alert.
    expect(shown(result)).toEqual([[3, 6, 10, 9], [12, 15, null, 9], [1, null, 2, 9]])
    expect(result).toMatchObject({ expr: 'x > 5', steps: 61, firedCount: 2, seriesCount: 1 })
    expect(result.alerts[0]!.labels).toEqual({ alertname: 'A', sev: '1 labels' })
  })

  it('goes on over stretches of steps as if there were none', () => {
    const storage = store(Array.from({ length: 1300 }, (_, k) => (k >= 490 && k < 510 ? 9 : k === 1299 ? 9 : 0)))
    expect(shown(replay(storage, { rule: alertRule('A', 'x > 5'), toMs: START_MS + 1299 * STEP_MS }))).toEqual([[490, 490, 510, 9], [1299, 1299, null, 9]])
  })

  it('looks back by query_offset', () => {
    expect(shown(replay(store([0, 9, 9, ...Array<number>(60).fill(0)]), { rule: alertRule('A', 'x > 5'), queryOffsetMs: 20_000 }))).toEqual([[3, 3, 5, 9]])
  })

  it('fires when live evaluation does, over random histories', async () => {
    for (let seed = 1; seed <= 20; seed++) {
      const random = new Random(seed)
      const storage = new MemoryStorage()
      for (let i = 0; i < 3; i++) store(Array.from({ length: 61 }, () => random.int(10)), { i: String(i) }, storage)
      const rule = alertRule('A', 'x > 4', { forMs: random.int(3) * 10_000, keepFiringForMs: random.int(3) * 10_000 })
      const live = new Set<string>()
      const fixture = new RulesFixture(storage, undefined, {
        notify: { resendMs: 1, send: (alerts: readonly SentAlert[]) => alerts.forEach(({ labels, startsAtMs }) => live.add(`${labelsToMap(labels).get('i')} ${startsAtMs}`)) },
      })
      await fixture.apply([ruleGroup([rule], { intervalMs: STEP_MS })])
      await fixture.advance(600_000)
      await fixture.manager.stop()
      const firstMs = fixture.group.counts.lastAtMs - (fixture.group.counts.iterations - 1) * STEP_MS
      const replayed = replay(storage, { rule, fromMs: firstMs, toMs: fixture.group.counts.lastAtMs }).alerts.filter(({ firedAtMs }) => firedAtMs !== null)
      expect(new Set(replayed.map(({ labels, firedAtMs }) => `${labels['i']} ${firedAtMs}`)), `seed ${seed}`).toEqual(live)
    }
  })

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
