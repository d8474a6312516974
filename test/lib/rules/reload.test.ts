// What goes on, ends or begins anew where rules are configured anew.
import { describe, expect, it } from 'vitest'
import type { RuleConfig } from '../../../lib/config/rule-config.ts'
import { AlertingRule } from '../../../lib/rules/alerting-rule.ts'
import type { RuleGroup } from '../../../lib/rules/group.ts'
import { reportOf, RuleMetrics } from '../../../lib/rules/rule-metrics.ts'
import { Metrics } from '../../../lib/std/metrics.ts'
import { alertRule, recordRule, ruleGroup, RulesFixture } from '../../support/rules-fixture.ts'

const MINUTE = 60_000

function alertOf(group: RuleGroup, at = 0): AlertingRule {
  const rule = group.rules[at]
  if (!(rule instanceof AlertingRule)) throw new Error('no alert')
  return rule
}

describe('a new configuration', () => {
  it('leaves equal groups alone and hands alerts over to changed ones', async () => {
    const rules = new RulesFixture()
    const down = alertRule('A', 'x == 1', { forMs: 2 * MINUTE })
    await rules.apply([ruleGroup([down])])
    rules.put({ __name__: 'x' }, 1)
    await rules.advance(MINUTE)
    const { group } = rules
    await rules.apply([ruleGroup([down])])
    expect(rules.group).toBe(group)
    await rules.apply([ruleGroup([recordRule('new', '1'), down])])
    expect(rules.group).not.toBe(group)
    expect(alertOf(rules.group, 1).activeAlerts()).toEqual(alertOf(group).activeAlerts())
    rules.put({ __name__: 'x' }, 1)
    await rules.advance(2 * MINUTE)
    expect(alertOf(rules.group, 1).state()).toBe('firing')
  })

  it('takes over the rules that are configured alike, and those only', async () => {
    const rules = new RulesFixture()
    const [a, b] = [alertRule('A', 'x == 1'), alertRule('B', 'x == 1', { forMs: 2 * MINUTE })]
    await rules.apply([ruleGroup([a, a, b])])
    rules.put({ __name__: 'x' }, 1)
    await rules.advance(MINUTE)
    const before = rules.group.rules
    await rules.apply([ruleGroup([alertRule('B', 'x == 1'), { ...a }, alertRule('C', 'x'), { ...a }])])
    const after = rules.group.rules
    expect(after.map((rule) => before.indexOf(rule))).toEqual([-1, 0, -1, 1])
    expect(alertOf(rules.group, 1).activeAlerts()).toHaveLength(1)
    // Templates see the external labels: with others the rules are new.
    await rules.apply([ruleGroup([a])], { externalLabels: new Map([['e', '1']]) })
    expect(rules.group.rules[0]).not.toBe(after[1])
    expect(alertOf(rules.group).activeAlerts()).toHaveLength(1)
  })

  it('that makes for longer lets an alert wait again, and tells of it at once when it fires', async () => {
    const told: (readonly [number, number])[] = []
    const rules = new RulesFixture(undefined, undefined, {
      notify: { resendMs: 30 * MINUTE, send: (alerts) => told.push(...alerts.map(({ startsAtMs }) => [minutes(startsAtMs), minutes(rules.clock.now())] as const)) },
    })
    const minutes = (ms: number): number => Math.floor((ms - zero) / MINUTE)
    await rules.apply([ruleGroup([alertRule('A', 'x == 1', { forMs: MINUTE })])])
    await rules.advance(MINUTE)
    const zero = rules.group.counts.lastAtMs
    for (let i = 1; i <= 8; i++) {
      rules.put({ __name__: 'x' }, 1)
      await rules.advance(MINUTE)
      if (i === 3) await rules.apply([ruleGroup([alertRule('A', 'x == 1', { forMs: 5 * MINUTE })])])
      if (i === 4) expect(alertOf(rules.group).state()).toBe('pending')
    }
    expect(told).toEqual([[2, 2], [6, 6]])
  })

  it('that renames a group, or moves a rule, lets alerts and series go on', async () => {
    const rules = new RulesFixture()
    const [slow, keeps] = [alertRule('Slow', 'x == 1', { forMs: 3 * MINUTE }), alertRule('Keeps', 'x == 1', { keepFiringForMs: 9 * MINUTE })]
    await rules.apply([ruleGroup([slow, recordRule('a', 'x')], { name: 'old' }), ruleGroup([keeps, recordRule('b', 'x')], { name: 'z' })])
    const step = async (value: number): Promise<void> => {
      rules.put({ __name__: 'x' }, value)
      await rules.advance(MINUTE)
    }
    for (let i = 0; i < 3; i++) await step(1)
    await rules.apply([ruleGroup([slow, recordRule('a', 'x'), keeps]), ruleGroup([recordRule('b', 'x')], { name: 'z' })])
    await step(0.5)
    expect(alertOf(rules.group, 2).state()).toBe('firing')
    await rules.apply([ruleGroup([slow, recordRule('a', 'x')], { name: 'new', file: 'other.yml' }), ruleGroup([keeps, recordRule('b', 'x')], { name: 'z' })])
    expect(rules.manager.groups().map(({ config }) => config.name)).toEqual(['new', 'z'])
    for (let i = 0; i < 5; i++) await step(1)
    expect(rules.stored('a')).toEqual({ a: [1, 1, 1, 0.5, 1, 1, 1, 1, 1] })
    expect(rules.stored('b')).toEqual({ b: [1, 1, 1, 0.5, 1, 1, 1, 1, 1] })
    expect(rules.stored('ALERTS')).toMatchObject({ 'ALERTS{alertname="Keeps", alertstate="firing"}': Array.from({ length: 7 }, () => 1) })
  })

  it('that renames a group while an alert waits does not let it wait anew', async () => {
    const rules = new RulesFixture()
    const slow = alertRule('Slow', 'x == 1', { forMs: 3 * MINUTE })
    const states: string[] = []
    for (const name of ['a', 'a', 'b', 'b', 'b']) {
      await rules.apply([ruleGroup([slow], { name })])
      rules.put({ __name__: 'x' }, 1)
      await rules.advance(MINUTE)
      states.push(alertOf(rules.group).state())
    }
    expect(states).toEqual(['pending', 'pending', 'pending', 'firing', 'firing'])
  })

  it('before alerts are restored leaves that to the rules in place of theirs', async () => {
    const group = ruleGroup([alertRule('Slow', 'x == 1', { forMs: 30 * MINUTE })])
    const before = new RulesFixture()
    await before.apply([group])
    const step = async (rules: RulesFixture): Promise<void> => {
      rules.put({ __name__: 'x' }, 1)
      await rules.advance(MINUTE)
    }
    for (let i = 0; i < 25; i++) await step(before)
    const { activeAtMs } = alertOf(before.group).activeAlerts()[0]!
    await before.manager.stop()
    const after = new RulesFixture(before.storage, before.clock)
    await after.apply([group])
    await step(after)
    await after.apply([{ ...group, rules: [{ ...group.rules[0]!, annotations: new Map([['summary', 'slow']]) }] }], { externalLabels: new Map([['dc', 'a']]) })
    for (let i = 0; i < 3; i++) await step(after)
    const [alert] = alertOf(after.group).activeAlerts()
    // Its last 5 of 30 minutes become the 10 that all wait after a start.
    expect(alert!.activeAtMs - activeAtMs).toBeLessThan(10 * MINUTE)
  })

  it('ends what fires with its rule where the group says so, else it runs out', async () => {
    const told: string[] = []
    const rules = new RulesFixture(undefined, undefined, {
      notify: { resendMs: MINUTE, send: (alerts) => told.push(...alerts.map(({ labels, endsAtMs }) => `${labels[1]} ${endsAtMs > rules.clock.now() ? 'fires' : 'ended'}`)) },
    })
    const [a, b, c] = ['A', 'B', 'C'].map((name) => alertRule(name, 'x == 1')) as [RuleConfig, RuleConfig, RuleConfig]
    await rules.apply([ruleGroup([a, b], { endsWithRules: true }), ruleGroup([c], { name: 'file' })])
    rules.put({ __name__: 'x' }, 1)
    await rules.advance(MINUTE)
    expect(told.splice(0).toSorted()).toEqual(['A fires', 'B fires', 'C fires'])
    await rules.apply([ruleGroup([b], { endsWithRules: true, name: 'moved' })])
    expect(told).toEqual(['A ended'])
  })

  it('marks what a removed rule gave at once, and what a removed group gave after two intervals', async () => {
    const rules = new RulesFixture()
    await rules.apply([ruleGroup([recordRule('a', '1'), recordRule('b', '1')]), ruleGroup([recordRule('c', '1')], { name: 'h' })])
    await rules.advance(MINUTE)
    await rules.apply([ruleGroup([recordRule('a', '1')])])
    await rules.advance(MINUTE)
    expect(rules.stored('b')).toEqual({ b: [1, 'stale'] })
    expect(rules.stored('c')).toEqual({ c: [1] })
    await rules.advance(MINUTE)
    expect(rules.stored('c')).toEqual({ c: [1, 'stale'] })
    expect(rules.stored('a')).toEqual({ a: [1, 1, 1] })
  })

  it('marks nothing of a removed group that another rule gives meanwhile', async () => {
    const marked: string[] = []
    const rules = new RulesFixture(undefined, undefined, { write: (t, rows) => {
      // The store takes what is late by minutes, which would be a gap.
      for (const { labels, value } of rows) marked.push(`${labels.join()} ${value === null ? 'stale' : value} ${t < rules.clock.now() - MINUTE ? 'late' : ''}`)
      return Promise.resolve(new Uint8Array(rows.length))
    } })
    await rules.apply([ruleGroup([recordRule('q', '1', { z: '1' }), recordRule('gone', '1')])])
    await rules.advance(MINUTE)
    await rules.apply([ruleGroup([recordRule('q', 'label_replace(vector(1), "z", "1", "", "")')], { name: 'other' })])
    await rules.advance(3 * MINUTE)
    expect(marked.filter((row) => row.includes('stale'))).toEqual(['__name__,gone stale late'])
  })

  it('is in the metrics at once, before the first evaluation', async () => {
    const [rules, metrics] = [new RulesFixture(), new Metrics()]
    const told = new RuleMetrics(metrics)
    const apply = async (...names: readonly string[]): Promise<string[]> => {
      await rules.apply(names.map((name) => ruleGroup([recordRule('a', '1'), recordRule('b', '1')], { name })))
      told.setGroups(rules.manager.groups().map((group) => reportOf(group, { lateSamples: () => 0, sizeBytes: () => 0 })))
      return (await metrics.registry.metrics()).split('\n').filter((line) => /^prometheus_rule_group_(rules|iterations_total)\{/.test(line))
    }
    expect(await apply('slow')).toEqual(['prometheus_rule_group_iterations_total{rule_group="rules.yml;slow"} 0', 'prometheus_rule_group_rules{rule_group="rules.yml;slow"} 2'])
    expect(await apply('other')).toEqual(['prometheus_rule_group_iterations_total{rule_group="rules.yml;other"} 0', 'prometheus_rule_group_rules{rule_group="rules.yml;other"} 2'])
  })
})
