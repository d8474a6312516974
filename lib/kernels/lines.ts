// Lines of a scraped body by the kernel: the last body of the target, what was learned of its lines and the new body go into the
// kernel's memory, ends of lines, values and samples come out (assembly/lines.ts). The twin is lib/scrape/line-match.ts.
import { fillFives } from './fives.ts'
import { madeOfKernels, type Kernels } from './module.ts'

/** What was learned of a body's lines, as lib/scrape/line-table.ts has it. */
export interface KnownLines {
  count: number
  ends: Uint32Array
  infos: Uint32Array
  refs: Uint32Array
  values: Float64Array
}

/** Below it, copies and calls cost more than is won. */
const LINES_MIN = 8

export class LinesKernel {
  /** Where it stands: place in the body, line of the last one, family in force; after `match` also samples, tracked ones and dropped ones. */
  readonly at: Uint32Array
  /** By line of the last body. */
  readonly ends: Uint32Array
  readonly values: Float64Array
  readonly sampleRefs: Uint32Array
  readonly sampleValues: Float64Array
  readonly #kernels: Kernels
  readonly #body: Uint8Array
  readonly #lastBody: Uint8Array
  readonly #lastEnds: Uint32Array
  readonly #infos: Uint32Array
  readonly #refs: Uint32Array
  readonly #lastValues: Float64Array
  #length = 0
  #count = 0

  constructor(module: Kernels) {
    const { buffer } = module.exports.memory
    const lines = module.place('LINES_MAX')
    const bytes = module.place('BODY_BYTES')
    const words = (name: string): Uint32Array => new Uint32Array(buffer, module.place(name), lines)
    const doubles = (name: string): Float64Array => new Float64Array(buffer, module.place(name), lines)
    this.#kernels = module
    this.at = new Uint32Array(buffer, module.place('MATCH'), 6)
    this.ends = words('LINE_ENDS')
    this.values = doubles('LINE_VALUES')
    this.sampleRefs = words('SAMPLE_REFS')
    this.sampleValues = doubles('SAMPLE_VALUES')
    this.#body = new Uint8Array(buffer, module.place('BODY'), bytes)
    this.#lastBody = new Uint8Array(buffer, module.place('LAST_BODY'), bytes)
    this.#lastEnds = words('LAST_ENDS')
    this.#infos = words('LINE_INFOS')
    this.#refs = words('LINE_REFS')
    this.#lastValues = doubles('LAST_VALUES')
    const max = module.place('FIVES_MAX')
    fillFives(new BigUint64Array(buffer, module.place('FIVES'), 2 * (2 * max + 1)), max)
  }

  /** Takes a body and the target's last one; false where they are too large for it, or too small. */
  take(body: Uint8Array, lastBody: Uint8Array, last: KnownLines): boolean {
    const { count } = last
    if (count < LINES_MIN || count > this.ends.length || body.length > this.#body.length || lastBody.length > this.#body.length) return false
    this.#body.set(body)
    this.#lastBody.set(lastBody)
    this.#lastEnds.set(last.ends.subarray(0, count))
    this.#infos.set(last.infos.subarray(0, count))
    this.#refs.set(last.refs.subarray(0, count))
    this.#lastValues.set(last.values.subarray(0, count))
    this.#length = body.length
    this.#count = count
    return true
  }

  /** Goes on at `at` as far as lines are those of the last body; returns how many that were. */
  match(): number {
    return this.#kernels.exports.matchLines(this.#length, this.#count)
  }
}

/** What matches lines of scraped bodies; null: the twin. */
export const linesKernel: () => LinesKernel | null = madeOfKernels((module) => new LinesKernel(module))
