// The functions of a range vector by name: kernel, what becomes of the metric name, checks of the scalar arguments.
import { ExecutionError } from '../exec/query-error.ts'
import { changes, resets } from './changes.ts'
import type { FuncContext, RangeFunc, RangeKernels } from './contract.ts'
import { maxOverTime, minOverTime } from './extreme-over-time.ts'
import { formatFixed } from './go-format.ts'
import {
  avgOverTime, countOverTime, firstOverTime, lastOverTime, presentOverTime, stddevOverTime, stdvarOverTime,
  sumOverTime, tsOfFirstOverTime, tsOfLastOverTime, tsOfMaxOverTime, tsOfMinOverTime,
} from './over-time.ts'
import { madOverTime, quantileOverTime } from './quantile-over-time.ts'
import { warnOfQuantiles } from './quantile-warning.ts'
import type { RangeKernel } from './range-kernel.ts'
import { delta, idelta, increase, irate, rate } from './rate.ts'
import { deriv, doubleExponentialSmoothing, predictLinear } from './regression.ts'

function plain(kernel: RangeKernel): RangeFunc {
  return { kernel, keepsName: false, isForCounter: false }
}

function counter(kernel: RangeKernel): RangeFunc {
  return { kernel, keepsName: false, isForCounter: true }
}

function naming(kernel: RangeKernel): RangeFunc {
  return { kernel, keepsName: true, isForCounter: false }
}

function checkFactors(_ctx: FuncContext, args: readonly Float64Array[]): void {
  for (const [name, factors] of [['smoothing', args[0]!], ['trend', args[1]!]] as const) {
    for (const factor of factors) {
      if (factor > 0 && factor < 1 || factor !== factor) continue
      const short = name === 'smoothing' ? 'sf' : 'tf'
      throw new ExecutionError(`invalid ${name} factor. Expected: 0 < ${short} < 1, got: ${formatFixed(factor, 6)}`)
    }
  }
}

function checkQuantile(ctx: FuncContext, args: readonly Float64Array[]): void {
  warnOfQuantiles(ctx, args[0]!, ctx.call.args[0]!.span)
}

export const RANGE_KERNELS: RangeKernels = new Map<string, RangeFunc>([
  ['rate', counter(rate)],
  ['increase', counter(increase)],
  ['delta', plain(delta)],
  ['irate', plain(irate)],
  ['idelta', plain(idelta)],
  ['deriv', plain(deriv)],
  ['predict_linear', plain(predictLinear)],
  ['double_exponential_smoothing', { ...plain(doubleExponentialSmoothing), checkArgs: checkFactors }],
  ['changes', plain(changes)],
  ['resets', plain(resets)],
  ['avg_over_time', plain(avgOverTime)],
  ['min_over_time', plain(minOverTime)],
  ['max_over_time', plain(maxOverTime)],
  ['sum_over_time', plain(sumOverTime)],
  ['count_over_time', plain(countOverTime)],
  ['present_over_time', plain(presentOverTime)],
  ['stddev_over_time', plain(stddevOverTime)],
  ['stdvar_over_time', plain(stdvarOverTime)],
  ['quantile_over_time', { ...plain(quantileOverTime), checkArgs: checkQuantile }],
  ['mad_over_time', plain(madOverTime)],
  ['last_over_time', naming(lastOverTime)],
  ['first_over_time', naming(firstOverTime)],
  ['ts_of_first_over_time', plain(tsOfFirstOverTime)],
  ['ts_of_last_over_time', plain(tsOfLastOverTime)],
  ['ts_of_min_over_time', plain(tsOfMinOverTime)],
  ['ts_of_max_over_time', plain(tsOfMaxOverTime)],
])
