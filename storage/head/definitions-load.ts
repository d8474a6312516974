// Puts the series that a start finds in the file of definitions into the head, frame by frame.
//
//   texts of the frame ─▶ symbols ─▶ pairs of its labels ─▶ series: their pairs, postings, places
//
// Each step is done for the whole frame before the next one: nearly all of its time is misses of the cache, and those of
// many look-ups wait for memory together, of one after the other alone.
import type { SeriesFrame } from '../log/series-frames.ts'
import type { HeadSeries } from './head-series.ts'

export class SeriesLoader {
  readonly #series: HeadSeries
  #symbols: Uint32Array = new Uint32Array(0)
  #pairs: Uint32Array = new Uint32Array(0)
  /** Of the series, one behind the other. */
  #used: Uint32Array = new Uint32Array(0)

  constructor(series: HeadSeries) {
    this.#series = series
  }

  /** Throws LogError where memory is used up. */
  take(frame: SeriesFrame): void {
    const series = this.#series
    const { firstRef, seriesCount, ends } = frame
    // What lies between has been forgotten, or its definition is lost, which costs its own series alone.
    if (firstRef > series.newest + 1) series.skipTo(firstRef - 1)
    const newestPair = series.index.symbols.newestPair
    const pairs = this.#pairsOf(frame)
    // Series that are there are defined once more.
    const from = series.newest + 1 - firstRef
    if (from < seriesCount) series.addFound({ first: firstRef, from, end: seriesCount, ends, pairs, newestPair })
  }

  /** Of its series, one behind the other. */
  #pairsOf({ bytes, textCount, textFrom, textTo, labelCount, labelName, labelValue, seriesCount, ends, used }: SeriesFrame): Uint32Array {
    const { symbols } = this.#series.index
    if (textCount > this.#symbols.length) this.#symbols = new Uint32Array(textCount * 2)
    if (labelCount >= this.#pairs.length) this.#pairs = new Uint32Array(labelCount * 2 + 1)
    symbols.internAll(bytes, { count: textCount, from: textFrom, to: textTo }, this.#symbols)
    symbols.internPairs(this.#symbols, { count: labelCount, name: labelName, value: labelValue }, this.#pairs)
    const count = ends[seriesCount - 1]!
    if (count > this.#used.length) this.#used = new Uint32Array(count * 2)
    for (let i = 0; i < count; i++) this.#used[i] = this.#pairs[used[i]!]!
    return this.#used
  }
}
