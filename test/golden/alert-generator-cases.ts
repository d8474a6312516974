// What rules make of series, evaluation by evaluation, for record-alert-generator.ts: the cases of Prometheus' alert generator
// compliance suite by their names (written anew), more of the same kind, and random ones.
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { gunzipSync } from 'node:zlib'
import { slotBefore, slotOffsetMs } from '../../lib/rules/slot.ts'
import { Random } from '../../lib/std/random.ts'
import { START_MS } from '../support/rules-fixture.ts'

export const GENERATOR_FILE: string = path.join(import.meta.dirname, 'alert-generator.json.gz')
export const STEP_S = 30
export const RESEND_S = 60
export const FILE = 'rules.yml'
/** Step 0: the first slot of the group. */
export const ZERO_MS: number = slotBefore(START_MS, slotOffsetMs(FILE, 'g', STEP_S * 1000), STEP_S * 1000) + STEP_S * 1000

export interface GeneratorCase {
  name: string
  /** `rules:` of the one group, in YAML. */
  rules: string
  /** Series by their text to what they have at each step: a number, `_` for none, `stale`; `11x4` stands for four steps, the last for all that follow. */
  series: Readonly<Record<string, string>>
  steps: number
  /** The process ends before step `at` and is there again for step `at + down`. */
  restart?: { at: number; down: number }
}

/** What the reference answered of a case, in lines. */
export interface GeneratorAnswer {
  /** `step labels annotations startsAt endsAt generatorURL`: what Alertmanagers were sent; times in steps. */
  posts: string[]
  /** By step: all alerts that are active, as the API has them, times in steps. */
  states: string[][]
  /** What the rules wrote, by series: `step:value`; those of ALERTS_FOR_STATE in steps, too. */
  written: Record<string, string>
}

export function readAnswers(): Record<string, GeneratorAnswer> {
  return JSON.parse(gunzipSync(readFileSync(GENERATOR_FILE)).toString('utf8')) as Record<string, GeneratorAnswer>
}

/** The values of each step. */
export function valuesOf(text: string, steps: number): string[] {
  const values = text.split(' ').flatMap((part) => {
    const [value, times = '1'] = part.split('x')
    return Array<string>(Number(times)).fill(value!)
  })
  return Array.from({ length: steps }, (_, step) => values[Math.min(step, values.length - 1)]!)
}

const FOR = 'for: 2m'
const rule = (name: string, expr: string, ...more: string[]): string => `- {alert: ${name}, expr: ${JSON.stringify(expr)}${more.map((text) => `, ${text}`).join('')}}\n`
const record = (name: string, expr: string, more = ''): string => `- {record: ${name}, expr: ${JSON.stringify(expr)}${more}}\n`
const TOLD = 'annotations: {description: "{{ $labels.i }} is {{ $value }}", summary: "constant"}'
const c = (name: string, rules: string, series: Record<string, string>, steps: number, restart?: GeneratorCase['restart']): GeneratorCase => ({ name, rules, series, steps, ...(restart && { restart }) })

const NAMED: readonly GeneratorCase[] = [
  c('PendingAndFiringAndResolved', rule('A', 'x > 10', FOR, 'labels: {rulegroup: g}', TOLD), { 'x{i="early"}': '5x2 11x10 5', 'x{i="late"}': '5x4 12x6 7 13x8 2' }, 60),
  c('PendingAndResolved_AlwaysInactive', rule('Pending', 'x > 10', FOR, TOLD) + rule('Never', 'x > 99', TOLD), { 'x{i="a"}': '5 11x3 5 11x4 3' }, 16),
  c('ZeroFor_SmallFor', rule('Zero', 'x > 10', TOLD) + rule('Small', 'x > 10', 'for: 10s', TOLD), { 'x{i="a"}': '5x2 11x6 5x3 11x3 5' }, 50),
  c('NewAlerts_OrderCheck', record('y', 'x * 2') + rule('First', 'y > 10') + rule('Second', 'ALERTS{alertname="First", alertstate="firing"} == 1') + record('late', 'count(ALERTS{alertname="Second"})'), { 'x{i="a"}': '3x2 6', 'x{i="b"}': '3x4 6x5 3' }, 16),
  c('a rule below one it reads sees it in the same evaluation, one above in the next', record('before', 'after + 1') + record('after', 'x') + rule('A', 'before > 3'), { 'x{i="a"}': '1x2 2x2 3x2 4x3 1' }, 14),
  c('told every resend while it fires, never while it is pending', rule('A', 'x > 10', 'for: 5m'), { 'x{i="a"}': '11' }, 60),
  c('resolved is told for a quarter of an hour', rule('A', 'x > 10'), { 'x{i="a"}': '11x3 5' }, 45),
  c('fires again before its end was forgotten', rule('A', 'x > 10', TOLD), { 'x{i="a"}': '11x3 5 11x3 5x2 12 5x10 13 5' }, 60),
  c('pending again after it was resolved', rule('A', 'x > 10', FOR, TOLD), { 'x{i="a"}': '11x7 5x2 11x3 5x2 11x8 5' }, 60),
  c('keep_firing_for', rule('A', 'x > 10', 'keep_firing_for: 2m', TOLD), { 'x{i="a"}': '11x3 5', 'x{i="b"}': '11x3 5x3 12x3 5', 'x{i="c"}': '11 5x4 11 5' }, 40),
  c('keep_firing_for after for', rule('A', 'x > 10', FOR, 'keep_firing_for: 90s', TOLD), { 'x{i="a"}': '11x6 5', 'x{i="b"}': '11x3 5x2 11x6 5x2 11x2 5', 'x{i="c"}': '11x5 _x4 stale 11' }, 40),
  c('a series without samples is looked back for, one marked stale is not', rule('A', 'x > 10', 'for: 1m', TOLD), { 'x{i="gap"}': '11x4 _x12 11', 'x{i="stale"}': '11x4 stale _x3 11x4 stale', 'x{i="gone"}': '11x6 _' }, 40),
  c('absent', rule('A', 'absent(x{i="a"})', FOR, 'labels: {why: "{{ $labels.i }} is not there"}'), { 'x{i="a"}': '1x2 stale _x6 1x2 stale _x8 1', 'x{i="b"}': '1' }, 40),
  c('labels of the rule win, those that are empty go, templates see both', rule('A', 'x > 10', 'labels: {i: mine, was: "{{ $labels.i }}", none: "", m: "{{ $labels.__name__ }}", v: "{{ printf \\"%.0f\\" $value }}"}', TOLD), { 'x{i="a", none="b"}': '5 11x4 12x4 5' }, 30),
  c('values and annotations change, the alert stays', rule('A', 'x > 10', FOR, TOLD), { 'x{i="a"}': '11 12 13 14 15 16 17 18 5' }, 30),
  c('labels change, and it is another alert', rule('A', 'x > 10', 'for: 1m', 'labels: {v: "{{ $value }}"}', TOLD), { 'x{i="a"}': '11x5 12x2 11x5 13x6 5' }, 40),
  c('templates that fail', rule('A', 'x > 10', 'labels: {bad: "{{ query \\"none\\" | first | value }}"}', 'annotations: {bad: "{{ index .Labels 1 }}", good: "{{ $value | humanize }}"}'), { 'x{i="a"}': '11x4 5' }, 12),
  c('templates that ask', rule('A', 'x > 10', 'annotations: {d: "{{ with query \\"y\\" }}{{ . | first | value | humanizePercentage }}{{ end }} {{ range query \\"sort_desc(x)\\" }}{{ .Labels.i }}={{ .Value }};{{ end }} {{ $externalLabels.a }}|{{ $externalURL }} {{ pathPrefix }} {{ graphLink \\"x\\" }}"}'), { 'x{i="a"}': '11x4 5', 'x{i="b"}': '1 2 3 40 5', y: '0.25x3 0.5' }, 12),
  c('two results of equal labels', rule('A', 'x > 10', 'labels: {i: same}') + rule('Other', 'x > 10'), { 'x{i="a"}': '11x8 5', 'x{i="b"}': '5x3 11x3 5' }, 30),
  c('an expression that fails from time to time', rule('A', 'x * on (j) group_left () y > 10', TOLD), { 'x{i="a", j="1"}': '11x10 5', 'y{j="1", k="1"}': '1', 'y{j="1", k="2"}': '_x3 1 stale _' }, 30),
  c('scalars and vectors without labels', rule('A', 'vector(1)') + rule('B', 'scalar(x)', FOR) + rule('C', 'sum(x) > 10'), { 'x{i="a"}': '5x3 11x6 5' }, 20),
  c('many at once', rule('A', 'x > 10', 'for: 30s', TOLD) + rule('B', 'sum by (j) (x) > 30'), Object.fromEntries(Array.from({ length: 12 }, (_, i) => [`x{i="${i}", j="${i % 3}"}`, `5x${1 + i} 11x${12 - i} 5`])), 30),
  c('NaN and infinite values', rule('A', 'x', TOLD) + rule('B', 'x > 10', TOLD), { 'x{i="a"}': 'NaN 1 Inf -Inf NaN 1e22 1e-7 0.1 -0', 'x{i="b"}': 'NaNx3 Infx3 1' }, 20),
  c('names of many kinds', rule('"A b: {é}"', '{"my.x"} > 10', 'labels: {"my.label": "{{ $labels.i }}", quote: "a \\"b\\" \\\\ c\\nd"}', 'annotations: {"my.note": "<é>"}'), { '{__name__="my.x", i="a", "dot.ted"="c"}': '5 11x4 5' }, 14),
  c('an interval that falls between scrapes', rule('A', 'rate(x[2m]) > 0.4', 'for: 1m', TOLD) + record('r', 'rate(x[2m])'), { 'x{i="a"}': '0 30 60 90 _ 120 150 180 190 195 196 196 196' }, 30),
  c('restart while it fires', rule('A', 'x > 10', 'for: 30m', TOLD), { 'x{i="a"}': '11' }, 110, { at: 70, down: 8 }),
  c('restart while it is pending', rule('A', 'x > 10', 'for: 30m', TOLD), { 'x{i="a"}': '11x100 5' }, 120, { at: 30, down: 10 }),
  c('restart shortly before it fires', rule('A', 'x > 10', 'for: 30m', TOLD), { 'x{i="a"}': '11' }, 110, { at: 58, down: 4 }),
  c('restart of a short for', rule('A', 'x > 10', 'for: 5m', 'keep_firing_for: 5m', TOLD), { 'x{i="a"}': '11x70 5' }, 90, { at: 30, down: 4 }),
  c('restart after an hour', rule('A', 'x > 10', 'for: 30m', TOLD), { 'x{i="a"}': '11' }, 240, { at: 70, down: 130 }),
  c('restart in which it ended', rule('A', 'x > 10', 'for: 15m', TOLD), { 'x{i="a"}': '11x44 5x4 11', 'x{i="b"}': '11x20 5' }, 100, { at: 40, down: 6 }),
]

const EXPRESSIONS = ['x > 10', 'sum by (j) (x) > 15', 'x > 10 or y < 3', 'absent(x{i="0"})', 'max_over_time(x[2m]) > 11', 'x offset 1m > 10', 'x and on (i) y', 'count_over_time(y[3m]) < 4', 'ALERTS{alertstate="firing"}', 'ALERTS_FOR_STATE > 0', 'r > 20', 'y == 1', 'rate(x[2m]) > 0', 'topk(1, x)', 'x unless y', 'changes(y[4m]) > 1']

function random(seed: number): GeneratorCase {
  const dice = new Random(seed)
  const span = (): string => dice.pick(['30s', '1m', '45s', '2m', '3m'])
  const rules = Array.from({ length: 1 + dice.int(4) }, (_, i) => {
    if (dice.int(4) === 0) return record('r', dice.pick(['sum(x)', 'x * 2', 'count by (i) (ALERTS)', 'y + 1']))
    const more = [dice.int(2) === 0 ? `for: ${span()}` : '', dice.int(3) === 0 ? `keep_firing_for: ${span()}` : '', dice.int(3) === 0 ? 'labels: {l: "{{ $labels.i }}-{{ $value }}"}' : '', dice.int(2) === 0 ? TOLD : '']
    return rule(`A${i}`, dice.pick(EXPRESSIONS), ...more.filter((text) => text !== ''))
  })
  const values = (): string => Array.from({ length: 3 + dice.int(5) }, () => `${dice.pick(['5', '11', '12', '_', 'stale', '1', 'NaN', '2'])}x${1 + dice.int(7)}`).join(' ')
  const names = ['x{i="0", j="a"}', 'x{i="1", j="a"}', 'x{i="2", j="b"}', 'y{i="0"}', 'y{i="1"}'].filter(() => dice.int(4) > 0)
  const isRestarted = dice.int(4) === 0
  return c(`random ${seed}`, rules.join(''), Object.fromEntries(names.map((name) => [name, values()])), 45, isRestarted ? { at: 8 + dice.int(20), down: 1 + dice.int(6) } : undefined)
}

export const GENERATOR_CASES: readonly GeneratorCase[] = [...NAMED, ...Array.from({ length: 60 }, (_, seed) => random(seed))]
