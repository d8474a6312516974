// Quantiles of the 1-hour tier's sketches: series by series over all windows, so that each sketch is fetched and read once.
import type { QuantileRow, QuantileWindows } from './bucket.ts'
import type { HourFiles } from './hour-files.ts'
import { touches } from './hour-manifest.ts'
import { SLICE_SERIES, locate, partsOf, placesOf, type HourSeries, type Slice } from './hour-reader.ts'
import { decodeBinaries, decodeNumbers, PageError } from './parquet-decode.ts'
import { PARQUET_COLUMNS, SKETCH_COLUMN, TIME_COLUMN } from './parquet-schema.ts'
import { SketchSum } from './sketch.ts'
import { WindowQuantiles, type SketchedRows } from './window-quantiles.ts'

/** Series whose sketches are read together: of a year they take some 300 KB each. */
const QUANTILE_SERIES = 32

/** As TierQuerier's `quantiles`. */
export function* hourQuantiles(files: HourFiles, asked: HourSeries, windows: QuantileWindows): Generator<QuantileRow> {
  const range = { mint: windows.from[0]!, maxt: windows.to.at(-1)! }
  const quantiles = new WindowQuantiles(windows)
  for (let at = 0; at < asked.refs.length; at += SLICE_SERIES) {
    const slice = locate(files, asked, at, range)
    for (let done = 0; done < slice.order.length; done += QUANTILE_SERIES) {
      const series = slice.order.slice(done, done + QUANTILE_SERIES)
      const rows = readSketches(files, series, slice, range)
      for (const [i, s] of series.entries()) {
        const own = rowsOf(rows[i]!)
        if (own.n > 0) yield quantiles.of(at + s, own)
      }
    }
  }
}

interface Sketch {
  t: number
  bytes: Uint8Array
  from: number
  to: number
}

/** By position in `series`, those in the range. */
function readSketches(files: HourFiles, series: readonly number[], slice: Slice, { mint, maxt }: { mint: number; maxt: number }): Sketch[][] {
  const found: Sketch[][] = series.map(() => [])
  const parts = partsOf(series, slice)
  const places = placesOf(files, parts, [TIME_COLUMN, SKETCH_COLUMN])
  const chunks = files.finish(files.start(places.flat()))
  const sum = new SketchSum()
  let chunk = 0
  for (const [p, { file, group, rows, pieces }] of parts.entries()) {
    const [time, sketch] = chunks.slice(chunk, chunk += places[p]!.length)
    if (time === null || time === undefined || sketch === null || sketch === undefined) continue
    try {
      const times = new Float64Array(rows)
      decodeNumbers(time, rows, PARQUET_COLUMNS[TIME_COLUMN]!, times)
      const at = new Uint32Array(rows + 1)
      const bytes = decodeBinaries(sketch, rows, at)
      const deletions = files.deletionsOf(file)
      for (const { series: s, firstRow, rows: count } of pieces) {
        const gone = deletions.filter((deletion) => deletion.has(group, firstRow))
        for (let row = firstRow; row < firstRow + count; row++) {
          const t = times[row]!
          const [from, to] = [at[row]!, at[row + 1]!]
          if (t <= mint || t > maxt || to === from || gone.some((deletion) => touches(t, deletion))) continue
          sum.add(bytes, from, to, 0)
          found[s]!.push({ t, bytes, from, to })
        }
      }
    } catch (error) {
      if (!(error instanceof PageError || error instanceof RangeError)) throw error
      files.reportDamage(file, places[p]!, error.message)
    }
  }
  return found
}

/** In order of time: row groups come as they lie in files. */
function rowsOf(sketches: Sketch[]): SketchedRows {
  sketches.sort((a, b) => a.t - b.t)
  const n = sketches.length
  const t = Float64Array.from(sketches, (sketch) => sketch.t)
  const sketchAt = new Uint32Array(n + 1)
  sketches.forEach(({ from, to }, i) => (sketchAt[i + 1] = sketchAt[i]! + to - from))
  const all = new Uint8Array(sketchAt[n]!)
  sketches.forEach(({ bytes, from, to }, i) => all.set(bytes.subarray(from, to), sketchAt[i]))
  return { first: 0, n, t, samples: new Float64Array(0), sampleAt: new Uint32Array(n + 1), sketches: all, sketchAt }
}
