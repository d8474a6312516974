// Every function and aggregation of PromQL 3.14 with the types of its arguments: what the parser checks calls against
// (promql/parser/functions.go).
import type { AggregateOp, ValueType } from '../parse/ast.ts'

/** How a function may be called. */
export interface Signature {
  readonly name: string
  /** Types in order; with a variadic one, the last stands for all further arguments. */
  readonly args: readonly ValueType[]
  /**
   * 0: exactly `args`. Otherwise the last of `args` may be left out; n > 0: at most n arguments from there on,
   * -1: any number.
   */
  readonly variadic: number
  readonly returns: ValueType
  /** Only with the feature promql-experimental-functions. */
  readonly isExperimental: boolean
}

/** Functions of a time that default to the evaluation time. */
export const CALENDAR: ReadonlySet<string> = new Set([
  'minute', 'hour', 'day_of_week', 'day_of_month', 'day_of_year', 'days_in_month', 'month', 'year',
])

const table = new Map<string, Signature>()

const TYPES: ReadonlyMap<string, ValueType> = new Map([['v', 'vector'], ['s', 'scalar'], ['m', 'matrix'], ['t', 'string']])

/** `args`: a letter each, v instant vector, s scalar, m range vector, t string. */
function define(names: string, args: string, returns: ValueType, variadic = 0): void {
  for (const word of names.split(' ')) {
    const isExperimental = word.endsWith('*')
    const name = isExperimental ? word.slice(0, -1) : word
    table.set(name, { name, args: args.split('').map((letter) => TYPES.get(letter)!), variadic, returns, isExperimental })
  }
}

define('abs ceil floor exp sqrt ln log2 log10 sgn deg rad', 'v', 'vector')
define('sin cos tan asin acos atan sinh cosh tanh asinh acosh atanh', 'v', 'vector')
define('clamp', 'vss', 'vector')
define('clamp_min clamp_max', 'vs', 'vector')
define('round', 'vs', 'vector', 1)
define([...CALENDAR].join(' '), 'v', 'vector', 1)
define('rate increase delta irate idelta deriv changes resets', 'm', 'vector')
define('predict_linear', 'ms', 'vector')
define('double_exponential_smoothing*', 'mss', 'vector')
define('avg_over_time min_over_time max_over_time sum_over_time count_over_time last_over_time first_over_time', 'm', 'vector')
define('present_over_time absent_over_time stddev_over_time stdvar_over_time mad_over_time*', 'm', 'vector')
define('ts_of_first_over_time* ts_of_last_over_time* ts_of_min_over_time* ts_of_max_over_time*', 'm', 'vector')
define('quantile_over_time', 'sm', 'vector')
define('histogram_quantile', 'sv', 'vector')
define('histogram_quantiles*', 'vtss', 'vector', 9)
define('histogram_fraction', 'ssv', 'vector')
define('histogram_count histogram_sum histogram_avg histogram_stddev histogram_stdvar', 'v', 'vector')
define('label_replace', 'vtttt', 'vector')
define('label_join', 'vttt', 'vector', -1)
define('sort sort_desc', 'v', 'vector')
define('sort_by_label* sort_by_label_desc*', 'vt', 'vector', -1)
define('info*', 'vv', 'vector', 1)
define('scalar', 'v', 'scalar')
define('vector', 's', 'vector')
define('time pi start* end* range* step*', '', 'scalar')
define('min_of* max_of*', 'ss', 'scalar')
define('timestamp start_timestamp* absent', 'v', 'vector')

/** By name, lower case as written. */
export const SIGNATURES: ReadonlyMap<string, Signature> = table

/** An aggregation: the type of its first argument before the vector, if it has one. */
export interface AggregatorSignature {
  readonly param: 'scalar' | 'string' | null
  readonly isExperimental: boolean
}

const plain: AggregatorSignature = { param: null, isExperimental: false }
const ranked: AggregatorSignature = { param: 'scalar', isExperimental: false }
const limited: AggregatorSignature = { param: 'scalar', isExperimental: true }

export const AGGREGATORS: Readonly<Record<AggregateOp, AggregatorSignature>> = {
  sum: plain, avg: plain, count: plain, min: plain, max: plain, group: plain, stddev: plain, stdvar: plain,
  topk: ranked, bottomk: ranked, quantile: ranked, count_values: { param: 'string', isExperimental: false },
  limitk: limited, limit_ratio: limited,
}
