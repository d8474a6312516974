// Known series of a remote write body by the kernel (assembly/walk.ts), as far as bodies go on as before. The twin is lib/ingest's own.
import { kernels, lengthenedKernels, madeOfKernels, type Kernels } from './module.ts'

/** One a thread: it has one set of known series, that of who took it last. */
export class WalkKernel {
  /** Of each entry: the one that follows it, ref, place and length of its label bytes. Zeros where it was not written to. */
  readonly known: Uint32Array
  /** Samples of the last walk. */
  readonly values: Float64Array
  readonly times: Float64Array
  readonly stale: Uint8Array
  readonly refs: Uint32Array
  readonly origins: Uint32Array
  /** Where the walk stands: place in the body and entry of the last series; after it also WALK_HAS_STALE and WALK_DESCENDS, of all samples. */
  readonly at: Uint32Array
  /** Who has `known` and the pages. */
  owner: object | null = null
  readonly #kernels: Kernels
  readonly #labelsAt: number
  readonly #pageBytes: number
  readonly #pageCount: number

  /** `limits`: less than it could hold, where a caller wants less. */
  constructor(module: Kernels, limits: { entries?: number; pages?: number } = {}) {
    const { buffer } = module.exports.memory
    const samples = module.place('WALK_SAMPLES_MAX')
    this.#kernels = module
    this.#labelsAt = module.place('KNOWN_LABELS')
    this.#pageBytes = module.place('KNOWN_PAGE')
    this.#pageCount = limits.pages ?? module.place('KNOWN_LABELS_BYTES') / this.#pageBytes
    this.known = new Uint32Array(buffer, module.place('KNOWN'), 4 * (limits.entries ?? module.place('KNOWN_MAX')))
    this.values = new Float64Array(buffer, module.place('WALK_VALUES'), samples)
    this.times = new Float64Array(buffer, module.place('WALK_TIMES'), samples)
    this.stale = new Uint8Array(buffer, module.place('WALK_STALE'), samples)
    this.refs = new Uint32Array(buffer, module.place('WALK_REFS'), samples)
    this.origins = new Uint32Array(buffer, module.place('WALK_ORIGINS'), samples)
    this.at = new Uint32Array(buffer, module.place('WALK'), 3)
  }

  /** Page `i` of label bytes, of 1 MiB; null: it has no more. */
  page(i: number): DataView | null {
    return i < this.#pageCount ? new DataView(this.known.buffer, this.#labelsAt + i * this.#pageBytes, this.#pageBytes) : null
  }

  /** Whether it can read a body: it lies in the kernels' memory, as what they decode and translate does. */
  canRead(body: Uint8Array): boolean {
    return body.buffer === this.known.buffer
  }

  /** Walks on at `at` in the first `length` bytes of a body that it can read; returns how many samples it met. */
  walk(body: Uint8Array, length: number): number {
    return this.#kernels.exports.walkSeries(body.byteOffset, length)
  }
}

/** As in `WalkKernel.at`: one of the samples is a staleness marker; times of a series run backwards. */
export const WALK_HAS_STALE = 1
export const WALK_DESCENDS = 2

const kernel = madeOfKernels((module) => new WalkKernel(module))

/** What walks known series; null: the twin. Asked for before a body is decoded: the first time the kernels' memory is made longer. */
export function walkKernel(): WalkKernel | null {
  const module = kernels()
  if (module === null || lengthenedKernels(module.place('KNOWN_LABELS') + module.place('KNOWN_LABELS_BYTES')) === null) return null
  return kernel()
}
