// Stories of what keeps alerts back, for record-alertmanager-keeping.ts: inhibition, silences, times of routes, and all of them at random.
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { Random } from '../../lib/std/random.ts'

export const KEEPING_FILE: string = path.join(import.meta.dirname, 'alertmanager-keeping.json')

export interface KeepingSilence {
  /** Two of one key are a silence and its change. */
  key: string
  /** `name=value`, `!=`, `=~`, `!~`. */
  matchers: readonly string[]
  /** Seconds since the beginning of the story. */
  from: number
  to: number
}

export interface KeepingStep {
  /** Seconds since the beginning of the story. */
  at: number
  /** Label sets that fire from now on, and such as end; `for` ends those that fire after so many seconds without a further word. */
  fire?: readonly Record<string, string>[]
  for?: number
  end?: readonly Record<string, string>[]
  silences?: readonly KeepingSilence[]
  /** Keys of silences that are ended by hand. */
  expire?: readonly string[]
}

export interface KeepingStory {
  name: string
  config: string
  /** When it begins. */
  startMs: number
  /** Of the clock, in seconds. */
  tick: number
  steps: readonly KeepingStep[]
  /** Alerts whose end is kept back by Alertmanager and told here (docs/alertmanager.md). */
  endsTold: readonly string[]
}

/** What was told, `ms receiver group: +firing -ended`, and how silences and alerts stood after each step. */
export interface KeepingAnswer {
  told: string[]
  states: string[][]
}

export function readAnswers(): Record<string, KeepingAnswer> {
  return JSON.parse(readFileSync(KEEPING_FILE, 'utf8')) as Record<string, KeepingAnswer>
}

const START_MS = 1_795_000_000_000

const config = (rest: string, route = 'group_by: [g]', routes = ''): string => `
route: {receiver: hook, ${route}, group_wait: 1250ms, group_interval: 3s, repeat_interval: 20s${routes === '' ? '' : `, routes: [${routes}]`}}
receivers: [{name: hook, webhook_configs: [{url: "http://hook"}]}, {name: other, webhook_configs: [{url: "http://other"}]}]
${rest}`

function story(name: string, text: string, steps: readonly KeepingStep[], more: Partial<KeepingStory> = {}): KeepingStory {
  return { name, config: text, startMs: START_MS, tick: 0.25, steps, endsTold: [], ...more }
}

const page = (i: string, labels: Record<string, string> = {}): Record<string, string> => ({ i, sev: 'page', ...labels })
const warn = (i: string, labels: Record<string, string> = {}): Record<string, string> => ({ i, sev: 'warn', ...labels })
/** Looks once more after so many seconds. */
const look = (...at: number[]): KeepingStep[] => at.map((one) => ({ at: one }))
const EQUAL = config('inhibit_rules: [{source_matchers: [sev=page], target_matchers: [sev=warn], equal: [zone, dc]}]')
const ANY = config('inhibit_rules: [{source_matchers: [sev=page], target_matchers: [sev=warn]}]')

const INHIBITION: readonly KeepingStory[] = [
  story('equal labels', EQUAL, [
    { at: 0, fire: [page('s', { zone: 'a', dc: '1' })] }, { at: 0.5, fire: [warn('both', { zone: 'a', dc: '1' }), warn('one', { zone: 'a', dc: '2' }), warn('none', { zone: 'b', dc: '2' })] },
    ...look(6, 12), { at: 14.5, end: [page('s', { zone: 'a', dc: '1' })] }, ...look(16, 22, 40),
  ]),
  story('labels that are missing are equal to such as are empty', EQUAL, [
    { at: 0, fire: [page('s1'), page('s2', { zone: 'z' }), warn('none'), warn('zone', { zone: 'z' }), warn('other', { zone: 'y' }), warn('dc', { dc: '1' })] }, ...look(5), { at: 8.5, end: [page('s1')] }, ...look(12, 20),
  ]),
  story('an alert that is source and target', config('inhibit_rules: [{source_matchers: [kind=~"a|both"], target_matchers: [kind=~"b|both"]}]'), [
    { at: 0, fire: [{ i: '1', kind: 'both' }] }, ...look(3), { at: 4.5, fire: [{ i: '2', kind: 'both' }, { i: '3', kind: 'b' }] }, ...look(8), { at: 9.5, fire: [{ i: '4', kind: 'a' }] }, ...look(13), { at: 14.5, end: [{ i: '1', kind: 'both' }, { i: '2', kind: 'both' }, { i: '4', kind: 'a' }] }, ...look(20),
  ]),
  story('several sources', ANY, [
    { at: 0, fire: [page('s1'), page('s2'), page('s3'), warn('t')] }, ...look(4), { at: 5.5, end: [page('s1')] }, ...look(8), { at: 8.5, end: [page('s3')] }, ...look(12), { at: 12.5, end: [page('s2')] }, ...look(18),
  ]),
  story('a source ends while its target fires, and fires again', ANY, [
    { at: 0, fire: [page('s'), warn('t')] }, { at: 4.5, end: [page('s')] }, ...look(9), { at: 9.5, fire: [page('s')] }, ...look(14), { at: 15.5, end: [page('s')] }, ...look(24, 40, 60),
  ]),
  story('a target that was told before its source fires', ANY, [
    { at: 0, fire: [warn('t1'), warn('t2')] }, { at: 4.5, fire: [page('s')] }, ...look(8, 26), { at: 27.5, end: [warn('t1')] }, ...look(32), { at: 33.5, end: [page('s')] }, ...look(40),
  ], { endsTold: ['t1'] }),
  story('a target that comes and goes behind its source', ANY, [
    { at: 0, fire: [page('s')] }, { at: 2.5, fire: [warn('t')] }, { at: 8.5, end: [warn('t')] }, { at: 12.5, end: [page('s')] }, ...look(20),
  ]),
  story('a source without a further word', ANY, [{ at: 0, fire: [page('s')], for: 7.25 }, { at: 0.5, fire: [warn('t')] }, ...look(4, 7, 8, 12, 20)]),
  story('rules one behind the other', config('inhibit_rules: [{source_matchers: [l=a], target_matchers: [l=b]}, {source_matchers: [l=b], target_matchers: [l=c], equal: [zone]}, {source_matchers: [l=c], target_matchers: [l=a], equal: [none]}]'), [
    { at: 0, fire: [{ i: 'c', l: 'c' }, { i: 'd', l: 'd' }] }, { at: 4.5, fire: [{ i: 'b', l: 'b' }] }, { at: 9.5, fire: [{ i: 'a', l: 'a', none: 'x' }] }, ...look(14), { at: 14.5, end: [{ i: 'a', l: 'a', none: 'x' }] }, ...look(20),
  ]),
  story('matchers of all kinds', config('inhibit_rules: [{source_matchers: ["sev=~p.*", "quiet!=yes"], target_matchers: ["sev!~p.*|info", "keep=\\"\\""], equal: [zone]}]'), [
    { at: 0, fire: [page('s1', { quiet: 'yes', zone: 'a' }), page('s2', { zone: 'b' }), warn('a', { zone: 'a' }), warn('b', { zone: 'b' }), warn('kept', { zone: 'b', keep: '1' }), { i: 'info', sev: 'info', zone: 'b' }, { i: 'bare', zone: 'b' }] }, ...look(4, 10),
  ]),
  story('a source that is silenced, muted or of another route', config('inhibit_rules: [{source_matchers: [sev=page], target_matchers: [sev=warn], equal: [zone]}]\ntime_intervals: [{name: always, time_intervals: [{weekdays: ["sunday:saturday"]}]}]', 'group_by: [zone]', '{matchers: [zone=m, sev=page], receiver: other, mute_time_intervals: [always]}, {matchers: [sev=page], receiver: other}'), [
    { at: 0, silences: [{ key: 'k', matchers: ['i=s1'], from: 0, to: 12.5 }] }, { at: 0.5, fire: [page('s1', { zone: 'a' }), warn('t1', { zone: 'a' }), page('s2', { zone: 'm' }), warn('t2', { zone: 'm' })] }, ...look(6, 14, 20),
  ]),
]

const PLAIN = config('')
const SILENCES: readonly KeepingStory[] = [
  story('a silence begins and is over', PLAIN, [
    { at: 0, fire: [warn('1'), warn('2')], silences: [{ key: 'k', matchers: ['i=1'], from: 5.5, to: 30.5 }] }, ...look(4, 6), { at: 8.5, fire: [warn('3')] }, ...look(24, 31, 36, 60),
  ]),
  story('a silence that was there before the alert, ended by hand', PLAIN, [
    { at: 0, silences: [{ key: 'k', matchers: ['sev=warn'], from: 0, to: 3600 }] }, { at: 1.5, fire: [warn('1'), page('2')] }, ...look(6), { at: 8.5, expire: ['k'] }, ...look(9, 14), { at: 15.5, expire: ['k'] }, ...look(20),
  ]),
  story('a silence is made longer, shorter, and one of other alerts', PLAIN, [
    { at: 0, silences: [{ key: 'k', matchers: ['i=1'], from: 0, to: 6.5 }] }, { at: 0.5, fire: [warn('1'), warn('2')] }, { at: 4.5, silences: [{ key: 'k', matchers: ['i=1'], from: 0, to: 60 }] }, ...look(8),
    { at: 12.5, silences: [{ key: 'k', matchers: ['i=2'], from: 12.5, to: 60 }] }, ...look(16), { at: 20.5, silences: [{ key: 'k', matchers: ['i=2'], from: 12.5, to: 21.5 }] }, ...look(24, 50),
  ]),
  story('one that is to come is moved, one that is over begins again', PLAIN, [
    { at: 0, fire: [warn('1')], silences: [{ key: 'k', matchers: ['i=1'], from: 10, to: 20 }] }, { at: 4.5, silences: [{ key: 'k', matchers: ['i=1'], from: 5, to: 12.5 }] }, ...look(8, 14),
    { at: 16.5, silences: [{ key: 'k', matchers: ['i=1'], from: 16.5, to: 30.5 }] }, ...look(24, 36, 60),
  ]),
  story('matchers of all kinds on labels that are there or not', PLAIN, [
    { at: 0, fire: [warn('1', { team: 'db' }), warn('2', { team: 'web' }), warn('3'), page('4', { team: 'db' }), page('5', { note: 'a "b" \\ é' })], silences: [
      { key: 'regex', matchers: ['team=~d.|x'], from: 0, to: 10.5 }, { key: 'not', matchers: ['sev=page', 'team!=db'], from: 0, to: 14.5 }, { key: 'no regex', matchers: ['sev=warn', 'team!~w.*|d.*'], from: 0, to: 18.5 },
      { key: 'empty', matchers: ['team=', 'i=3'], from: 2.5, to: 20 }, { key: 'dots', matchers: ['i=.'], from: 0, to: 60 }, { key: 'anchored', matchers: ['team=~e|b'], from: 0, to: 60 }, { key: 'note', matchers: ['note=a "b" \\ é'], from: 0, to: 22.5 },
    ] }, ...look(4, 9, 12, 16, 21, 30),
  ]),
  story('silences that overlap', PLAIN, [
    { at: 0, fire: [warn('1'), warn('2')], silences: [{ key: 'a', matchers: ['i=1'], from: 0, to: 8.5 }, { key: 'b', matchers: ['sev=warn'], from: 4.5, to: 14.5 }, { key: 'c', matchers: ['i=~1|2'], from: 12.5, to: 20.5 }] }, ...look(2, 6, 10, 14, 15, 21, 26),
  ]),
  story('silences that cannot be', PLAIN, [
    { at: 5, fire: [warn('1')], silences: [{ key: 'back', matchers: ['i=1'], from: 20, to: 10 }, { key: 'empty', matchers: ['i='], from: 5, to: 10 }, { key: 'any', matchers: ['i=~.*'], from: 5, to: 10 }, { key: 'regex', matchers: ['i=~('], from: 5, to: 10 }, { key: 'name', matchers: ['=1'], from: 5, to: 10 }] }, ...look(9),
  ]),
  story('what was told is silenced beyond the repetition', PLAIN, [
    { at: 0, fire: [warn('1'), warn('2', { g: 'x' })] }, { at: 4.5, silences: [{ key: 'k', matchers: ['i=1'], from: 4.5, to: 50.5 }] }, ...look(26, 49, 56),
  ]),
  story('an end behind a silence', PLAIN, [
    { at: 0, fire: [warn('1'), warn('2')] }, { at: 4.5, silences: [{ key: 'k', matchers: ['i=1'], from: 4.5, to: 12.5 }] }, { at: 8.5, end: [warn('1')] }, ...look(12, 16), { at: 18.5, end: [warn('2')] }, ...look(21),
  ], { endsTold: ['1'] }),
  story('all of a group is silenced, then some', PLAIN, [
    { at: 0, fire: [warn('1'), warn('2'), warn('3')], silences: [{ key: 'all', matchers: ['sev=warn'], from: 0, to: 7.5 }, { key: 'two', matchers: ['i=~2|3'], from: 0, to: 16.5 }] }, ...look(6, 10), { at: 12.5, fire: [warn('4')] }, ...look(20, 40),
  ]),
]

const at = (text: string): number => Date.parse(text)
const MINUTES = (steps: readonly KeepingStep[]): readonly KeepingStep[] => steps.map((step) => ({ ...step, at: step.at * 60 }))
const timed = (route: string, intervals: string): string => `
route: {receiver: hook, group_by: [i], group_wait: 30s, group_interval: 5m, repeat_interval: 35m, routes: [{matchers: [sev=~"page|warn"], ${route}}]}
receivers: [{name: hook, webhook_configs: [{url: "http://hook"}]}]
time_intervals: [${intervals}]
`
const half = Array.from({ length: 20 }, (_, n) => ({ at: 10 * n + 3 }))
const TIMES: readonly KeepingStory[] = [
  story('muted at night in Berlin as summer begins', timed('mute_time_intervals: [night]', '{name: night, time_intervals: [{times: [{start_time: "01:30", end_time: "03:20"}], location: Europe/Berlin}]}'),
    MINUTES([{ at: 0, fire: [page('1')] }, ...half.slice(0, 6), { at: 65, fire: [warn('2'), { i: '3' }] }, ...half.slice(7)]), { startMs: at('2026-03-29T00:07:10Z'), tick: 10 }),
  story('muted at night in Berlin as winter begins', timed('mute_time_intervals: [night]', '{name: night, time_intervals: [{times: [{start_time: "02:10", end_time: "02:50"}], location: Europe/Berlin}]}'),
    MINUTES([{ at: 0, fire: [page('1')] }, ...half]), { startMs: at('2026-10-25T00:02:10Z'), tick: 10 }),
  story('active on working days in Kolkata', timed('active_time_intervals: [work]', '{name: work, time_intervals: [{weekdays: ["monday:friday"], times: [{start_time: "00:00", end_time: "01:00"}], location: Asia/Kolkata}]}'),
    MINUTES([{ at: 0, fire: [page('1'), { i: 'unrouted' }] }, ...half.slice(0, 9), { at: 95, fire: [page('2')] }, ...half.slice(10)]), { startMs: at('2026-11-22T17:55:20Z'), tick: 10 }),
  story('the last day of a month in Los Angeles, or noon in Tokyo', timed('active_time_intervals: [last, noon]', '{name: last, time_intervals: [{days_of_month: ["-1"], months: ["february", "4:6"], years: ["2026:2028"], location: America/Los_Angeles}]}, {name: noon, time_intervals: [{times: [{start_time: "17:40", end_time: "18:10"}], location: Asia/Tokyo}]}'),
    MINUTES([{ at: 0, fire: [page('1')] }, ...half]), { startMs: at('2026-02-28T07:07:10Z'), tick: 10 }),
  story('muted and active at once, and two names', timed('mute_time_intervals: [a, b], active_time_intervals: [c]', '{name: a, time_intervals: [{times: [{start_time: "10:20", end_time: "10:40"}]}]}, {name: b, time_intervals: [{times: [{start_time: "10:30", end_time: "11:00"}, {start_time: "11:20", end_time: "11:30"}]}]}, {name: c, time_intervals: [{times: [{start_time: "10:10", end_time: "12:00"}]}]}'),
    MINUTES([{ at: 0, fire: [page('1')], silences: [{ key: 'k', matchers: ['i=1'], from: 4000, to: 5000 }] }, ...half]), { startMs: at('2026-06-01T10:01:10Z'), tick: 10 }),
  story('an end while its route is muted', timed('mute_time_intervals: [a]', '{name: a, time_intervals: [{times: [{start_time: "10:20", end_time: "10:40"}]}]}'),
    MINUTES([{ at: 0, fire: [page('1'), page('2')] }, ...half.slice(0, 2), { at: 24, end: [page('1')] }, ...half.slice(3, 5), { at: 44, end: [page('2')] }, ...half.slice(5, 9)]), { startMs: at('2026-06-01T10:01:10Z'), tick: 10, endsTold: ['1'] }),
]

const VALUES = { zone: ['x', 'y'], team: ['a', 'b', 'c'] } as const

/** Alerts of `sev=page` are the only ones that end, and nothing keeps them back: ends behind something are told here. */
function random(seed: number): KeepingStory {
  const dice = new Random(1000 + seed)
  const label = (): string => {
    const name = dice.pick(['zone', 'team'] as const)
    return `${name}${dice.pick(['=', '!=', '=~', '!~'])}${dice.pick<string>(VALUES[name])}`
  }
  const rules = Array.from({ length: 1 + dice.int(3) }, () => `{source_matchers: [sev=page${dice.int(2) === 0 ? `, "${label()}"` : ''}], target_matchers: [sev=${dice.pick(['warn', 'info'])}${dice.int(3) === 0 ? `, "${label()}"` : ''}], equal: [${dice.pick(['zone', 'team', 'zone, team', ''])}]}`)
  const alerts = Array.from({ length: 8 + dice.int(5) }, (_, i): Record<string, string> => ({
    i: String(i), sev: dice.pick(['page', 'page', 'warn', 'warn', 'info']), ...(dice.int(4) > 0 && { zone: dice.pick(VALUES.zone) }), ...(dice.int(3) > 0 && { team: dice.pick(VALUES.team) }),
  }))
  const firing = new Set<Record<string, string>>()
  const steps: KeepingStep[] = []
  for (let now = 0; now < 40; now += 0.5 + dice.int(8) / 2) {
    const chosen = [...new Set(Array.from({ length: dice.int(4) }, () => dice.pick(alerts)))]
    const end = chosen.filter((alert) => alert['sev'] === 'page' && firing.has(alert) && dice.int(2) === 0)
    const fire = chosen.filter((alert) => !end.includes(alert))
    for (const alert of fire) firing.add(alert)
    for (const alert of end) firing.delete(alert)
    const from = now + dice.int(8) / 2
    const silences = dice.int(4) === 0 ? [{ key: `k${dice.int(3)}`, matchers: [dice.pick(['sev=warn', 'sev=info', 'sev!=page']), label()], from, to: from + 2 + dice.int(20) / 2 }] : []
    steps.push({ at: now, fire, end, silences })
  }
  return story(`random ${seed}`, config(`inhibit_rules: [${rules.join(', ')}]`, `group_by: ${dice.pick(['[zone]', '[]', '[team]', "['...']"])}`), [...steps, ...look(50, 64)])
}

export const KEEPING_STORIES: readonly KeepingStory[] = [...INHIBITION, ...SILENCES, ...TIMES, ...Array.from({ length: 40 }, (_, seed) => random(seed))]
