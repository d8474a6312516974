// count_values("label", v): one series per group and distinct value, the value's text in the label. Labels depend on
// values, so all is read before the series are known.
import { CUSTOM_SCHEMA } from '../../lib/model/histogram.ts'
import { histogramText } from '../func/histogram-text.ts'
import { formatPlain } from '../reply/number-text.ts'
import type { AggregateScope } from './aggregate-scope.ts'
import { bytesOf, DenseOperator, drain, type DenseRows } from './dense.ts'
import { groupSets, type GroupingSpec } from './grouping.ts'
import { ABSENT, FLOAT, HISTOGRAM, type Operator, type RowBatch } from './operator.ts'
import { ExecutionError } from './query-error.ts'

export interface CountValuesSpec extends GroupingSpec {
  label: string
}

export class CountValues implements Operator {
  readonly #input: Operator
  readonly #spec: CountValuesSpec
  readonly #scope: AggregateScope
  #counted: Operator | null = null

  constructor(input: Operator, spec: CountValuesSpec, scope: AggregateScope) {
    this.#input = input
    this.#spec = spec
    this.#scope = scope
  }

  series(): Uint32Array {
    return this.#evaluated().series()
  }

  next(): RowBatch | null {
    return this.#evaluated().next()
  }

  #evaluated(): Operator {
    return this.#counted ??= new DenseOperator(this.#count(), this.#scope.budget)
  }

  #count(): DenseRows {
    const { steps, budget, labels } = this.#scope
    const { label, grouping, isWithout } = this.#spec
    const heldBefore = budget.samplesHeld
    const rows = drain(this.#input, steps, budget)
    const width = steps.count
    const name = labels.intern(label)
    const groupSet = groupSets({ grouping: isWithout ? grouping : [...grouping, label], isWithout }, labels)
    const counts = new Map<number, Float64Array>()
    for (let s = 0; s < rows.series.length; s++) {
      budget.check()
      for (let i = 0; i < width; i++) {
        if (rows.kinds[s * width + i] === ABSENT) continue
        const set = groupSet(labels.with(rows.series[s]!, name, labels.intern(this.#textOf(rows, s * width + i))))
        let row = counts.get(set)
        if (row === undefined) {
          row = budget.floats(width)
          counts.set(set, row)
        }
        row[i]! += 1
      }
    }
    const values = budget.floats(counts.size * width)
    ;[...counts.values()].forEach((row, position) => values.set(row, position * width))
    const kinds = budget.bytes(values.length)
    let points = 0
    for (let c = 0; c < values.length; c++) {
      if (values[c] === 0) continue
      kinds[c] = FLOAT
      points++
    }
    budget.releaseBytes(bytesOf(rows) + values.byteLength)
    budget.settleSamples(heldBefore, points)
    return { series: Uint32Array.from(counts.keys()), values, kinds }
  }

  #textOf(rows: DenseRows, k: number): string {
    const value = rows.values[k]!
    if (rows.kinds[k] !== HISTOGRAM) return formatPlain(value)
    const histogram = this.#scope.histograms.get(value)
    // A zero count of NaN, after × NaN or ÷ 0: Prometheus can put no bounds to it.
    if (histogram.schema === CUSTOM_SCHEMA && histogram.zeroCount !== 0) throw new ExecutionError('histograms with custom buckets have no zero bucket')
    return histogramText(histogram)
  }
}
