// Values of a piece by the kernel: its bytes go into the kernel's memory, values come out (assembly/piece.ts), or the other way
// round (assembly/piece-encode.ts). The twins are storage/codec's own decoders and encoder.
import { madeOfKernels, type Kernels } from './module.ts'

/** Below them, copies and calls cost more than is won. */
const DECODED_MIN = 128
const ENCODED_MIN = 64
/** What decimals of 32 bits take at the most, with as many exceptions as make sense; XOR runs. */
const DECIMAL_BYTES = 4
const XOR_BYTES = 9
const FIXED_BYTES = 512

class PieceKernel {
  readonly #kernels: Kernels
  readonly #piece: Uint8Array
  readonly #values: Float64Array

  constructor(module: Kernels) {
    const { buffer } = module.exports.memory
    const rows = module.place('PIECE_ROWS')
    this.#kernels = module
    this.#piece = new Uint8Array(buffer, module.place('PIECE'), module.place('PIECE_BYTES'))
    this.#values = new Float64Array(buffer, module.place('PIECE_VALUES'), rows)
  }

  /** Decodes n values of the body at `at`, decimals or an XOR run; returns how many bytes it takes, 0 where the twin must do it. */
  decode(isDecimal: boolean, bytes: Uint8Array, at: number, n: number, out: Float64Array, outAt: number): number {
    const size = Math.min(bytes.length - at, n * (isDecimal ? DECIMAL_BYTES : XOR_BYTES) + FIXED_BYTES)
    this.#piece.set(bytes.subarray(at, at + size))
    const { exports } = this.#kernels
    const read = isDecimal ? exports.decodeDecimals(size, n) : exports.decodeXor(size, n)
    if (read > 0) out.set(n === this.#values.length ? this.#values : this.#values.subarray(0, n), outAt)
    return read
  }

  /** Writes the kind of src[from, from + n), which are not all the same, with `flags` at headAt, and their body at `at`; returns the position behind it. */
  encode(src: Float64Array, from: number, n: number, out: Uint8Array, headAt: number, flags: number, at: number): number {
    this.#values.set(src.subarray(from, from + n))
    const size = this.#kernels.exports.encodePiece(n)
    out[headAt] = this.#piece[0]! | flags
    out.set(this.#piece.subarray(1, size), at)
    return at + size - 1
  }
}

const kernel = madeOfKernels((module) => new PieceKernel(module))

/** What decodes a piece of n live floats; null: the twin. */
export function pieceDecoder(n: number): PieceKernel | null {
  return n < DECODED_MIN ? null : kernel()
}

/** What encodes n live floats; null: the twin. */
export function pieceEncoder(n: number): PieceKernel | null {
  return n < ENCODED_MIN ? null : kernel()
}
