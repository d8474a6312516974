// Chunks of the head by the kernel: rows of values go into its memory as they stand in the head, encoded columns come out
// (assembly/chunk.ts). The twin is storage/codec/chunk-encode.ts.
import { madeOfKernels, type Kernels } from './module.ts'

/** Below it, copies and calls cost more than is won. */
const COLUMNS_MIN = 16

export class ChunksKernel {
  readonly columnsMax: number
  /** Where each column ends in `chunks`. */
  readonly ends: Uint32Array
  readonly chunks: Uint8Array
  readonly #kernels: Kernels
  readonly #values: Float64Array
  readonly #hints: Uint8Array

  constructor(module: Kernels) {
    const { buffer } = module.exports.memory
    const columns = module.place('CHUNK_COLUMNS_MAX')
    this.#kernels = module
    this.columnsMax = columns
    this.#values = new Float64Array(buffer, module.place('CHUNK_VALUES'), columns * module.place('CHUNK_ROWS_MAX'))
    this.#hints = new Uint8Array(buffer, module.place('CHUNK_HINTS'), columns)
    this.ends = new Uint32Array(buffer, module.place('CHUNK_ENDS'), columns)
    this.chunks = new Uint8Array(buffer, module.place('CHUNKS'))
  }

  /** Takes row i of `columns` values at src[from…]. */
  takeRow(i: number, src: Float64Array, from: number, columns: number): void {
    this.#values.set(src.subarray(from, from + columns), i * columns)
  }

  /** Encodes the rows that were taken, with hints[c, c + columns), which become those of the next chunks; returns how many bytes `chunks` has. */
  encode(rows: number, hints: Uint8Array, c: number, columns: number): number {
    this.#hints.set(hints.subarray(c, c + columns))
    const size = this.#kernels.exports.encodeChunks(columns, rows)
    hints.set(this.#hints.subarray(0, columns), c)
    return size
  }
}

const kernel = madeOfKernels((module) => new ChunksKernel(module))

/** What encodes chunks of so many columns; null: the twin. */
export function chunksKernel(columns: number): ChunksKernel | null {
  if (columns < COLUMNS_MIN) return null
  return kernel()
}
