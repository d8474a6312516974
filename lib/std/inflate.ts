// Gunzip into memory that is used again. node:zlib's one-call functions make a stream, a native state and an output
// buffer for each body; at a hundred bodies a second that external memory alone forces a full collection every second
// (0.4 µs per scraped sample). This keeps one state and writes where the caller says.
//
// It drives the handle inside node:zlib's Gunzip, which is no public interface: what it needs is checked once, and
// where it is missing `inflateInto` says so and the caller takes the public way.
import { constants, createGunzip, type Gunzip } from 'node:zlib'

/** The part of node:zlib's native handle that is used. */
interface Handle {
  writeSync(flush: number, src: Uint8Array, srcAt: number, srcLength: number, out: Uint8Array, outAt: number, outLength: number): void
  reset(): void
}

/** Not inflated: damaged, cut short, larger than `out`, or this Node has no such handle. The public functions then say which. */
export const NOT_INFLATED = -1

export class Inflater {
  #stream: Gunzip | null = null
  #handle: Handle | null = null
  /** After a write: bytes of room left in the output, bytes of input not read. */
  #left: Uint32Array = new Uint32Array(2)
  #hasFailed = false

  /** Inflates a whole gzip body into `out`; returns its length or NOT_INFLATED. */
  inflateInto(packed: Uint8Array, out: Uint8Array): number {
    if (this.#handle === null && !this.#open()) return NOT_INFLATED
    this.#hasFailed = false
    this.#handle!.writeSync(constants.Z_FINISH, packed, 0, packed.length, out, 0, out.length)
    // An error has closed the handle; a full output may have been cut, input left over is a second member or garbage.
    if (this.#hasFailed || this.#left[0] === 0 || this.#left[1] !== 0) {
      this.close()
      return NOT_INFLATED
    }
    this.#handle!.reset()
    return out.length - this.#left[0]!
  }

  close(): void {
    this.#stream?.close()
    this.#stream = null
    this.#handle = null
  }

  #open(): boolean {
    const stream = createGunzip()
    const handle: unknown = Reflect.get(stream, '_handle')
    const left: unknown = Reflect.get(stream, '_writeState')
    if (!isHandle(handle) || !(left instanceof Uint32Array)) return false
    stream.on('error', () => {})
    // The stream's own listener destroys it; the flag tells this call.
    const onError: unknown = Reflect.get(handle, 'onerror')
    Reflect.set(handle, 'onerror', (...args: unknown[]) => {
      this.#hasFailed = true
      if (typeof onError === 'function') Reflect.apply(onError, handle, args)
    })
    this.#stream = stream
    this.#handle = handle
    this.#left = left
    return true
  }
}

function isHandle(value: unknown): value is Handle {
  return typeof value === 'object' && value !== null && 'writeSync' in value && typeof value.writeSync === 'function'
    && 'reset' in value && typeof value.reset === 'function'
}
