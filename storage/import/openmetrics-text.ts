// Samples of a file of OpenMetrics text, each with its timestamp, series by series in stretches of time.
//
// The file is read whole and parsed as often as it takes to hold no more than some millions of samples at once: the first
// time to check all of it and to count.
import { DiskError, readWhole } from '../../lib/std/fs.ts'
import { ENTRY_END, ENTRY_SAMPLE, ExpositionError } from '../../lib/format/exposition-entry.ts'
import { TextParser } from '../../lib/format/text-parser.ts'
import { labelsFromMap, type Labels } from '../../lib/model/labels.ts'
import { GrowingF64, GrowingU32 } from '../block/growing-array.ts'
import { BLOCK_RANGE_MS } from '../block-plan.ts'
import { pushSample } from './series-samples.ts'
import type { SeriesSource } from './copy-series.ts'

const NEWLINE = 0x0a
/** A sample further ahead of the clock is refused, as everywhere. */
const FUTURE_MS_MAX = 10 * 60_000

/** The file is no OpenMetrics text, or says what cannot be stored. The message names file and line. */
export class ImportTextError extends Error {
  readonly code = 'IMPORT_TEXT'
}

export interface OpenMetricsOptions {
  file: string
  /** Every series gets these, in place of its own of the same name. */
  labels: ReadonlyMap<string, string>
  /** Unix ms. */
  now: number
}

export class OpenMetricsText {
  /** Samples by the number of the block range they lie in. */
  readonly counts: ReadonlyMap<number, number>
  samples = 0
  readonly #options: OpenMetricsOptions
  readonly #bytes: Buffer
  readonly #series: Labels[] = []
  readonly #byLine = new Map<string, number>()
  readonly #byLabels = new Map<string, number>()

  /** Reads and checks all of it. Throws ImportTextError, or DiskError. */
  constructor(options: OpenMetricsOptions) {
    this.#options = options
    this.#bytes = readLines(options.file)
    const counts = new Map<number, number>()
    this.#parse((_, t) => {
      this.samples++
      const range = Math.floor(t / BLOCK_RANGE_MS)
      counts.set(range, (counts.get(range) ?? 0) + 1)
    })
    this.counts = counts
  }

  get seriesCount(): number {
    return this.#series.length
  }

  /** Holds the samples in [from, to), Unix ms. */
  part(from: number, to: number): OpenMetricsPart {
    const times = new GrowingF64()
    const values = new GrowingF64()
    const ids = new GrowingU32()
    this.#parse((id, t, v) => {
      if (t < from || t >= to) return
      ids.push(id)
      times.push(t)
      values.push(v)
    })
    return new OpenMetricsPart(this.#series, ids, times.data, values.data)
  }

  #parse(visit: (id: number, t: number, v: number) => void): void {
    const parser = new TextParser()
    parser.reset(this.#bytes, this.#bytes.length, 'openmetrics')
    try {
      for (;;) {
        const from = parser.pos
        const entry = parser.next()
        if (entry === ENTRY_END) return
        if (entry !== ENTRY_SAMPLE) continue
        if (!parser.hasTime) throw this.#error(from, 'the sample has no timestamp: each needs one here, in Unix seconds')
        const { timeMs } = parser
        if (timeMs < 0) throw this.#error(from, `the timestamp lies before 1970: ${timeMs / 1000}`)
        if (timeMs > this.#options.now + FUTURE_MS_MAX) throw this.#error(from, `the timestamp lies in the future: ${timeMs / 1000}; OpenMetrics has Unix seconds, not milliseconds`)
        visit(this.#idOf(parser, from), timeMs, parser.value)
      }
    } catch (error) {
      if (!(error instanceof ExpositionError)) throw error
      throw new ImportTextError(`cannot read ${this.#options.file}: ${error.message}`, { cause: error })
    }
  }

  #idOf(parser: TextParser, from: number): number {
    // What stands before the value names a series, together with what its family makes of its labels.
    const line = `${parser.family}${this.#bytes.toString('latin1', from, parser.valueAt)}`
    let id = this.#byLine.get(line)
    if (id === undefined) {
      const map = parser.labels()
      for (const [name, value] of this.#options.labels) map.set(name, value)
      const labels = labelsFromMap(map)
      const key = JSON.stringify(labels)
      id = this.#byLabels.get(key)
      if (id === undefined) this.#byLabels.set(key, (id = this.#series.push(labels) - 1))
      this.#byLine.set(line, id)
    }
    return id
  }

  #error(at: number, what: string): ImportTextError {
    let line = 1
    for (let i = this.#bytes.indexOf(NEWLINE); i >= 0 && i < at; i = this.#bytes.indexOf(NEWLINE, i + 1)) line++
    const shown = this.#bytes.toString('utf8', at, Math.min(this.#bytes.indexOf(NEWLINE, at), at + 100))
    return new ImportTextError(`cannot read ${this.#options.file}: line ${line}: ${what}: ${JSON.stringify(shown)}`)
  }
}

/** All of a file, with a newline at its end. */
function readLines(file: string): Buffer {
  let bytes: Uint8Array
  try {
    bytes = readWhole(file)
  } catch (error) {
    if (!(error instanceof DiskError && error.code === 'ERR_FS_FILE_TOO_LARGE')) throw error
    throw new ImportTextError(`cannot read ${file}: it has more than 2 GiB; split it into files that each end with # EOF`, { cause: error })
  }
  const whole = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  return whole.at(-1) === NEWLINE || whole.length === 0 ? whole : Buffer.concat([whole, Buffer.of(NEWLINE)])
}

/** Samples in memory. */
class OpenMetricsPart {
  readonly #series: readonly Labels[]
  readonly #times: Float64Array
  readonly #values: Float64Array
  /** Places of the samples of series i, by time, then in the order of the file: [starts[i], starts[i + 1]) of `places`. */
  readonly #starts: Uint32Array
  readonly #places: Uint32Array

  constructor(series: readonly Labels[], ids: GrowingU32, times: Float64Array, values: Float64Array) {
    this.#series = series
    this.#times = times
    this.#values = values
    const starts = new Uint32Array(series.length + 1)
    for (let i = 0; i < ids.length; i++) starts[ids.data[i]! + 1]! += 1
    for (let s = 0; s < series.length; s++) starts[s + 1]! += starts[s]!
    const next = starts.slice()
    const places = new Uint32Array(ids.length)
    for (let i = 0; i < ids.length; i++) places[next[ids.data[i]!]!++] = i
    for (let s = 0; s < series.length; s++) sortByTime(places.subarray(starts[s]!, starts[s + 1]!), times)
    this.#starts = starts
    this.#places = places
  }

  /** What of it lies in [from, to). Of two samples of a series at one time the first stays. */
  within(from: number, to: number): SeriesSource {
    return {
      refs: () => this.#series.keys(),
      read: (id, out) => {
        out.count = 0
        const end = this.#starts[id + 1]!
        for (let i = this.#search(this.#starts[id]!, end, from); i < end; i++) {
          const t = this.#times[this.#places[i]!]!
          if (t >= to) break
          if (out.count === 0 || out.t[out.count - 1] !== t) pushSample(out, t, this.#values[this.#places[i]!]!)
        }
        return this.#series[id]!
      },
    }
  }

  /** The first place in [lo, hi) whose time is `t` or later. */
  #search(lo: number, hi: number, t: number): number {
    while (lo < hi) {
      const mid = (lo + hi) >>> 1
      if (this.#times[this.#places[mid]!]! < t) lo = mid + 1
      else hi = mid
    }
    return lo
  }
}

function sortByTime(places: Uint32Array, times: Float64Array): void {
  for (let i = 1; i < places.length; i++) {
    if (times[places[i]!]! >= times[places[i - 1]!]!) continue
    places.sort((a, b) => times[a]! - times[b]! || a - b)
    return
  }
}
