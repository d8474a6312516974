// The batch a scrape hands to the store: the samples of its body, staleness markers, `up` and its kin. One instance
// serves all targets in turn, since a scrape is read in one go.
import type { FloatHistogram } from '../model/histogram.ts'
import type { SampleBatch } from '../../storage/interface.ts'

export class ScrapeBatch implements SampleBatch {
  count = 0
  refs: Uint32Array = new Uint32Array(1024)
  values: Float64Array = new Float64Array(1024)
  t = 0
  times: Float64Array | null = null
  stale: Uint8Array | null = null
  histograms: (FloatHistogram | null)[] | null = null
  startTimes: Float64Array | null = null
  verdicts: Uint8Array = new Uint8Array(1024)
  #times = new Float64Array(0)
  #stale = new Uint8Array(0)
  #startTimes = new Float64Array(0)

  get capacity(): number {
    return this.refs.length
  }

  /** Empties the batch; `t` in Unix ms holds for all samples that bring no time. */
  reset(t: number): void {
    this.count = 0
    this.t = t
    this.times = null
    this.stale = null
    this.histograms = null
    this.startTimes = null
  }

  /** Makes room for `extra` samples more. Arrays are replaced: take them anew. */
  reserve(extra: number): void {
    const need = this.count + extra
    if (need <= this.capacity) return
    const capacity = Math.max(need, this.capacity * 2)
    this.refs = resized(this.refs, new Uint32Array(capacity))
    this.values = resized(this.values, new Float64Array(capacity))
    this.verdicts = new Uint8Array(capacity)
    if (this.times !== null) this.times = this.#times = resized(this.#times, new Float64Array(capacity))
    if (this.stale !== null) this.stale = this.#stale = resized(this.#stale, new Uint8Array(capacity))
  }

  push(ref: number, value: number): void {
    this.reserve(1)
    const i = this.count++
    this.refs[i] = ref
    this.values[i] = value
    if (this.times !== null) this.times[i] = this.t
    if (this.stale !== null) this.stale[i] = 0
    if (this.histograms !== null) this.histograms.push(null)
  }

  /** Pushes the first `n` samples of these. */
  pushAll(refs: Uint32Array, values: Float64Array, n: number): void {
    this.reserve(n)
    const from = this.count
    this.refs.set(refs.subarray(0, n), from)
    this.values.set(values.subarray(0, n), from)
    this.times?.fill(this.t, from, from + n)
    this.stale?.fill(0, from, from + n)
    this.count = from + n
  }

  /** Makes the sample pushed last this histogram. */
  setHistogram(histogram: FloatHistogram): void {
    this.histograms ??= Array.from({ length: this.count }, () => null)
    this.histograms[this.count - 1] = histogram
  }

  /** A sample with a time of its own. */
  pushAt(ref: number, value: number, timeMs: number): void {
    if (this.times === null) {
      if (this.#times.length < this.capacity) this.#times = new Float64Array(this.capacity)
      this.times = this.#times.fill(this.t, 0, this.count)
    }
    this.push(ref, value)
    this.times[this.count - 1] = timeMs
  }

  pushStale(ref: number): void {
    if (this.stale === null) {
      if (this.#stale.length < this.capacity) this.#stale = new Uint8Array(this.capacity)
      this.stale = this.#stale.fill(0, 0, this.count)
    }
    this.push(ref, NaN)
    this.stale[this.count - 1] = 1
  }

  /** Gives samples that are there their start times, by ref; all others have none. Nothing is to be pushed after that. */
  setStartTimes(times: ReadonlyMap<number, number>): void {
    if (this.#startTimes.length < this.capacity) this.#startTimes = new Float64Array(this.capacity)
    for (let i = 0; i < this.count; i++) this.#startTimes[i] = times.get(this.refs[i]!) ?? 0
    this.startTimes = this.#startTimes
  }

  /** Closes the gaps that samples with ref 0 leave. */
  dropWithoutRef(): void {
    let kept = 0
    for (let i = 0; i < this.count; i++) {
      if (this.refs[i] === 0) continue
      this.refs[kept] = this.refs[i]!
      this.values[kept] = this.values[i]!
      if (this.times !== null) this.times[kept] = this.times[i]!
      if (this.stale !== null) this.stale[kept] = this.stale[i]!
      if (this.histograms !== null) this.histograms[kept] = this.histograms[i]!
      kept++
    }
    this.count = kept
    if (this.histograms !== null) this.histograms.length = kept
  }

  /** Brings samples of one series together, times ascending, as the store asks; for bodies that repeat a series at several times. */
  groupBySeries(): void {
    const { times } = this
    if (times === null) return
    const first = new Map<number, number>()
    for (let i = 0; i < this.count; i++) if (!first.has(this.refs[i]!)) first.set(this.refs[i]!, i)
    const order = Array.from({ length: this.count }, (_, i) => i)
    order.sort((a, b) => first.get(this.refs[a]!)! - first.get(this.refs[b]!)! || times[a]! - times[b]! || a - b)
    this.refs.set(Uint32Array.from(order, (i) => this.refs[i]!))
    this.values.set(Float64Array.from(order, (i) => this.values[i]!))
    times.set(Float64Array.from(order, (i) => times[i]!))
    const { histograms } = this
    if (histograms !== null) this.histograms = order.map((i) => histograms[i]!)
  }
}

function resized<T extends Uint32Array | Float64Array | Uint8Array>(from: T, to: T): T {
  to.set(from)
  return to
}
