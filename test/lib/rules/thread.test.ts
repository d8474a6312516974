// What becomes of the rules when their thread dies.
import { describe, expect, it, onTestFinished } from 'vitest'
import type { RuleRequest } from '../../../lib/rules/rule-list.ts'
import { RuleMetrics } from '../../../lib/rules/rule-metrics.ts'
import { RuleWriter } from '../../../lib/rules/rule-writer.ts'
import { BaselineThread } from '../../../lib/rules/baseline/baseline-thread.ts'
import { RulesThread } from '../../../lib/rules/thread.ts'
import { isAnswered } from '../../../cmd/heartbeat.ts'
import { FakeClock } from '../../../lib/std/clock.ts'
import { Logger, silentLogger } from '../../../lib/std/log.ts'
import { Metrics } from '../../../lib/std/metrics.ts'
import { MemoryAppender } from '../../support/memory-appender.ts'
import { waitFor } from '../../support/monitor-process.ts'
import { recordRule, ruleGroup } from '../../support/rules-fixture.ts'

const SETTINGS = { groups: [ruleGroup([recordRule('a', '1')])], evaluationIntervalMs: 60_000, queryOffsetMs: 0, externalLabels: new Map(), externalUrl: '' }
const ALERTS: RuleRequest = { kind: 'alerts' }

function idle(clock: FakeClock): BaselineThread {
  return new BaselineThread({ workerUrl: new URL('../../support/hanging-rules-worker.ts', import.meta.url), workerData: {}, clock, queryTimeoutMs: 120_000, onGone: () => {} })
}

describe('the thread of the rules', () => {
  it('is started again after it died, later each time, and says so meanwhile', async () => {
    const clock = new FakeClock()
    const log: string[] = []
    let gone = 0
    let doubts = 0
    const thread = new RulesThread({
      workerUrl: new URL('../../support/dying-rules-worker.ts', import.meta.url), workerData: {}, writer: new RuleWriter(new MemoryAppender()), metrics: new RuleMetrics(new Metrics()),
      queryTimeoutMs: 120_000, onAlerts: () => {}, pending: { receive: () => {}, doubt: () => doubts++ }, baselines: idle(clock), clock, logger: new Logger({ level: 'info', format: 'logfmt', clock, write: (line) => log.push(line) }), onGone: () => gone++,
    })
    onTestFinished(() => thread.stop())
    const text = async (): Promise<string> => Buffer.from((await thread.ask(ALERTS)).body).toString()
    expect(await text()).toBe('{"status":"success","data":{"alerts":[]}}')
    thread.apply({ ...SETTINGS, groups: [] })
    expect(await text()).toBe('{"status":"success","data":{"alerts":[]}}')
    expect(gone).toBe(0)
    thread.apply(SETTINGS)
    const asked = thread.ask(ALERTS)
    for (const [deaths, delayMs] of [[1, 1000], [2, 2000], [3, 4000]] as const) {
      await waitFor('its end', () => Promise.resolve(gone === deaths))
      expect(await thread.ask(ALERTS)).toMatchObject({ status: 503 })
      expect(doubts).toBe(deaths)
      expect(log.at(-1)).toMatch(new RegExp(`the thread of the rules has ended and is started again".* err="a fault of our own" delay_ms=${delayMs}`))
      await clock.advance(delayMs - 1)
      expect(gone).toBe(deaths)
      await clock.advance(1)
    }
    expect(await asked).toMatchObject({ status: 503 })
  }, 120_000)

  it('is ended when it hangs for longer than any query may take', async () => {
    const clock = new FakeClock()
    let gone = 0
    const thread = new RulesThread({
      workerUrl: new URL('../../support/hanging-rules-worker.ts', import.meta.url), workerData: {}, writer: new RuleWriter(new MemoryAppender()), metrics: new RuleMetrics(new Metrics()),
      queryTimeoutMs: 120_000, onAlerts: () => {}, pending: { receive: () => {}, doubt: () => {} }, baselines: idle(clock), clock, logger: silentLogger, onGone: () => gone++,
    })
    onTestFinished(() => thread.stop())
    thread.apply(SETTINGS)
    // Its heartbeat stays behind meanwhile.
    const refused = expect(isAnswered(thread.ask(ALERTS))).rejects.toThrow('the rules are busy')
    await clock.advance(10_000 + 150_000)
    await refused
    expect(gone).toBe(0)
    await clock.advance(10_000)
    await waitFor('its end', () => Promise.resolve(gone === 1))
  }, 120_000)
})
