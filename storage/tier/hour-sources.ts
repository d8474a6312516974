// Where rows of hours come from: raw samples, or an hour file.
import type { Labels } from '../../lib/model/labels.ts'
import { compareLabels } from '../../lib/model/labels.ts'
import { DiskFile } from '../../lib/std/fs.ts'
import { GrowingF64, GrowingU32 } from '../block/growing-array.ts'
import type { Querier, SeriesBatch } from '../interface.ts'
import { aggregate, samplesOf } from './aggregate.ts'
import type { BucketColumns } from './bucket.ts'
import { BucketBuffer } from './bucket-buffer.ts'
import type { Span } from './due.ts'
import { HourIndex, type IndexedSeries } from './hour-index.ts'
import { touches } from './hour-manifest.ts'
import type { RowSource } from './hour-merge.ts'
import { decodeBinaries, decodeFlags, decodeNumbers } from './parquet-decode.ts'
import { PARQUET_COLUMNS, SKETCH_COLUMN, TIME_COLUMN } from './parquet-schema.ts'
import type { SeriesRows } from './parquet-writer.ts'

const HOUR_MS = 3_600_000
const DOUBLES = ['count', 'sum', 'm2', 'min', 'max', 'first', 'last', 'correction', 'p99', 'firstT', 'lastT'] as const
/** Refs from here up are a thread's own (cold-series.ts): of series that the head has forgotten. */
const REFS_END = 0x80000000

/** Buckets that end in [from, to] and are wanted. */
export interface RawBounds {
  from: number
  to: number
  isWanted: (t: number) => boolean
}

export interface RawQuerier extends Querier {
  /** Of series whose refs are the thread's own: those under which blocks have them. */
  storedRefs(mint: number, maxt: number): ReadonlyMap<number, number>
}

/** Rows of all series, made of raw samples and held in memory: 100 bytes a row. */
export async function rawRows(querier: RawQuerier, { from, to, isWanted }: RawBounds, nextTurn: () => Promise<void>): Promise<RowSource> {
  const { mint, maxt } = samplesOf(from - 1, to, HOUR_MS)
  const selection = querier.select([], mint, maxt, { startMs: mint, endMs: maxt, stepMs: 0, rangeMs: 0, func: '' })
  const spool = new RowSpool()
  const buffer = new BucketBuffer()
  for (let batch = selection.next(); batch !== null; batch = selection.next()) {
    aggregate(batch, HOUR_MS, buffer, 0)
    for (let s = 0; s < buffer.seriesCount; s++) spool.add({ ref: selection.refs[buffer.index[s]!]!, lacksHistograms: hasHistograms(batch, s) }, buffer, s, isWanted)
    await nextTurn()
  }
  return spool.source(querier, querier.storedRefs(mint, maxt))
}

/** Rows of many series, one series after the other. */
class RowSpool {
  readonly #refs = new GrowingU32()
  readonly #lacking = new GrowingU32()
  readonly #starts = new GrowingU32()
  readonly #t = new GrowingF64()
  readonly #columns = DOUBLES.map(() => new GrowingF64())
  readonly #stale = new GrowingU32()
  readonly #sketchAt = new GrowingU32()
  #sketches = new Uint8Array(1 << 16)
  #sketchEnd = 0

  constructor() {
    this.#sketchAt.push(0)
  }

  add({ ref, lacksHistograms }: { ref: number; lacksHistograms: boolean }, { n, t, columns, sketches, sketchAt }: BucketBuffer, s: number, isWanted: (t: number) => boolean): void {
    const start = this.#t.length
    for (let i = 0, row = s * n; i < n; i++, row++) {
      if (columns.count[row] === 0 && columns.staleAtEnd[row] === 0) continue
      if (!isWanted(t[i]!)) continue
      this.#t.push(t[i]!)
      DOUBLES.forEach((name, c) => this.#columns[c]!.push(columns[name][row]!))
      this.#stale.push(columns.staleAtEnd[row]!)
      this.#addSketch(sketches.subarray(sketchAt[row], sketchAt[row + 1]))
    }
    if (this.#t.length === start && !lacksHistograms) return
    this.#refs.push(ref)
    this.#lacking.push(lacksHistograms ? 1 : 0)
    this.#starts.push(start)
  }

  source(querier: Querier, storedRefs: ReadonlyMap<number, number>): RowSource {
    const count = this.#refs.length
    const all = Array.from({ length: count }, (_, s) => ({ labels: labelsOf(querier, this.#refs.data[s]!), s })).toSorted((a, b) => compareLabels(a.labels, b.labels))
    const columns: Partial<BucketColumns> = { staleAtEnd: Uint8Array.from(this.#stale.data.subarray(0, this.#stale.length)) }
    DOUBLES.forEach((name, c) => (columns[name] = this.#columns[c]!.data))
    this.#starts.push(this.#t.length)
    let at = 0
    const next = (): SeriesRows | null => {
      const one = all[at++]
      if (one === undefined) return null
      const [start, end, ref] = [this.#starts.data[one.s]!, this.#starts.data[one.s + 1]!, this.#refs.data[one.s]!]
      return {
        ref: ref < REFS_END ? ref : storedRefs.get(ref) ?? 0, labels: one.labels, lacksHistograms: this.#lacking.data[one.s] === 1, n: end - start, t: this.#t.data.subarray(start, end), columns: columns as BucketColumns, at: start,
        sketches: this.#sketches, sketchAt: this.#sketchAt.data,
      }
    }
    return { next }
  }

  #addSketch(sketch: Uint8Array): void {
    if (this.#sketchEnd + sketch.length > this.#sketches.length) {
      const grown = new Uint8Array(2 * (this.#sketchEnd + sketch.length))
      grown.set(this.#sketches)
      this.#sketches = grown
    }
    this.#sketches.set(sketch, this.#sketchEnd)
    this.#sketchEnd += sketch.length
    this.#sketchAt.push(this.#sketchEnd)
  }
}

function hasHistograms({ histograms, histogramBits, n }: SeriesBatch, s: number): boolean {
  const words = (n + 31) >>> 5
  return histograms !== null && histogramBits.subarray(s * words, (s + 1) * words).some((bits) => bits !== 0)
}

function labelsOf(querier: Querier, ref: number): Labels {
  let ids = new Uint32Array(128)
  const n = querier.labelsOf(ref, ids)
  if (n > ids.length) {
    ids = new Uint32Array(n)
    querier.labelsOf(ref, ids)
  }
  return Array.from(ids.subarray(0, n), (id) => querier.textOf(id))
}

/** A span of time, Unix ms; a bucket that touches it is meant. */
interface Gone {
  from: number
  to: number
}

/** Rows of an hour file with its sidecar. Throws HourIndexError, PageError, DiskError. Close it. */
export class FileRows implements RowSource {
  readonly #index: HourIndex
  readonly #file: DiskFile
  readonly #series: Generator<IndexedSeries>
  readonly #span: Span | null
  readonly #keeps: (t: number) => boolean
  readonly #goneOf: (labels: Labels) => readonly Gone[]
  readonly #all = new BucketBuffer()
  readonly #kept = new Float64Array(4096)
  #group = -1

  /** `keeps` tells of which buckets; `goneOf` which of a series' rows are gone beside; `span`: its first and last bucket, null where nobody knows. */
  constructor(file: string, keeps: (t: number) => boolean, goneOf: (labels: Labels) => readonly Gone[], span: Span | null = null) {
    this.#span = span
    this.#file = DiskFile.openForRead(file)
    try {
      this.#index = new HourIndex(`${file}.index`, false)
    } catch (error) {
      this.#file.close()
      throw error
    }
    this.#series = this.#index.series()
    this.#keeps = keeps
    this.#goneOf = goneOf
  }

  next(): SeriesRows | null {
    for (;;) {
      const { value: series, done } = this.#series.next()
      if (done === true) return null
      const { rows, firstRow, group, ref, labels, lacksHistograms } = series
      if (rows > 0 && group !== this.#group) this.#readGroup(group)
      const { columns, sketches, sketchAt } = this.#all
      const gone = this.#goneOf(labels)
      const n = this.#pack(firstRow, rows, gone)
      // Of a series that is gone whole nothing is lacking: it would be past its retention whenever that is looked at.
      const lacks = lacksHistograms && !this.#isWhole(gone)
      if (n > 0 || lacks) return { ref, labels, lacksHistograms: lacks, n, t: this.#kept, columns, at: firstRow, sketches, sketchAt }
    }
  }

  close(): void {
    this.#index.close()
    this.#file.close()
  }

  /** Whether one of them is all of the file. */
  #isWhole(gone: readonly Gone[]): boolean {
    const span = this.#span
    return span !== null && gone.some((one) => touches(span.minT, one) && touches(span.maxT, one))
  }

  /** Moves the rows of a series that stay to its front; returns how many. */
  #pack(start: number, rows: number, gone: readonly Gone[]): number {
    const { t, columns, sketchAt, sketches } = this.#all
    let n = 0
    let end = sketchAt[start]!
    for (let row = start; row < start + rows; row++) {
      if (!this.#keeps(t[row]!) || gone.some((span) => touches(t[row]!, span))) continue
      const to = start + n
      this.#kept[n++] = t[row]!
      const [from, until] = [sketchAt[row]!, sketchAt[row + 1]!]
      if (to < row) {
        for (const name of DOUBLES) columns[name][to] = columns[name][row]!
        columns.staleAtEnd[to] = columns.staleAtEnd[row]!
        sketches.copyWithin(end, from, until)
      }
      end += until - from
      // Bounds of later rows lie behind this one.
      sketchAt[to + 1] = end
    }
    return n
  }

  #readGroup(number: number): void {
    const { rows, chunks } = this.#index.group(number)
    this.#all.shape(1, rows)
    const { columns } = this.#all
    PARQUET_COLUMNS.forEach(({ kind, isOptional, bucketColumn }, c) => {
      if (kind === 'key' || kind === 'value') return
      const bytes = new Uint8Array(chunks[c]!.bytes)
      this.#file.read(bytes, chunks[c]!.offset, bytes.length)
      if (c === SKETCH_COLUMN) this.#all.sketches = decodeBinaries(bytes, rows, this.#all.sketchAt)
      else if (kind === 'flag') decodeFlags(bytes, rows, columns.staleAtEnd)
      else {
        const out = c === TIME_COLUMN ? this.#all.t : columns[bucketColumn as (typeof DOUBLES)[number]]
        decodeNumbers(bytes, rows, { kind, isOptional }, out)
      }
    })
    this.#group = number
  }
}
