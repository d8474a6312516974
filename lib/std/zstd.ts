// Unpacks zstd frames whose size is known, with one native state a thread. node:zlib's one-call function makes a stream, a
// state with its window and an output buffer for each frame: 60 to 100 µs, where a page of some KB takes one.
//
// It drives the handle inside node:zlib's stream, which is no public interface, as inflate.ts does: what it needs is checked
// once, and the public function does what this cannot, and says what is wrong with a frame.
import { constants, createZstdDecompress, zstdDecompressSync, type ZstdDecompress } from 'node:zlib'

/** The part of node:zlib's native handle that is used. */
interface Handle {
  writeSync(flush: number, src: Uint8Array, srcAt: number, srcLength: number, out: Uint8Array, outAt: number, outLength: number): void
}

class Unpacker {
  readonly #stream: ZstdDecompress
  readonly #handle: Handle
  /** After a write: bytes of room left in the output, bytes of input not read. */
  readonly #left: Uint32Array
  #hasFailed = false

  private constructor(stream: ZstdDecompress, handle: Handle, left: Uint32Array) {
    this.#stream = stream
    this.#handle = handle
    this.#left = left
    stream.on('error', () => {})
    Reflect.set(handle, 'onerror', () => (this.#hasFailed = true))
  }

  /** null where this Node has no such handle. */
  static open(): Unpacker | null {
    const stream = createZstdDecompress()
    const handle: unknown = Reflect.get(stream, '_handle')
    const left: unknown = Reflect.get(stream, '_writeState')
    return isHandle(handle) && left instanceof Uint32Array ? new Unpacker(stream, handle, left) : null
  }

  /** Whether the frame gave exactly out[0, sizeBytes); else the state is good for nothing any more. */
  unpack(packed: Uint8Array, out: Uint8Array, sizeBytes: number): boolean {
    // A byte more: a frame that is too large would else not show.
    this.#handle.writeSync(constants.ZSTD_e_end, packed, 0, packed.length, out, 0, sizeBytes + 1)
    return !this.#hasFailed && this.#left[0] === 1 && this.#left[1] === 0
  }

  close(): void {
    this.#stream.close()
  }
}

/** The thread's; undefined before the first frame. */
let unpacker: Unpacker | null | undefined

/**
 * Unpacks a frame into out[0, sizeBytes); `out` has one byte more at the least, which may be overwritten.
 * Throws where the bytes are no such frame.
 */
export function unzstdInto(packed: Uint8Array, out: Uint8Array, sizeBytes: number): void {
  if (unpacker === undefined) unpacker = Unpacker.open()
  if (unpacker?.unpack(packed, out, sizeBytes)) return
  // Also where the frame before was cut off at its end, which shows only now.
  unpacker?.close()
  if (unpacker !== null) unpacker = undefined
  const content = zstdDecompressSync(packed, { maxOutputLength: Math.max(1, sizeBytes) })
  if (content.length !== sizeBytes) throw new RangeError(`unpack to ${content.length} bytes, not ${sizeBytes}`)
  out.set(content)
}

function isHandle(value: unknown): value is Handle {
  return typeof value === 'object' && value !== null && 'writeSync' in value && typeof value.writeSync === 'function'
}
