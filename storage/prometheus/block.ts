// One block of a Prometheus data folder: `<ULID>/{meta.json, index, chunks/000001 …, tombstones}`.
//
//   tombstones: 0x0130ba30 │ 1 │ { uvarint ref, varint mint, varint maxt } … │ u32 CRC-32C of the entries
import { crc32c } from '../../lib/std/crc32c.ts'
import { listFolder, readTextIfThere, readWhole } from '../../lib/std/fs.ts'
import type { Labels } from '../../lib/model/labels.ts'
import { ByteReader, PrometheusFormatError } from './byte-reader.ts'
import { ChunkFiles } from './chunk-files.ts'
import { IndexFile } from './index-file.ts'
import { pushSample, sortSamples, type SeriesSamples } from '../import/series-samples.ts'

const TOMBSTONES_MAGIC = 0x0130ba30

/** What meta.json says of a block. */
export interface BlockMeta {
  folder: string
  /** Samples in [mint, maxt), Unix ms. */
  mint: number
  maxt: number
  series: number
  samples: number
  /** Blocks cut from a head that it was made of, itself among them if it is one. */
  sources: readonly string[]
  /** It holds only some of the samples of its time: those that came late, or of series that had ended. */
  isPartial: boolean
  /** 1: cut from a head; more: made of other blocks. */
  level: number
}

/** What Prometheus notes of blocks beside which the log has samples of the same time (prometheus tsdb/block.go). */
const PARTIAL_HINTS: readonly unknown[] = ['from-out-of-order', 'from-stale-series']

/** Deleted stretches [mint, maxt] by series number. */
type Tombstones = ReadonlyMap<number, readonly (readonly [number, number])[]>

/** The block in `folder`, or null if that is no block. Throws PrometheusFormatError on a meta.json that makes no sense. */
export function readBlockMeta(folder: string): BlockMeta | null {
  const text = readTextIfThere(`${folder}/meta.json`)
  if (text === null) return null
  const meta = parseMeta(text)
  if (meta === null) throw new PrometheusFormatError(`cannot read ${folder}/meta.json: it has no numbers minTime, maxTime and stats`)
  return { folder, ...meta }
}

function parseMeta(text: string): Omit<BlockMeta, 'folder'> | null {
  try {
    const { ulid, minTime, maxTime, stats, compaction } = JSON.parse(text) as StoredMeta
    const [mint, maxt, series, samples, level] = [minTime, maxTime, stats?.numSeries ?? 0, stats?.numSamples ?? 0, compaction?.level ?? 1].map(Number)
    if (![mint, maxt, series, samples, level].every(Number.isFinite)) return null
    const sources = Array.isArray(compaction?.sources) ? compaction.sources.map(String) : typeof ulid === 'string' ? [ulid] : []
    const isPartial = Array.isArray(compaction?.hints) && compaction.hints.some((hint) => PARTIAL_HINTS.includes(hint))
    return { mint: mint!, maxt: maxt!, series: series!, samples: samples!, sources, isPartial, level: level! }
  } catch (error) {
    if (error instanceof SyntaxError) return null
    throw error
  }
}

interface StoredMeta {
  ulid?: unknown
  minTime?: unknown
  maxTime?: unknown
  stats?: { numSeries?: unknown; numSamples?: unknown }
  compaction?: { level?: unknown; sources?: unknown; hints?: unknown }
}

const BEFORE_1970 = [[-Infinity, -1]] as const

/** The series of one block. */
export class PrometheusBlock {
  readonly #index: IndexFile
  readonly #chunks: ChunkFiles
  readonly #tombstones: Tombstones
  readonly #onDamage: (error: PrometheusFormatError) => void
  readonly #folder: string
  #hasToldOfEarly = false

  /** `onDamage` is told of chunks that cannot be read, and of samples before 1970; the rest is there. Throws PrometheusFormatError where the index is damaged. */
  constructor(folder: string, onDamage: (error: PrometheusFormatError) => void) {
    this.#index = new IndexFile(Buffer.from(readWhole(`${folder}/index`)), `${folder}/index`)
    this.#chunks = new ChunkFiles(`${folder}/chunks`)
    this.#tombstones = listFolder(folder).includes('tombstones') ? readTombstones(`${folder}/tombstones`) : new Map()
    this.#onDamage = onDamage
    this.#folder = folder
  }

  /** Numbers of its series in this block. */
  refs(): Uint32Array {
    return this.#index.refs()
  }

  labelsOf(ref: number): Labels {
    return this.#index.series(ref).labels
  }

  /** Puts the samples of a series, times strictly ascending, in place of what `into` held; returns the labels. */
  read(ref: number, into: SeriesSamples): Labels {
    const labels = this.readStored(ref, into)
    const deleted = this.#tombstones.get(ref)
    if (deleted) dropDeleted(into, deleted)
    if (into.count > 0 && into.t[0]! < 0) this.#dropEarly(into)
    return labels
  }

  /** The same with what was deleted, and from before 1970. */
  readStored(ref: number, into: SeriesSamples): Labels {
    const { labels, chunks } = this.#index.series(ref)
    into.count = 0
    for (const place of chunks) {
      const before = into.count
      try {
        this.#chunks.decode(place, into)
      } catch (error) {
        if (!(error instanceof PrometheusFormatError)) throw error
        into.count = before
        this.#onDamage(error)
      }
    }
    sortSamples(into)
    return labels
  }

  #dropEarly(samples: SeriesSamples): void {
    dropDeleted(samples, BEFORE_1970)
    if (!this.#hasToldOfEarly) this.#onDamage(new PrometheusFormatError(`samples before 1970 of ${this.#folder} were left out: none are stored`))
    this.#hasToldOfEarly = true
  }
}

function readTombstones(file: string): Tombstones {
  const stretches = new Map<number, [number, number][]>()
  const bytes = Buffer.from(readWhole(file))
  const reader = new ByteReader(bytes, file, 0, bytes.length - 4)
  if (reader.u32() !== TOMBSTONES_MAGIC || reader.u8() !== 1) throw reader.fail('this is no file of tombstones of version 1')
  if (bytes.readUInt32BE(reader.end) !== crc32c(bytes, reader.at, reader.end)) throw reader.fail('the checksum does not hold')
  while (reader.left > 0) {
    const ref = reader.uvarint()
    const stretch: [number, number] = [reader.varint(), reader.varint()]
    const list = stretches.get(ref)
    if (list) list.push(stretch)
    else stretches.set(ref, [stretch])
  }
  return stretches
}

function dropDeleted(samples: SeriesSamples, deleted: readonly (readonly [number, number])[]): void {
  const { count, t, v, histograms } = samples
  samples.count = 0
  for (let i = 0; i < count; i++) {
    if (deleted.some(([mint, maxt]) => t[i]! >= mint && t[i]! <= maxt)) continue
    pushSample(samples, t[i]!, v[i]!, histograms[i]!)
  }
}
