// A BucketBatch whose buffers grow and are used again, with the sketches or the samples of its rows.
import type { BucketBatch, BucketColumns } from './bucket.ts'

/** What a row holds beside what is asked of it, for those who write it on. */
export interface TierColumns extends BucketColumns {
  /** The second largest sample, that of the one where there is one, NaN where all others are NaN: makes p99 of up to 101. */
  second: Float64Array
}

/** When the samples of a group's rows were, as a series without gaps has them. */
export interface GroupRows {
  count: Float64Array
  firstT: Float64Array
  lastT: Float64Array
}

export class BucketBuffer implements BucketBatch {
  n = 0
  seriesCount = 0
  t: Float64Array = new Float64Array(0)
  index: Uint32Array = new Uint32Array(0)
  columns: TierColumns = makeColumns(0)
  group: GroupRows = makeGroup(0)
  /** The sketch of row i of series s: sketches[sketchAt[s * n + i], sketchAt[s * n + i + 1]); empty where it has samples, or none. */
  sketchAt: Uint32Array = new Uint32Array(1)
  sketches: Uint8Array = new Uint8Array(1024)
  /** The samples of a row that keeps them, the same way. */
  sampleAt: Uint32Array = new Uint32Array(1)
  samples: Float64Array = new Float64Array(1024)
  #sketchEnd = 0
  #sampleEnd = 0

  /** Makes room for seriesCount × n rows, all without samples; sketches and samples are to be given in order of the rows. */
  shape(seriesCount: number, n: number): void {
    this.n = n
    this.seriesCount = seriesCount
    const rows = seriesCount * n
    if (this.t.length < n) {
      this.t = new Float64Array(n)
      this.group = makeGroup(n)
    }
    if (this.index.length < seriesCount) this.index = new Uint32Array(seriesCount)
    if (this.columns.count.length < rows) this.columns = makeColumns(rows)
    if (this.sketchAt.length < rows + 1) {
      this.sketchAt = new Uint32Array(rows + 1)
      this.sampleAt = new Uint32Array(rows + 1)
    }
    this.columns.count.fill(0, 0, rows)
    this.columns.staleAtEnd.fill(0, 0, rows)
    this.sketchAt.fill(0, 0, rows + 1)
    this.sampleAt.fill(0, 0, rows + 1)
    this.restart()
  }

  /** Sketches and samples are given anew, from the first row on. */
  restart(): void {
    this.#sketchEnd = 0
    this.#sampleEnd = 0
  }

  /** The same from a row on, where those before have ended. */
  takeBack(row: number): void {
    this.#sketchEnd = this.sketchAt[row]!
    this.#sampleEnd = this.sampleAt[row]!
  }

  /** Where the next sketch goes, with room for so many bytes. */
  reserveSketch(bytes: number): number {
    const at = this.#sketchEnd
    if (at + bytes > this.sketches.length) {
      const grown = new Uint8Array((at + bytes) * 2)
      grown.set(this.sketches.subarray(0, at))
      this.sketches = grown
    }
    return at
  }

  endSketch(end: number): void {
    this.#sketchEnd = end
  }

  /** Gives the row at work v[from, from + count) as its samples. */
  addSamples(v: Float64Array, from: number, count: number): void {
    const at = this.#sampleEnd
    if (at + count > this.samples.length) {
      const grown = new Float64Array((at + count) * 2)
      grown.set(this.samples.subarray(0, at))
      this.samples = grown
    }
    for (let i = 0; i < count; i++) this.samples[at + i] = v[from + i]!
    this.#sampleEnd = at + count
  }

  /** Rows [from, to) of the only series of `source` become rows `at` …; with `isWhole` their samples and sketches, too, in order. */
  copyRows(source: BucketBuffer, from: number, to: number, at: number, isWhole: boolean): void {
    for (const key of COLUMN_KEYS) this.columns[key].set(source.columns[key].subarray(from, to), at)
    if (!isWhole) return
    const { samples, sampleAt, sketches, sketchAt } = source
    const firstSample = sampleAt[from]!
    const sampleShift = this.#sampleEnd - firstSample
    this.addSamples(samples, firstSample, sampleAt[to]! - firstSample)
    const firstSketch = sketchAt[from]!
    const end = this.reserveSketch(sketchAt[to]! - firstSketch)
    this.sketches.set(sketches.subarray(firstSketch, sketchAt[to]), end)
    this.endSketch(end + sketchAt[to]! - firstSketch)
    for (let row = from + 1; row <= to; row++) {
      this.sampleAt[at + row - from] = sampleAt[row]! + sampleShift
      this.sketchAt[at + row - from] = sketchAt[row]! + end - firstSketch
    }
  }

  /** Row by row, in order: no more samples or sketches of it come. */
  endRow(row: number): void {
    this.sampleAt[row + 1] = this.#sampleEnd
    this.sketchAt[row + 1] = this.#sketchEnd
  }
}

const COLUMN_KEYS = Object.keys(makeColumns(0)) as (keyof TierColumns)[]

function makeGroup(rows: number): GroupRows {
  return { count: new Float64Array(rows), firstT: new Float64Array(rows), lastT: new Float64Array(rows) }
}

function makeColumns(rows: number): TierColumns {
  const column = (): Float64Array => new Float64Array(rows)
  return {
    count: column(), sum: column(), m2: column(), min: column(), max: column(), first: column(), last: column(),
    correction: column(), p99: column(), firstT: column(), lastT: column(), staleAtEnd: new Uint8Array(rows), second: column(),
  }
}
