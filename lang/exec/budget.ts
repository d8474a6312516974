// What one query may spend: time, samples, bytes. Operators ask before they allocate and at every batch, kernels that look
// at each sample of each window once a window, nobody per sample. A query of death ends here with a named limit, long
// before its worker suffers.
import type { Clock } from '../../lib/std/clock.ts'
import type { ReadPlaces, StepReads, StepSamples } from './step-samples.ts'
import { LESS_OR_MORE, LimitError, QueryCanceled, QueryTimeout } from './query-error.ts'

export interface BudgetOptions {
  clock: Clock
  /** Monotonic ms of `clock` after which the query is over. */
  deadlineMs: number
  /** Samples held or loaded at once. */
  samplesMax: number
  /** Bytes of typed arrays. */
  bytesMax: number
  /** Set from another thread when whoever asked has gone: element 0 non-zero. */
  canceled?: Int32Array
}

/** What a piece of work read. */
export interface Reads {
  readonly samples: number
  readonly bySteps: StepReads | null
}

/** Samples looked at between two looks at the clock: some ms even where each window is sorted. */
const UNCHECKED_SAMPLES_MAX = 1 << 18

/** One per query, shared by all its operators. */
export class Budget {
  readonly #options: BudgetOptions
  /** Told of samples by their steps; null where nobody asked. */
  readonly stepSamples: StepSamples | null
  #samples = 0
  #samplesKept = 0
  #bytes = 0
  #bytesPeak = 0
  #samplesTotal = 0
  #samplesPeak = 0
  #unchecked = 0

  constructor(options: BudgetOptions, stepSamples: StepSamples | null = null) {
    this.#options = options
    this.stepSamples = stepSamples
  }

  /** Throws QueryTimeout or QueryCanceled when the query is over. Call it once per batch. */
  check(): void {
    const { clock, deadlineMs, canceled } = this.#options
    if (canceled !== undefined && Atomics.load(canceled, 0) !== 0) throw new QueryCanceled()
    if (clock.monotonic() > deadlineMs) throw new QueryTimeout()
  }

  /** Milliseconds until the query is over. */
  remainingMs(): number {
    const { clock, deadlineMs } = this.#options
    return deadlineMs - clock.monotonic()
  }

  /** As `check`, but only once so many samples were looked at: for the windows of one series. */
  spend(samples: number): void {
    this.#unchecked += samples
    if (this.#unchecked < UNCHECKED_SAMPLES_MAX) return
    this.#unchecked = 0
    this.check()
  }

  /**
   * Counts samples held. `read`: how many were looked at for them, as `stats` tells it. Throws LimitError over the limit.
   */
  addSamples(count: number, read: number = count): void {
    this.#samples += count
    this.#samplesTotal += read
    this.#checkSamples()
  }

  /** Counts samples that wait for others, beside those on their way; a negative count lets go of them. Throws LimitError over the limit. */
  keepSamples(count: number): void {
    this.#samplesKept += count
    this.#checkSamples()
  }

  #checkSamples(): void {
    const held = this.#samples + this.#samplesKept
    if (held > this.#samplesPeak) this.#samplesPeak = held
    if (held > this.#options.samplesMax) {
      throw new LimitError('query processing would load too many samples into memory in query execution')
    }
  }

  /** Samples on their way now, from operator to operator. */
  get samplesHeld(): number {
    return this.#samples
  }

  /** Lets go of what was loaded since `before` were held, but for `kept`: the results of what has read its input to the end. */
  settleSamples(before: number, kept: number): void {
    this.#samples = before
    this.addSamples(kept, 0)
  }

  /** Reserves bytes for arrays the caller makes itself. Throws LimitError, naming the limit. */
  addBytes(count: number): void {
    this.#bytes += count
    if (this.#bytes > this.#bytesPeak) this.#bytesPeak = this.#bytes
    if (this.#bytes > this.#options.bytesMax) {
      const limitMib = Math.round(this.#options.bytesMax / 1048576)
      throw new LimitError(`query needs more than its memory limit of ${limitMib} MiB in query execution: ${LESS_OR_MORE}`)
    }
  }

  releaseBytes(count: number): void {
    this.#bytes -= count
  }

  /** Bytes reserved now. */
  get bytesHeld(): number {
    return this.#bytes
  }

  /** Bytes that may still be reserved. */
  get bytesLeft(): number {
    return this.#options.bytesMax - this.#bytes
  }

  /** The most bytes reserved at once. */
  get bytesPeak(): number {
    return this.#bytesPeak
  }

  /** A zeroed array, paid for. */
  floats(length: number): Float64Array {
    this.addBytes(length * 8)
    return new Float64Array(length)
  }

  /** A zeroed array, paid for. */
  bytes(length: number): Uint8Array {
    this.addBytes(length)
    return new Uint8Array(length)
  }

  /** A zeroed array, paid for. */
  ints(length: number): Uint32Array {
    this.addBytes(length * 4)
    return new Uint32Array(length)
  }

  /**
   * What `work` reads counts `times` over: 0 for the inside of a subquery, whose windows are counted instead. `places`: the steps
   * at which it is read; null: at none.
   */
  readTimes<T>(times: number, work: () => T, places: ReadPlaces | null): T {
    const before = this.#samplesTotal
    const result = this.stepSamples === null ? work() : this.stepSamples.readTimes(times, work, places)
    this.#samplesTotal = before + (this.#samplesTotal - before) * times
    return result
  }

  /** Also says what `work` read, for those who have its result without its work. */
  recorded<T>(work: () => T): { result: T; reads: Reads } {
    const before = this.#samplesTotal
    const { result, reads: bySteps } = this.stepSamples === null ? { result: work(), reads: null } : this.stepSamples.recorded(work)
    return { result, reads: { samples: this.#samplesTotal - before, bySteps } }
  }

  /** Counts once more what was read: its result is used as if it were read again. */
  countAgain({ samples, bySteps }: Reads): void {
    this.#samplesTotal += samples
    if (bySteps !== null) this.stepSamples?.count(bySteps)
  }

  /** All samples ever read. */
  get samplesTotal(): number {
    return this.#samplesTotal
  }

  /** The most samples held at once. */
  get samplesPeak(): number {
    return this.#samplesPeak
  }
}
