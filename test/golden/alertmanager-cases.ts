// Texts for record-alertmanager.ts: matchers well formed and not, label sets, time intervals with moments around their ends,
// random trees of routes with label sets, and pairs of words on an alert.
import { Random } from '../../lib/std/random.ts'

export type AlertmanagerCase =
  | { Matchers: string }
  | { Matcher: string }
  | { Labels: Record<string, string> }
  | { Interval: string; Times: string[] }
  | { Config: string; Sets: Record<string, string>[] }
  | { Merge: { Before: [number, number]; Told: [number, number]; Timeout: boolean } }

const MATCHERS: readonly string[] = [
  '', '{}', '{', '}', '{,}', 'a=b', 'a=b,', '{a=b}', '{a=b,}', '{a=b', 'a=b}', '{a=b}}', 'a=b c=d', 'a=b,c=d', 'a!=b', 'a=~b', 'a!~b', 'a!b', 'a!', 'a=',
  '=b', 'a', 'a==b', 'a=b=c', 'a="b"', 'a="b', 'a=b"', 'a="b,c"', 'a=~"b|c"', 'a=~b|c', 'a=~"b(c"', 'a=~b(c', '"a"=b', '"a b"="c d"', 'a b=c', 'a=b c',
  'a = b', ' a = "b" ', 'a\t=\nb', 'a="b\\"c"', 'a="b\\nc"', 'a="b\\tc"', 'a="b\\xc"', 'a="b\\\\c"', 'a=b\\c', 'a=b\\n', 'a="b\\', 'a=\\', "a='b'", 'a=`b`',
  'é=b', '"é"=b', 'a=é', 'a="é"', 'a.b=c', 'a-b=c', 'a:b=c', '0a=b', 'a=~".+"', 'a=~.+', 'a=~"[0-9]{3}"', 'a=~[0-9]{3}', 'a=~"^b$"', 'a=~^b$', 'a=b,,c=d',
  ',a=b', 'a="{}"', 'a={}', '{a="b",c=~"d.*",e!="f",g!~"h"}', 'a=""', 'a!=""', 'a=~""', '"\\u00e9"=b', 'a="\\u00e9"', 'a="\\u{e9}"', 'a="b\nc"', 'a=b\nc',
  'a=~"b\\.c"', 'a=~b\\.c', 'a="b\\.c"', 'a=b\\.c', 'a="\u{1F642}"', '\u{1F642}=b', '"a"', 'a=b;c=d', 'a=b}c=d', 'alertname=~"(Disk|Memory).*",severity="page"',
]
const PIECES: readonly string[] = ['a', 'b', 'é', ' ', '"', '\\', '=', '!', '~', '{', '}', ',', "'", '`', '\n', '.', '|', '(', ')', '"x"', '="', 'a="b"', '=~', '!=', ':', '_', '1', '\\n', '\\"']

const LABELS: readonly Record<string, string>[] = [
  {}, { a: 'b' }, { alertname: 'Disk', instance: 'host:9100', job: 'node', severity: 'page' }, { é: 'ü', '\u{1F642}': 'x' }, { a: '' },
  { a: 'quote " and \\ and \n' }, { b: '1', a: '2', '\uffff': '3', '\u{10000}': '4' }, { long: 'x'.repeat(1000) },
]

const DAY_TIMES = ['2026-02-28T23:59:59Z', '2026-03-01T00:00:00Z', '2026-03-29T00:59:00Z', '2026-03-29T01:00:00Z', '2026-03-31T09:00:00Z', '2026-03-31T16:59:59Z', '2026-03-31T17:00:00Z']
const MORE_TIMES = ['2024-02-29T12:00:00Z', '2025-12-31T23:30:00Z', '2026-01-01T00:00:00Z', '2026-10-25T00:30:00Z', '2026-10-25T01:30:00Z', '2026-07-04T12:00:00Z', '2026-07-05T04:00:00Z', '2026-07-06T11:59:00Z']
const INTERVALS: readonly string[] = [
  '[]', '[{}]', '[{times: [{start_time: "09:00", end_time: "17:00"}]}]', '[{times: [{start_time: "00:00", end_time: "24:00"}]}]',
  '[{times: [{start_time: "17:00", end_time: "09:00"}]}]', '[{times: [{start_time: "9:00", end_time: "17:00"}]}]', '[{times: [{start_time: "09:00"}]}]',
  '[{times: [{start_time: "24:00", end_time: "24:01"}]}]', '[{weekdays: [monday:friday]}]', '[{weekdays: [saturday, Sunday]}]', '[{weekdays: [friday:monday]}]',
  '[{weekdays: [mon]}]', '[{weekdays: ["1"]}]', '[{weekdays: [monday:]}]', '[{days_of_month: ["1"]}]', '[{days_of_month: ["-1"]}]', '[{days_of_month: ["1:5", "-3:-1"]}]',
  '[{days_of_month: ["29:31"]}]', '[{days_of_month: ["31"]}]', '[{days_of_month: ["0"]}]', '[{days_of_month: ["32"]}]', '[{days_of_month: ["-1:5"]}]', '[{days_of_month: ["10:-20"]}]',
  '[{days_of_month: ["20:-1"]}]', '[{days_of_month: [1.5]}]', '[{months: ["1:3"]}]', '[{months: [january:march, october]}]', '[{months: ["december:january"]}]', '[{months: ["13"]}]',
  '[{months: [smarch]}]', '[{years: ["2026"]}]', '[{years: ["2024:2025"]}]', '[{years: ["2026:2024"]}]', '[{years: [x]}]', '[{location: Europe/Berlin, times: [{start_time: "02:00", end_time: "03:00"}]}]',
  '[{location: America/New_York, weekdays: [saturday]}]', '[{location: Asia/Kolkata, times: [{start_time: "05:00", end_time: "06:30"}]}]', '[{location: Mars/Olympus}]', '[{location: ""}]',
  '[{times: [], weekdays: [monday]}]', '[{weekdays: [monday], months: ["3"], years: ["2026"]}, {days_of_month: ["1"]}]', '[{day: [1]}]', '[{weekdays: monday}]',
]

/** All cases, the same each time. */
export function alertmanagerCases(): AlertmanagerCase[] {
  const random = new Random(25)
  const mixed = Array.from({ length: 600 }, () => Array.from({ length: 1 + random.int(9) }, () => random.pick(PIECES)).join(''))
  const wellFormed = Array.from({ length: 200 }, () => Array.from({ length: 1 + random.int(3) }, () => `${random.pick(['a', 'é', '"a b"', 'x.y'])}${random.pick(['=', '!=', '=~', '!~'])}${random.pick(['b', '"b"', '"b,c"', 'b|c', '"\\""', '"\\\\."', '""'])}`).join(random.pick([',', ', ', ' ,'])))
  const texts = [...MATCHERS, ...mixed, ...wellFormed]
  return [
    ...texts.map((Matchers) => ({ Matchers })), ...texts.slice(0, 300).map((Matcher) => ({ Matcher })),
    ...Array.from({ length: 150 }, () => ({ Config: randomConfig(random), Sets: Array.from({ length: 12 }, () => randomSet(random)) })),
    ...mergeCases(),
    ...LABELS.map((Labels) => ({ Labels })), ...INTERVALS.map((Interval) => ({ Interval, Times: [...DAY_TIMES, ...MORE_TIMES] })),
  ]
}

const NAMES = ['a', 'b', 'job', 'instance', 'é']
const VALUES = ['1', '2', 'x', 'xy', '']

function randomSet(random: Random): Record<string, string> {
  const set: Record<string, string> = { alertname: random.pick(['A', 'B']) }
  for (const name of NAMES) if (random.int(3) > 0) set[name] = random.pick(VALUES.slice(0, 4))
  return set
}

function randomConfig(random: Random): string {
  const route = { receiver: 'r0', ...randomOptions(random), routes: Array.from({ length: 1 + random.int(3) }, () => randomRoute(random, 1)) }
  return JSON.stringify({ route, receivers: ['r0', 'r1', 'r2', 'r3'].map((name) => ({ name })) })
}

function randomRoute(random: Random, depth: number): object {
  const matchers = Array.from({ length: random.int(3) }, () => `${JSON.stringify(random.pick(NAMES))}${random.pick(['=', '!='])}${JSON.stringify(random.pick(VALUES))}`)
  const patterns = random.int(3) === 0 ? [`${random.pick(['a', 'b'])}${random.pick(['=~', '!~'])}"${random.pick(['x.*', '1|2', '', '.+'])}"`] : []
  return {
    matchers: [...matchers, ...patterns],
    ...(random.int(4) === 0 && { match: { [random.pick(['a', 'job'])]: random.pick(VALUES) } }), ...(random.int(6) === 0 && { match_re: { b: random.pick(['x.*', '[12]']) } }),
    ...(random.int(2) === 0 && { receiver: random.pick(['r1', 'r2', 'r3']) }), ...(random.int(3) === 0 && { continue: true }), ...randomOptions(random),
    ...(depth < 4 && random.int(2) === 0 && { routes: Array.from({ length: 1 + random.int(3) }, () => randomRoute(random, depth + 1)) }),
  }
}

function randomOptions(random: Random): object {
  return {
    ...(random.int(3) === 0 && { group_by: random.pick([['a'], ['b', 'alertname'], ['...'], [], ['é', 'a', 'job']]) }), ...(random.int(4) === 0 && { group_wait: random.pick(['0s', '7s']) }),
    ...(random.int(4) === 0 && { group_interval: random.pick(['1m', '9s']) }), ...(random.int(4) === 0 && { repeat_interval: random.pick(['1h', '2d']) }),
  }
}

/** All words whose ends lie around now, 0, and around each other. */
function mergeCases(): { Merge: { Before: [number, number]; Told: [number, number]; Timeout: boolean } }[] {
  const spans: [number, number][] = []
  for (let from = -4; from <= 2; from += 2) for (let to = from + 1; to <= 5; to += 2) spans.push([from, to])
  return spans.flatMap((Before) => spans.flatMap((Told) => [true, false].map((Timeout) => ({ Merge: { Before, Told, Timeout } }))))
}
