// The live samples of one series taken apart into floats and native histograms, each a column of its own without
// gaps. Scratch that grows and is used again for every series.
import { HINT_NOT_RESET, HINT_RESET, HINT_UNKNOWN, type FloatHistogram } from '../../lib/model/histogram.ts'
import type { SeriesBatch } from '../../storage/interface.ts'
import type { FloatColumn, HistogramColumn } from '../func/sample-window.ts'
import { assert } from '../../lib/std/assert.ts'
import type { HistogramTable } from './histogram-table.ts'
import { ABSENT, HISTOGRAM } from './operator.ts'

/** Whether series `s` holds a native histogram anywhere in the batch. */
export function hasHistogram(batch: SeriesBatch, s: number): boolean {
  if (batch.histograms === null) return false
  const words = (batch.n + 31) >>> 5
  for (let w = s * words; w < (s + 1) * words; w++) if (batch.histogramBits[w] !== 0) return true
  return false
}

export class MixedSamples {
  readonly floats: FloatColumn = { t: new Float64Array(0), v: new Float64Array(0), startTimes: null }
  readonly histograms: HistogramColumn = { t: new Float64Array(0), h: [], startTimes: null }
  floatCount = 0
  histogramCount = 0

  /** Takes series `s` of the batch; its start times only where `wantsStartTimes` and the batch knows some. */
  load(batch: SeriesBatch, s: number, wantsStartTimes: boolean): void {
    const { n, t, v, present, stale, histograms, histogramBits } = batch
    const startTimes = wantsStartTimes ? batch.startTimes : null
    this.#reserve(n, startTimes !== null)
    const words = (n + 31) >>> 5
    const hasGaps = batch.hasGaps[s] !== 0
    for (let k = 0; k < n; k++) {
      const word = s * words + (k >>> 5)
      if (hasGaps && ((present[word]! & ~stale[word]!) >>> (k & 31) & 1) === 0) continue
      const start = startTimes === null ? 0 : startTimes[s * n + k]!
      if (histograms !== null && (histogramBits[word]! >>> (k & 31) & 1) === 1) {
        const histogram = histograms[v[s * n + k]!]
        assert(histogram !== undefined, `histogram ${v[s * n + k]} of ${histograms.length}`)
        this.#pushHistogram(t[k]!, histogram, start)
      } else {
        this.#pushFloat(t[k]!, v[s * n + k]!, start)
      }
    }
  }

  /**
   * Takes the points of a subquery's row. What hints say of a histogram's predecessor no longer holds when steps pass
   * over samples or repeat them: they become unknown.
   */
  loadRow(t: Float64Array, row: { values: Float64Array; kinds: Uint8Array; at: number }, table: HistogramTable): void {
    const { values, kinds, at } = row
    this.#reserve(t.length, false)
    for (let k = 0; k < t.length; k++) {
      if (kinds[at + k] === ABSENT) continue
      if (kinds[at + k] === HISTOGRAM) this.#pushHistogram(t[k]!, withoutResetHint(table.get(values[at + k]!)), 0)
      else this.#pushFloat(t[k]!, values[at + k]!, 0)
    }
  }

  #pushFloat(t: number, v: number, start: number): void {
    const { floats } = this
    const at = this.floatCount++
    floats.t[at] = t
    floats.v[at] = v
    if (floats.startTimes !== null) floats.startTimes[at] = start
  }

  #pushHistogram(t: number, h: FloatHistogram, start: number): void {
    const { histograms } = this
    const at = this.histogramCount++
    histograms.t[at] = t
    histograms.h.push(h)
    if (histograms.startTimes !== null) histograms.startTimes[at] = start
  }

  #reserve(n: number, wantsStartTimes: boolean): void {
    const { floats, histograms } = this
    if (floats.t.length < n) {
      const size = Math.max(n, floats.t.length * 2)
      floats.t = new Float64Array(size)
      floats.v = new Float64Array(size)
      histograms.t = new Float64Array(size)
      floats.startTimes = null
      histograms.startTimes = null
    }
    const size = floats.t.length
    floats.startTimes = wantsStartTimes ? floats.startTimes ?? new Float64Array(size) : null
    histograms.startTimes = wantsStartTimes ? histograms.startTimes ?? new Float64Array(size) : null
    histograms.h.length = 0
    this.floatCount = 0
    this.histogramCount = 0
  }
}

function withoutResetHint(histogram: FloatHistogram): FloatHistogram {
  const { hint } = histogram
  return hint === HINT_RESET || hint === HINT_NOT_RESET ? { ...histogram, hint: HINT_UNKNOWN } : histogram
}
