// Remote write 2.0 as 1.0 by the kernel: it reads what the kernel of snappy left in their memory (assembly/request.ts). The twin is
// lib/format/remote-write-v2.ts.
import { madeOfKernels, type Kernels } from './module.ts'

export class RequestKernel {
  /** The request of 1.0; valid until the next one of this thread. */
  readonly translated: Uint8Array
  readonly view: DataView
  /** Of symbols: where the length of each stands, and where it ends. */
  readonly starts: Uint32Array
  readonly ends: Uint32Array
  /** Metadata, one for each metric: symbol of its name, from, to. */
  readonly described: Uint32Array
  readonly #kernels: Kernels
  readonly #decodedAt: number
  readonly #counts: Uint32Array

  constructor(module: Kernels) {
    const { buffer } = module.exports.memory
    const symbols = module.place('SYMBOLS_MAX')
    this.#kernels = module
    this.#decodedAt = module.place('DECODED')
    this.#counts = new Uint32Array(buffer, module.place('TRANSLATED_COUNTS'), 2)
    this.translated = new Uint8Array(buffer, module.place('TRANSLATED'), module.place('TRANSLATED_BYTES'))
    this.view = new DataView(buffer, module.place('TRANSLATED'), module.place('TRANSLATED_BYTES'))
    this.starts = new Uint32Array(buffer, module.place('SYMBOL_STARTS'), symbols)
    this.ends = new Uint32Array(buffer, module.place('SYMBOL_ENDS'), symbols)
    this.described = new Uint32Array(buffer, module.place('DESCRIBED'), 3 * module.place('DESCRIBED_MAX'))
  }

  /** Translates the request in the first `length` of `bytes`, which the decoder shows; returns its length as one of 1.0, -1 where the twin must do it. */
  translate(bytes: Uint8Array, length: number): number {
    if (bytes.buffer !== this.translated.buffer || bytes.byteOffset !== this.#decodedAt) return -1
    return this.#kernels.exports.translateRequest(length)
  }

  /** Symbols of the last request, and how many of its metrics are `described`. */
  get symbolCount(): number {
    return this.#counts[0]!
  }

  get describedCount(): number {
    return this.#counts[1]!
  }
}

/** What translates requests of remote write 2.0; null: the twin. */
export const requestKernel: () => RequestKernel | null = madeOfKernels((module) => new RequestKernel(module))
