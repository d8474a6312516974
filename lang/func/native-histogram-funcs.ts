// histogram_count, _sum, _avg, _stddev, _stdvar: one number of each native histogram; floats have none and vanish.
import type { FloatHistogram } from '../../lib/model/histogram.ts'
import { MappedRows } from '../exec/mapped-rows.ts'
import { ABSENT, FLOAT, HISTOGRAM } from '../exec/operator.ts'
import { vectorArg } from './computed-operator.ts'
import type { OperatorFunc } from './contract.ts'
import { nativeVariance } from './native-histogram.ts'

function numberOf(f: (h: FloatHistogram) => number): OperatorFunc {
  return (ctx, args) => new MappedRows(vectorArg(args, 0), (set) => ctx.dropName(set), ({ values, kinds, rows }) => {
    const points = rows * ctx.steps.count
    for (let k = 0; k < points; k++) {
      if (kinds[k] === HISTOGRAM) {
        values[k] = f(ctx.histograms.get(values[k]!))
        kinds[k] = FLOAT
      } else {
        kinds[k] = ABSENT
      }
    }
  })
}

export const histogramCount: OperatorFunc = numberOf(({ count }) => count)
export const histogramSum: OperatorFunc = numberOf(({ sum }) => sum)
export const histogramAvg: OperatorFunc = numberOf(({ sum, count }) => sum / count)
export const histogramStdvar: OperatorFunc = numberOf(nativeVariance)
export const histogramStddev: OperatorFunc = numberOf((h) => Math.sqrt(nativeVariance(h)))
