// histogram_count, _sum, _avg, _stddev, _stdvar: one number of each native histogram; floats have none and vanish.
import type { FloatHistogram } from '../../lib/model/histogram.ts'
import { METRIC_NAME } from '../../lib/model/labels.ts'
import { isMarked } from '../exec/label-table.ts'
import { MappedRows } from '../exec/mapped-rows.ts'
import { ABSENT, FLOAT, HISTOGRAM } from '../exec/operator.ts'
import { vectorArg } from './computed-operator.ts'
import type { FuncContext, OperatorFunc } from './contract.ts'
import { nativeVariance } from './native-histogram.ts'

/** As in Prometheus the name alone goes where it goes at once; type and unit stay. */
function nameDropper({ labels, ...ctx }: FuncContext): (set: number) => number {
  const dropNameAlone = labels.dropping(new Set([labels.intern(METRIC_NAME)]))
  return (set) => {
    const dropped = ctx.dropName(set)
    return isMarked(dropped) ? dropped : dropNameAlone(set)
  }
}

function numberOf(f: (h: FloatHistogram) => number): OperatorFunc {
  return (ctx, args) => new MappedRows(vectorArg(args, 0), nameDropper(ctx), ({ values, kinds, rows }) => {
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
