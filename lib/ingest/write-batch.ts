// The samples of one remote-write request on their way to the appender, in the sender's order.
//
//   reader ──▶ columns (values, times, stale)     assign ──▶ refs, origins      finish ──▶ SampleBatch
//   kernel ──▶ takeWalked: all of them
//
// The waist wants a series' samples together and ascending. Senders write them so; a body that does not (a series
// twice, times backwards) is regrouped once, stably, by the place where each series first stood.
import type { FloatHistogram } from '../model/histogram.ts'
import { SparseU32 } from '../std/sparse-u32.ts'
import { SampleColumns } from '../format/remote-write.ts'
import { WALK_DESCENDS, WALK_HAS_STALE, type WalkKernel } from '../kernels/walk.ts'
import { STORED, type SampleBatch } from '../../storage/interface.ts'

/** Sample without a series: its labels were refused. Refs start at 1. */
const NO_SERIES = 0
/** Columns beyond this are given back after the request that needed them. */
const KEEP_SAMPLES = 1 << 17
/** From here on columns are copied as a whole; below it the calls would cost more. */
const COPY_MIN = 48

/** One for all requests; every request starts with `clear`. */
export class WriteBatch {
  columns: SampleColumns = new SampleColumns()
  refs: Uint32Array = new Uint32Array(1024)
  /** Where in the body the series of each sample starts. */
  origins: Uint32Array = new Uint32Array(1024)
  verdicts: Uint8Array = new Uint8Array(1024)
  /** By ref: the request that last had it. */
  readonly #seen = new SparseU32()
  #request = 0
  #isRepeated = false
  #hasRefused = false
  /** By sample; null where the request has none. */
  #histograms: (FloatHistogram | null)[] | null = null
  /** Samples that are staleness markers and came as native histograms. */
  #histogramMarkers: ReadonlySet<number> = new Set()

  clear(): void {
    if (this.columns.values.length > KEEP_SAMPLES) {
      this.columns = new SampleColumns()
      this.refs = new Uint32Array(1024)
      this.origins = new Uint32Array(1024)
      this.verdicts = new Uint8Array(1024)
    }
    this.columns.clear()
    this.#isRepeated = false
    this.#hasRefused = false
    if (++this.#request > 0xffffffff) {
      this.#request = 1
      this.#seen.clear()
    }
  }

  /** Lets go of what is held by ref; before a request. */
  forgetRefs(): void {
    this.#seen.clear()
  }

  /** Gives samples [from, to) their series and the place it has in the body. */
  assign(from: number, to: number, ref: number, origin: number): void {
    if (to > this.refs.length) this.#grow()
    for (let i = from; i < to; i++) {
      this.refs[i] = ref
      this.origins[i] = origin
    }
    if (this.#seen.swap(ref, this.#request) === this.#request) this.#isRepeated = true
  }

  /** Takes over the `count` samples of the kernel's last walk, whose series have refs and places. */
  takeWalked({ values, times, stale, refs, origins, at }: WalkKernel, count: number): void {
    const { columns } = this
    const from = columns.count
    while (from + count > columns.values.length) columns.grow()
    if (from + count > this.refs.length) this.#grow()
    if (count >= COPY_MIN) {
      columns.values.set(values.subarray(0, count), from)
      columns.times.set(times.subarray(0, count), from)
      columns.stale.set(stale.subarray(0, count), from)
      this.refs.set(refs.subarray(0, count), from)
      this.origins.set(origins.subarray(0, count), from)
    } else {
      for (let i = 0; i < count; i++) {
        columns.values[from + i] = values[i]!
        columns.times[from + i] = times[i]!
        columns.stale[from + i] = stale[i]!
        this.refs[from + i] = refs[i]!
        this.origins[from + i] = origins[i]!
      }
    }
    columns.count = from + count
    if ((at[2]! & WALK_HAS_STALE) !== 0) columns.hasStale = true
    if ((at[2]! & WALK_DESCENDS) !== 0) columns.isAscending = false
    this.#see(refs, origins, count)
  }

  /** As `assign` for each series of a walk. */
  #see(refs: Uint32Array, origins: Uint32Array, count: number): void {
    const seen = this.#seen
    const request = this.#request
    let origin = -1
    for (let i = 0; i < count; i++) {
      if (origins[i] === origin) continue
      origin = origins[i]!
      if (seen.swap(refs[i]!, request) === request) this.#isRepeated = true
    }
  }

  /** Leaves samples [from, to) without a series, until `assign` says otherwise. */
  assignNone(from: number, to: number, origin: number): void {
    if (to > this.refs.length) this.#grow()
    // Not by `fill`: it is nearly always one sample, for which a call costs more.
    for (let i = from; i < to; i++) {
      this.refs[i] = NO_SERIES
      this.origins[i] = origin
    }
  }

  /** Says that samples left without a series shall be dropped. */
  refuse(): void {
    this.#hasRefused = true
  }

  /** The batch to append; its arrays are this object's, valid until `clear`. */
  finish(): SampleBatch {
    this.#histograms = this.#spreadHistograms()
    this.#histogramMarkers = new Set(this.columns.histogramMarkerPlaces)
    if (this.#hasRefused) this.#dropRefused()
    if (this.#isRepeated || !this.columns.isAscending) this.#regroup()
    const { count, values, times, stale, hasStale } = this.columns
    return { count, refs: this.refs, values, t: 0, times, stale: hasStale ? stale : null, histograms: this.#histograms }
  }

  /** Of the batch that was appended: native histograms that are stored, staleness markers among them. */
  storedHistograms(): number {
    const { verdicts } = this
    const live = this.#histograms?.filter((histogram, i) => histogram !== null && verdicts[i] === STORED).length ?? 0
    return this.#histogramMarkers.values().reduce((count, i) => count + (verdicts[i] === STORED ? 1 : 0), live)
  }

  #spreadHistograms(): (FloatHistogram | null)[] | null {
    const { count, histograms, histogramPlaces } = this.columns
    if (histograms.length === 0) return null
    const spread: (FloatHistogram | null)[] = Array.from({ length: count }, () => null)
    for (let k = 0; k < histograms.length; k++) spread[histogramPlaces[k]!] = histograms[k]!
    return spread
  }

  #dropRefused(): void {
    const order = new Uint32Array(this.columns.count)
    let kept = 0
    for (let i = 0; i < order.length; i++) if (this.refs[i] !== NO_SERIES) order[kept++] = i
    this.#permute(order.subarray(0, kept))
  }

  #regroup(): void {
    const { count, times } = this.columns
    const { refs } = this
    const firstAt = new Map<number, number>()
    for (let i = 0; i < count; i++) if (!firstAt.has(refs[i]!)) firstAt.set(refs[i]!, i)
    const first = Uint32Array.from({ length: count }, (_, i) => firstAt.get(refs[i]!)!)
    const order = Uint32Array.from({ length: count }, (_, i) => i)
    order.sort((a, b) => first[a]! - first[b]! || times[a]! - times[b]! || a - b)
    this.#permute(order)
  }

  #permute(order: Uint32Array): void {
    const { columns, refs, origins } = this
    const { values, times, stale } = columns
    this.refs = new Uint32Array(refs.length)
    this.origins = new Uint32Array(origins.length)
    columns.values = new Float64Array(values.length)
    columns.times = new Float64Array(values.length)
    columns.stale = new Uint8Array(values.length)
    for (let i = 0; i < order.length; i++) {
      const from = order[i]!
      this.refs[i] = refs[from]!
      this.origins[i] = origins[from]!
      columns.values[i] = values[from]!
      columns.times[i] = times[from]!
      columns.stale[i] = stale[from]!
    }
    columns.count = order.length
    const histograms = this.#histograms
    if (histograms !== null) this.#histograms = Array.from(order, (from) => histograms[from]!)
    const markers = this.#histogramMarkers
    if (markers.size > 0) this.#histogramMarkers = new Set(order.keys().filter((i) => markers.has(order[i]!)))
  }

  #grow(): void {
    const size = this.columns.values.length
    const { refs, origins } = this
    this.refs = new Uint32Array(size)
    this.refs.set(refs)
    this.origins = new Uint32Array(size)
    this.origins.set(origins)
    this.verdicts = new Uint8Array(size)
  }
}
