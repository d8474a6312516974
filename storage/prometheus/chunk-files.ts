// The chunk files of a block, read in pieces: they may be larger than memory, and are asked for series by series.
//
//   0x85bd40dd │ 1 │ 0 0 0 │ { uvarint length, u8 encoding, data[length], u32 CRC-32C of encoding and data } …
import { crc32c } from '../../lib/std/crc32c.ts'
import { DiskFile, listFolder } from '../../lib/std/fs.ts'
import type { SeriesSamples } from '../import/series-samples.ts'
import { ByteReader, PrometheusFormatError } from './byte-reader.ts'
import { decodeChunk } from './chunk.ts'
import type { ChunkPlace } from './index-file.ts'

const MAGIC = 0x85bd40dd
const HEAD_BYTES = 8
/** Chunks of a series lie side by side, those of the next that is asked for may be anywhere. */
const PIECE_BYTES = 1 << 16
/** 128 MiB: two hours of half a million series. */
const PIECES_MAX = 2048
/** Of a chunk: its length, encoding and checksum. */
const FRAME_BYTES_MAX = 10 + 1 + 4
/** Prometheus cuts chunks long before. */
const CHUNK_BYTES_MAX = 1 << 27

export class ChunkFiles {
  readonly #folder: string
  readonly #names: string[]
  readonly #isChecked: boolean[] = []
  /** Bytes of a file from a multiple of PIECE_BYTES on, by place; the one used last at the end. */
  readonly #pieces = new Map<string, Buffer>()

  /** Throws DiskError. */
  constructor(folder: string) {
    this.#folder = folder
    this.#names = listFolder(folder)
  }

  /** Appends the samples of one chunk. Throws PrometheusFormatError. */
  decode({ file, offsetBytes }: ChunkPlace, out: SeriesSamples): void {
    const name = this.#names[file]
    if (name === undefined) throw new PrometheusFormatError(`cannot read chunk file ${file + 1} of ${this.#folder}: it is missing`)
    this.#checkHead(file, name)
    const head = this.#bytes(name, offsetBytes, FRAME_BYTES_MAX)
    const what = `${this.#folder}/${name}`
    const length = new ByteReader(head, what).uvarint()
    if (length > CHUNK_BYTES_MAX) throw fail(what, offsetBytes, `a chunk of ${length} bytes`)
    const bytes = this.#bytes(name, offsetBytes, FRAME_BYTES_MAX + length)
    const reader = new ByteReader(bytes, what)
    reader.uvarint()
    const encoding = reader.u8()
    const from = reader.at
    if (length + 4 > reader.left) throw fail(what, offsetBytes, `a chunk of ${length} bytes in ${reader.left}`)
    if (bytes.readUInt32BE(from + length) !== crc32c(bytes, from - 1, from + length)) throw fail(what, offsetBytes, 'the checksum of a chunk does not hold')
    try {
      decodeChunk(encoding, bytes, from, from + length, out)
    } catch (error) {
      throw error instanceof PrometheusFormatError ? fail(what, offsetBytes, error.message) : error
    }
  }

  #checkHead(file: number, name: string): void {
    if (this.#isChecked[file] === true) return
    const head = new ByteReader(this.#bytes(name, 0, HEAD_BYTES), `${this.#folder}/${name}`)
    if (head.u32() !== MAGIC || head.u8() !== 1) throw head.fail('this is no chunk file of version 1')
    this.#isChecked[file] = true
  }

  /** Those from `at` on, as many as there are of them; good until the file changes. */
  #bytes(name: string, at: number, length: number): Buffer {
    const start = Math.floor(at / PIECE_BYTES) * PIECE_BYTES
    const first = this.#piece(name, start)
    if (at + length <= start + PIECE_BYTES) return first.subarray(at - start, at - start + length)
    const parts = [first.subarray(at - start)]
    for (let next = start + PIECE_BYTES; next < at + length; next += PIECE_BYTES) parts.push(this.#piece(name, next))
    return Buffer.concat(parts).subarray(0, length)
  }

  #piece(name: string, start: number): Buffer {
    const key = `${name} ${start}`
    const piece = this.#pieces.get(key) ?? this.#read(name, start)
    this.#pieces.delete(key)
    this.#pieces.set(key, piece)
    if (this.#pieces.size > PIECES_MAX) this.#pieces.delete(this.#pieces.keys().next().value!)
    return piece
  }

  #read(name: string, start: number): Buffer {
    const file = DiskFile.openForRead(`${this.#folder}/${name}`)
    try {
      const bytes = Buffer.alloc(PIECE_BYTES)
      return bytes.subarray(0, file.read(bytes, start, PIECE_BYTES))
    } finally {
      file.close()
    }
  }
}

function fail(what: string, at: number, why: string): PrometheusFormatError {
  return new PrometheusFormatError(`cannot read ${what} at byte ${at}: ${why}`)
}
