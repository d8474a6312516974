// API rules as PromQL: what each kind compiles to, and that it fires for whom it should, over the real engine.
import { describe, expect, it } from 'vitest'
import { parseExpr } from '../../../../lang/parse/parse.ts'
import { Engine } from '../../../../lang/engine.ts'
import { loadRuleFile } from '../../../../lib/config/rule-file.ts'
import { formatLabels, labelsFromRecord } from '../../../../lib/model/labels.ts'
import { checkRule } from '../../../../lib/rules/json-rule/check-rule.ts'
import { compileExpr, compileRule, learningRule } from '../../../../lib/rules/json-rule/compile.ts'
import { RuleBodyError } from '../../../../lib/rules/json-rule/fields.ts'
import { ruleFileText, ruleGroups } from '../../../../lib/rules/json-rule/rule-groups.ts'
import { ruleChecks } from '../../../../lib/rules/rule-checks.ts'
import { engineQuery } from '../../../../lib/rules/rule-query.ts'
import { MemoryStorage } from '../../../support/memory-storage.ts'

type Body = Record<string, unknown>

const over80 = { operator: 'gt', threshold: 80, window: '5m', aggregation: 'avg' }
const MINUTE = 60_000
const HOUR = 60 * MINUTE
const WEEK = 168 * HOUR
const NOW = 2900 * WEEK + 10 * HOUR

describe('an API rule compiles to', () => {
  const f = (body: Body, want: string): void => it(want, () => {
    const expr = compileExpr(checkRule({ name: 'n', ...body }))
    expect(expr).toBe(want)
    expect(() => parseExpr(expr, {})).not.toThrow()
  })
  f({ metric: 'cpu_usage', condition: over80, filters: { env: 'production', region: 'us-east-1' } }, 'avg_over_time(cpu_usage{env="production",region="us-east-1"}[5m]) > 80')
  for (const [aggregation, want] of [['min', 'min_over_time(m[5m])'], ['max', 'max_over_time(m[5m])'], ['sum', 'sum_over_time(m[5m])'], ['count', 'count_over_time(m[5m])'], ['last', 'last_over_time(m[5m])'], ['rate', 'rate(m[5m])'], ['p99', 'quantile_over_time(0.99, m[5m])']] as const) {
    f({ metric: 'm', condition: { ...over80, aggregation } }, `${want} > 80`)
  }
  for (const [operator, sign] of [['gte', '>='], ['lt', '<'], ['lte', '<='], ['eq', '==']] as const) f({ metric: 'm', condition: { operator, threshold: -1.5e-7 } }, `avg_over_time(m[5m]) ${sign} -1.5e-7`)
  f({ metric: 'm', condition: over80, filters: { a: ['x.y', 'z|'] } }, 'avg_over_time(m{a=~"x\\\\.y|z\\\\|"}[5m]) > 80')
  f({ metric: 'disk.used', condition: over80, filters: { 'host.name': 'a"b' } }, 'avg_over_time({__name__="disk.used","host.name"="a\\"b"}[5m]) > 80')
  f({ metric: 'inf', condition: over80 }, 'avg_over_time({__name__="inf"}[5m]) > 80')
  f({ metric: 'offset', condition: over80 }, 'avg_over_time(offset[5m]) > 80')
  f({ kind: 'rate_of_change', metric: 'disk', condition: { operator: 'gt', threshold: 20, change: 'percent' } }, '(disk - (disk offset 1h)) / abs(disk offset 1h) * 100 > 20')
  f({ kind: 'rate_of_change', metric: 'disk', condition: { operator: 'lt', threshold: -5, window: '10m' } }, 'disk - (disk offset 10m) < -5')
  f({ kind: 'absence', metric: 'up', filters: { env: 'p' } }, 'group by (server_id, instance, env) (last_over_time(up{env="p"}[1h])) unless group by (server_id, instance, env) (last_over_time(up{env="p"}[2m]))')
  f({ kind: 'composite', conditions: [{ metric: 'cpu', ...over80 }, { metric: 'free', ...over80, operator: 'lt' }] },
    'max by (server_id, instance) (avg_over_time(cpu[5m]) > 80) and min by (server_id, instance) (avg_over_time(free[5m]) < 80)')
  f({ kind: 'composite', match: 'any', server_labels: ['host'], conditions: [{ metric: 'a', ...over80 }, { metric: 'b', ...over80 }] },
    'max by (host) (avg_over_time(a[5m]) > 80) or max by (host) (avg_over_time(b[5m]) > 80)')
})

describe('an API rule is refused', () => {
  const good = { name: 'n', metric: 'm', condition: over80 }
  const f = (body: unknown, ...want: string[]): void => it(want.join(' | '), () => {
    let found: string[] = []
    try {
      checkRule(body)
    } catch (error) {
      if (!(error instanceof RuleBodyError)) throw error
      found = error.message.split('\n')
    }
    expect(found).toEqual(want)
  })
  f([], 'the body is no JSON object; send the rule as {"name": …, "metric": …, "condition": {…}}')
  f({}, 'name: is missing; give a text', 'metric: is missing; give a text', 'condition: is missing; give an object', 'condition.operator: is missing; give one of gt, gte, lt, lte, eq', 'condition.threshold: is missing; give a number')
  f({ ...good, name: '' }, 'name: is empty; give a text')
  f({ ...good, name: 'x'.repeat(256) }, 'name: has 256 characters; give at most 255')
  f({ ...good, name: '\ud800' }, 'name: is not valid Unicode; send the body as UTF-8')
  f({ ...good, metrics: 'm' }, 'metrics: is unknown here; did you mean metric?')
  f({ ...good, condition: { ...over80, operator: 'gtt' } }, 'condition.operator: is "gtt"; give one of gt, gte, lt, lte, eq (did you mean gt?)')
  f({ ...good, condition: { ...over80, threshold: '80' } }, 'condition.threshold: is the string "80"; give a finite number, without quotes')
  f({ ...good, condition: { ...over80, window: 5 } }, 'condition.window: 5 is no duration; write it like "90s", "5m" or "1h30m"')
  f({ ...good, condition: { ...over80, window: '31d' } }, 'condition.window: is "31d"; give a duration from 1s to 30d')
  f({ ...good, condition: { ...over80, windw: '5m' } }, 'condition.windw: is unknown here; did you mean window?')
  f({ ...good, severity: 'page' }, 'severity: is "page"; give one of info, warning, critical (did you mean critical?)')
  f({ ...good, notify: 'email:a@b.c' }, 'notify: is the string "email:a@b.c"; give a list of texts')
  f({ ...good, notify: ['mail:a@b.c', 'email:a', 'sms:123', 'push:', 'webhook:ftp://x', 'email:a@b.c', 'push:all'] },
    'notify[0]: "mail:a@b.c" tells nobody; write one of email:…, sms:…, push:…, webhook:…, receiver:…', 'notify[1]: "email:a" tells nobody; write email:someone@example.com',
    'notify[2]: "sms:123" tells nobody; write the number with its country, such as sms:+15551234567', 'notify[3]: "push:" tells nobody; write push:all, or push: and the name of a subscription',
    'notify[4]: "webhook:ftp://x" tells nobody; write webhook:https://host/path')
  f({ ...good, filters: { __name__: 'x' } }, 'filters.__name__: is the name of the metric; give it as metric')
  f({ ...good, filters: { a: 1 } }, 'filters.a: is the number 1; give a text')
  f({ ...good, filters: { a: [] } }, 'filters.a: has no values; give at least one, or leave the filter out')
  f({ ...good, filters: { a: [1] } }, 'filters.a[0]: is the number 1; give a text of 1 to 4096 characters')
  f({ ...good, labels: { severity: 'x' } }, 'labels.severity: is set by the rule itself; use another name')
  f({ ...good, kind: 'absense' }, 'kind: is "absense"; give one of threshold, rate_of_change, absence, composite, anomaly (did you mean absence?)')
  f({ name: 'n', kind: 'absence', metric: 'm', condition: { window: '2h', remember: '1h' } }, 'condition.remember: is not longer than window; give the time in which a server that was seen is still expected, such as "1h"')
  f({ name: 'n', kind: 'composite', conditions: [{ metric: 'm', ...over80 }] }, 'conditions: has 1 entries; give a list of 2 to 10 objects')
  f({ name: 'n', kind: 'composite', conditions: [{ metric: 'm', operator: 'gt' }] }, 'conditions: has 1 entries; give a list of 2 to 10 objects', 'conditions[0].threshold: is missing; give a number')
  f({ name: 'n', kind: 'composite', conditions: [1, { metric: 'm', ...over80 }] }, 'conditions[0]: is the number 1; give an object', 'conditions[0].metric: is missing; give a text', 'conditions[0].operator: is missing; give one of gt, gte, lt, lte, eq', 'conditions[0].threshold: is missing; give a number')
  f({ name: 'n', kind: 'anomaly', metric: 'm', condition: { baseline: '1d' } }, 'condition.baseline: is "1d"; give a duration from 1w to 8w')
  f({ name: 'n', kind: 'anomaly', metric: 'm', condition: { sigma: 0 } }, 'condition.sigma: is 0; give a number from 0.5 to 100')
})

describe('an API rule', () => {
  it('is found by the loader of rule files just as it is evaluated', () => {
    const bodies: Body[] = [
      { name: 'A "quoted": {{x}}\n', metric: 'm', condition: over80, for: '1m', labels: { team: '{{ $labels.env }}' }, annotations: { summary: 'é: #x' } },
      { name: 'B', kind: 'anomaly', metric: 'm' }, { name: 'C', kind: 'absence', metric: 'disk.used', interval: '10s' },
    ]
    const groups = ruleGroups(bodies.map((body) => checkRule(body)).map((rule, i) => ({ rule, configs: [compileRule(rule, `id${i}`), ...[learningRule(rule, `id${i}`)].filter((one) => one !== null)] })), '/data/rules/api.yml')
    expect(groups.map(({ name, intervalMs, rules }) => [name, intervalMs, rules.length])).toEqual([['api', null, 1], ['api anomalies 1m', 60_000, 2], ['api 10s', 10_000, 1]])
    // Where baselines are evaluated a file does not say.
    const asFile = groups.map(({ name, file, intervalMs, queryOffsetMs, limit, rules }) => ({ name, file, intervalMs, queryOffsetMs, limit, rules }))
    expect(groups.map(({ hasBaselines }) => hasBaselines)).toEqual([undefined, true, undefined])
    expect(loadRuleFile(ruleFileText(groups), '/data/rules/api.yml', { checks: ruleChecks({}) })).toEqual(asFile)
    expect(loadRuleFile(ruleFileText([]), 'x', { checks: ruleChecks({}) })).toEqual([])
  })

  it('has a summary of its parts, whatever they are called', () => {
    const summary = (body: Body): string | undefined => compileRule(checkRule({ name: 'A VALUE of {{x}}', ...body }), 'u').annotations.get('summary')?.replace(/ on .*\{\{ end \}\}\{\{ end \}\}/, '')
    const [name, value] = ['A VALUE of {{ "{{" }}x}}{{ with $labels.server_id }}', '{{ $value | humanize }}']
    expect(summary({ metric: 'VALUE{{', condition: over80 })).toBe(`${name}: avg of VALUE{{ "{{" }} over 5m > 80, now ${value}`)
    expect(summary({ kind: 'absence', metric: 'VALUE' })).toBe(`${name}: no VALUE for 2m`)
    expect(summary({ kind: 'rate_of_change', metric: 'm', condition: { operator: 'gt', threshold: 80, change: 'percent' } })).toBe(`${name}: m has changed by ${value} % within 1h (> 80 %)`)
  })

  it('is resolved after a clean window, and carries its severity and id', () => {
    expect(compileRule(checkRule({ name: 'n', metric: 'm', condition: over80, severity: 'critical' }), 'u')).toMatchObject({ keepFiringForMs: 300_000, forMs: 0, labels: new Map([['severity', 'critical'], ['rule_id', 'u']]) })
  })
})

/** Series whose alerts a rule gives at `NOW`, with their values. */
function firing(body: Body, storage: MemoryStorage, atMs = NOW): Record<string, number> {
  const query = engineQuery(new Engine(), storage, { timeoutMs: 10_000, lookbackMs: 300_000 })
  return Object.fromEntries(query(compileExpr(checkRule({ name: 'n', ...body })), atMs).map(({ labels, value }) => [formatLabels(labels), Math.round(value * 1e6) / 1e6]))
}

function put(storage: MemoryStorage, series: Record<string, string>, samples: readonly (readonly [ageMs: number, value: number])[]): void {
  for (const [ageMs, value] of samples.toSorted(([a], [b]) => b - a)) storage.add(labelsFromRecord(series), NOW - ageMs, value)
}

describe('over stored samples', () => {
  it('a change in percent is one of the value before, whatever its sign', () => {
    const storage = new MemoryStorage()
    put(storage, { __name__: 'd', i: 'grew' }, [[HOUR, 50], [0, 61]])
    put(storage, { __name__: 'd', i: 'steady' }, [[HOUR, 50], [0, 59]])
    put(storage, { __name__: 'd', i: 'negative' }, [[HOUR, -50], [0, -35]])
    put(storage, { __name__: 'd', i: 'new' }, [[0, 1000]])
    expect(firing({ kind: 'rate_of_change', metric: 'd', condition: { operator: 'gt', threshold: 20, change: 'percent' } }, storage)).toEqual({ '{i="grew"}': 22, '{i="negative"}': 30 })
  })

  it('absence is told of each server that was there, and of no series that another of its server makes up for', () => {
    const storage = new MemoryStorage()
    put(storage, { __name__: 'm', server_id: 'gone', cpu: '0' }, [[HOUR / 2, 1], [2 * MINUTE, 1]])
    put(storage, { __name__: 'm', server_id: 'here', cpu: '0' }, [[HOUR / 2, 1]])
    put(storage, { __name__: 'm', server_id: 'here', cpu: '1' }, [[MINUTE, 1]])
    put(storage, { __name__: 'm', server_id: 'forgotten' }, [[2 * HOUR, 1]])
    expect(firing({ kind: 'absence', metric: 'm' }, storage)).toEqual({ '{server_id="gone"}': 1 })
  })

  it('a composite joins conditions by server', () => {
    const storage = new MemoryStorage()
    for (const [server, cpu, memory] of [['a', 90, 95], ['b', 90, 10], ['c', 10, 95]] as const) {
      put(storage, { __name__: 'cpu', server_id: server, core: '1' }, [[MINUTE, cpu]])
      put(storage, { __name__: 'mem', server_id: server, node: '2' }, [[MINUTE, memory]])
    }
    const conditions = [{ metric: 'cpu', ...over80 }, { metric: 'mem', ...over80, threshold: 85 }]
    expect(firing({ kind: 'composite', conditions }, storage)).toEqual({ '{server_id="a"}': 90 })
    expect(firing({ kind: 'composite', match: 'any', conditions }, storage)).toEqual({ '{server_id="a"}': 90, '{server_id="b"}': 90, '{server_id="c"}': 95 })
  })

  describe('an anomaly', () => {
    const storage = new MemoryStorage()
    const past = (server: string, levels: readonly number[], now: number): void => {
      const hours = levels.flatMap((level, k) => [-1, 1].map((side) => [(k + 1) * WEEK + side * 10 * MINUTE, level + 2 * side] as const))
      put(storage, { __name__: 'cpu', server_id: server, service: 'api', env: 'p' }, [...hours, [MINUTE, now]])
    }
    // Two samples an hour, 2 beside the level; levels 50: mean 50, deviation 2.
    past('usual', [50, 50, 50, 50], 55)
    past('high', [50, 50, 50, 50], 57)
    past('low', [50, 50, 50, 50], 40)
    // Levels 40 and 60: mean 50, deviation √(4 + 100).
    past('moves', [40, 60], 75)
    past('new', [], 57)
    put(storage, { __name__: 'cpu', server_id: 'alone', service: 'other', env: 'p' }, [[MINUTE, 1e6]])
    const series = (server: string, more = ''): string => `{${more}env="p", server_id="${server}", service="api"}`

    it('is more than k deviations from the same hour of earlier weeks; a series without borrows the median', () => {
      expect(firing({ kind: 'anomaly', metric: 'cpu' }, storage)).toEqual({ [series('high')]: 3.5, [series('low')]: 5, [series('new', 'baseline="learning", ')]: 3.5 })
      expect(firing({ kind: 'anomaly', metric: 'cpu', condition: { direction: 'below' } }, storage)).toEqual({ [series('low')]: -5 })
      expect(firing({ kind: 'anomaly', metric: 'cpu', condition: { direction: 'above', sigma: 2 } }, storage)).toEqual({ [series('usual')]: 2.5, [series('high')]: 3.5, [series('moves')]: 2.451452, [series('new', 'baseline="learning", ')]: 3.5 })
    })

    it('counts series that are learning: those without a baseline of their own', () => {
      const counted = (body: Body): number[] => engineQuery(new Engine(), storage, { timeoutMs: 10_000, lookbackMs: 300_000 })(learningRule(checkRule({ name: 'n', kind: 'anomaly', ...body }), 'r')!.expr, NOW).map(({ value }) => value)
      expect([counted({ metric: 'cpu' }), counted({ metric: 'none' }), counted({ metric: 'cpu', filters: { server_id: 'usual' } })]).toEqual([[2], [0], [0]])
      expect(learningRule(checkRule({ name: 'n', metric: 'm', condition: over80 }), 'r')).toBe(null)
    })

    it('of a series that was judged falsely has a wider band', () => {
      const widened = [{ labels: { server_id: 'high' }, factor: 1.5 }, { labels: { server_id: 'low' }, factor: 1.5 }]
      expect(firing({ kind: 'anomaly', metric: 'cpu', widened }, storage)).toEqual({ [series('low')]: 5, [series('new', 'baseline="learning", ')]: 3.5 })
    })

    it('may look at hours of days, or at all hours alike', () => {
      const daily = new MemoryStorage()
      const hours = Array.from({ length: 7 * 24 }, (_, k) => [k * HOUR + 20 * MINUTE, k % 24 === 23 || k % 24 === 0 ? 90 : 10] as const)
      put(daily, { __name__: 'm', i: '1' }, [...hours.slice(1), [MINUTE, 90]])
      put(daily, { __name__: 'm', i: '2' }, [...hours.slice(1), [MINUTE, 10]])
      // At this hour of each day it was 90: the one at 10 is odd. By all hours the one at 90 is.
      expect(Object.keys(firing({ kind: 'anomaly', metric: 'm', condition: { season: 'hour_of_day', baseline: '6d' } }, daily))).toEqual(['{i="2"}'])
      expect(Object.keys(firing({ kind: 'anomaly', metric: 'm', condition: { season: 'none', baseline: '6d' } }, daily))).toEqual(['{i="1"}'])
    })
  })
})
