// Points of a reply by the kernel: rows go into its memory, text comes out (assembly/points.ts). The twin is ByteWriter's own.
import { madeOfKernels, type Kernels } from './module.ts'

/** `[seconds,"` of every step in ASCII, one after the other with three bytes to spare behind, and where each ends. */
export interface Stamps {
  readonly view: DataView
  readonly ends: Uint32Array
}

/** Values and kinds of a series from `at` on. */
export interface PointRow {
  values: Float64Array
  kinds: Uint8Array
  at: number
}

/** Below it, copies and calls cost more than is won. */
const POINTS_MIN = 8

class PointsKernel {
  readonly #kernels: Kernels
  readonly #stampBytes: Uint8Array
  readonly #stampEnds: Uint32Array
  readonly #values: Float64Array
  readonly #kinds: Uint8Array
  readonly #text: Uint8Array
  readonly #pointsMax: number
  /** Whose stamps are in memory, from which step on. */
  #stamps: Stamps | null = null
  #stampsFrom = 0

  constructor(module: Kernels) {
    const buffer = module.exports.memory.buffer
    const max = module.place('POINTS_MAX')
    this.#kernels = module
    this.#pointsMax = max
    this.#stampBytes = new Uint8Array(buffer, module.place('STAMPS'), module.place('STAMPS_BYTES'))
    this.#stampEnds = new Uint32Array(buffer, module.place('STAMP_ENDS'), max)
    this.#values = new Float64Array(buffer, module.place('VALUES'), max)
    this.#kinds = new Uint8Array(buffer, module.place('KINDS'), max)
    this.#text = new Uint8Array(buffer, module.place('TEXT'))
  }

  /** Writes the floats of a row to `out` at `from`, which has room for them; returns the place behind. */
  write(out: Uint8Array, from: number, stamps: Stamps, { values, kinds, at }: PointRow): number {
    const count = stamps.ends.length
    let to = from
    for (let i = 0; i < count; i += this.#pointsMax) {
      const n = Math.min(this.#pointsMax, count - i)
      this.#take(stamps, i, n)
      this.#values.set(values.subarray(at + i, at + i + n))
      this.#kinds.set(kinds.subarray(at + i, at + i + n))
      const length = this.#kernels.exports.writePoints(n, to > from ? 1 : 0)
      out.set(this.#text.subarray(0, length), to)
      to += length
    }
    return to
  }

  #take(stamps: Stamps, from: number, n: number): void {
    if (this.#stamps === stamps && this.#stampsFrom === from) return
    const { view, ends } = stamps
    const start = from === 0 ? 0 : ends[from - 1]!
    this.#stampBytes.set(new Uint8Array(view.buffer, view.byteOffset + start, ends[from + n - 1]! - start))
    for (let i = 0; i < n; i++) this.#stampEnds[i] = ends[from + i]! - start
    this.#stamps = stamps
    this.#stampsFrom = from
  }
}

const kernel = madeOfKernels((module) => new PointsKernel(module))

/** What writes `count` points of a row; null: the twin. */
export function pointsKernel(count: number): PointsKernel | null {
  if (count < POINTS_MIN) return null
  return kernel()
}
