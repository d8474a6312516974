// The functions, by name (contract.ts), but for info and those that are folded into numbers before anything is evaluated
// (plan/fold-durations.ts).
import { absent } from './absent.ts'
import type { OperatorFunc, OperatorFuncs } from './contract.ts'
import { histogramFraction, histogramQuantile, histogramQuantiles } from './histogram-funcs.ts'
import { labelJoin, labelReplace } from './label-funcs.ts'
import { histogramAvg, histogramCount, histogramStddev, histogramStdvar, histogramSum } from './native-histogram-funcs.ts'
import { maxOf, minOf, pi, scalar, startTimestamp, time, timestamp, vector } from './scalar-funcs.ts'
import { sort, sortByLabel, sortByLabelDesc, sortDesc } from './sort-funcs.ts'

export { ELEMENTWISE } from './elementwise.ts'
export { RANGE_KERNELS } from './range-funcs.ts'

export const OPERATOR_FUNCS: OperatorFuncs = new Map<string, OperatorFunc>([
  ['absent', absent],
  ['absent_over_time', absent],
  ['histogram_avg', histogramAvg],
  ['histogram_count', histogramCount],
  ['histogram_fraction', histogramFraction],
  ['histogram_quantile', histogramQuantile],
  ['histogram_quantiles', histogramQuantiles],
  ['histogram_stddev', histogramStddev],
  ['histogram_stdvar', histogramStdvar],
  ['histogram_sum', histogramSum],
  ['label_join', labelJoin],
  ['label_replace', labelReplace],
  ['max_of', maxOf],
  ['min_of', minOf],
  ['pi', pi],
  ['scalar', scalar],
  ['sort', sort],
  ['sort_by_label', sortByLabel],
  ['sort_by_label_desc', sortByLabelDesc],
  ['sort_desc', sortDesc],
  ['start_timestamp', startTimestamp],
  ['time', time],
  ['timestamp', timestamp],
  ['vector', vector],
])
