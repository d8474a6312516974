// Writes a Parquet file of the 1-hour tier (parquet-schema.ts) and its sidecar (hour-index.ts), series by series in the
// order of their labels. Memory: one row group, and the packed chunks of a stripe.
//
//   add ─▶ rows of the row group ─▶ chunks ─▶ stripe: column by column ─▶ file          footer, sidecar ◀─ finish
//                                 └▶ sketches ─▶ spool ───────────────────▲
import path from 'node:path'
import { crc32 } from 'node:zlib'
import { assert } from '../../lib/std/assert.ts'
import { DiskFile, removeFile, rename, syncFolder } from '../../lib/std/fs.ts'
import { compareLabels, type Labels } from '../../lib/model/labels.ts'
import type { BucketColumns } from './bucket.ts'
import { writeHourIndex, type IndexedSeries } from './hour-index.ts'
import { PageEncoder, type EncodedChunk, type LabelRun } from './parquet-pages.ts'
import { footer, PARQUET_COLUMNS, SKETCH_COLUMN, STALE_COLUMN, STRIPE_ORDER, TIME_COLUMN, type ColumnChunk, type RowGroup } from './parquet-schema.ts'

/** Few enough that a query for one series reads little, many enough that pages pack well and the footer stays small. */
export const ROWS_MAX = 4096
/**
 * Row groups whose chunks reach this are a stripe: chunks of one column stand together in it. Series that lie apart are read without
 * all that lies between them, and what a query wants of one row group still is so near that one request brings it.
 */
const STRIPE_BYTES = 4 << 20
/** What a Parquet file begins and ends with. */
export const MAGIC: Buffer = Buffer.from('PAR1')
const COPY_BYTES = 1 << 20

/** Rows of one series: those in [at, at + n) of the columns. */
export interface SeriesRows {
  ref: number
  labels: Labels
  /** It has native histograms beside, which rows leave out. */
  lacksHistograms: boolean
  n: number
  /** t[0..n): ends of buckets, strictly ascending. */
  t: Float64Array
  columns: BucketColumns
  at: number
  /** Sketch of row i: sketches[sketchAt[at + i], sketchAt[at + i + 1]). */
  sketches: Uint8Array
  sketchAt: Uint32Array
}

export interface WrittenHours {
  bytes: number
  rows: number
  series: number
  lacking: number
  minT: number
  maxT: number
}

/** Chunks of one column, in the order of their row groups. */
type StripeColumn = { chunk: ColumnChunk; content: Uint8Array }[]

const emptyStripe = (): StripeColumn[] => PARQUET_COLUMNS.map(() => [])

export class HourFileWriter {
  readonly #path: string
  readonly #file: DiskFile
  readonly #spool: DiskFile
  readonly #encoder = new PageEncoder()
  readonly #groups: RowGroup[] = []
  readonly #series: IndexedSeries[] = []
  #bytes = 0
  #spooled = 0
  /** Chunks that the file lacks yet, as PARQUET_COLUMNS. */
  #stripe: StripeColumn[] = emptyStripe()
  #stripeBytes = 0
  #labels: Labels = []
  #runs: LabelRun[] = []
  #rows = 0
  readonly #columns: Float64Array[] = PARQUET_COLUMNS.map(() => new Float64Array(ROWS_MAX))
  readonly #stale = new Uint8Array(ROWS_MAX)
  readonly #present = new Uint8Array(ROWS_MAX)
  readonly #sketchEnds = new Uint32Array(ROWS_MAX)
  #sketches = new Uint8Array(1 << 16)

  /** `file` comes to be with `finish`, `file`.index beside it. Throws DiskError. */
  constructor(file: string) {
    this.#path = file
    for (const name of this.#asides()) removeFile(name)
    this.#file = DiskFile.openForWrite(`${file}.new`)
    try {
      this.#spool = DiskFile.openForWrite(`${file}.sketches.new`)
    } catch (error) {
      this.#file.close()
      throw error
    }
    try {
      this.#write(MAGIC)
    } catch (error) {
      this.abort()
      throw error
    }
  }

  /** Series come in the order of their labels, each once. */
  add(series: SeriesRows): void {
    const { labels, n, ref, lacksHistograms } = series
    assert(this.#series.length === 0 || compareLabels(this.#labels, labels) < 0, `series ${ref} comes out of order`)
    assert(labels.length > 0 && n <= ROWS_MAX, `${n} rows of a series`)
    this.#labels = labels
    if (n === 0 && !lacksHistograms) return
    if (this.#rows + n > ROWS_MAX) this.#flush()
    this.#series.push({ ref, labels, group: this.#groups.length, firstRow: this.#rows, rows: n, lacksHistograms })
    if (n === 0) return
    this.#runs.push({ labels, rows: n })
    this.#take(series)
    this.#rows += n
  }

  /** Syncs, renames; null, and no file, if there are no rows. `notes` go into the footer. */
  finish(notes: readonly (readonly [key: string, value: string])[]): WrittenHours | null {
    this.#flush()
    this.#writeStripe()
    const groups = this.#groups.map((group) => ({ ...group, chunks: group.chunks.map((chunk, c) => (c === SKETCH_COLUMN ? { ...chunk, offset: chunk.offset + this.#bytes } : chunk)) }))
    this.#copySpool()
    const end = footer(groups, notes)
    const length = Buffer.alloc(4)
    length.writeUInt32LE(end.length)
    const tail = Buffer.concat([end, length, MAGIC])
    this.#write(tail)
    this.#file.syncNow()
    this.abort()
    if (groups.length === 0) {
      removeFile(`${this.#path}.new`)
      return null
    }
    const summary = {
      bytes: this.#bytes, rows: groups.reduce((sum, { rows }) => sum + rows, 0), series: this.#series.length, lacking: this.#series.filter(({ lacksHistograms }) => lacksHistograms).length,
      minT: Math.min(...groups.map(({ minT }) => minT)), maxT: Math.max(...groups.map(({ maxT }) => maxT)),
    }
    writeHourIndex(`${this.#path}.index.new`, { bytes: summary.bytes, rows: summary.rows, minT: summary.minT, maxT: summary.maxT, series: this.#series, groups, footerCrc: crc32(tail) })
    // The sidecar last: where there is no list, a file counts that has one (recover-hours.ts).
    rename(`${this.#path}.new`, this.#path)
    rename(`${this.#path}.index.new`, `${this.#path}.index`)
    syncFolder(path.dirname(this.#path))
    return summary
  }

  /** Closes the files; what was not finished is left to the next one who writes here. */
  abort(): void {
    this.#file.close()
    this.#spool.close()
    removeFile(`${this.#path}.sketches.new`)
    if (this.#series.length === 0) removeFile(`${this.#path}.new`)
  }

  #asides(): string[] {
    return [`${this.#path}.index`, `${this.#path}.index.new`, `${this.#path}.new`, `${this.#path}.sketches.new`]
  }

  #take({ n, t, columns, at, sketches, sketchAt }: SeriesRows): void {
    const to = this.#rows
    PARQUET_COLUMNS.forEach(({ bucketColumn }, c) => {
      if (c === TIME_COLUMN) this.#columns[c]!.set(t.subarray(0, n), to)
      else if (bucketColumn !== '' && c !== STALE_COLUMN) this.#columns[c]!.set(columns[bucketColumn].subarray(at, at + n) as Float64Array, to)
    })
    const from = sketchAt[at]!
    const bytes = sketchAt[at + n]! - from
    const start = to === 0 ? 0 : this.#sketchEnds[to - 1]!
    if (start + bytes > this.#sketches.length) {
      const grown = new Uint8Array(2 * (start + bytes))
      grown.set(this.#sketches)
      this.#sketches = grown
    }
    this.#sketches.set(sketches.subarray(from, from + bytes), start)
    for (let i = 0; i < n; i++) {
      this.#stale[to + i] = columns.staleAtEnd[at + i]!
      this.#present[to + i] = columns.count[at + i]! > 0 ? 1 : 0
      this.#sketchEnds[to + i] = start + sketchAt[at + i + 1]! - from
    }
  }

  #flush(): void {
    const rows = this.#rows
    if (rows === 0) return
    const t = this.#columns[TIME_COLUMN]!.subarray(0, rows)
    const chunks = PARQUET_COLUMNS.map((_, c) => {
      const { pages, ...rest } = this.#encode(c, rows)
      const content = Buffer.concat(pages)
      const chunk = { offset: 0, bytes: content.length, ...rest }
      if (c === SKETCH_COLUMN) this.#spoolSketches(chunk, content)
      else this.#stripe[c]!.push({ chunk, content })
      return chunk
    })
    this.#stripeBytes += chunks.reduce((sum, { bytes }, c) => sum + (c === SKETCH_COLUMN ? 0 : bytes), 0)
    this.#groups.push({ rows, chunks, minT: t.reduce((a, b) => Math.min(a, b)), maxT: t.reduce((a, b) => Math.max(a, b)) })
    this.#runs = []
    this.#rows = 0
    if (this.#stripeBytes >= STRIPE_BYTES) this.#writeStripe()
  }

  #encode(c: number, rows: number): EncodedChunk {
    const { kind, isOptional } = PARQUET_COLUMNS[c]!
    const present = isOptional ? this.#present : null
    const values = this.#columns[c]!
    switch (kind) {
      case 'key': return this.#encoder.labels(this.#runs, 0)
      case 'value': return this.#encoder.labels(this.#runs, 1)
      case 'time': return this.#encoder.integers(values, rows, present, 8)
      case 'count': return this.#encoder.integers(values, rows, present, 4)
      case 'double': return this.#encoder.doubles(values, rows, present)
      case 'flag': return this.#encoder.flags(this.#stale, rows)
      case 'sketch': return this.#encoder.binaries(this.#sketches, this.#sketchEnds, rows)
    }
  }

  #spoolSketches(chunk: ColumnChunk, content: Uint8Array): void {
    chunk.offset = this.#spooled
    this.#spool.write(content, this.#spooled)
    this.#spooled += content.length
  }

  #writeStripe(): void {
    const column = STRIPE_ORDER.flatMap((c) => this.#stripe[c]!)
    let at = this.#bytes
    for (const { chunk, content } of column) {
      chunk.offset = at
      at += content.length
    }
    this.#write(Buffer.concat(column.map(({ content }) => content)))
    this.#stripe = emptyStripe()
    this.#stripeBytes = 0
  }

  #copySpool(): void {
    const piece = new Uint8Array(COPY_BYTES)
    for (let at = 0; at < this.#spooled;) {
      const length = this.#spool.read(piece, at, Math.min(COPY_BYTES, this.#spooled - at))
      this.#write(piece.subarray(0, length))
      at += length
    }
  }

  #write(bytes: Uint8Array): void {
    this.#file.write(bytes, this.#bytes)
    this.#bytes += bytes.length
  }
}
