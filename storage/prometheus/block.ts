// One block of a Prometheus data folder: `<ULID>/{meta.json, index, chunks/000001 …, tombstones}`.
//
//   chunk file: 0x85bd40dd │ 1 │ 0 0 0 │ { uvarint length, u8 encoding, data[length], u32 CRC-32C of encoding and data } …
//   tombstones: 0x0130ba30 │ 1 │ { uvarint ref, varint mint, varint maxt } … │ u32 CRC-32C of the entries
import { crc32c } from '../../lib/std/crc32c.ts'
import { listFolder, readTextIfThere, readWhole } from '../../lib/std/fs.ts'
import type { Labels } from '../../lib/model/labels.ts'
import { ByteReader, PrometheusFormatError } from './byte-reader.ts'
import { decodeChunk } from './chunk.ts'
import { IndexFile, type ChunkPlace } from './index-file.ts'
import { pushSample, sortSamples, type SeriesSamples } from '../import/series-samples.ts'

const CHUNKS_MAGIC = 0x85bd40dd
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
    const [mint, maxt, series, samples] = [minTime, maxTime, stats?.numSeries ?? 0, stats?.numSamples ?? 0].map(Number)
    if (![mint, maxt, series, samples].every(Number.isFinite)) return null
    const sources = Array.isArray(compaction?.sources) ? compaction.sources.map(String) : typeof ulid === 'string' ? [ulid] : []
    const isPartial = Array.isArray(compaction?.hints) && compaction.hints.some((hint) => PARTIAL_HINTS.includes(hint))
    return { mint: mint!, maxt: maxt!, series: series!, samples: samples!, sources, isPartial }
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
  compaction?: { sources?: unknown; hints?: unknown }
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

  /** Puts the samples of a series, times strictly ascending, in place of what `into` held; returns the labels. */
  read(ref: number, into: SeriesSamples): Labels {
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
    const deleted = this.#tombstones.get(ref)
    if (deleted) dropDeleted(into, deleted)
    if (into.count > 0 && into.t[0]! < 0) this.#dropEarly(into)
    return labels
  }

  #dropEarly(samples: SeriesSamples): void {
    dropDeleted(samples, BEFORE_1970)
    if (!this.#hasToldOfEarly) this.#onDamage(new PrometheusFormatError(`samples before 1970 of ${this.#folder} were left out: none are stored`))
    this.#hasToldOfEarly = true
  }
}

class ChunkFiles {
  readonly #folder: string
  readonly #names: string[]
  readonly #files: (Buffer | undefined)[] = []

  constructor(folder: string) {
    this.#folder = folder
    this.#names = listFolder(folder)
  }

  decode({ file, offsetBytes }: ChunkPlace, out: SeriesSamples): void {
    const reader = new ByteReader(this.#open(file), `${this.#folder}/${this.#names[file]}`, offsetBytes)
    const length = reader.uvarint()
    const encoding = reader.u8()
    const from = reader.at
    if (length + 4 > reader.left) throw reader.fail(`a chunk of ${length} bytes in ${reader.left}`)
    if (reader.bytes.readUInt32BE(from + length) !== crc32c(reader.bytes, from - 1, from + length)) throw reader.fail('the checksum of a chunk does not hold')
    decodeChunk(encoding, reader.bytes, from, from + length, out)
  }

  #open(file: number): Buffer {
    const open = this.#files[file]
    if (open) return open
    const name = this.#names[file]
    if (name === undefined) throw new PrometheusFormatError(`cannot read chunk file ${file + 1} of ${this.#folder}: it is missing`)
    const bytes = Buffer.from(readWhole(`${this.#folder}/${name}`))
    const head = new ByteReader(bytes, `${this.#folder}/${name}`)
    if (head.u32() !== CHUNKS_MAGIC || head.u8() !== 1) throw head.fail('this is no chunk file of version 1')
    return (this.#files[file] = bytes)
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
