// Packs replies on the thread pool. A large one goes in parts, and its first part is on its way while the last is still to be
// packed. zstd (RFC 8878), for who takes it: one frame. gzip: one member (RFC 1952) whose deflate blocks are made several at a
// time, each part ending on a byte (Z_SYNC_FLUSH), as pigz does it (Mark Adler).
//
//   head │ part 1 │ part 2 │ … │ last part │ CRC-32 of the plain bytes, their count
import { Readable } from 'node:stream'
import { promisify } from 'node:util'
import { constants, crc32, createZstdCompress, deflateRaw, gzip, zstdCompress } from 'node:zlib'

/** The thread pool also syncs the log: packing may not take all of its four threads. */
const THREADS_MAX = 2
/** Parts are large against the 32 KiB that a match may reach back, and small against a client's patience. */
const PART_BYTES = 512 * 1024
/** Deflate, no name, no time, fastest algorithm, Unix. */
const HEAD = Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 4, 3])
const LEVEL = constants.Z_BEST_SPEED
const ZSTD = { params: { [constants.ZSTD_c_compressionLevel]: 1 } }

const gzipWhole = promisify(gzip)
const deflatePart = promisify(deflateRaw)
const zstdWhole = promisify(zstdCompress)

/** A coding of HTTP (RFC 9110 §8.4.1). */
export type Encoding = 'zstd' | 'gzip'

/** One for all connections: it counts the threads at work. */
export class Packer {
  #running = 0

  get isFree(): boolean {
    return this.#running < THREADS_MAX
  }

  /** Whether a body goes as one; else in parts. */
  isSmall(body: Uint8Array): boolean {
    return body.length <= PART_BYTES
  }

  async whole(body: Uint8Array, encoding: Encoding): Promise<Buffer> {
    this.#running++
    try {
      return encoding === 'zstd' ? await zstdWhole(body, ZSTD) : await gzipWhole(body, { level: LEVEL })
    } finally {
      this.#running--
    }
  }

  /** The packed bytes, piece by piece. */
  parts(body: Uint8Array, encoding: Encoding): AsyncGenerator<Buffer> {
    return encoding === 'zstd' ? this.#zstd(body) : this.#gzip(body)
  }

  async *#zstd(body: Uint8Array): AsyncGenerator<Buffer> {
    this.#running++
    const packed = createZstdCompress(ZSTD)
    try {
      yield* Readable.from(slicesOf(body)).pipe(packed) as AsyncIterable<Buffer>
    } finally {
      packed.destroy()
      this.#running--
    }
  }

  async *#gzip(body: Uint8Array): AsyncGenerator<Buffer> {
    const threads = Math.max(1, THREADS_MAX - this.#running)
    this.#running += threads
    try {
      yield HEAD
      let crc = 0
      for (let from = 0; from < body.length; from += threads * PART_BYTES) {
        const wave: Promise<Buffer>[] = []
        for (let at = from; at < Math.min(body.length, from + threads * PART_BYTES); at += PART_BYTES) {
          const isLast = at + PART_BYTES >= body.length
          wave.push(deflatePart(body.subarray(at, at + PART_BYTES), { level: LEVEL, finishFlush: isLast ? constants.Z_FINISH : constants.Z_SYNC_FLUSH }))
        }
        crc = crc32(body.subarray(from, from + threads * PART_BYTES), crc)
        yield* await Promise.all(wave)
      }
      const end = Buffer.alloc(8)
      end.writeUInt32LE(crc, 0)
      end.writeUInt32LE(body.length >>> 0, 4)
      yield end
    } finally {
      this.#running -= threads
    }
  }
}

function* slicesOf(body: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < body.length; at += PART_BYTES) yield body.subarray(at, at + PART_BYTES)
}
