// Rows of a selector whose steps are answered by several sources: each source fills its part of every row.
//
//   row    ├── 1h ──┼──── 1m ────┼── raw ──┤
import type { Budget } from './budget.ts'
import { DenseOperator } from './dense.ts'
import type { LabelTable } from './label-table.ts'
import { ABSENT, FLOAT, type Operator, type RowBatch, type Steps } from './operator.ts'

/** Where a source writes: the row of series refs[i] from starts[i] on. */
export interface SpanRows {
  values: Float64Array
  kinds: Uint8Array
  starts: Int32Array
}

/** A source for some of the steps. */
export interface SpanReader {
  /** Its first step. */
  readonly from: number
  /** All series that match, ascending. */
  readonly refs: Uint32Array
  /** Once. */
  read(rows: SpanRows): void
}

/** To be told of every series with a result, by its label set and its row. */
export interface RowWatcher {
  see(set: number, hasFloats: boolean, kinds: Uint8Array, at: number): void
}

export class StitchedRows implements Operator {
  readonly #readers: readonly SpanReader[]
  readonly #refs: Uint32Array
  readonly #series: Uint32Array
  readonly #steps: Steps
  readonly #budget: Budget
  readonly #watcher: RowWatcher | null
  #rows: DenseOperator | null = null

  constructor(readers: readonly SpanReader[], place: { labels: LabelTable; steps: Steps; budget: Budget }, watcher: RowWatcher | null) {
    this.#readers = readers
    this.#refs = unionOf(readers.map(({ refs }) => refs))
    this.#steps = place.steps
    this.#budget = place.budget
    this.#watcher = watcher
    this.#series = place.budget.ints(this.#refs.length)
    for (let i = 0; i < this.#refs.length; i++) this.#series[i] = place.labels.ofSeries(this.#refs[i]!)
  }

  series(): Uint32Array {
    return this.#series
  }

  next(): RowBatch | null {
    this.#rows ??= this.#read()
    return this.#rows.next()
  }

  #read(): DenseOperator {
    const width = this.#steps.count
    const series = this.#series
    const values = this.#budget.floats(series.length * width)
    const kinds = this.#budget.bytes(series.length * width)
    for (const reader of this.#readers) {
      const starts = positionsOf(reader.refs, this.#refs)
      for (let i = 0; i < starts.length; i++) starts[i] = starts[i]! * width + reader.from
      reader.read({ values, kinds, starts })
    }
    for (let s = 0; s < series.length && this.#watcher !== null; s++) {
      const row = kinds.subarray(s * width, (s + 1) * width)
      if (row.some((kind) => kind !== ABSENT)) this.#watcher.see(series[s]!, row.includes(FLOAT), kinds, s * width)
    }
    return new DenseOperator({ series, values, kinds }, this.#budget)
  }
}

/** The series of all lists, ascending. */
export function unionOf(lists: readonly Uint32Array[]): Uint32Array {
  const [first, ...others] = lists
  if (others.every((refs) => isSame(refs, first!))) return first!
  return Uint32Array.from(new Set(lists.flatMap((refs) => [...refs]))).sort()
}

function isSame(a: Uint32Array, b: Uint32Array): boolean {
  return a.length === b.length && a.every((ref, i) => ref === b[i])
}

/** Of each of `refs` the position in `all`, -1 where it is not there; both ascend. */
export function positionsOf(refs: Uint32Array, all: Uint32Array): Int32Array {
  const positions = new Int32Array(refs.length)
  let k = 0
  for (let i = 0; i < refs.length; i++) {
    while (k < all.length && all[k]! < refs[i]!) k++
    positions[i] = all[k] === refs[i] ? k : -1
  }
  return positions
}
