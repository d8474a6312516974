// What the query generator knows of the data set: names, labels and natures of its metrics.

export type Nature = 'counter' | 'gauge' | 'bucket' | 'info' | 'native'

export interface Metric {
  name: string
  nature: Nature
  /** Label names and some of their values. */
  labels: Readonly<Record<string, readonly string[]>>
  /** How often it is picked, against 1. */
  weight: number
}

const PLACE = { job: ['api', 'db'], instance: ['i0', 'i1', 'i2'] }

export const FLOAT_METRICS: readonly Metric[] = [
  { name: 'http_requests_total', nature: 'counter', labels: { ...PLACE, path: ['/a', '/b'], code: ['200', '500'] }, weight: 5 },
  { name: 'cpu_seconds_total', nature: 'counter', labels: { ...PLACE, mode: ['idle', 'user'] }, weight: 4 },
  { name: 'gappy_total', nature: 'counter', labels: { gap: ['marked', 'silent', 'flapping', 'ends'], job: ['api'] }, weight: 2 },
  { name: 'temperature', nature: 'gauge', labels: PLACE, weight: 4 },
  { name: 'queue_length', nature: 'gauge', labels: PLACE, weight: 3 },
  { name: 'limit', nature: 'gauge', labels: { job: ['api', 'db'] }, weight: 1 },
  { name: 'odd', nature: 'gauge', labels: { kind: ['nan', 'inf', 'ninf', 'negzero', 'denormal', 'huge', 'mixed', 'somenan', 'const', 'tiny', 'big'] }, weight: 3 },
  { name: 'irregular', nature: 'gauge', labels: { id: ['a', 'b', 'c'] }, weight: 2 },
  { name: 'short_lived', nature: 'gauge', labels: { phase: ['early', 'middle', 'late', 'blink'], job: ['api', 'db'] }, weight: 2 },
  { name: 'latency_seconds_bucket', nature: 'bucket', labels: { ...PLACE, le: ['0.1', '0.5', '1', '2.5', '+Inf'] }, weight: 3 },
  { name: 'latency_seconds_sum', nature: 'counter', labels: PLACE, weight: 1 },
  { name: 'latency_seconds_count', nature: 'counter', labels: PLACE, weight: 1 },
  { name: 'broken_bucket', nature: 'bucket', labels: { flaw: ['noinf', 'dip', 'wobble', 'empty', 'onlyinf', 'badle', 'negative', 'nan', 'samele'], le: ['1', '2', '+Inf'] }, weight: 1.5 },
  { name: 'target_info', nature: 'info', labels: { ...PLACE, version: ['1.0', '1.1'], zone: ['z-i0', 'z-i1'] }, weight: 0.5 },
  { name: 'build_info', nature: 'info', labels: { ...PLACE, revision: ['ri0', 'ri1'] }, weight: 0.5 },
  { name: 'owner', nature: 'info', labels: { instance: ['i0', 'i1', 'i2'], team: ['red', 'blue'] }, weight: 0.5 },
  { name: 'partial', nature: 'gauge', labels: { a: ['1', '2', '10', ''], b: ['1', '9', '10', ''] }, weight: 2 },
  { name: 'my.dotted.metric', nature: 'gauge', labels: { 'lab.el': ['x', 'y'], job: ['api', 'db'] }, weight: 1 },
  { name: 'grüße', nature: 'gauge', labels: { 'größe': ['klein', '大'], job: ['api'] }, weight: 0.5 },
  { name: 'quoted', nature: 'gauge', labels: { text: ['say "hi"\\n', 'multi\nline'] }, weight: 0.5 },
]

/** Functions of Prometheus 3.5 by shape: what the reference can be asked. */
export const MATH_FUNCTIONS: readonly string[] = [
  'abs', 'ceil', 'floor', 'exp', 'sqrt', 'ln', 'log2', 'log10', 'sgn', 'sin', 'cos', 'tan', 'asin', 'acos', 'atan',
  'sinh', 'cosh', 'tanh', 'asinh', 'acosh', 'atanh', 'deg', 'rad',
]
export const CALENDAR_FUNCTIONS: readonly string[] = [
  'minute', 'hour', 'day_of_week', 'day_of_month', 'day_of_year', 'days_in_month', 'month', 'year',
]
export const COUNTER_FUNCTIONS: readonly string[] = ['rate', 'increase', 'irate', 'resets']
export const RANGE_FUNCTIONS: readonly string[] = [
  'delta', 'idelta', 'deriv', 'changes', 'avg_over_time', 'min_over_time', 'max_over_time', 'sum_over_time', 'count_over_time',
  'last_over_time', 'present_over_time', 'absent_over_time', 'stddev_over_time', 'stdvar_over_time', 'mad_over_time',
  'ts_of_last_over_time', 'ts_of_min_over_time', 'ts_of_max_over_time',
]
export const HISTOGRAM_FUNCTIONS: readonly string[] = [
  'histogram_count', 'histogram_sum', 'histogram_avg', 'histogram_stddev', 'histogram_stdvar',
]
export const SIMPLE_AGGREGATORS: readonly string[] = ['sum', 'avg', 'min', 'max', 'count', 'group', 'stddev', 'stdvar']
export const RANKED_AGGREGATORS: readonly string[] = ['topk', 'bottomk', 'limitk']
export const ARITHMETIC_OPERATORS: readonly string[] = ['+', '-', '*', '/', '%', '^', 'atan2']
export const COMPARISON_OPERATORS: readonly string[] = ['==', '!=', '<', '<=', '>', '>=']
export const SET_OPERATORS: readonly string[] = ['and', 'or', 'unless']

/** Queries that no parser may take, and some it must: the reference's error is recorded with them. */
export const MALFORMED: readonly string[] = [
  '', ' ', '1 +', 'sum', 'sum(', 'sum()', 'rate(temperature)', 'rate(temperature[5m]', 'rate(temperature[5m], 1)', 'rate()', 'temperature[5m',
  'temperature{', 'temperature{a=}', 'temperature{a}', 'temperature{a="b" c="d"}', '{}', '{a=""}', '{a=~".*"}', '{a!="b"}', '{__name__=~".*"}',
  'temperature offset', 'temperature offset x', 'temperature @', 'temperature @ "5"', 'temperature offset 5m offset 5m', 'temperature @ 1 @ 2',
  'sum(temperature[5m])', 'topk(temperature)', 'topk("a", temperature)', 'count_values(1, temperature)', 'count_values(temperature)',
  'quantile(temperature)', 'sum(1, temperature)', 'sum by (a', 'sum by (1) (temperature)', 'sum by (a,,b) (temperature)', 'sum by (a) without (b) (temperature)',
  '1 and 1', '1 == 1', '1 > "a"', '"a" + "b"', '-"a"', '1 or temperature', 'temperature and 1', 'temperature + on(a', 'temperature + on(a) group_left group_right temperature',
  'temperature + on(a) group_left(a) temperature', 'temperature and on(a) group_left temperature', '1 + on(a) 2', 'temperature + bool temperature', 'temperature and bool temperature',
  'foo(1)', 'abs()', 'abs(1)', 'abs(temperature, temperature)', 'clamp(temperature, 1)', 'round(temperature, 1, 2)', 'time(1)', 'vector(temperature)', 'scalar(1)',
  'label_replace(temperature, "a", "b", "c")', 'label_replace(temperature, 1, "b", "c", "d")', 'label_join(temperature)', 'histogram_quantile(temperature)',
  'temperature[5m:', 'temperature[5m:1m', '1[5m:1m]', 'time()[5m:1m]', '"a"[5m:1m]', 'temperature[5m][5m]', 'temperature[5m:1m][5m]', 'rate(temperature[5m:1m][5m:1m])',
  'temperature[0s]', 'temperature[-5m]', 'temperature[5]', 'temperature[5m30]', 'temperature[1m5h]', 'temperature[5m:0s]', 'temperature{a="\\x"}', '"\\q"', '"unterminated', '`raw',
  'temperature{a=~"("}', 'temperature{a=~"a{2,1}"}', 'temperature{a=~"(?=x)"}', 'label_replace(temperature, "x", "$1", "job", "(")', 'a b', '1 2', ')', '(', '(1', '[5m]', '@ 5', '5 offset 5m', '(temperature) offset 5m',
  'temperature{__name__="x"}', '{__name__="a", __name__="b"}', '{__name__=~"temp.*", __name__=~".*ure"}', 'sum(temperature) offset 5m', '!', '#', '1 # comment', '0x', '0x1F', '010', '1e', '1e3', '.5', '5.', '1_000', '1__0',
  'Inf', '-inf', 'nan', 'NaN', 'by', 'on', 'bool', 'sum + 1', 'offset', 'time', 'unknown_metric', 'SUM(temperature)', 'Rate(temperature[5m])', 'temperature{job="api",}', 'temperature{,}', 'sum by (job,) (temperature)',
  'sort_by_label(temperature)', 'sort_by_label(temperature, job)', 'info(temperature, temperature)', 'info(temperature, {a="b"}, 1)', 'quantile_over_time(temperature[5m], 0.5)', 'absent()', 'predict_linear(temperature[5m])',
  'temperature == on(job) limit', 'temperature > bool "x"', '1 ^ temperature ^ 2', '-1 ^ 2', '--1', '+-+1', '-temperature', '1 - -1', 'temperature atan2 1', '1 unless 2', 'temperature * on() group_left() (limit)', '1 < bool 2', '1 <bool 2 == bool 1',
]
