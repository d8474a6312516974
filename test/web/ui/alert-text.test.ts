// Alerts and rules in words, and which of them a filter lets pass.
import { describe, expect, it } from 'vitest'
import type { ApiAlert } from '../../../web/ui/alerts/alert-api.ts'
import { ageText, newsText, nextStepText, otherLabels, passesText, summaryOf } from '../../../web/ui/alerts/alert-text.ts'
import { countStates, filterGroups, firstRules, stateOf, type ApiGroup, type ApiRule } from '../../../web/ui/rules/rule-api.ts'

const NOW = Date.parse('2026-01-31T12:00:00Z')
const at = (seconds: number): string => new Date(NOW + seconds * 1000).toISOString()

function alert(over: Partial<ApiAlert> = {}): ApiAlert {
  return {
    alert_id: 'a', rule_id: null, rule_name: 'Cpu', server_id: 'web1', severity: 'warning', status: 'open', metric_value: 1, pending_at: at(-60), triggered_at: at(-60), told_at: null, resolved_at: null,
    acknowledged_at: null, acknowledged_by: '', repage_at: null, feedback: null, labels: { alertname: 'Cpu', severity: 'warning', instance: 'web1' }, annotations: {}, generator_url: '', suppressed: null,
    cooldown_until: null, next_step: null, ...over,
  }
}

describe('what comes next', () => {
  const f = (over: Partial<ApiAlert>, want: string): void => expect(nextStepText(alert(over), NOW)).toBe(want)
  const step = { receiver: 'ops-sms', due_at: at(240) }

  it('is said in words', () => {
    f({ next_step: step }, 'pages ops-sms in 4 min unless acknowledged')
    f({ next_step: { receiver: 'ops-sms', due_at: at(-1) } }, 'pages ops-sms now unless acknowledged')
    f({ told_at: at(-10) }, 'repeats as its route says, until acknowledged')
    f({ told_at: null }, 'nobody is told yet')
    f({ status: 'acknowledged' }, 'stays quiet until it resolves')
    f({ status: 'acknowledged', repage_at: at(7200) }, 'pages again in 2 h unless it resolves')
    f({ suppressed: { kind: 'silenced', by: 's1' }, next_step: step }, 'silenced, nobody is told; then pages ops-sms')
    f({ suppressed: { kind: 'muted', by: 'nights' } }, 'muted, nobody is told')
    f({ cooldown_until: at(90) }, 'cools down, nobody is told for 90 s')
    // The server has not said yet that it is over.
    f({ cooldown_until: at(-2) }, 'cools down, nobody is told for 1.0 s')
    f({ status: 'resolved', resolved_at: at(-1) }, '')
    f({ status: 'expired', triggered_at: null, pending_at: at(-190), resolved_at: at(-10) }, 'was pending for 3 min')
  })
})

describe('the age of an alert', () => {
  const f = (seconds: number, isPast: boolean, want: string): void => expect(ageText(NOW - seconds * 1000, NOW, isPast)).toBe(want)

  it('is said from the first moment on', () => {
    f(190, false, '3 min')
    f(190, true, '3 min ago')
    f(0.4, false, 'just now')
    f(0, true, 'just now')
    f(-0.4, false, 'just now')
  })
})

describe('a list of alerts', () => {
  it('tells what is new in it', () => {
    const [a, b] = [alert(), alert({ alert_id: 'b', rule_name: 'DiskFull', severity: 'critical' })]
    expect([newsText([a], [a]), newsText([a, b], [a]), newsText([], [])]).toEqual(['', '', ''])
    expect(newsText([a], [b, a])).toBe('1 new alert: critical DiskFull')
    const many = Array.from({ length: 1204 }, (_, i) => alert({ alert_id: `n${i}`, severity: '', rule_name: `N${i}` }))
    expect(newsText([], many)).toBe('1\u202f204 new alerts: N0, N1, N2 and 1\u202f201 more')
  })

  it('is filtered by words of labels and summary', () => {
    const one = alert({ annotations: { summary: 'Web1 is hot' } })
    for (const [filter, want] of [['', true], ['HOT web1', true], ['instance="web1"', true], ['alertname="cpu"', true], ['web2', false]] as const) expect(passesText(one, filter), filter).toBe(want)
    expect(summaryOf(alert({ annotations: { description: 'd' } }))).toBe('d')
    expect(otherLabels(one.labels)).toEqual([['instance', 'web1']])
  })
})

describe('rules', () => {
  const rule = (over: Partial<ApiRule>): ApiRule => ({ name: 'r', query: 'up == 0', type: 'alerting', health: 'ok', evaluationTime: 0, lastEvaluation: at(0), labels: { severity: 'page' }, ...over })
  const group = (name: string, ...rules: ApiRule[]): ApiGroup => ({ name, file: `${name}.yml`, interval: 60, evaluationTime: 0, lastEvaluation: at(0), rules })

  it('that fail say so, whatever they said before', () => {
    expect([rule({ health: 'err', state: 'firing' }), rule({ state: 'firing' }), rule({ state: 'pending' }), rule({ state: 'inactive' }), rule({ health: 'unknown', state: 'inactive' })].map(stateOf)).toEqual(['failing', 'firing', 'pending', 'ok', 'unknown'])
  })

  it('are filtered by words and state, groups without any left out', () => {
    const groups = [group('a', rule({ name: 'x' }), rule({ name: 'y', health: 'err', lastError: 'no such thing' })), group('b', rule({ name: 'z', query: 'sum(rate(x[5m]))' }))]
    const f = (filter: string, states: readonly ('ok' | 'failing')[], want: string[]): void => expect(filterGroups(groups, filter, new Set(states)).flatMap(({ rules }) => rules.map(({ name }) => name)), filter).toEqual(want)
    expect([0, 1, 2, 3, 9].map((count) => firstRules(groups, count).map(({ name, rules }) => `${name}${rules.length}`).join())).toEqual(['', 'a1', 'a2', 'a2,b1', 'a2,b1'])
    f('', [], ['x', 'y', 'z'])
    f('', ['failing'], ['y'])
    f('such', [], ['y'])
    f('B.yml', [], ['z'])
    f('rate(x', ['ok'], ['z'])
    f('severity="page" a.yml', ['ok'], ['x'])
    expect(countStates(groups)).toEqual({ failing: 1, firing: 0, pending: 0, ok: 2, unknown: 0 })
  })
})
