// Columns that kernels work in: kept from call to call, so that small windows cost no allocation, unless they are so large
// that no thread should hold them when the query is over.

/** Longest column kept, 8 MiB: few series have more samples in the range of a query. */
export const KEPT_MAX: number = 1 << 20

export class ScratchColumn {
  #kept: Float64Array = new Float64Array(1024)

  /** At least `length` long, with anything in it; the caller's until it asks again. */
  of(length: number): Float64Array {
    if (length > KEPT_MAX) return new Float64Array(length)
    if (this.#kept.length < length) this.#kept = new Float64Array(Math.min(length * 2, KEPT_MAX))
    return this.#kept
  }
}
