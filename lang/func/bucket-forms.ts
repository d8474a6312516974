// Which range functions can be answered from rows of buckets as well as from samples, by name, and what they read.
import type { BucketColumn } from '../../storage/tier/bucket.ts'
import {
  bucketCount, bucketFirst, bucketLast, bucketMax, bucketMin, bucketP99, bucketPresent, bucketTsOfFirst, bucketTsOfLast, type BucketKernel,
} from './bucket-kernel.ts'
import { bucketDelta, bucketIncrease, bucketRate } from './bucket-rate.ts'
import { bucketAvg, bucketStddev, bucketStdvar, bucketSum } from './bucket-sums.ts'

export interface BucketForm {
  kernel: BucketKernel
  /** Beside `count`. */
  columns: readonly BucketColumn[]
}

const SUMS: readonly BucketColumn[] = ['sum']
const SQUARES: readonly BucketColumn[] = ['sum', 'min', 'max', 'm2']
const ENDS: readonly BucketColumn[] = ['first', 'last', 'firstT', 'lastT']
const COUNTER: readonly BucketColumn[] = ['first', 'last', 'firstT', 'lastT', 'correction']

const FORMS: ReadonlyMap<string, BucketForm> = new Map<string, BucketForm>([
  ['count_over_time', { kernel: bucketCount, columns: [] }],
  ['present_over_time', { kernel: bucketPresent, columns: [] }],
  ['min_over_time', { kernel: bucketMin, columns: ['min'] }],
  ['max_over_time', { kernel: bucketMax, columns: ['max'] }],
  ['first_over_time', { kernel: bucketFirst, columns: ['first'] }],
  ['last_over_time', { kernel: bucketLast, columns: ['last'] }],
  ['ts_of_first_over_time', { kernel: bucketTsOfFirst, columns: ['firstT'] }],
  ['ts_of_last_over_time', { kernel: bucketTsOfLast, columns: ['lastT'] }],
  ['sum_over_time', { kernel: bucketSum, columns: SUMS }],
  ['avg_over_time', { kernel: bucketAvg, columns: SUMS }],
  ['stddev_over_time', { kernel: bucketStddev, columns: SQUARES }],
  ['stdvar_over_time', { kernel: bucketStdvar, columns: SQUARES }],
  ['rate', { kernel: bucketRate, columns: COUNTER }],
  ['increase', { kernel: bucketIncrease, columns: COUNTER }],
  ['delta', { kernel: bucketDelta, columns: ENDS }],
])

const P99: BucketForm = { kernel: bucketP99, columns: ['p99'] }

/** The form of a function of windows of `rangeMs` over buckets of `widthMs`; null where it has none. */
export function bucketForm(func: string, args: readonly Float64Array[], rangeMs: number, widthMs: number): BucketForm | null {
  if (func !== 'quantile_over_time') return FORMS.get(func) ?? null
  return rangeMs === widthMs && args[0]!.every((q) => q === 0.99) ? P99 : null
}
