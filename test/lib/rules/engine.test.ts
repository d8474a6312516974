import { describe, expect, it } from 'vitest'
import type { SentAlert } from '../../../lib/model/alert.ts'
import { EMPTY_HISTOGRAM } from '../../../lib/model/histogram.ts'
import { histogramFault } from '../../../lib/model/histogram-spans.ts'
import { AlertTemplates } from '../../../lib/rules/alert-templates.ts'
import { AlertingRule } from '../../../lib/rules/alerting-rule.ts'
import { RuleWriteError, type RuleGroup } from '../../../lib/rules/group.ts'
import { slotBefore, slotOffsetMs } from '../../../lib/rules/slot.ts'
import { FakeClock } from '../../../lib/std/clock.ts'
import type { InstantElement } from '../../../lang/instant-elements.ts'
import { alertRule, recordRule, ruleGroup, RulesFixture, START_MS } from '../../support/rules-fixture.ts'

const MINUTE = 60_000

function alertOf(group: RuleGroup, at = 0): AlertingRule {
  const rule = group.rules[at]
  if (!(rule instanceof AlertingRule)) throw new Error('no alert')
  return rule
}

describe('a recording rule', () => {
  it('writes its elements under its name and labels at the time of the slot', async () => {
    const rules = new RulesFixture()
    await rules.apply([ruleGroup([recordRule('job:up', 'sum by (job, x) (up)', { team: 'a', x: '' })])])
    rules.put({ __name__: 'up', job: 'n', x: '1' }, 3)
    await rules.advance(MINUTE)
    expect(rules.stored('job:up')).toEqual({ 'job:up{job="n", team="a"}': [3] })
    const [written] = rules.storage.dump().filter(({ labels }) => labels.includes('job:up'))
    const slot = slotBefore(START_MS + MINUTE, slotOffsetMs('rules.yml', 'g', MINUTE), MINUTE)
    expect(written!.samples[0]!.t).toBe(slot)
    expect(rules.group.rules[0]!.health).toMatchObject({ state: 'ok', error: '' })
  })

  it('stores no histogram of less than nothing, says why, and stores the rest', async () => {
    const rules = new RulesFixture()
    await rules.apply([ruleGroup([recordRule('r', '-x')])])
    rules.put({ __name__: 'x', i: '1' }, 3)
    rules.storage.addHistogram(['__name__', 'x', 'i', '2'], rules.clock.now(), { ...EMPTY_HISTOGRAM, count: 2, sum: 1, positive: { index: Int32Array.of(0), count: Float64Array.of(2) } })
    await rules.advance(MINUTE)
    expect(rules.stored('r')).toEqual({ 'r{i="1"}': [-3] })
    expect(rules.group.rules[0]!.health).toMatchObject({ state: 'err', error: "observation count is  -2: histogram's observation count is negative" })
    for (const [change, fault] of [
      [{ zeroCount: -1 }, 'zero bucket has observation count of -1: histogram has a bucket whose observation count is negative'], [{ zeroCount: 1 }, null],
      [{ negative: { index: Int32Array.of(0, 1), count: Float64Array.of(1, -1) } }, 'negative side: bucket number 2 has observation count of -1: histogram has a bucket whose observation count is negative'],
    ] as const) expect(histogramFault({ ...EMPTY_HISTOGRAM, ...change })).toBe(fault)
  })

  it('marks what it no longer gives, and sees what the rule before it wrote', async () => {
    const rules = new RulesFixture()
    await rules.apply([ruleGroup([recordRule('a', 'x > 0'), recordRule('b', 'a * 2')])])
    for (const value of [1, 2, 0]) {
      rules.put({ __name__: 'x' }, value)
      await rules.advance(MINUTE)
    }
    expect(rules.stored('a')).toEqual({ a: [1, 2, 'stale'] })
    expect(rules.stored('b')).toEqual({ b: [2, 4, 'stale'] })
  })

  it('marks what it no longer gives also where only a part of what it gave was taken', async () => {
    const rules = new RulesFixture()
    await rules.apply([ruleGroup([recordRule('r', 'x == 1')])])
    let writes = 0
    rules.beforeWrite = () => (++writes === 2 ? Promise.reject(new RuleWriteError('the disk is full')) : Promise.resolve())
    // More than are written at once.
    for (let i = 0; i < 300; i++) rules.put({ __name__: 'x', i: String(i) }, 1)
    await rules.advance(MINUTE)
    expect([Object.keys(rules.stored('r')).length, rules.group.rules[0]!.health.state]).toEqual([250, 'err'])
    for (let i = 0; i < 300; i++) rules.put({ __name__: 'x', i: String(i) }, 0)
    await rules.advance(MINUTE)
    const stored = Object.values(rules.stored('r'))
    expect(stored.filter((values) => values.at(-1) !== 'stale')).toEqual([])
    expect(stored.length).toBeGreaterThanOrEqual(250)
  })

  it('marks what a rule gave that a reload took away, also where another reload comes before the next evaluation', async () => {
    const rules = new RulesFixture()
    await rules.apply([ruleGroup([recordRule('a', '1'), recordRule('b', '2')])])
    await rules.advance(MINUTE)
    await rules.apply([ruleGroup([recordRule('b', '2')])])
    await rules.apply([ruleGroup([recordRule('b', '2'), recordRule('c', '3')])])
    await rules.advance(MINUTE)
    expect([rules.stored('a'), rules.stored('b'), rules.stored('c')]).toEqual([{ a: [1, 'stale'] }, { b: [2, 2] }, { c: [3] }])
  })

  it('fails with two elements of one label set, over its limit, and with what the store refuses', async () => {
    const rules = new RulesFixture()
    await rules.apply([ruleGroup([recordRule('a', 'x', { i: 'same' }), recordRule('b', 'x'), recordRule('c', '1')], { limit: 1 })])
    rules.put({ __name__: 'x', i: '1' }, 1)
    rules.put({ __name__: 'x', i: '2' }, 1)
    await rules.advance(MINUTE)
    expect(rules.group.rules.map(({ health }) => [health.state, health.error])).toEqual([
      ['err', 'vector contains metrics with the same labelset after applying rule labels'], ['err', 'exceeded limit of 1 with 2 series'], ['ok', ''],
    ])
    expect(rules.group.counts).toMatchObject({ evaluations: 3, failures: 2 })
    rules.failWrites('the disk is full')
    await rules.advance(MINUTE)
    expect(rules.group.rules[2]!.health).toMatchObject({ state: 'err', error: 'the disk is full' })
  })

  it('names the query that fails', async () => {
    const rules = new RulesFixture()
    await rules.apply([ruleGroup([recordRule('a', 'x * on (i) x'), recordRule('b', '"text"')])])
    for (const i of ['1', '2']) rules.put({ __name__: 'x', i, j: i }, 1)
    rules.put({ __name__: 'x', i: '1', j: '3' }, 1)
    await rules.advance(MINUTE)
    expect(rules.group.rules[0]!.health.error).toMatch(/^found duplicate series for the match group \{i="1"\} on the right hand-side/)
    expect(rules.group.rules[1]!.health.error).toBe('rule result is not a vector or scalar')
  })

  it('looks back by its offset and writes there', async () => {
    const rules = new RulesFixture()
    await rules.apply([ruleGroup([recordRule('a', 'x')], { queryOffsetMs: 5 * MINUTE })])
    rules.put({ __name__: 'x' }, 7)
    await rules.advance(4 * MINUTE)
    expect(rules.stored('a')).toEqual({})
    await rules.advance(2 * MINUTE)
    expect(rules.stored('a')).toEqual({ a: [7] })
    expect(rules.storage.dump()[1]!.samples[0]!.t).toBeLessThan(rules.clock.now() - 5 * MINUTE)
  })
})

describe('an alert', () => {
  it('waits, fires, keeps firing and is resolved', async () => {
    const rules = new RulesFixture()
    await rules.apply([ruleGroup([alertRule('Down', 'up == 0', { forMs: 2 * MINUTE, keepFiringForMs: 2 * MINUTE, labels: new Map([['sev', 'p{{ $value }}']]), annotations: new Map([['s', '{{ $labels.i }} is {{ $value }}']]) })])])
    await rules.advance(2 * MINUTE)
    const rule = alertOf(rules.group)
    const seen: string[] = []
    for (const value of [0, 0, 0, 1, 1, 1, 1]) {
      rules.put({ __name__: 'up', i: 'a' }, value)
      await rules.advance(MINUTE)
      seen.push(`${rule.state()} ${rule.activeAlerts().length}`)
    }
    expect(seen).toEqual(['pending 1', 'pending 1', 'firing 1', 'firing 1', 'firing 1', 'inactive 0', 'inactive 0'])
    expect(rules.stored('ALERTS')).toEqual({
      'ALERTS{alertname="Down", alertstate="pending", i="a", sev="p0"}': [1, 1, 'stale'],
      'ALERTS{alertname="Down", alertstate="firing", i="a", sev="p0"}': [1, 1, 1, 'stale'],
    })
    const [[name, values]] = Object.entries(rules.stored('ALERTS_FOR_STATE')) as [[string, (number | 'stale')[]]]
    expect(name).toBe('ALERTS_FOR_STATE{alertname="Down", i="a", sev="p0"}')
    expect(new Set(values).size).toBe(2)
    expect(values.at(-1)).toBe('stale')
  })

  it('keeps when it began while value and annotations follow', async () => {
    const rules = new RulesFixture()
    await rules.apply([ruleGroup([alertRule('High', 'x > 1', { forMs: MINUTE, annotations: new Map([['v', '{{ humanize $value }}']]) })])])
    rules.put({ __name__: 'x' }, 2000)
    await rules.advance(MINUTE)
    const [first] = alertOf(rules.group).activeAlerts()
    const { activeAtMs } = first!
    rules.put({ __name__: 'x' }, 3000)
    await rules.advance(MINUTE)
    const [second] = alertOf(rules.group).activeAlerts()
    expect(second).toMatchObject({ activeAtMs, value: 3000, annotations: new Map([['v', '3k']]), state: 'firing' })
  })

  it('is kept for fifteen minutes when it is resolved, and begins anew when it comes back', async () => {
    const rules = new RulesFixture()
    await rules.apply([ruleGroup([alertRule('A', 'x == 1')])])
    rules.put({ __name__: 'x' }, 1)
    await rules.advance(MINUTE)
    const rule = alertOf(rules.group)
    const [first] = rule.activeAlerts()
    rules.put({ __name__: 'x' }, 0)
    await rules.advance(MINUTE)
    expect(first).toMatchObject({ state: 'inactive', resolvedAtMs: rules.group.counts.lastAtMs })
    expect(rule.keptAlerts()).toEqual([first])
    for (let i = 0; i < 15; i++) await rules.advance(MINUTE)
    expect(rule.keptAlerts()).toEqual([first])
    await rules.advance(MINUTE)
    expect(rule.keptAlerts()).toEqual([])
    rules.put({ __name__: 'x' }, 1)
    await rules.advance(MINUTE)
    expect(rule.activeAlerts()).toMatchObject([{ state: 'firing', activeAtMs: rules.group.counts.lastAtMs, resolvedAtMs: null }])
  })

  it('of many writes its rows in parts, each verdict for its row', async () => {
    const rules = new RulesFixture()
    await rules.apply([ruleGroup([recordRule('a', 'x')])])
    for (let i = 0; i < 4500; i++) rules.put({ __name__: 'x', i: String(i) }, i)
    let writes = 0
    rules.beforeWrite = () => Promise.resolve(void writes++)
    await rules.advance(MINUTE)
    expect(writes).toBe(18)
    expect(Object.values(rules.stored('a')).flat().reduce<number>((sum, value) => sum + Number(value), 0)).toBe((4500 * 4499) / 2)
  })

  it('is told of when it fires, every resend delay, and when it is resolved, for a quarter of an hour', async () => {
    const told: string[] = []
    const rules = new RulesFixture(undefined, undefined, {
      notify: {
        resendMs: 3 * MINUTE, send: (alerts) => {
          for (const { labels, startsAtMs, endsAtMs, generatorUrl } of alerts) told.push(`${labels.join()} ${minutes(startsAtMs)} ${minutes(endsAtMs)} ${generatorUrl}`)
        },
      },
    })
    await rules.apply([ruleGroup([alertRule('A', 'x==1', { forMs: MINUTE })])])
    await rules.advance(MINUTE)
    const zero = rules.group.counts.lastAtMs
    const minutes = (ms: number): number => (ms - zero) / MINUTE
    const steps: string[][] = []
    for (let i = 0; i < 24; i++) {
      rules.put({ __name__: 'x' }, i < 7 ? 1 : 0)
      await rules.advance(MINUTE)
      steps.push(told.splice(0).map((text) => text.replace(' http://monitor.example/sub/graph?g0.expr=x+%3D%3D+1&g0.tab=1', '')))
    }
    // Pending in minute 1, firing from 2 on; an alert holds for 12 minutes without another word. More than 3 minutes later again.
    expect(steps.slice(0, 7)).toEqual([[], ['alertname,A 2 14'], [], [], [], ['alertname,A 2 18'], []])
    expect(steps[7]).toEqual(['alertname,A 2 8'])
    expect(steps.slice(8).flatMap((texts, i) => texts.map((text) => `${i + 9}: ${text}`))).toEqual(['12: alertname,A 2 8', '16: alertname,A 2 8', '20: alertname,A 2 8'])
  })

  it('fires at once without for, and is forgotten when it ends while pending', async () => {
    const rules = new RulesFixture()
    await rules.apply([ruleGroup([alertRule('A', 'x == 1'), alertRule('B', 'x == 1', { forMs: 10 * MINUTE })])])
    // As Prometheus says it before the first evaluation.
    expect([alertOf(rules.group, 0).state(), alertOf(rules.group, 0).health.state]).toEqual(['inactive', 'unknown'])
    rules.put({ __name__: 'x' }, 1)
    await rules.advance(MINUTE)
    expect([0, 1].map((i) => alertOf(rules.group, i).state())).toEqual(['firing', 'pending'])
    rules.put({ __name__: 'x' }, 0)
    await rules.advance(MINUTE)
    expect([0, 1].map((i) => alertOf(rules.group, i).state())).toEqual(['inactive', 'inactive'])
  })

  it('says in its label what is wrong with its template, and the rest goes on', async () => {
    const expansions: boolean[] = []
    const rules = new RulesFixture(undefined, undefined, { onExpanded: (isGood) => expansions.push(isGood) })
    await rules.apply([ruleGroup([
      alertRule('A', 'x', { annotations: new Map([['bad', '{{ .Nope }}'], ['good', '{{ with query "x" }}{{ . | first | value }}{{ end }} {{ externalURL }} {{ pathPrefix }} {{ $externalLabels.dc }}'], ['worse', '{{ query "x(" }}']]) }),
      alertRule('B', 'x'),
    ])], { externalLabels: new Map([['dc', 'eu']]) })
    rules.put({ __name__: 'x' }, 5)
    await rules.advance(MINUTE)
    const { annotations } = alertOf(rules.group).activeAlerts()[0]!
    expect(annotations.get('good')).toBe('5 http://monitor.example/sub /sub eu')
    expect(annotations.get('bad')).toMatch(/^<error expanding template: error executing template __alert_A: template: __alert_A:1:\d+: executing "__alert_A" at <.Nope>: can't evaluate field Nope in type struct/)
    expect(annotations.get('worse')).toMatch(/error calling query: .*parse error: unclosed left parenthesis>$/)
    expect(alertOf(rules.group, 1).state()).toBe('firing')
    expect(expansions).toEqual([false, true, false])
  })

  it('fails as a whole with two alerts of equal labels, and over its limit, which clears all', async () => {
    const rules = new RulesFixture()
    await rules.apply([ruleGroup([alertRule('A', 'x', { labels: new Map([['i', 'same']]) }), alertRule('B', 'x')], { limit: 1 })])
    rules.put({ __name__: 'x', i: '1' }, 1)
    await rules.advance(MINUTE)
    expect(alertOf(rules.group, 1).activeAlerts()).toHaveLength(1)
    rules.put({ __name__: 'x', i: '2' }, 1)
    await rules.advance(MINUTE)
    expect(alertOf(rules.group).health.error).toBe('vector contains metrics with the same labelset after applying alert labels')
    expect(alertOf(rules.group, 1).health.error).toBe('exceeded limit of 1 with 2 alerts')
    expect(alertOf(rules.group, 1).activeAlerts()).toEqual([])
  })
})

describe('the slots of a group', () => {
  it('that pass while it is evaluated are counted and left out', async () => {
    const rules = new RulesFixture()
    await rules.apply([ruleGroup([recordRule('a', '1')])])
    rules.beforeWrite = () => new Promise((resolve) => void rules.clock.after(200_000, resolve))
    await rules.advance(10 * MINUTE)
    const { counts } = rules.group
    expect(counts.missed).toBeGreaterThan(3)
    expect(counts.iterations).toBe(counts.evaluations + counts.missed)
    const times = rules.storage.dump()[0]!.samples.map(({ t }) => t)
    expect(times.slice(1).map((t, i) => (t - times[i]!) / MINUTE)).toEqual(times.slice(1).map(() => 3))
    // When it began, not the slot that it is of: it waited for the one before.
    expect(counts.lastAtMs - times.at(-1)!).toBe(20_000)
  })

  it('go on when the clock is set back or ahead by an hour', async () => {
    const rules = new RulesFixture()
    await rules.apply([ruleGroup([recordRule('a', '1')])])
    await rules.advance(3 * MINUTE)
    const { evaluations, iterations } = rules.group.counts
    for (const [i, jumpMs] of [-3_600_000, 3_600_000].entries()) {
      rules.clock.jump(jumpMs)
      await rules.advance(3 * MINUTE)
      // One of them only waits for samples of the new time.
      expect(rules.group.counts).toMatchObject({ evaluations: evaluations + 2 * (i + 1), iterations: iterations + 3 * (i + 1), missed: 0 })
    }
  })

  it('move their alerts along with a wall clock that jumps: none ends for want of samples near the new time, and no `for` is over by it', async () => {
    const sent: SentAlert[] = []
    const rules = new RulesFixture(undefined, undefined, { notify: { resendMs: 5 * MINUTE, send: (alerts) => void sent.push(...alerts) } })
    await rules.apply([ruleGroup([alertRule('Now', 'x == 1'), alertRule('Waits', 'x == 1', { forMs: 20 * MINUTE }), alertRule('None', 'absent(x)'), alertRule('Waits without samples', 'vector(1)', { forMs: 14 * MINUTE })])])
    const pass = async (minutes: number): Promise<void> => {
      for (let minute = 0; minute < minutes; minute++) {
        await rules.advance(MINUTE / 2)
        rules.put({ __name__: 'x' }, 1)
        await rules.advance(MINUTE / 2)
      }
    }
    const states = (): string[] => rules.group.rules.map((rule) => (rule as AlertingRule).state())
    rules.put({ __name__: 'x' }, 1)
    await pass(3)
    for (const jumpMs of [3_600_000, 365 * 86_400_000]) {
      sent.length = 0
      rules.clock.jump(jumpMs)
      await rules.advance(MINUTE)
      expect(sent.map(({ endsAtMs }) => endsAtMs > rules.clock.now()), 'it is said at once that it goes on').toEqual([true])
      await pass(2)
      expect(states(), `${jumpMs}`).toEqual(['firing', 'pending', 'inactive', 'pending'])
    }
    // There may be samples of that time, of which nobody knows whether they hold now; none is needed here.
    rules.clock.jump(-400 * 86_400_000)
    await rules.advance(MINUTE)
    expect(states()[3]).toBe('pending')
    // What passes by itself counts on: nine minutes of 14 so far.
    await rules.advance(4 * MINUTE)
    expect(states()[3]).toBe('pending')
    await rules.advance(MINUTE)
    expect(states()[3]).toBe('firing')
  })

  it('move also where a reload follows the jump before the next evaluation', async () => {
    const rules = new RulesFixture()
    const [now, waits, absent] = [alertRule('Now', 'x == 1'), alertRule('Waits', 'vector(1)', { forMs: 20 * MINUTE }), alertRule('None', 'absent(x)')]
    await rules.apply([ruleGroup([now, waits, absent])])
    const pass = async (minutes: number): Promise<void> => {
      for (let minute = 0; minute < minutes; minute++) {
        rules.put({ __name__: 'x' }, 1)
        await rules.advance(MINUTE)
      }
    }
    const states = (): string[] => rules.group.rules.slice(0, 3).map((rule) => (rule as AlertingRule).state())
    await pass(3)
    rules.clock.jump(3_600_000)
    await rules.apply([ruleGroup([now, waits, absent, recordRule('r', '1')])])
    await rules.advance(MINUTE)
    expect(states()).toEqual(['firing', 'pending', 'inactive'])
    await pass(2)
    expect(states()).toEqual(['firing', 'pending', 'inactive'])
  })

  it('count keep_firing_for on over a wall clock that jumps', async () => {
    const rules = new RulesFixture()
    await rules.apply([ruleGroup([alertRule('Kept', 'y == 1', { keepFiringForMs: 10 * MINUTE })])])
    const pass = async (minutes: number): Promise<string> => {
      for (let minute = 0; minute < minutes; minute++) {
        rules.put({ __name__: 'y' }, 0)
        await rules.advance(MINUTE)
      }
      return (rules.group.rules[0] as AlertingRule).state()
    }
    rules.put({ __name__: 'y' }, 1)
    await rules.advance(2 * MINUTE)
    expect(await pass(4)).toBe('firing')
    rules.clock.jump(3_600_000)
    expect(await pass(4)).toBe('firing')
    rules.clock.jump(-1_800_000)
    expect(await pass(1)).toBe('firing')
    expect(await pass(4)).toBe('inactive')
  })
})

describe('the templates of a rule', () => {
  it('have ten seconds together, their queries included', () => {
    const clock = new FakeClock()
    let tookMs = 6000
    const expanded: boolean[] = []
    const query = (): InstantElement[] => {
      void clock.advance(tookMs)
      return [{ labels: ['x', '1'], value: 3, histogram: null }]
    }
    const templates = new AlertTemplates('A', { query, clock, externalLabels: new Map(), externalUrl: '', onExpanded: (isGood) => expanded.push(isGood) })
    const data = templates.dataOf({ labels: ['x', '1'], value: 1, histogram: null })
    const ask = '{{ range query "up" }}{{ .Value }}{{ end }}'
    const late = 'the templates of this rule take longer than 10s'
    templates.begin(0)
    expect(templates.expand(ask, data)).toBe('3')
    expect(templates.expand(`${ask}${ask}`, data)).toBe(`<error expanding template: error executing template __alert_A: template: __alert_A:1:164: executing "__alert_A" at <query "up">: error calling query: ${late}>`)
    expect(templates.expand('{{ $value }}', data)).toBe(`<error expanding template: ${late}>`)
    expect(templates.expand('plain', data)).toBe('plain')
    tookMs = 0
    templates.begin(60_000)
    expect(templates.expand(ask, data)).toBe('3')
    expect(expanded).toEqual([true, false, false, true])
  })
})
