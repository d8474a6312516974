// Rows of the 1-hour tier for queries: series by series from all files at once, in batches of bounded size.
//
//   refs ─▶ sidecars: places ─▶ series in the order of the files ─▶ batch: chunks of its row groups ─▶ columns
import type { BucketBatch, BucketColumn, BucketSelection } from './bucket.ts'
import { BucketBuffer } from './bucket-buffer.ts'
import type { ChunkPlace, HourFiles } from './hour-files.ts'
import type { HourDeletion, HourFile } from './hour-manifest.ts'
import { decodeBinaries, decodeFlags, decodeNumbers, PageError } from './parquet-decode.ts'
import { COUNT_COLUMN, PARQUET_COLUMNS, SKETCH_COLUMN, STALE_COLUMN, TIME_COLUMN } from './parquet-schema.ts'
import { SketchSum } from './sketch.ts'

const HOUR_MS = 3_600_000
/** Rows of a batch: 13 columns of a MiB. One series may have more. */
const BATCH_ROWS = 1 << 17
const SLICE_SERIES = 4096
const QUANTILE_SERIES = 32

/** Where a series has rows in one file. */
interface Piece {
  file: HourFile
  group: number
  firstRow: number
  rows: number
}

/** A row group of which some chunks are read, and the pieces in it that are wanted. */
interface Part {
  file: HourFile
  group: number
  rows: number
  pieces: { series: number; ref: number; firstRow: number; rows: number }[]
}

/** Of `refs` (ascending), buckets that end in (mint, maxt], with the columns `wanted`; count and staleAtEnd always. */
export function selectHours(files: HourFiles, refs: Uint32Array, mint: number, maxt: number, wanted: readonly BucketColumn[]): BucketSelection {
  const range = { mint, maxt }
  const columns = PARQUET_COLUMNS.flatMap(({ bucketColumn }, c) => {
    return c === TIME_COLUMN || c === COUNT_COLUMN || c === STALE_COLUMN || (bucketColumn !== '' && wanted.includes(bucketColumn)) ? [c] : []
  })
  const perBatch = Math.max(1, Math.floor(BATCH_ROWS / hoursOf(files, mint, maxt)))
  const buffer = new BucketBuffer()
  let slice: Slice = { at: 0, refs: refs.subarray(0, 0), pieces: [], order: [] }
  let done = 0
  const next = (): BucketBatch | null => {
    for (;;) {
      if (done === slice.order.length) {
        const at = slice.at + slice.pieces.length
        if (at === refs.length) return null
        slice = locate(files, refs, at, mint, maxt)
        done = 0
      }
      const series = slice.order.slice(done, done + perBatch)
      done += series.length
      if (series.length > 0 && fillBatch(files, series, slice, { columns, range, buffer })) return buffer
    }
  }
  return { refs, next }
}

/** The value at quantile q of all samples of buckets that end in (from, to], as `refs`; NaN where there is none. */
export function hourQuantiles(files: HourFiles, q: number, refs: Uint32Array, from: number, to: number): Float64Array {
  const out = new Float64Array(refs.length).fill(NaN)
  const sums = Array.from({ length: QUANTILE_SERIES }, () => new SketchSum())
  for (let at = 0; at < refs.length; at += SLICE_SERIES) {
    const slice = locate(files, refs, at, from, to)
    for (let done = 0; done < slice.order.length; done += QUANTILE_SERIES) {
      const series = slice.order.slice(done, done + QUANTILE_SERIES)
      for (const sum of sums) sum.clear()
      addSketches(files, series, slice, { from, to, sums })
      series.forEach((s, i) => (out[at + s] = sums[i]!.quantile(q)))
    }
  }
  return out
}

/** Some of the series asked for: what is known of all at once is bounded. */
interface Slice {
  /** Position of its first in refs. */
  at: number
  refs: Uint32Array
  /** By position in the slice. */
  pieces: Piece[][]
  /** Positions in the slice of the series that have rows, neighbours in the newest file together, so that they share row groups. */
  order: number[]
}

function locate(files: HourFiles, refs: Uint32Array, at: number, mint: number, maxt: number): Slice {
  const asked = refs.subarray(at, at + SLICE_SERIES)
  const pieces: Piece[][] = Array.from(asked, () => [])
  for (const file of files.reaching(mint, maxt)) {
    const places = files.withIndex(file, (index) => index.places(asked))
    if (places === null) continue
    for (let i = 0; i < places.length; i += 4) pieces[places[i]!]!.push({ file, group: places[i + 1]!, firstRow: places[i + 2]!, rows: places[i + 3]! })
  }
  const last = (s: number): Piece => pieces[s]!.at(-1)!
  const order = pieces.keys().filter((s) => pieces[s]!.length > 0).toArray()
    .toSorted((a, b) => last(a).file.minT - last(b).file.minT || last(a).group - last(b).group || last(a).firstRow - last(b).firstRow)
  return { at, refs: asked, pieces, order }
}

/** From the first to the last bucket that the files have in the range. */
function hoursOf(files: HourFiles, mint: number, maxt: number): number {
  const found = files.reaching(mint, maxt)
  const from = Math.max(mint, Math.min(...found.map((file) => file.minT)) - HOUR_MS)
  return Math.max(1, Math.ceil((Math.min(maxt, Math.max(...found.map((file) => file.maxT))) - from) / HOUR_MS))
}

/** The row groups that hold those series, by file. */
function partsOf(series: readonly number[], { refs, pieces }: Slice): Part[] {
  const parts = new Map<string, Part>()
  series.forEach((s, i) => {
    for (const { file, group, firstRow, rows } of pieces[s]!) {
      const key = `${file.name}:${group}`
      const part = parts.get(key) ?? { file, group, rows: 0, pieces: [] }
      part.pieces.push({ series: i, ref: refs[s]!, firstRow, rows })
      parts.set(key, part)
    }
  })
  return [...parts.values()]
}

/** Chunks `columns` of the parts, part by part; a part none of whose chunks may be missing has null for one that is. */
function readParts(files: HourFiles, parts: readonly Part[], columns: readonly number[]): (Uint8Array | null)[][] {
  const places: ChunkPlace[][] = parts.map(() => [])
  for (const [file, of] of Map.groupBy(parts.keys(), (p) => parts[p]!.file)) {
    const isRead = files.withIndex(file, (index) => {
      for (const p of of) {
        const { rows, chunks } = index.group(parts[p]!.group)
        parts[p]!.rows = rows
        places[p] = columns.map((c) => ({ file, offset: chunks[c]!.offset, bytes: chunks[c]!.bytes }))
      }
      return true
    })
    if (isRead === true) files.markChecked(file)
  }
  const read = files.read(places.flat())
  let at = 0
  return places.map((of) => read.slice(at, at += of.length))
}

interface BatchWork {
  columns: readonly number[]
  range: { mint: number; maxt: number }
  buffer: BucketBuffer
}

/** Scratch of one row group. */
let times = new Float64Array(4096)
let values = new Float64Array(4096)
let flags = new Uint8Array(4096)

function reserve(rows: number): void {
  if (times.length >= rows) return
  times = new Float64Array(rows)
  values = new Float64Array(rows)
  flags = new Uint8Array(rows)
}

/** False if none of the series has a row in the range. */
function fillBatch(files: HourFiles, series: readonly number[], slice: Slice, { columns, range, buffer }: BatchWork): boolean {
  const parts = partsOf(series, slice)
  const chunks = readParts(files, parts, columns)
  const bounds = { from: Infinity, to: -Infinity }
  parts.forEach((part, p) => {
    if (chunks[p]!.length === 0 || chunks[p]!.includes(null)) return
    boundsOf(part, range, bounds)
  })
  if (bounds.to < bounds.from) return false
  const n = (bounds.to - bounds.from) / HOUR_MS + 1
  buffer.shape(series.length, n)
  for (let i = 0; i < n; i++) buffer.t[i] = bounds.from + i * HOUR_MS
  series.forEach((s, i) => (buffer.index[i] = slice.at + s))
  parts.forEach((part, p) => {
    const of = chunks[p]!
    if (of.length === 0 || of.includes(null)) return
    try {
      decodePart(part, of as Uint8Array[], columns, bounds, buffer)
      for (const deletion of files.deletionsOf(part.file)) dropDeleted(part, deletion, buffer)
    } catch (error) {
      if (!(error instanceof PageError)) throw error
      clearPart(part, buffer)
      files.reportDamage(part.file, error.message)
    }
  })
  return true
}

/** Widens `bounds` by the part's file, cut to whole buckets of the range. */
function boundsOf({ file }: Part, { mint, maxt }: { mint: number; maxt: number }, bounds: { from: number; to: number }): void {
  bounds.from = Math.min(bounds.from, Math.max(file.minT, (Math.floor(mint / HOUR_MS) + 1) * HOUR_MS))
  bounds.to = Math.max(bounds.to, Math.min(file.maxT, Math.floor(maxt / HOUR_MS) * HOUR_MS))
}

function decodePart({ rows, pieces }: Part, chunks: readonly Uint8Array[], columns: readonly number[], bounds: { from: number; to: number }, { n, columns: out }: BucketBuffer): void {
  reserve(rows)
  decodeNumbers(chunks[columns.indexOf(TIME_COLUMN)]!, rows, false, 8, times)
  columns.forEach((c, k) => {
    const { bucketColumn, kind, isOptional } = PARQUET_COLUMNS[c]!
    if (bucketColumn === '') return
    let from: Float64Array | Uint8Array = values
    if (kind === 'flag') {
      decodeFlags(chunks[k]!, rows, flags)
      from = flags
    } else decodeNumbers(chunks[k]!, rows, isOptional, kind === 'double' ? 'double' : kind === 'count' ? 4 : 8, values)
    scatter(pieces, from, bounds, n, out[bucketColumn])
  })
}

function scatter(pieces: Part['pieces'], from: Float64Array | Uint8Array, bounds: { from: number; to: number }, n: number, to: Float64Array | Uint8Array): void {
  for (const { series, firstRow, rows } of pieces) {
    const at = series * n
    for (let row = firstRow; row < firstRow + rows; row++) {
      const t = times[row]!
      if (t >= bounds.from && t <= bounds.to) to[at + (t - bounds.from) / HOUR_MS] = from[row]!
    }
  }
}

function dropDeleted({ pieces }: Part, deletion: HourDeletion, { n, t, columns }: BucketBuffer): void {
  for (const { series, ref } of pieces) {
    if (!deletion.refs.includes(ref)) continue
    for (let i = 0; i < n; i++) {
      if (!touches(t[i]!, deletion)) continue
      columns.count[series * n + i] = 0
      columns.staleAtEnd[series * n + i] = 0
    }
  }
}

/** Whether the bucket that ends at t has time of the span. */
export function touches(t: number, { from, to }: { from: number; to: number }): boolean {
  return t >= from && t - HOUR_MS < to
}

/** No row of a damaged part is half there: those of its series are taken for absent. */
function clearPart({ file, pieces }: Part, { n, t, columns }: BucketBuffer): void {
  for (const { series } of pieces) {
    for (let i = 0; i < n; i++) {
      if (t[i]! < file.minT || t[i]! > file.maxT) continue
      columns.count[series * n + i] = 0
      columns.staleAtEnd[series * n + i] = 0
    }
  }
}

interface SketchWork {
  from: number
  to: number
  /** By position in the series. */
  sums: readonly SketchSum[]
}

function addSketches(files: HourFiles, series: readonly number[], slice: Slice, { from, to, sums }: SketchWork): void {
  const parts = partsOf(series, slice)
  const chunks = readParts(files, parts, [TIME_COLUMN, SKETCH_COLUMN])
  parts.forEach(({ file, rows, pieces }, p) => {
    const [time, sketch] = chunks[p]!
    if (time === null || time === undefined || sketch === null || sketch === undefined) return
    try {
      reserve(rows)
      decodeNumbers(time, rows, false, 8, times)
      const at = new Uint32Array(rows + 1)
      const bytes = decodeBinaries(sketch, rows, at)
      const deletions = files.deletionsOf(file)
      for (const { series: s, ref, firstRow, rows: count } of pieces) {
        const gone = deletions.filter(({ refs }) => refs.includes(ref))
        for (let row = firstRow; row < firstRow + count; row++) {
          const t = times[row]!
          if (t > from && t <= to && at[row + 1]! > at[row]! && !gone.some((deletion) => touches(t, deletion))) sums[s]!.add(bytes, at[row]!, at[row + 1]!)
        }
      }
    } catch (error) {
      if (!(error instanceof PageError || error instanceof RangeError)) throw error
      files.reportDamage(file, error.message)
    }
  })
}
