// The rows of an instant vector selector: at every step the newest sample in (t - lookback, t]. If that one is a
// staleness marker the series is absent; older samples do not step in.
import type { SeriesBatch } from '../../storage/interface.ts'
import { FLOAT, type Steps } from './operator.ts'
import type { RowFiller } from './selected-rows.ts'
import { advance, makeWindows, type TimeShift } from './windows.ts'
import type { Windows } from '../func/range-kernel.ts'

/** `isTime`: values are the samples' timestamps in seconds (timestamp(selector)) instead of their values. */
export class InstantRows implements RowFiller {
  readonly #windows: Windows
  readonly #isTime: boolean
  /** Position of the newest sample at or before each step, -1 for none. */
  readonly #newest: Int32Array
  /** The same, -1 also where it lies outside the lookback. */
  readonly #inside: Int32Array
  #lastPresent = new Int32Array(0)

  /** `shift.rangeMs` is the lookback. */
  constructor(steps: Steps, shift: TimeShift, isTime: boolean) {
    this.#windows = makeWindows(steps, shift)
    this.#isTime = isTime
    this.#newest = new Int32Array(steps.count)
    this.#inside = new Int32Array(steps.count)
  }

  startBatch(batch: SeriesBatch): void {
    const { count, startMs, endMs } = this.#windows
    const newest = this.#newest
    const inside = this.#inside
    const { t } = batch
    advance(t, batch.n, endMs, count, newest)
    for (let i = 0; i < count; i++) {
      const k = newest[i]! - 1
      newest[i] = k
      inside[i] = k >= 0 && t[k]! > startMs[i]! ? k : -1
    }
  }

  fill(batch: SeriesBatch, s: number, row: { values: Float64Array; kinds: Uint8Array; at: number }): number {
    if (batch.hasGaps[s] !== 0) return this.#fillGapped(batch, s, row)
    const { values, kinds, at } = row
    const inside = this.#inside
    const { count } = this.#windows
    const source = this.#isTime ? batch.t : batch.v
    const from = this.#isTime ? 0 : s * batch.n
    let points = 0
    for (let i = 0; i < count; i++) {
      const k = inside[i]!
      if (k < 0) continue
      values[at + i] = source[from + k]!
      kinds[at + i] = FLOAT
      points++
    }
    if (this.#isTime) toSeconds(values, at, count)
    return points
  }

  #fillGapped(batch: SeriesBatch, s: number, row: { values: Float64Array; kinds: Uint8Array; at: number }): number {
    const { values, kinds, at } = row
    const { count, startMs } = this.#windows
    const newest = this.#newest
    const { n, t, v, stale } = batch
    const words = (n + 31) >>> 5
    const lastPresent = this.#scanPresent(batch, s)
    let points = 0
    for (let i = 0; i < count; i++) {
      const k = newest[i]! < 0 ? -1 : lastPresent[newest[i]!]!
      if (k < 0 || t[k]! <= startMs[i]!) continue
      if (((stale[s * words + (k >>> 5)]! >>> (k & 31)) & 1) === 1) continue
      values[at + i] = this.#isTime ? t[k]! / 1000 : v[s * n + k]!
      kinds[at + i] = FLOAT
      points++
    }
    return points
  }

  /** out[k] = position of the last sample, live or stale, at or before k; -1 for none. */
  #scanPresent(batch: SeriesBatch, s: number): Int32Array {
    const { n, present } = batch
    if (this.#lastPresent.length < n) this.#lastPresent = new Int32Array(n)
    const out = this.#lastPresent
    const from = s * ((n + 31) >>> 5)
    let last = -1
    for (let k = 0; k < n; k++) {
      if (((present[from + (k >>> 5)]! >>> (k & 31)) & 1) === 1) last = k
      out[k] = last
    }
    return out
  }
}

function toSeconds(values: Float64Array, at: number, count: number): void {
  for (let i = at; i < at + count; i++) values[i]! /= 1000
}
