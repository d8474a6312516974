// Rows of the 1-hour tier for queries: series by series from all files at once, in batches of bounded size.
//
//   refs ─▶ sidecars: places ─▶ series in the order of the files ─▶ batch: chunks of its row groups ─▶ columns
//
// Chunks of several batches are read in one round, so that a bucket gets few requests; while a round is decoded, the next one is
// on its way.
import type { BucketBatch, BucketColumn, BucketSelection } from './bucket.ts'
import { BucketBuffer } from './bucket-buffer.ts'
import type { ChunkPlace, DeletedRows, HourFiles, StartedRead } from './hour-files.ts'
import { touches, type HourFile } from './hour-manifest.ts'
import { PLACE_WORDS } from './hour-index.ts'
import { decodeFlags, decodeNumbers, PageError } from './parquet-decode.ts'
import { COUNT_COLUMN, PARQUET_COLUMNS, STALE_COLUMN, TIME_COLUMN } from './parquet-schema.ts'

const HOUR_MS = 3_600_000
/** Rows of a batch: 13 columns of a MiB. One series may have more. */
const BATCH_ROWS = 1 << 17
export const SLICE_SERIES = 4096
/** A round ends with the batch that brings it to this, counted in blocks of the files that chunks lie in: about what is read, with what lies between. */
const ROUND_BYTES_MAX = 24 << 20
const BLOCK_BYTES = 256 << 10

/** Where a series has rows in one file. */
interface Piece {
  file: HourFile
  group: number
  firstRow: number
  rows: number
}

/** A row group of which some chunks are read, and the pieces in it that are wanted. */
export interface Part {
  file: HourFile
  group: number
  rows: number
  pieces: { series: number; firstRow: number; rows: number }[]
}

/** Series asked for. */
export interface HourSeries {
  /** Ascending. */
  refs: Uint32Array
  /** Those that some files have under another ref, or under none: by the ref asked for, which file and which number there. */
  byLabels: ReadonlyMap<number, readonly { file: HourFile; number: number }[]>
}

export interface HourRange {
  mint: number
  maxt: number
}

/** Buckets that end in (mint, maxt], with the columns `wanted`; count and staleAtEnd always. */
export function selectHours(files: HourFiles, asked: HourSeries, range: HourRange, wanted: readonly BucketColumn[], roundBytesMax: number = ROUND_BYTES_MAX): BucketSelection {
  const { refs } = asked
  const { mint, maxt } = range
  const columns = PARQUET_COLUMNS.flatMap(({ bucketColumn }, c) => {
    return c === TIME_COLUMN || c === COUNT_COLUMN || c === STALE_COLUMN || (bucketColumn !== '' && wanted.includes(bucketColumn)) ? [c] : []
  })
  const perBatch = Math.max(1, Math.floor(BATCH_ROWS / hoursOf(files, mint, maxt)))
  const buffer = new BucketBuffer()
  let slice: Slice = { at: 0, pieces: [], order: [] }
  let done = 0
  const plan = (): PlannedBatch | null => {
    while (done === slice.order.length) {
      const at = slice.at + slice.pieces.length
      if (at === refs.length) return null
      slice = locate(files, asked, at, range)
      done = 0
    }
    const series = slice.order.slice(done, done + perBatch)
    done += series.length
    const parts = partsOf(series, slice)
    return { series, at: slice.at, parts, places: placesOf(files, parts, columns) }
  }
  const start = (): StartedRound | null => {
    const batches: PlannedBatch[] = []
    const blocks = new Set<string>()
    for (let batch = plan(); batch !== null; batch = blocks.size * BLOCK_BYTES < roundBytesMax ? plan() : null) {
      batches.push(batch)
      for (const { file, offset } of batch.places.flat()) blocks.add(`${file.name}:${Math.floor(offset / BLOCK_BYTES)}`)
    }
    return batches.length === 0 ? null : { batches, read: files.start(batches.flatMap(({ places }) => places.flat())) }
  }
  let ahead: StartedRound | null = null
  let read: ReadBatch[] = []
  const next = (): BucketBatch | null => {
    for (;;) {
      if (read.length === 0) {
        const round = ahead ?? start()
        if (round === null) return null
        ahead = start()
        read = finishRound(files, round)
      }
      if (fillBatch(files, read.shift()!, { columns, range, buffer })) return buffer
    }
  }
  return { refs, next }
}

/** Whether one of the series has native histograms in the files of (mint, maxt], which their rows leave out. */
export function lackHistograms(files: HourFiles, { refs, byLabels }: HourSeries, { mint, maxt }: HourRange): boolean {
  return files.reaching(mint, maxt).filter(({ lacking }) => lacking > 0).some((file) => {
    const lists = files.withIndex(file, (index) => [index.places(refs), index.placesAt(numbersIn(file, refs, byLabels))]) ?? []
    return lists.some((places) => {
      for (let i = 0; i < places.length; i += PLACE_WORDS) if (places[i + 4] === 1) return true
      return false
    })
  })
}

/** Some of the series asked for: what is known of all at once is bounded. */
export interface Slice {
  /** Position of its first in refs. */
  at: number
  /** By position in the slice. */
  pieces: Piece[][]
  /** Positions in the slice of the series that have rows, neighbours in the newest file together, so that they share row groups. */
  order: number[]
}

export function locate(files: HourFiles, { refs, byLabels }: HourSeries, at: number, { mint, maxt }: HourRange): Slice {
  const some = refs.subarray(at, at + SLICE_SERIES)
  const pieces: Piece[][] = Array.from(some, () => [])
  for (const file of files.reaching(mint, maxt)) {
    const found = files.withIndex(file, (index) => [index.places(some), index.placesAt(numbersIn(file, some, byLabels))] as const)
    if (found === null) continue
    const put = (places: Uint32Array, i: number, s: number): void => {
      if (places[i + 3]! > 0) pieces[s]!.push({ file, group: places[i + 1]!, firstRow: places[i + 2]!, rows: places[i + 3]! })
    }
    for (let i = 0; i < found[0].length; i += PLACE_WORDS) put(found[0], i, found[0][i]!)
    const askers = byLabels.size === 0 ? [] : Array.from(some.keys()).flatMap((s) => (byLabels.get(some[s]!) ?? []).filter((one) => one.file === file).map(() => s))
    askers.forEach((s, k) => put(found[1], k * PLACE_WORDS, s))
  }
  const last = (s: number): Piece => pieces[s]!.at(-1)!
  const order = pieces.keys().filter((s) => pieces[s]!.length > 0).toArray()
    .toSorted((a, b) => last(a).file.minT - last(b).file.minT || last(a).group - last(b).group || last(a).firstRow - last(b).firstRow)
  return { at, pieces, order }
}

/** Of series that the file has under other refs, in the order of those asked for. */
function numbersIn(file: HourFile, some: Uint32Array, byLabels: HourSeries['byLabels']): Uint32Array {
  if (byLabels.size === 0) return new Uint32Array(0)
  return Uint32Array.from(Array.from(some).flatMap((ref) => (byLabels.get(ref) ?? []).filter((one) => one.file === file).map(({ number }) => number)))
}

/** From the first to the last bucket that the files have in the range. */
function hoursOf(files: HourFiles, mint: number, maxt: number): number {
  const found = files.reaching(mint, maxt)
  const from = Math.max(mint, Math.min(...found.map((file) => file.minT)) - HOUR_MS)
  return Math.max(1, Math.ceil((Math.min(maxt, Math.max(...found.map((file) => file.maxT))) - from) / HOUR_MS))
}

/** The row groups that hold those series, by file. */
export function partsOf(series: readonly number[], { pieces }: Slice): Part[] {
  const parts = new Map<string, Part>()
  series.forEach((s, i) => {
    for (const { file, group, firstRow, rows } of pieces[s]!) {
      const key = `${file.name}:${group}`
      const part = parts.get(key) ?? { file, group, rows: 0, pieces: [] }
      part.pieces.push({ series: i, firstRow, rows })
      parts.set(key, part)
    }
  })
  return [...parts.values()]
}

/** A batch of series, and the chunks to be read for it. */
interface PlannedBatch {
  /** Positions in the slice. */
  series: readonly number[]
  /** Of the slice in refs. */
  at: number
  parts: readonly Part[]
  /** As the parts. */
  places: readonly (readonly ChunkPlace[])[]
}

/** Batches whose chunks are on their way. */
interface StartedRound {
  batches: readonly PlannedBatch[]
  read: StartedRead
}

interface ReadBatch extends PlannedBatch {
  /** Part by part; null for one that cannot be had. */
  chunks: readonly (readonly (Uint8Array | null)[])[]
}

/** Where chunks `columns` of the parts lie; none of those whose sidecar cannot be read. */
export function placesOf(files: HourFiles, parts: readonly Part[], columns: readonly number[]): ChunkPlace[][] {
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
  return places
}

function finishRound(files: HourFiles, { batches, read }: StartedRound): ReadBatch[] {
  const found = files.finish(read)
  let at = 0
  return batches.map((batch) => ({ ...batch, chunks: batch.places.map((of) => found.slice(at, at += of.length)) }))
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
function fillBatch(files: HourFiles, { series, at, parts, places, chunks }: ReadBatch, { columns, range, buffer }: BatchWork): boolean {
  const bounds = { from: Infinity, to: -Infinity }
  parts.forEach((part, p) => {
    if (chunks[p]!.length === 0 || chunks[p]!.includes(null)) return
    boundsOf(part, range, bounds)
  })
  if (bounds.to < bounds.from) return false
  const n = (bounds.to - bounds.from) / HOUR_MS + 1
  buffer.shape(series.length, n)
  for (let i = 0; i < n; i++) buffer.t[i] = bounds.from + i * HOUR_MS
  series.forEach((s, i) => (buffer.index[i] = at + s))
  parts.forEach((part, p) => {
    const of = chunks[p]!
    if (of.length === 0 || of.includes(null)) return
    try {
      decodePart(part, of as Uint8Array[], columns, bounds, buffer)
      for (const deletion of files.deletionsOf(part.file)) dropDeleted(part, deletion, buffer)
    } catch (error) {
      if (!(error instanceof PageError)) throw error
      clearPart(part, buffer)
      files.reportDamage(part.file, places[p]!, error.message)
    }
  })
  return true
}

/** Widens `bounds` by the part's file, cut to whole buckets of the range. */
function boundsOf({ file }: Part, { mint, maxt }: { mint: number; maxt: number }, bounds: { from: number; to: number }): void {
  bounds.from = Math.min(bounds.from, Math.max(file.minT, (Math.floor(mint / HOUR_MS) + 1) * HOUR_MS))
  bounds.to = Math.max(bounds.to, Math.min(file.maxT, Math.floor(maxt / HOUR_MS) * HOUR_MS))
}

function decodePart({ file, rows, pieces }: Part, chunks: readonly Uint8Array[], columns: readonly number[], bounds: { from: number; to: number }, { n, columns: out }: BucketBuffer): void {
  reserve(rows)
  const span = { from: Math.min(...pieces.map(({ firstRow }) => firstRow)), to: Math.max(...pieces.map((piece) => piece.firstRow + piece.rows)) }
  if (!fillTimes(file, pieces)) decodeNumbers(chunks[columns.indexOf(TIME_COLUMN)]!, rows, PARQUET_COLUMNS[TIME_COLUMN]!, times, span)
  const runs = runsOf(pieces, bounds, n)
  columns.forEach((c, k) => {
    const column = PARQUET_COLUMNS[c]!
    const { bucketColumn, kind } = column
    if (bucketColumn === '') return
    const from = kind === 'flag' ? flags : values
    if (kind === 'flag') decodeFlags(chunks[k]!, rows, flags)
    else decodeNumbers(chunks[k]!, rows, column, values, span)
    const to = out[bucketColumn]
    for (const run of runs) to.set(from.subarray(run.row, run.row + run.rows), run.at)
  })
}

/** Whether each of the series has a row in each hour of the file, as most do: then their times are known without being read. */
function fillTimes({ minT, maxT }: HourFile, pieces: Part['pieces']): boolean {
  const hours = (maxT - minT) / HOUR_MS + 1
  if (pieces.some((piece) => piece.rows !== hours)) return false
  for (const { firstRow } of pieces) for (let i = 0; i < hours; i++) times[firstRow + i] = minT + i * HOUR_MS
  return true
}

/** Rows of a row group that follow each other hour by hour, and where the first of them goes. */
interface HourRun {
  row: number
  rows: number
  at: number
}

/** Of the rows in `times` those in the bounds: a series mostly has a row each hour, so that its columns are copied, not put value by value. */
function runsOf(pieces: Part['pieces'], { from, to }: { from: number; to: number }, n: number): HourRun[] {
  const runs: HourRun[] = []
  for (const { series, firstRow, rows } of pieces) {
    const end = firstRow + rows
    for (let row = firstRow; row < end;) {
      const t = times[row]!
      const first = row++
      if (t < from || t > to) continue
      while (row < end && times[row]! <= to && times[row] === t + (row - first) * HOUR_MS) row++
      runs.push({ row: first, rows: row - first, at: series * n + (t - from) / HOUR_MS })
    }
  }
  return runs
}

function dropDeleted({ file, group, pieces }: Part, deletion: DeletedRows, { n, t, columns }: BucketBuffer): void {
  for (const { series, firstRow } of pieces) {
    if (!deletion.has(group, firstRow)) continue
    for (let i = 0; i < n; i++) {
      if (t[i]! < file.minT || t[i]! > file.maxT || !touches(t[i]!, deletion)) continue
      columns.count[series * n + i] = 0
      columns.staleAtEnd[series * n + i] = 0
    }
  }
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
