// What readers of head and blocks write samples into: a SeriesBatch that is used again and again.
import type { FloatHistogram } from '../../lib/model/histogram.ts'
import type { SeriesBatch } from '../interface.ts'

/** A batch whose buffers grow and are reused. */
export class BatchBuffer implements SeriesBatch {
  n = 0
  seriesCount = 0
  t: Float64Array = new Float64Array(1024)
  v: Float64Array = new Float64Array(1024)
  index: Uint32Array = new Uint32Array(64)
  hasGaps: Uint8Array = new Uint8Array(64)
  present: Uint32Array = new Uint32Array(64)
  stale: Uint32Array = new Uint32Array(64)
  histograms: FloatHistogram[] | null = null
  histogramBits: Uint32Array = new Uint32Array(0)
  startTimes: Float64Array | null = null

  /** Makes room for seriesCount × n values; content is undefined, hasGaps is zero. */
  shape(seriesCount: number, n: number): void {
    this.seriesCount = seriesCount
    this.n = n
    const bits = seriesCount * ((n + 31) >>> 5)
    if (this.t.length < n + 32) this.t = new Float64Array(n + 32)
    // Decoders write whole chunks: leave room behind the last row.
    if (this.v.length < seriesCount * n + 32) this.v = new Float64Array(seriesCount * n + 32)
    if (this.index.length < seriesCount) {
      this.index = new Uint32Array(seriesCount)
      this.hasGaps = new Uint8Array(seriesCount)
    }
    if (this.present.length < bits) {
      this.present = new Uint32Array(bits)
      this.stale = new Uint32Array(bits)
    }
    this.hasGaps.fill(0, 0, seriesCount)
    this.histograms = null
    this.startTimes = null
  }

  /** Series s has gaps from here on: rows [0, rows) so far are all live. */
  beginGaps(s: number, rows: number): void {
    if (this.hasGaps[s] === 1) return
    this.hasGaps[s] = 1
    const words = (this.n + 31) >>> 5
    this.present.fill(0, s * words, (s + 1) * words)
    this.stale.fill(0, s * words, (s + 1) * words)
    for (let i = 0; i < rows; i++) this.present[s * words + (i >>> 5)]! |= 1 << (i & 31)
  }

  /** Marks row i of series s (which has gaps) as present, and stale or live. */
  mark(s: number, i: number, isStale: boolean): void {
    const word = s * ((this.n + 31) >>> 5) + (i >>> 5)
    this.present[word]! |= 1 << (i & 31)
    if (isStale) this.stale[word]! |= 1 << (i & 31)
  }

  /** True if series s has a sample at row i, live or stale. */
  isPresent(s: number, i: number): boolean {
    return this.hasGaps[s] === 0 || ((this.present[s * ((this.n + 31) >>> 5) + (i >>> 5)]! >>> (i & 31)) & 1) === 1
  }

  /** Makes sample i of series s a native histogram. The first one of a batch makes the bits. */
  putHistogram(s: number, i: number, histogram: FloatHistogram): void {
    const words = (this.n + 31) >>> 5
    if (this.histograms === null) {
      this.histograms = []
      const bits = this.seriesCount * words
      if (this.histogramBits.length < bits) this.histogramBits = new Uint32Array(bits)
      else this.histogramBits.fill(0, 0, bits)
    }
    this.histogramBits[s * words + (i >>> 5)]! |= 1 << (i & 31)
    this.v[s * this.n + i] = this.histograms.push(histogram) - 1
  }

  /** The histogram that sample i of series s is, or null. */
  histogramAt(s: number, i: number): FloatHistogram | null {
    if (this.histograms === null) return null
    const bits = this.histogramBits[s * ((this.n + 31) >>> 5) + (i >>> 5)]!
    return ((bits >>> (i & 31)) & 1) === 0 ? null : this.histograms[this.v[s * this.n + i]!]!
  }

  /** Says when what sample i of series s counts began; 0: not known, as of all others. */
  putStartTime(s: number, i: number, startMs: number): void {
    if (this.startTimes === null) {
      if (startMs === 0) return
      this.startTimes = new Float64Array(this.seriesCount * this.n)
    }
    this.startTimes[s * this.n + i] = startMs
  }

  /** True if series s has any sample, live or stale. */
  hasSamples(s: number): boolean {
    if (this.hasGaps[s] === 0) return this.n > 0
    const words = (this.n + 31) >>> 5
    for (let w = s * words; w < (s + 1) * words; w++) if (this.present[w] !== 0) return true
    return false
  }
}
