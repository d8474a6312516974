// Constructs that came after Prometheus 3.5, or stand behind flags that it does not have: only the newer reference is
// asked for them.
import { ARITHMETIC_OPERATORS, COMPARISON_OPERATORS } from './catalog.ts'
import type { QueryGenerator, Root } from './query-generator.ts'
import { parenthesised } from './vector-text.ts'

const RANGES = ['1m', '2m', '5m', '77s', '15s']
const DURATIONS = [
  'step()', 'step() * 2', 'range() / 2', 'max_of(step(), 1m)', 'min_of(2m, range())', '5m - step()', '(1m + 30s)', '2 ^ 6', '7m % 2m', '-(-90)',
  '1m * 1.5', 'max_of(1m, 2m) + 1', 'step() / 0', '-step()', '10m - 10m',
]
const OFFSETS = ['step()', '(step() * 2)', '-step()', '(range() / 4)', '-(1m + 2s)', 'max_of(1m, step())', '-min_of(30s, step())', '1m']
const SCALAR_CALLS = [
  'start()', 'end()', 'range()', 'step()', 'min_of(1, step())', 'max_of(range(), time())', 'max_of(NaN, 1)', 'min_of(-0, 0)', 'max_of(-0, 0)', 'min_of(Inf, NaN)',
]
const INFO_SELECTORS = [
  '', ', {version=~".+"}', ', {__name__="build_info"}', ', {__name__=~".+_info",zone!=""}', ', {__name__!="target_info"}', ', {zone=""}', ', {version="1.0"}',
  ', {__name__="owner"}', ', {instance="i0"}', ', {__name__!~"target.*",revision="ri0"}',
]
const TRIM_BOUNDS = ['0', '1', '-1', '0.5', '2.3', 'Inf', '-Inf', 'NaN', '5', '0.0005', '1e9', '0.3']

/** Newer syntax used wrongly. */
const MISUSED = [
  'temperature anchored', 'rate(temperature[5m] anchored smoothed)', 'rate(temperature[5m:1m] anchored)', 'temperature anchored[5m]', 'sum(temperature) smoothed',
  'temperature smoothed smoothed', 'temperature[5m] offset 1m anchored', 'anchored', 'smoothed + 1', 'temperature + fill(1)', 'temperature + fill temperature',
  'temperature + fill() temperature', 'temperature + fill(temperature) temperature', 'temperature + fill(1 + 1) temperature', 'temperature + fill_left(1) fill_left(2) temperature',
  'temperature and fill(1) temperature', 'temperature or fill_right(1) temperature', '1 + fill(2) temperature', 'temperature + fill(1) 2', 'temperature + fill("x") temperature',
  'temperature + fill(1) on(job) temperature', 'temperature + on(job) fill_right(-1) fill_left(+2) temperature', 'fill(1)', 'fill + fill_left', 'temperature </ "a"', '1 </ 2', '1 >/ temperature',
  'temperature </ bool 1', 'temperature >/ on(job) group_left 1', 'temperature < / 1', 'temperature[]', 'temperature[step]', 'temperature[step(1)]', 'temperature[min_of(1m)]',
  'temperature[max_of(1m, 2m, 3m)]', 'temperature[time()]', 'temperature[5m + ]', 'temperature[(5m]', 'temperature[5m 1m]', 'temperature[5m:step(]', 'temperature offset step', 'temperature offset (1m',
  'temperature offset 1m + 1m', 'temperature @ step()', 'temperature @ (1 + 1)', 'temperature[1m / 0]', 'temperature[5m % 0s]', 'temperature[-5m]', 'temperature[1m - 2m]', 'start(1)', 'step() + end()', 'min_of(1)',
  'max_of(temperature, 1)', 'histogram_quantiles(rpc_seconds)', 'histogram_quantiles(rpc_seconds, "q")', 'histogram_quantiles(rpc_seconds, 0.5, "q")', 'histogram_quantiles(rpc_seconds, "q", 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1)',
  'info(temperature, {})', 'info(temperature, temperature)', 'info(temperature, {__name__="a", __name__=~"b"})', 'limit_ratio(temperature)', 'first_over_time(temperature)', 'start_timestamp()',
]

/** Each comes up about as often as the others. */
export function newerRoots(from: QueryGenerator): Root[] {
  return [...extendedRoots(from), ...fillRoots(from), ...trimRoots(from), ...durationRoots(from), ...callRoots(from), ...labelRoots(from), ...misuses(from)]
}

/** `m[5m] anchored`, `m[5m] smoothed`, `m smoothed`. */
function extendedRoots(from: QueryGenerator): Root[] {
  const { random } = from
  // The modifier may stand before or behind offset and @.
  const modified = (modifier: string): string => {
    const inside = from.selector(from.metric(random.float() < 0.6 ? ['counter', 'native'] : []), `[${durationText(from)}]`).text
    const end = inside.lastIndexOf(']') + 1
    return random.float() < 0.6 ? `${inside.slice(0, end)} ${modifier}${inside.slice(end)}` : `${inside} ${modifier}`
  }
  const wrapped = (text: string): string => {
    const roll = random.float()
    if (roll < 0.6) return text
    if (roll < 0.75) return `sum by (job) (${text})`
    if (roll < 0.85) return `max_over_time(${parenthesised(text)}[3m:${random.pick(['1m', '30s', 'step()', ''])}])`
    return `histogram_quantile(0.9, ${text})`
  }
  const anchored = ['rate', 'increase', 'delta', 'resets', 'changes'].map((name): Root => [`${name} anchored`, () => wrapped(`${name}(${modified('anchored')})`)])
  const smoothed = ['rate', 'increase', 'delta', 'sum_over_time'].map((name): Root => [`${name} smoothed`, () => wrapped(`${name}(${modified('smoothed')})`)])
  const selector = (): string => `${from.selector(from.metric()).text} smoothed`
  return [
    ...anchored, ...anchored, ...smoothed, ...smoothed,
    ['smoothed selector', () => wrapped(selector())],
    ['smoothed selector', () => `${random.pick(['timestamp', 'abs', 'absent', 'sum', 'scalar', 'count'])}(${selector()})`],
  ]
}

function fillRoots(from: QueryGenerator): Root[] {
  const { random } = from
  const number = (): string => random.pick(['0', '1', '-2.5', 'NaN', 'Inf', '1e3'])
  const fill = (): string => random.pick([`fill(${number()})`, `fill_left(${number()})`, `fill_right(${number()})`, `fill_left(${number()}) fill_right(${number()})`])
  const filled = (op: string): string => {
    const bool = COMPARISON_OPERATORS.includes(op) && random.float() < 0.4 ? ' bool' : ''
    const roll = random.float()
    const metric = from.metric()
    if (roll < 0.4) return `${from.selector(metric).text} ${op}${bool} ${fill()} ${from.selector(metric).text}`
    const label = random.pick(['instance', 'job', 'job, instance'])
    const side = (): string => `${random.pick(['sum', 'max'])} by (${label}) (${from.selector(from.metric()).text})`
    if (roll < 0.7) return `${side()} ${op}${bool} on(${label}) ${fill()} ${side()}`
    const many = from.selector(from.metric()).text
    return random.float() < 0.5
      ? `${many} ${op}${bool} on(${label}) group_left${random.pick(['', '()', '(extra)', '(job)'])} ${fill()} ${side()}`
      : `${side()} ${op}${bool} on(${label}) group_right${random.pick(['', '(job)'])} ${fill()} ${many}`
  }
  return [...ARITHMETIC_OPERATORS.slice(0, 5), ...COMPARISON_OPERATORS].map((op): Root => ['fill', () => filled(op)])
}

function native(from: QueryGenerator): string {
  const metric = from.metric(['native'])
  return from.random.float() < 0.5 ? from.selector(metric).text : `rate(${from.selector(metric, '[5m]').text})`
}

function trimRoots(from: QueryGenerator): Root[] {
  const { random } = from
  const op = (): string => random.pick(['</', '>/'])
  const trimmed = (): string => `${parenthesised(native(from))} ${op()} ${random.pick([...TRIM_BOUNDS, from.scalar(1)])}`
  return [
    ['trim', trimmed], ['trim', trimmed],
    ['trim', () => `histogram_${random.pick(['count', 'sum', 'avg', 'stddev'])}(${trimmed()})`],
    ['trim', () => `${native(from)} ${op()}${random.pick(['', ' on(job) group_left', ' on(kind)'])} ${from.selector(from.metric()).text}`],
  ]
}

/** A duration between brackets. */
function durationText({ random }: QueryGenerator): string {
  return random.pick(random.float() < 0.5 ? DURATIONS : RANGES)
}

function durationRoots(from: QueryGenerator): Root[] {
  const { random } = from
  const subquery = (depth: number): string => `${parenthesised(from.vector(depth).text)}[${durationText(from)}:${random.pick(['', durationText(from), durationText(from)])}]`
  const shifted = (): string => `${from.metric().name.replace(/\W+/g, '_')}[${durationText(from)}] offset ${random.pick(OFFSETS)}`
  return [
    ['duration expression', (depth) => `${random.pick(['sum_over_time', 'rate', 'last_over_time', 'count_over_time', 'first_over_time'])}(${subquery(depth)})`],
    ['duration expression', () => `${random.pick(['sum_over_time', 'rate', 'count_over_time'])}(${shifted()})`],
    ['scalar call', (depth) => `${parenthesised(from.vector(depth).text)} ${random.pick(['+', '*', '>', '-'])} ${random.pick(SCALAR_CALLS)}`],
    ['scalar call', () => `sum_over_time(vector(${random.pick(SCALAR_CALLS)})[2m:30s])`],
  ]
}

function callRoots(from: QueryGenerator): Root[] {
  const { random } = from
  const quantiles = (): string => random.pick(['0.5', '0.5, 0.9, 0.99', '0, 1', '-1, 2', 'NaN', '0.1, 0.1', '0.25, 1e-7'])
  const histogram = (depth: number): string => (random.float() < 0.5 ? native(from) : from.vector(depth, ['bucket']).text)
  return [
    ['histogram_quantiles', (depth) => `histogram_quantiles(${histogram(depth)}, ${JSON.stringify(random.pick(['q', 'quantile', 'job', 'le', '__name__']))}, ${quantiles()})`],
    ['first_over_time', (depth) => `first_over_time(${from.matrix(depth).text})`],
    ['ts_of_first_over_time', (depth) => `ts_of_first_over_time(${from.matrix(depth).text})`],
    ['start_timestamp', (depth) => `start_timestamp(${from.vector(depth).text})`],
    ['limit_ratio', (depth) => from.aggregation('limit_ratio', depth, [], random.pick(['0', '1', '-1', '2', '-3', 'NaN'])).text],
    ['info', (depth) => `info(${from.vector(depth, ['counter', 'gauge', 'native']).text}${random.pick(INFO_SELECTORS)})`],
  ]
}

/** Names and values outside ASCII. */
function labelRoots(from: QueryGenerator): Root[] {
  const { random } = from
  const quoted = (...texts: string[]): string => JSON.stringify(random.pick(texts))
  const target = (): string => quoted('größe', 'a.b', '大', 'lab.el', 'x y', 'job', '__name__', '1a', '')
  return [
    ['UTF-8 label', (depth) => `label_replace(${from.vector(depth).text}, ${target()}, ${quoted('$1', 'ü$1', '${1}大', '$0', '$x')}, ${quoted('job', 'größe', 'lab.el', '__name__', 'nope')}, ${quoted('(.*)', '(?i)(A).*', '(\\pL+)', '.', '(.)(.*)', '(?P<x>.+)')})`],
    ['UTF-8 label', (depth) => `label_join(${from.vector(depth).text}, ${target()}, ${quoted('ü', '', '-')}, "job", "größe", "lab.el")`],
    ['UTF-8 label', (depth) => `count_values by (job) (${target()}, ${from.vector(depth).text})`],
    ['UTF-8 label', (depth) => `sort_by_label(${from.vector(depth).text}, "größe", "lab.el", ${target()})`],
    ['UTF-8 label', (depth) => `sum by ("größe", "lab.el") (${from.vector(depth).text})`],
  ]
}

function misuses({ random }: QueryGenerator): Root[] {
  const misused: Root = ['malformed', () => random.pick(MISUSED)]
  return [misused, misused, misused, misused]
}
