// Values of a piece by the kernel: its bytes go into the kernel's memory, values come out (assembly/piece.ts). The twins are
// storage/codec's own decoders.
import { madeOfKernels, type Kernels } from './module.ts'

/** Below it, copies and calls cost more than is won. */
const ROWS_MIN = 128
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
}

const kernel = madeOfKernels((module) => new PieceKernel(module))

/** What decodes a piece of n live floats; null: the twin. */
export function pieceKernel(n: number): PieceKernel | null {
  if (n < ROWS_MIN) return null
  return kernel()
}
