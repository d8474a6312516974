// Rules whose baselines another engine evaluates, on a fake clock: what they give while they wait, and that it is in the end what
// they give when they evaluate all themselves.
import { describe, expect, it } from 'vitest'
import { Engine } from '../../../../lang/engine.ts'
import { labelsFromRecord } from '../../../../lib/model/labels.ts'
import { AlertingRule } from '../../../../lib/rules/alerting-rule.ts'
import { AwaitedPast, type BaselineAsk } from '../../../../lib/rules/baseline/awaited-past.ts'
import { checkRule } from '../../../../lib/rules/json-rule/check-rule.ts'
import { compileExpr, compileRule, learningRule } from '../../../../lib/rules/json-rule/compile.ts'
import { ruleGroups } from '../../../../lib/rules/json-rule/rule-groups.ts'
import { engineQuery, RuleQueryError, RuleWaitError, type QueryFunc } from '../../../../lib/rules/rule-query.ts'
import { WindowQueries } from '../../../../lib/rules/window/window-query.ts'
import { FakeClock } from '../../../../lib/std/clock.ts'
import { MemoryStorage } from '../../../support/memory-storage.ts'
import { RulesFixture } from '../../../support/rules-fixture.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const WEEK = 168 * HOUR
const LIMITS = { timeoutMs: 60_000, lookbackMs: 300_000 }
/** A full hour. */
const NOW = 1_700_438_400_000

/** Three servers that are alike each week, of which one is high by now, and one that is learning. */
function world(): MemoryStorage {
  const storage = new MemoryStorage()
  for (const server of ['a', 'b', 'c', 'new']) {
    const labels = labelsFromRecord({ __name__: 'load', server_id: server, service: 's', env: 'p' })
    for (const week of server === 'new' ? [0] : [4, 3, 2, 1, 0]) {
      for (let t = NOW - week * WEEK - HOUR; t < NOW - week * WEEK + 2 * HOUR; t += MINUTE) {
        storage.add(labels, t, 20 + (t / MINUTE) % 7 + (week === 0 && t >= NOW && server === 'b' ? 50 : 0))
      }
    }
  }
  return storage
}

const RULE = checkRule({ name: 'n', kind: 'anomaly', metric: 'load', condition: { sigma: 5 } })
const EXPR = compileExpr(RULE)

interface Apart {
  windows: WindowQueries
  asked: BaselineAsk[]
  /** Evaluates in an engine of its own what was asked for. */
  answer: () => void
  past: AwaitedPast
}

function apart(storage: MemoryStorage): Apart {
  const [own, other] = [new Engine(), new Engine()]
  const asked: BaselineAsk[] = []
  const past = new AwaitedPast((ask) => asked.push(ask), (rows) => own.unpacked(rows, storage))
  const answer = (): void => {
    for (const ask of asked.splice(0)) {
      const rows = other.packed({ kind: 'instant', query: ask.text, timeMs: ask.atMs, ...LIMITS, limit: 0, stats: '' }, storage)
      past.receive(structuredClone({ ...ask, rows, error: '' }))
    }
  }
  return { windows: new WindowQueries(engineQuery(own, storage, LIMITS), storage, { ...LIMITS, features: {}, baselines: past }), asked, answer, past }
}

const told = (query: QueryFunc, timeMs: number): [labels: string, value: number][] => query(EXPR, timeMs).map(({ labels, value }) => [labels.join(), value])

describe('an anomaly rule whose baseline is evaluated elsewhere', () => {
  it('waits for its first, compares with the one before while the next is made, and gives what it gives alone', () => {
    const storage = world()
    const { windows, asked, answer } = apart(storage)
    const query = windows.queryFor({ offsetMs: 0, hasBaselines: true })
    const alone = (t: number): [string, number][] => told(new WindowQueries(engineQuery(new Engine(), storage, LIMITS), storage, { ...LIMITS, features: {} }).queryFor({ offsetMs: 0 }), t)
    expect(() => query(EXPR, NOW + 16 * MINUTE)).toThrow(RuleWaitError)
    // Mean and deviation at once, and not again while they are under way.
    expect(asked.map(({ atMs }) => atMs)).toEqual([NOW + 15 * MINUTE, NOW + 15 * MINUTE])
    expect(() => query(EXPR, NOW + 17 * MINUTE)).toThrow(RuleWaitError)
    expect(asked).toHaveLength(2)
    answer()
    const first = told(query, NOW + 18 * MINUTE)
    expect(first.map(([labels]) => /server_id,(\w+)/.exec(labels)![1])).toEqual(['b'])
    expect(first).toEqual(alone(NOW + 18 * MINUTE))
    // Another quarter of an hour has begun: the one before still counts.
    const behind = told(query, NOW + 31 * MINUTE)
    expect(behind).toHaveLength(1)
    expect(behind).not.toEqual(alone(NOW + 31 * MINUTE))
    expect(asked.map(({ atMs }) => atMs)).toEqual([NOW + 30 * MINUTE, NOW + 30 * MINUTE])
    answer()
    expect(told(query, NOW + 31 * MINUTE)).toEqual(alone(NOW + 31 * MINUTE))
    expect(asked).toEqual([])
  })

  it('says why its baseline fails, and tries again a quarter of an hour later; one of an hour ago says nothing', () => {
    const { windows, asked, answer, past } = apart(world())
    const query = windows.queryFor({ offsetMs: 0, hasBaselines: true })
    const fail = (): void => {
      for (const ask of asked.splice(0)) past.receive({ ...ask, rows: null, error: 'its baseline: query timed out' })
    }
    expect(() => query(EXPR, NOW + MINUTE)).toThrow(RuleWaitError)
    fail()
    expect(() => query(EXPR, NOW + 2 * MINUTE)).toThrow(new RuleQueryError('its baseline: query timed out'))
    expect(asked).toEqual([])
    expect(() => query(EXPR, NOW + 15 * MINUTE)).toThrow(RuleWaitError)
    answer()
    expect(told(query, NOW + 16 * MINUTE)).toHaveLength(1)
    for (const minute of [30, 45, 60, 75]) {
      expect(told(query, NOW + minute * MINUTE), `minute ${minute}`).toHaveLength(1)
      fail()
    }
    expect(() => query(EXPR, NOW + 90 * MINUTE)).toThrow(RuleWaitError)
  })

  it('asks again where symbols have come to mean something else meanwhile', () => {
    const { windows, asked, answer, past } = apart(world())
    const query = windows.queryFor({ offsetMs: 0, hasBaselines: true })
    expect(() => query(EXPR, NOW)).toThrow(RuleWaitError)
    for (const ask of asked.splice(0)) {
      past.receive({ ...ask, rows: { idsVersion: 7, symbols: new Uint32Array(0), ends: new Uint32Array(0), texts: [], values: new Float64Array(0) }, error: '' })
    }
    expect(() => query(EXPR, NOW + MINUTE)).toThrow(RuleWaitError)
    answer()
    expect(told(query, NOW + MINUTE)).toHaveLength(1)
  })

  it('has not failed while it waits, and what its alerts said before a start is read back when it is evaluated', async () => {
    const storage = world()
    const clock = new FakeClock(NOW + 20 * MINUTE)
    const group = ruleGroups([{ rule: { ...RULE, forMs: 30 * MINUTE }, configs: [compileRule({ ...RULE, forMs: 30 * MINUTE }, 'id'), learningRule(RULE, 'id')!] }], 'api.yml')[0]!
    const before = apart(storage)
    const first = new RulesFixture(storage, clock, { windows: before.windows })
    await first.apply([group])
    await first.advance(2 * MINUTE)
    const [rule, learning] = first.group.rules as [typeof first.group.rules[0], typeof first.group.rules[0]]
    expect([rule.health.state, rule.health.error, learning.health.state]).toEqual(['unknown', 'its baseline is being evaluated; the rule begins when that is done', 'unknown'])
    expect(first.group.counts.failures).toBe(0)
    before.answer()
    await first.advance(5 * MINUTE)
    expect([rule.health.state, rule.health.error]).toEqual(['ok', ''])
    expect(Object.keys(first.stored('ALERTS_FOR_STATE'))).toHaveLength(1)
    await first.manager.stop()

    const after = apart(storage)
    const second = new RulesFixture(storage, clock, { windows: after.windows, restoreLimits: { outageToleranceMs: HOUR, graceMs: MINUTE } })
    await second.apply([group])
    await second.advance(4 * MINUTE)
    after.answer()
    await second.advance(2 * MINUTE)
    // As before the start: since then the condition holds, but for the minutes that nobody looked.
    const [active] = (second.group.rules[0] as AlertingRule).activeAlerts()
    expect(active!.activeAtMs).toBeLessThan(NOW + 30 * MINUTE)
    await second.manager.stop()
  })
})
