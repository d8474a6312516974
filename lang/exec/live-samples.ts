// Closes the gaps of one series of a shared timestamp column: copies its live samples together, so that kernels see
// plain arrays without bitmaps. Range vectors pass over staleness markers silently.
import type { SeriesBatch } from '../../storage/interface.ts'

/** Scratch that grows and is used again for every series. */
export class LiveSamples {
  t: Float64Array = new Float64Array(0)
  v: Float64Array = new Float64Array(0)

  /** Copies the live samples of series `s`; returns how many. */
  compact(batch: SeriesBatch, s: number): number {
    const { n, t, v, present, stale } = batch
    this.#reserve(n)
    const outT = this.t
    const outV = this.v
    const words = (n + 31) >>> 5
    const vAt = s * n
    let count = 0
    for (let w = 0; w < words; w++) {
      let live = (present[s * words + w]! & ~stale[s * words + w]!) >>> 0
      while (live !== 0) {
        const bit = 31 - Math.clz32(live & -live)
        const k = w * 32 + bit
        outT[count] = t[k]!
        outV[count] = v[vAt + k]!
        count++
        live &= live - 1
      }
    }
    return count
  }

  /** Copies the points of a row of a subquery; returns how many. */
  compactRow(t: Float64Array, row: { values: Float64Array; kinds: Uint8Array; at: number }): number {
    const n = t.length
    this.#reserve(n)
    const outT = this.t
    const outV = this.v
    const { values, kinds, at } = row
    let count = 0
    for (let k = 0; k < n; k++) {
      if (kinds[at + k] === 0) continue
      outT[count] = t[k]!
      outV[count] = values[at + k]!
      count++
    }
    return count
  }

  #reserve(n: number): void {
    if (this.t.length >= n) return
    const size = Math.max(n, this.t.length * 2)
    this.t = new Float64Array(size)
    this.v = new Float64Array(size)
  }
}
