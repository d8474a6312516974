// Operators that change points in place and labels one by one: unary minus, elementwise functions, vector with
// scalar. Rows pass through; nothing is copied.
import { scaleHistogram } from '../../lib/model/histogram-arithmetic.ts'
import type { HistogramTable } from './histogram-table.ts'
import { HISTOGRAM, type Operator, type RowBatch } from './operator.ts'

export class MappedRows implements Operator {
  readonly #input: Operator
  readonly #mapSet: (set: number) => number
  readonly #mapRows: (batch: RowBatch) => void
  #series: Uint32Array | null = null

  /** `mapRows` changes values and kinds of a batch in place. */
  constructor(input: Operator, mapSet: (set: number) => number, mapRows: (batch: RowBatch) => void) {
    this.#input = input
    this.#mapSet = mapSet
    this.#mapRows = mapRows
  }

  series(): Uint32Array {
    return this.#series ??= this.#input.series().map(this.#mapSet)
  }

  next(): RowBatch | null {
    const batch = this.#input.next()
    if (batch !== null) this.#mapRows(batch)
    return batch
  }
}

/** Unary minus over a batch. */
export function negate(batch: RowBatch, width: number, histograms: HistogramTable): void {
  const { values, kinds } = batch
  const n = batch.rows * width
  if (histograms.size === 0) {
    for (let i = 0; i < n; i++) values[i] = -values[i]!
    return
  }
  for (let i = 0; i < n; i++) {
    if (kinds[i] !== HISTOGRAM) values[i] = -values[i]!
    else values[i] = histograms.put(scaleHistogram(histograms.get(values[i]!), -1))
  }
}
