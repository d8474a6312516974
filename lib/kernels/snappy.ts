// Snappy, unpacked: the block format of remote write. Format: google/snappy format_description.txt.
//
//   varint(decoded length) { tag [extra length or offset bytes] [literal bytes] }*
//   tag & 3: 0 literal, 1 copy (4-11 bytes, offset < 2 KiB), 2 copy (offset < 64 KiB), 3 copy (offset u32)
//
// Decoding is our own, into a buffer that is used again: the native package spends 590 ns per remote-write sample
// (203 raw bytes), nearly all of it on allocating its result; byte loops 268, 4-byte moves 111, the twin here 76, the kernel
// (assembly/snappy.ts) half of that. Tests pack by the package, and hold both against it.
import { madeOfKernels, type Kernels } from './module.ts'

/** Not a Snappy block, or more than its reader allows. */
export class SnappyError extends Error {
  readonly code: 'SNAPPY_CORRUPT' | 'SNAPPY_TOO_LARGE'

  constructor(code: 'SNAPPY_CORRUPT' | 'SNAPPY_TOO_LARGE', message: string) {
    super(message)
    this.code = code
  }
}

/** Moves go by 8 bytes and may write up to 7 behind the end of what they copy. */
const SLACK = 8
/** Literals up to here are moved 8 bytes at a time, longer ones by `set`, whose call costs some 50 ns. */
const SHORT_LITERAL = 64
/** A buffer grown beyond this by one body is given back after it; ordinary senders stay far below. */
const KEEP_BYTES = 4 << 20
const NO_BYTES = new Uint8Array(0)

const corrupt = (what: string): SnappyError => new SnappyError('SNAPPY_CORRUPT', `snappy: ${what}`)

/** Decodes blocks one after the other into memory that is used again. */
export class SnappyDecoder {
  /** Holds the last decoded block at [0, length); content behind it is undefined. Valid until any decoder of this thread decodes. */
  bytes: Uint8Array = NO_BYTES
  /** The same memory. */
  view: DataView = new DataView(this.bytes.buffer)
  /** The twin's memory. */
  #own: Uint8Array = NO_BYTES
  readonly #maxBytes: number

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  /** Returns the decoded length. Throws SnappyError; the length it claims is checked before memory is taken for it. */
  decode(source: Uint8Array): number {
    let at = 0
    let length = 0
    for (let scale = 1; ; scale *= 128) {
      if (at === source.length || at === 5) throw corrupt('bad length header')
      const byte = source[at++]!
      length += (byte & 127) * scale
      if (byte < 128) break
    }
    if (length > this.#maxBytes) throw tooLarge(this.#maxBytes)
    const kernel = snappyKernel()
    if (kernel !== null && kernel.decode(source, at, length)) {
      this.#show(kernel.decoded, kernel.view)
      if (this.#own.length > 0) this.#own = NO_BYTES
      return length
    }
    // Also where the kernel says no: what is wrong with a block is told in one place.
    this.#reserve(length + SLACK)
    decodeBody(source, at, this, length)
    return length
  }

  #reserve(sizeBytes: number): void {
    const have = this.#own.length
    if (sizeBytes > have || (have > KEEP_BYTES && sizeBytes <= KEEP_BYTES)) {
      this.#own = new Uint8Array(Math.max(sizeBytes, Math.min(have * 2, KEEP_BYTES)))
    } else if (this.bytes === this.#own) return
    this.#show(this.#own, new DataView(this.#own.buffer))
  }

  #show(bytes: Uint8Array, view: DataView): void {
    this.bytes = bytes
    this.view = view
  }
}

/** The kernel's side of decoding: blocks up to 4 MiB. */
class SnappyKernel {
  readonly decoded: Uint8Array
  readonly view: DataView
  readonly #kernels: Kernels
  readonly #source: Uint8Array

  constructor(module: Kernels) {
    const { buffer } = module.exports.memory
    this.#kernels = module
    this.#source = new Uint8Array(buffer, module.place('SOURCE'), module.place('SOURCE_BYTES'))
    this.decoded = new Uint8Array(buffer, module.place('DECODED'), module.place('DECODED_BYTES'))
    this.view = new DataView(buffer, module.place('DECODED'), module.place('DECODED_BYTES'))
  }

  /** Decodes what lies from `at` on; false where the block is too large or anything is wrong with it. */
  decode(source: Uint8Array, at: number, length: number): boolean {
    if (length > this.decoded.length || source.length > this.#source.length) return false
    this.#source.set(source)
    return this.#kernels.exports.decodeSnappy(at, source.length, length) === 1
  }
}

const snappyKernel = madeOfKernels((module) => new SnappyKernel(module))

function tooLarge(maxBytes: number): SnappyError {
  return new SnappyError('SNAPPY_TOO_LARGE', `decoded size exceeds ${maxBytes >>> 20} MiB`)
}

// 64-bit moves through DataView compile to plain loads and stores (no BigInt is made once optimised); doubles would
// not keep the bits of NaNs.
function decodeBody(source: Uint8Array, from: number, out: SnappyDecoder, length: number): void {
  const { bytes, view } = out
  const sourceView = new DataView(source.buffer, source.byteOffset, source.length)
  const end = source.length
  let at = from
  let o = 0
  while (at < end) {
    const tag = source[at++]!
    const kind = tag & 3
    if (kind === 0) {
      let n = (tag >>> 2) + 1
      if (n > 60) {
        const extra = n - 60
        if (at + extra > end) throw corrupt('literal length cut off')
        n = littleEndian(source, at, extra) + 1
        at += extra
      }
      if (n > end - at) throw corrupt('literal runs past the input')
      if (n > length - o) throw corrupt('literal runs past the decoded length')
      if (n <= SHORT_LITERAL && at + n + SLACK <= end) {
        for (let i = 0; i < n; i += 8) view.setBigUint64(o + i, sourceView.getBigUint64(at + i, true), true)
      } else if (n > SHORT_LITERAL) bytes.set(source.subarray(at, at + n), o)
      else for (let i = 0; i < n; i++) bytes[o + i] = source[at + i]!
      at += n
      o += n
      continue
    }
    let n = (tag >>> 2) + 1
    let offset: number
    if (at + (kind === 3 ? 4 : kind) > end) throw corrupt('copy cut off')
    if (kind === 2) {
      offset = source[at]! | (source[at + 1]! << 8)
      at += 2
    } else if (kind === 1) {
      n = 4 + ((tag >>> 2) & 7)
      offset = ((tag >>> 5) << 8) | source[at]!
      at += 1
    } else {
      offset = littleEndian(source, at, 4)
      at += 4
    }
    if (offset === 0 || offset > o) throw corrupt(`copy from ${offset} bytes back at ${o}`)
    if (n > length - o) throw corrupt('copy runs past the decoded length')
    const back = o - offset
    if (offset >= 8) for (let i = 0; i < n; i += 8) view.setBigUint64(o + i, view.getBigUint64(back + i, true), true)
    else for (let i = 0; i < n; i++) bytes[o + i] = bytes[back + i]!
    o += n
  }
  if (o !== length) throw corrupt(`decoded ${o} bytes, header says ${length}`)
}

function littleEndian(source: Uint8Array, at: number, count: number): number {
  let value = 0
  for (let i = count - 1; i >= 0; i--) value = value * 256 + source[at + i]!
  return value
}

/** A block that holds `bytes` as they are: one literal, nothing packed. A copy of its own. */
export function snappyLiteral(bytes: Uint8Array): Uint8Array {
  const head: number[] = []
  for (let rest = bytes.length; ; rest = Math.floor(rest / 128)) {
    head.push(rest < 128 ? rest : (rest & 127) | 128)
    if (rest < 128) break
  }
  if (bytes.length === 0) return Uint8Array.from(head)
  // A literal whose length less one stands in the four bytes behind its tag.
  const last = bytes.length - 1
  head.push(63 << 2, last & 255, (last >>> 8) & 255, (last >>> 16) & 255, last >>> 24)
  const out = new Uint8Array(head.length + bytes.length)
  out.set(head)
  out.set(bytes, head.length)
  return out
}
