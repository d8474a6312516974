// The functions of a range vector by name: kernel, what becomes of the metric name, checks of the scalar arguments.
import { ofArgument } from '../exec/annotations.ts'
import { changes, resets, resetsWithStarts } from './changes.ts'
import type { FuncContext, RangeFunc, RangeKernels } from './contract.ts'
import { extendedRate } from './extended-range.ts'
import { maxOverTime, minOverTime } from './extreme-over-time.ts'
import {
  anchoredChanges, anchoredResets, histogramAvgOverTime, histogramSumOverTime, mixedChanges, mixedCountOverTime, mixedFirstOverTime,
  mixedLastOverTime, mixedPresentOverTime, mixedResets, mixedTsOfFirst, mixedTsOfLast,
} from './histogram-over-time.ts'
import { histogramRate, instantChange } from './histogram-rate.ts'
import {
  avgOverTime, countOverTime, firstOverTime, lastOverTime, presentOverTime, stddevOverTime, stdvarOverTime,
  sumOverTime, tsOfFirstOverTime, tsOfLastOverTime, tsOfMaxOverTime, tsOfMinOverTime,
} from './over-time.ts'
import { madOverTime, quantileOverTime } from './quantile-over-time.ts'
import { warnOfQuantiles } from './quantile-warning.ts'
import type { RangeKernel, StartTimesKernel } from './range-kernel.ts'
import { delta, idelta, increase, increaseWithStarts, irate, irateWithStarts, rate, rateWithStarts } from './rate.ts'
import type { WindowFunc } from './sample-window.ts'
import { checkFactors, deriv, doubleExponentialSmoothing, predictLinear } from './regression.ts'

/** What a function has beside its kernel. */
type More = Omit<RangeFunc, 'kernel' | 'keepsName' | 'isForCounter'>

function plain(kernel: RangeKernel, more: More = {}): RangeFunc {
  return { kernel, keepsName: false, isForCounter: false, ...more }
}

function counter(kernel: RangeKernel, startTimesKernel: StartTimesKernel, isRate: boolean): RangeFunc {
  return { kernel, startTimesKernel, keepsName: false, isForCounter: true, ...changeOverRange({ isCounter: true, isRate }) }
}

function naming(kernel: RangeKernel, window: WindowFunc): RangeFunc {
  return { kernel, window, keepsName: true, isForCounter: false }
}

/** rate, increase, delta. */
function changeOverRange(kind: { isCounter: boolean; isRate: boolean }): More {
  return {
    window: histogramRate(kind),
    anchored: extendedRate({ ...kind, isSmoothed: false }), smoothed: extendedRate({ ...kind, isSmoothed: true }),
  }
}

function checkStepQuantile(ctx: FuncContext, args: readonly Float64Array[], step: number): void {
  warnOfQuantiles(ctx.annotations, args[0]!.subarray(step, step + 1), ofArgument(ctx.call.args[0]!.span, ctx.call.span))
}

export const RANGE_KERNELS: RangeKernels = new Map<string, RangeFunc>([
  ['rate', counter(rate, rateWithStarts, true)],
  ['increase', counter(increase, increaseWithStarts, false)],
  ['delta', plain(delta, changeOverRange({ isCounter: false, isRate: false }))],
  ['irate', plain(irate, { startTimesKernel: irateWithStarts, window: instantChange(true) })],
  ['idelta', plain(idelta, { window: instantChange(false) })],
  ['deriv', plain(deriv)],
  ['predict_linear', plain(predictLinear)],
  ['double_exponential_smoothing', plain(doubleExponentialSmoothing, { checkIgnored: checkFactors })],
  ['changes', plain(changes, { window: mixedChanges, anchored: anchoredChanges })],
  ['resets', plain(resets, { startTimesKernel: resetsWithStarts, window: mixedResets, anchored: anchoredResets })],
  ['avg_over_time', plain(avgOverTime, { window: histogramAvgOverTime })],
  ['min_over_time', plain(minOverTime)],
  ['max_over_time', plain(maxOverTime)],
  ['sum_over_time', plain(sumOverTime, { window: histogramSumOverTime })],
  ['count_over_time', plain(countOverTime, { window: mixedCountOverTime })],
  ['present_over_time', plain(presentOverTime, { window: mixedPresentOverTime })],
  ['stddev_over_time', plain(stddevOverTime)],
  ['stdvar_over_time', plain(stdvarOverTime)],
  ['quantile_over_time', plain(quantileOverTime, { checkStep: checkStepQuantile })],
  ['mad_over_time', plain(madOverTime)],
  ['last_over_time', naming(lastOverTime, mixedLastOverTime)],
  ['first_over_time', naming(firstOverTime, mixedFirstOverTime)],
  ['ts_of_first_over_time', plain(tsOfFirstOverTime, { window: mixedTsOfFirst })],
  ['ts_of_last_over_time', plain(tsOfLastOverTime, { window: mixedTsOfLast })],
  ['ts_of_min_over_time', plain(tsOfMinOverTime)],
  ['ts_of_max_over_time', plain(tsOfMaxOverTime)],
])
