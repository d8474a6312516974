// The native histograms of one query. A point of kind HISTOGRAM holds an id of this table in its value, so that rows
// stay plain numbers. Histograms are immutable; equal ids are equal histograms, different ids may be, too.
import { histogramBytes, type FloatHistogram } from '../../lib/model/histogram.ts'

/** The bytes of a query, as budget.ts counts them. */
interface ByteBudget {
  addBytes(bytes: number): void
  releaseBytes(bytes: number): void
}

export class HistogramTable {
  readonly #budget: ByteBudget
  readonly #list: FloatHistogram[] = []

  constructor(budget: ByteBudget) {
    this.#budget = budget
  }

  /** The id of a histogram; it is kept to the end of the query or until `truncate`, and paid for. Throws LimitError over the limit. */
  put(histogram: FloatHistogram): number {
    this.#budget.addBytes(histogramBytes(histogram))
    return this.#list.push(histogram) - 1
  }

  /** How many there are so far: while there are none, no row need be looked at. */
  get size(): number {
    return this.#list.length
  }

  get(id: number): FloatHistogram {
    return this.#list[id]!
  }

  /** Forgets those that came when there were `size` already: nobody has their ids any more. */
  truncate(size: number): void {
    for (let id = size; id < this.#list.length; id++) this.#budget.releaseBytes(histogramBytes(this.#list[id]!))
    this.#list.length = size
  }
}
