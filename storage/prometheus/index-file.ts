// The index of a Prometheus block, version 2 (prometheus tsdb/docs/format/index.md): its series, and where their chunks are.
//
//   magic │ 1 │ symbols │ series … │ postings … │ postings offset table │ table of contents (52 bytes)
//
// The posting list of the empty pair names every series; the label lists between are of no use here.
import { crc32c } from '../../lib/std/crc32c.ts'
import { labelsFromMap, type Labels } from '../../lib/model/labels.ts'
import { ByteReader } from './byte-reader.ts'

const MAGIC = 0xbaaad700
const TOC_BYTES = 52
const SERIES_ALIGN = 16

export interface ChunkPlace {
  mint: number
  maxt: number
  /** Number of the chunk file, from 0, and the byte in it. */
  file: number
  offsetBytes: number
}

export interface IndexedSeries {
  labels: Labels
  chunks: ChunkPlace[]
}

export class IndexFile {
  readonly #bytes: Buffer
  readonly #name: string
  readonly #symbols: readonly string[]
  readonly #allPostingsAt: number

  /** Throws PrometheusFormatError where the file is damaged or of another version. */
  constructor(bytes: Buffer, name: string) {
    this.#bytes = bytes
    this.#name = name
    const top = new ByteReader(bytes, name)
    if (top.left < 5 + TOC_BYTES || top.u32() !== MAGIC) throw top.fail('this is no Prometheus index')
    const version = top.u8()
    if (version !== 2) throw top.fail(`index version ${version}; only 2, of Prometheus 2.0 and later, can be read`)
    const toc = new ByteReader(bytes, `${name}, table of contents`, bytes.length - TOC_BYTES)
    checkSum(bytes, toc.at, TOC_BYTES - 4, toc)
    const [symbolsAt, , , , , postingsTableAt] = [toc.int64(), toc.int64(), toc.int64(), toc.int64(), toc.int64(), toc.int64()]
    this.#symbols = readSymbols(section(bytes, symbolsAt, `${name}, symbols`))
    this.#allPostingsAt = allPostingsAt(section(bytes, postingsTableAt, `${name}, postings table`))
  }

  /** Numbers of all series, ascending. Throws PrometheusFormatError. */
  refs(): Uint32Array {
    const postings = section(this.#bytes, this.#allPostingsAt, `${this.#name}, all postings`)
    return Uint32Array.from({ length: postings.u32() }, () => postings.u32())
  }

  /** Throws PrometheusFormatError. */
  series(ref: number): IndexedSeries {
    const head = new ByteReader(this.#bytes, `${this.#name}, series ${ref}`, ref * SERIES_ALIGN)
    const length = head.uvarint()
    if (length + 4 > head.left) throw head.fail(`${length} bytes wanted, ${head.left} left`)
    checkSum(this.#bytes, head.at, length, head)
    const reader = new ByteReader(this.#bytes, `${this.#name}, series ${ref}`, head.at, head.at + length)
    const symbol = (): string => {
      const text = this.#symbols[reader.uvarint()]
      if (text === undefined) throw reader.fail('a label that is not among the symbols')
      return text
    }
    const labels = new Map<string, string>()
    for (let left = reader.uvarint(); left > 0; left--) labels.set(symbol(), symbol())
    return { labels: labelsFromMap(labels), chunks: readChunkPlaces(reader) }
  }
}

/** A section is u32 length, content, u32 checksum. */
function section(bytes: Buffer, at: number, what: string): ByteReader {
  const head = new ByteReader(bytes, what, at)
  const length = head.u32()
  if (length + 4 > head.left) throw head.fail(`a section of ${length} bytes in ${head.left}`)
  checkSum(bytes, head.at, length, head)
  return new ByteReader(bytes, what, head.at, head.at + length)
}

function checkSum(bytes: Buffer, at: number, length: number, reader: ByteReader): void {
  if (bytes.readUInt32BE(at + length) !== crc32c(bytes, at, at + length)) throw reader.fail('the checksum does not hold')
}

function readSymbols(reader: ByteReader): string[] {
  return Array.from({ length: reader.u32() }, () => reader.text())
}

/** Where the postings of the empty name and value lie. */
function allPostingsAt(table: ByteReader): number {
  for (let left = table.u32(); left > 0; left--) {
    if (table.u8() !== 2) throw table.fail('an entry that is no pair')
    const name = table.text()
    const value = table.text()
    const at = table.uvarint()
    if (name === '' && value === '') return at
  }
  throw table.fail('it has no list of all series')
}

/** Times and places each relative to the chunk before; a place is the file's number times 2^32 and the byte in it. */
function readChunkPlaces(reader: ByteReader): ChunkPlace[] {
  const places: ChunkPlace[] = []
  const count = reader.uvarint()
  let maxt = 0
  let place = 0
  for (let i = 0; i < count; i++) {
    const mint = i === 0 ? reader.varint() : maxt + reader.uvarint()
    maxt = mint + reader.uvarint()
    place += i === 0 ? reader.uvarint() : reader.varint()
    places.push({ mint, maxt, file: Math.floor(place / 2 ** 32), offsetBytes: place % 2 ** 32 })
  }
  return places
}
