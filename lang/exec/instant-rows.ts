// The rows of an instant vector selector: at every step the newest sample in (t - lookback, t]. If that one is a
// staleness marker the series is absent; older samples do not step in.
import { assert } from '../../lib/std/assert.ts'
import type { SeriesBatch } from '../../storage/interface.ts'
import type { Windows } from '../func/range-kernel.ts'
import { samplesOf } from './histogram-samples.ts'
import type { HistogramTable } from './histogram-table.ts'
import { hasHistogram } from './mixed-samples.ts'
import { FLOAT, HISTOGRAM, type Steps } from './operator.ts'
import type { RowFiller } from './selected-rows.ts'
import type { StepSamples } from './step-samples.ts'
import { advance, makeWindows, type TimeShift } from './windows.ts'

/** What of a sample becomes the point: itself, or one of its times in Unix seconds (timestamp, start_timestamp). */
export type Wanted = 'value' | 'time' | 'startTime'

/** Fewer points are faster copied one by one. */
const RUN_MIN = 32

export class InstantRows implements RowFiller {
  readonly #windows: Windows
  readonly #wanted: Wanted
  readonly #histograms: HistogramTable
  /** Position of the newest sample at or before each step, -1 for none. */
  readonly #newest: Int32Array
  /** The same, -1 also where it lies outside the lookback. */
  readonly #inside: Int32Array
  /** Where the steps take sample after sample and leave none out, the position of the first one; else -1. */
  #runFrom = -1
  /** Of one series with gaps. */
  readonly #ownInside: Int32Array
  #lastPresent = new Int32Array(0)
  #noStartTimes = new Float64Array(0)

  /** `shift.rangeMs` is the lookback. */
  constructor(place: { steps: Steps; shift: TimeShift }, wanted: Wanted, histograms: HistogramTable) {
    const { count } = place.steps
    this.#windows = makeWindows(place.steps, place.shift)
    this.#wanted = wanted
    this.#histograms = histograms
    this.#newest = new Int32Array(count)
    this.#inside = new Int32Array(count)
    this.#ownInside = new Int32Array(count)
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
    this.#runFrom = this.#wanted === 'value' && count >= RUN_MIN && isRun(inside) ? inside[0]! : -1
  }

  fill(batch: SeriesBatch, s: number, row: { values: Float64Array; kinds: Uint8Array; at: number }): number {
    const inside = batch.hasGaps[s] === 0 ? this.#inside : this.#insideGaps(batch, s)
    if (this.#wanted === 'value' && batch.histograms !== null && hasHistogram(batch, s)) return this.#fillMixed(batch, s, inside, row)
    const { values, kinds, at } = row
    const { count } = this.#windows
    if (this.#runFrom >= 0 && batch.hasGaps[s] === 0) {
      // Fast path: steps as far apart as samples.
      const first = s * batch.n + this.#runFrom
      values.set(batch.v.subarray(first, first + count), at)
      kinds.fill(FLOAT, at, at + count)
      return count
    }
    const isTime = this.#wanted === 'time'
    const source = this.#sourceOf(batch)
    const from = isTime ? 0 : s * batch.n
    let points = 0
    for (let i = 0; i < count; i++) {
      const k = inside[i]!
      if (k < 0) continue
      values[at + i] = source[from + k]!
      kinds[at + i] = FLOAT
      points++
    }
    if (this.#wanted !== 'value') toSeconds(values, at, count)
    return points
  }

  countSteps(row: { values: Float64Array; kinds: Uint8Array; at: number }, first: number, steps: StepSamples): void {
    steps.addRow(row, this.#windows.count, first, this.#histograms)
  }

  #sourceOf(batch: SeriesBatch): Float64Array {
    if (this.#wanted === 'value') return batch.v
    if (this.#wanted === 'time') return batch.t
    if (batch.startTimes !== null) return batch.startTimes
    const size = batch.seriesCount * batch.n
    if (this.#noStartTimes.length < size) this.#noStartTimes = new Float64Array(size)
    return this.#noStartTimes
  }

  #fillMixed(batch: SeriesBatch, s: number, inside: Int32Array, row: { values: Float64Array; kinds: Uint8Array; at: number }): number {
    const { values, kinds, at } = row
    const { n, v, histograms, histogramBits } = batch
    assert(histograms !== null, 'no histograms')
    const from = s * ((n + 31) >>> 5)
    let samples = 0
    let putPosition = -1
    let putId = 0
    let putSamples = 0
    for (let i = 0; i < this.#windows.count; i++) {
      const k = inside[i]!
      if (k < 0) continue
      if ((histogramBits[from + (k >>> 5)]! >>> (k & 31) & 1) === 0) {
        values[at + i] = v[s * n + k]!
        kinds[at + i] = FLOAT
        samples++
        continue
      }
      if (k !== putPosition) {
        const histogram = histograms[v[s * n + k]!]!
        putPosition = k
        putId = this.#histograms.put(histogram)
        putSamples = samplesOf(histogram)
      }
      values[at + i] = putId
      kinds[at + i] = HISTOGRAM
      samples += putSamples
    }
    return samples
  }

  /** As #inside, for a series that lacks samples of the column or has staleness markers. */
  #insideGaps(batch: SeriesBatch, s: number): Int32Array {
    const { count, startMs } = this.#windows
    const newest = this.#newest
    const inside = this.#ownInside
    const { n, t, stale } = batch
    const from = s * ((n + 31) >>> 5)
    const lastPresent = this.#scanPresent(batch, s)
    for (let i = 0; i < count; i++) {
      const k = newest[i]! < 0 ? -1 : lastPresent[newest[i]!]!
      const isInside = k >= 0 && t[k]! > startMs[i]! && (stale[from + (k >>> 5)]! >>> (k & 31) & 1) === 0
      inside[i] = isInside ? k : -1
    }
    return inside
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

/** Positions one after the other, -1 nowhere. */
function isRun(positions: Int32Array): boolean {
  const first = positions[0]!
  if (first < 0) return false
  for (let i = 1; i < positions.length; i++) if (positions[i] !== first + i) return false
  return true
}
