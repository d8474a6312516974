// Prometheus' rules for `for` after a restart: tolerance 1 h, grace 10 min, from the second evaluation on.
import { describe, expect, it } from 'vitest'
import { AlertingRule } from '../../../lib/rules/alerting-rule.ts'
import { alertRule, ruleGroup, RulesFixture } from '../../support/rules-fixture.ts'

const MINUTE = 60_000

interface Outcome {
  activeForMs: number
  states: string[]
}

/** An alert that has been active for `before` minutes, down for `down`; then `after` more minutes of evaluations. */
async function restart(forMinutes: number, { before, down, after, isChanged = false }: { before: number; down: number; after: number; isChanged?: boolean }): Promise<Outcome> {
  const config = ruleGroup([alertRule('A', 'x == 1', { forMs: forMinutes * MINUTE })])
  const first = new RulesFixture()
  await first.apply([config])
  // Series are written from the second evaluation on.
  for (let i = 0; i < 2; i++) await first.advance(MINUTE)
  for (let i = 0; i < before; i++) {
    first.put({ __name__: 'x' }, 1)
    await first.advance(MINUTE)
  }
  await first.manager.stop()
  await first.advance(down * MINUTE)
  const second = new RulesFixture(first.storage, first.clock)
  await second.apply([config])
  const states: string[] = []
  for (let i = 0; i < after; i++) {
    second.put({ __name__: 'x' }, 1)
    await second.advance(MINUTE)
    states.push((second.group.rules[0] as AlertingRule).state())
    if (isChanged && i === 0) await second.apply([ruleGroup([...config.rules, alertRule('B', 'x == 1', { forMs: 30 * MINUTE })])])
  }
  const [alert] = (second.group.rules[0] as AlertingRule).activeAlerts()
  await second.manager.stop()
  return { activeForMs: second.clock.now() - alert!.activeAtMs, states }
}

describe('for after a restart', () => {
  it('is over where the alert fired before', async () => {
    const { states } = await restart(30, { before: 35, down: 5, after: 4 })
    expect(states).toEqual(['pending', 'pending', 'firing', 'firing'])
  })

  it('goes on, too, where the group is changed before its rules are restored', async () => {
    const { states } = await restart(30, { before: 35, down: 5, after: 5, isChanged: true })
    expect(states).toEqual(['pending', 'pending', 'pending', 'firing', 'firing'])
  })

  it('lasts the grace at least where less was left', async () => {
    const { states } = await restart(30, { before: 28, down: 5, after: 14 })
    expect(states.indexOf('firing')).toBe(11)
  })

  it('goes on where more was left, without the time that nobody looked', async () => {
    // 19 of 40 minutes were over; the restoration comes with the second evaluation.
    const { states, activeForMs } = await restart(40, { before: 20, down: 15, after: 24 })
    expect(states.indexOf('firing')).toBe(1 + 21)
    expect(Math.round(activeForMs / MINUTE)).toBe(41)
  })

  it('begins anew after an outage beyond the tolerance, and where it is shorter than the grace', async () => {
    expect((await restart(30, { before: 35, down: 90, after: 20 })).states).not.toContain('firing')
    expect((await restart(5, { before: 10, down: 5, after: 4 })).states).not.toContain('firing')
  })

  it('is not what an alert that ended before left', async () => {
    const config = ruleGroup([alertRule('A', 'x == 1', { forMs: 30 * MINUTE })])
    const first = new RulesFixture()
    await first.apply([config])
    for (let i = 0; i < 42; i++) {
      first.put({ __name__: 'x' }, i < 38 ? 1 : 0)
      await first.advance(MINUTE)
    }
    await first.manager.stop()
    const second = new RulesFixture(first.storage, first.clock)
    await second.apply([config])
    for (let i = 0; i < 5; i++) {
      second.put({ __name__: 'x' }, 1)
      await second.advance(MINUTE)
    }
    expect((second.group.rules[0] as AlertingRule).state()).toBe('pending')
  })

  it('is awaited before the series are written', async () => {
    const rules = new RulesFixture()
    await rules.apply([ruleGroup([alertRule('A', 'x')])])
    rules.put({ __name__: 'x' }, 1)
    for (let i = 0; i < 2; i++) {
      await rules.advance(MINUTE)
      expect(rules.stored('ALERTS')).toEqual({})
    }
    await rules.advance(MINUTE)
    expect(Object.keys(rules.stored('ALERTS'))).toHaveLength(1)
  })
})
