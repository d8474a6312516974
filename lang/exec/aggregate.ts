// sum, avg, min, max, count, group, stddev, stdvar: streams its input once into one row per group, so that memory is
// groups × steps whatever the number of series.
import { METRIC_NAME } from '../../lib/model/labels.ts'
import { makeAccumulator, type StreamingOp } from './accumulators.ts'
import type { AggregateScope } from './aggregate-scope.ts'
import { groupInput, type GroupingSpec, type InputGroups } from './grouping.ts'
import { hasHistograms, HistogramCells, ignoreHistograms } from './histogram-cells.ts'
import { samplesInRow } from './histogram-samples.ts'
import { FLOAT, type Operator, type RowBatch } from './operator.ts'

export class Aggregate implements Operator {
  readonly #op: StreamingOp
  readonly #input: Operator
  readonly #spec: GroupingSpec
  readonly #scope: AggregateScope
  readonly #isStreamed: boolean
  #groups: InputGroups | null = null
  #isDone = false
  /** Of the cells, while somebody looks at them. */
  #bytes = 0

  /** `isStreamed`: nobody has the rows of a batch of the input when the next one is asked for, so that their histograms may go. */
  constructor(op: StreamingOp, input: Operator, spec: GroupingSpec, scope: AggregateScope, isStreamed: boolean) {
    this.#op = op
    this.#input = input
    this.#spec = spec
    this.#scope = scope
    this.#isStreamed = isStreamed
  }

  series(): Uint32Array {
    return this.#grouped().sets
  }

  next(): RowBatch | null {
    const { steps, budget } = this.#scope
    if (this.#isDone) {
      budget.releaseBytes(this.#bytes)
      this.#bytes = 0
      return null
    }
    this.#isDone = true
    const { sets, groupOf, loadedSamples } = this.#grouped()
    const width = steps.count
    const heldBefore = budget.samplesHeld - loadedSamples
    const bytesBefore = budget.bytesHeld
    const cells = makeAccumulator(this.#op, sets.length, width, budget)
    this.#bytes = budget.bytesHeld - bytesBefore
    const row = { values: cells.values, kinds: cells.kinds, at: 0, isWhole: false }
    const histograms = this.#histogramCells()
    const table = this.#scope.histograms
    const kept = table.size
    for (let batch = this.#input.next(); batch !== null; batch = this.#input.next()) {
      row.values = batch.values
      row.kinds = batch.kinds
      const isMixed = hasHistograms(batch.kinds, batch.rows * width) && this.#usesKinds()
      if (isMixed && histograms === null) ignoreHistograms(this.#op, this.#scope)
      for (let r = 0; r < batch.rows; r++) {
        row.at = r * width
        row.isWhole = isWhole(batch.kinds, row.at, row.at + width)
        const s = batch.index[r]!
        cells.add(groupOf[s]!, row)
        if (isMixed) histograms?.add(groupOf[s]!, row, cells.kinds, this.#metricOf(s))
      }
      if (this.#isStreamed) table.truncate(kept)
    }
    cells.finish()
    histograms?.finish(cells.values, cells.kinds)
    budget.settleSamples(heldBefore, samplesInRow({ values: cells.values, kinds: cells.kinds, at: 0 }, cells.kinds.length, this.#scope.histograms))
    // Read to the end all the same: an error in what gives no series is an error.
    if (sets.length === 0) return null
    return { rows: sets.length, index: sets.map((_, g) => g), values: cells.values, kinds: cells.kinds }
  }

  /** null where the operator has no use for histograms, or counts them like floats. */
  #histogramCells(): HistogramCells | null {
    return this.#op === 'sum' || this.#op === 'avg' ? new HistogramCells(this.#op, this.#scope) : null
  }

  #usesKinds(): boolean {
    return this.#op !== 'count' && this.#op !== 'group'
  }

  #metricOf(series: number): string {
    const { labels } = this.#scope
    return labels.textOf(labels.get(this.#input.series()[series]!, labels.intern(METRIC_NAME)))
  }

  #grouped(): InputGroups {
    return (this.#groups ??= groupInput(this.#input, this.#spec, this.#scope))
  }
}

function isWhole(kinds: Uint8Array, from: number, to: number): boolean {
  for (let i = from; i < to; i++) if (kinds[i] !== FLOAT) return false
  return true
}
