// What Prometheus asks of whoever generates alerts (its alert generator specification, 1.0), case by case on a fake clock: states
// and API, series of the alerts, what Alertmanagers are sent and when. The cases follow those of its compliance suite by name;
// they are written anew here.
import { describe, expect, it } from 'vitest'
import type { RuleConfig } from '../../../lib/config/rule-config.ts'
import type { SentAlert } from '../../../lib/model/alert.ts'
import { getLabel } from '../../../lib/model/labels.ts'
import { answerRules } from '../../../lib/rules/rule-list.ts'
import { alertRule, recordRule, ruleGroup, RulesFixture } from '../../support/rules-fixture.ts'

const INTERVAL_MS = 30_000
const RESEND_MS = 60_000

interface Seen {
  /** By step: states of the alerts by `i`, as the API has them. */
  states: Record<string, string>[]
  /** `step i start end`, in steps; the end of one that goes on is told by how long it holds. */
  sent: string[]
  rules: RulesFixture
}

/** Evaluates once a step; `values` has those of each series by step, null for none. */
async function play(configs: readonly RuleConfig[], values: Readonly<Record<string, readonly (number | null)[]>>, steps: number, isTicking: (i: string) => boolean = () => true): Promise<Seen> {
  const sent: string[] = []
  let step = -1
  let zeroMs = 0
  const steppedAt = (ms: number): number => Math.round((ms - zeroMs) / INTERVAL_MS)
  const rules = new RulesFixture(undefined, undefined, {
    notify: {
      resendMs: RESEND_MS,
      send: (alerts: readonly SentAlert[]) => {
        for (const { labels, startsAtMs, endsAtMs } of alerts) sent.push(`${step} ${getLabel(labels, 'alertname')}/${getLabel(labels, 'i')} ${steppedAt(startsAtMs)} ${steppedAt(endsAtMs)}`)
      },
    },
  })
  await rules.apply([ruleGroup(configs, { intervalMs: INTERVAL_MS })])
  await rules.advance(INTERVAL_MS)
  zeroMs = rules.group.counts.lastAtMs + INTERVAL_MS
  const states: Record<string, string>[] = []
  for (step = 0; step < steps; step++) {
    for (const [i, list] of Object.entries(values)) {
      const value = list[Math.min(step, list.length - 1)]!
      if (value !== null && isTicking(i)) rules.put({ __name__: 'x', i }, value)
    }
    await rules.advance(INTERVAL_MS)
    const { data } = JSON.parse(Buffer.from(answerRules(rules.manager.groups(), { kind: 'alerts' }).body).toString('utf8')) as { data: { alerts: { labels: Record<string, string>; state: string }[] } }
    states.push(Object.fromEntries(data.alerts.map(({ labels, state }) => [labels['i']!, state])))
  }
  return { states, sent, rules }
}

const times = (n: number, value: number | null): (number | null)[] => Array<number | null>(n).fill(value)
/** One letter a step: - p f. */
const line = ({ states }: Seen, i: string): string => states.map((all) => (all[i] ?? '-')[0]).join('')

describe('the alert generator specification', () => {
  it('PendingAndFiringAndResolved: each series by itself, told when it fires, every resend, and when it is resolved', async () => {
    const rule = alertRule('A', 'x > 10', { forMs: 4 * INTERVAL_MS, labels: new Map([['rulegroup', 'g']]), annotations: new Map([['d', '{{ $labels.i }} is {{ $value }}']]) })
    const seen = await play([rule], { early: [5, ...times(10, 11), 5], late: [...times(4, 5), ...times(6, 12), 7, ...times(8, 13), 2] }, 26)
    expect(line(seen, 'early')).toBe('-ppppffffff---------------')
    expect(line(seen, 'late')).toBe('----ppppff-ppppffff-------')
    // Four times the resend delay (2 steps) without a word, then it is over: 8 steps. A resend comes when more than it has passed.
    expect(seen.sent).toEqual([
      '5 A/early 5 13', '8 A/early 5 16', '8 A/late 8 16', '10 A/late 8 10', '11 A/early 5 11', '14 A/early 5 11',
      '15 A/late 15 23', '17 A/early 5 11', '18 A/late 15 26', '19 A/late 15 19', '20 A/early 5 11', '22 A/late 15 19', '23 A/early 5 11', '25 A/late 15 19',
    ])
    expect(seen.rules.stored('ALERTS')).toEqual({
      'ALERTS{alertname="A", alertstate="pending", i="early", rulegroup="g"}': [...times(4, 1), 'stale'], 'ALERTS{alertname="A", alertstate="firing", i="early", rulegroup="g"}': [...times(6, 1), 'stale'],
      'ALERTS{alertname="A", alertstate="pending", i="late", rulegroup="g"}': [...times(4, 1), 'stale', ...times(4, 1), 'stale'],
      'ALERTS{alertname="A", alertstate="firing", i="late", rulegroup="g"}': [1, 1, 'stale', ...times(4, 1), 'stale'],
    })
    const since = seen.rules.stored('ALERTS_FOR_STATE')['ALERTS_FOR_STATE{alertname="A", i="late", rulegroup="g"}']!
    expect(since.filter((value) => value !== 'stale').every((value, k) => value === (k < 6 ? since[0] : since[7]))).toBe(true)
    expect(Number(since[7]) - Number(since[0])).toBe(7 * INTERVAL_MS / 1000)
  })

  it('a resolved alert is told again for a quarter of an hour, and not longer', async () => {
    const { sent } = await play([alertRule('A', 'x > 10')], { a: [11, 11, 5] }, 40)
    expect(sent.slice(0, 2)).toEqual(['0 A/a 0 8', '2 A/a 0 2'])
    expect(sent.slice(2).every((text) => text.endsWith(' A/a 0 2'))).toBe(true)
    expect(Number(sent.at(-1)!.split(' ')[0])).toBeGreaterThan(27)
    expect(Number(sent.at(-1)!.split(' ')[0])).toBeLessThanOrEqual(32)
  })

  it('PendingAndResolved_AlwaysInactive: what never fires is told to nobody', async () => {
    const rules = [alertRule('A', 'x > 10', { forMs: 4 * INTERVAL_MS }), alertRule('Never', 'x > 99')]
    const seen = await play(rules, { a: [5, ...times(3, 11), 5, ...times(4, 11), 3] }, 14)
    expect(line(seen, 'a')).toBe('-ppp-pppp-----')
    expect(seen.sent).toEqual([])
    expect(Object.keys(seen.rules.stored('ALERTS'))).toEqual(['ALERTS{alertname="A", alertstate="pending", i="a"}'])
  })

  it('ZeroFor_SmallFor: without for an alert fires at once; with one below the interval at the next evaluation', async () => {
    const zero = await play([alertRule('A', 'x > 10')], { a: [5, 11, 11, 5] }, 6)
    expect(line(zero, 'a')).toBe('-ff---')
    expect(zero.sent.slice(0, 2)).toEqual(['1 A/a 1 9', '3 A/a 1 3'])
    const small = await play([alertRule('A', 'x > 10', { forMs: INTERVAL_MS / 3 })], { a: [5, 11, 11, 11, 5] }, 6)
    expect(line(small, 'a')).toBe('-pff--')
    expect(small.sent.slice(0, 2)).toEqual(['2 A/a 2 10', '4 A/a 2 4'])
  })

  it('NewAlerts_OrderCheck: rules run in their order, each sees what those before it gave, also their alerts', async () => {
    const rules = [
      recordRule('y', 'x * 2'), alertRule('First', 'y > 10'), alertRule('Second', 'ALERTS{alertname="First", alertstate="firing"} == 1'), recordRule('late', 'count(ALERTS{alertname="Second"})'),
    ]
    const seen = await play(rules, { a: [3, 6, 6], b: [3, 3, 6] }, 5)
    expect(seen.sent.slice(0, 4)).toEqual(['1 First/a 1 9', '1 Second/a 1 9', '2 First/b 2 10', '2 Second/b 2 10'])
    expect(seen.rules.stored('late')).toEqual({ late: [1, 2, 2, 2] })
  })

  it('labels of the rule win over those of the series, templates see both sample and labels, and the name goes', async () => {
    const rule = alertRule('A', 'x > 10', { labels: new Map([['i', 'mine'], ['was', '{{ $labels.i }}'], ['none', ''], ['m', '{{ $labels.__name__ }}']]) })
    const { rules } = await play([rule], { a: [11] }, 2)
    expect(Object.keys(rules.stored('ALERTS'))).toEqual(['ALERTS{alertname="A", alertstate="firing", i="mine", m="x", was="a"}'])
  })

  it('an alert whose value or annotations change is the same one; one whose labels change is another', async () => {
    const by = (labels: [string, string][]): RuleConfig => alertRule('A', 'x > 10', { forMs: 2 * INTERVAL_MS, labels: new Map(labels), annotations: new Map([['v', '{{ $value }}']]) })
    expect(line(await play([by([])], { a: [11, 12, 13, 14, 15] }, 5), 'a')).toBe('ppfff')
    expect(line(await play([by([['v', '{{ $value }}']])], { a: [11, 12, 13, 14, 15] }, 5), 'a')).toBe('ppppp')
  })
})
