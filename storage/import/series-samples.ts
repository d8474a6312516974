// Samples of one series on their way out of a Prometheus data folder, as columns that grow.
import type { FloatHistogram } from '../../lib/model/histogram.ts'

/** Samples of one series in the order of their file. */
export interface SeriesSamples {
  count: number
  /** Unix ms. */
  t: Float64Array
  v: Float64Array
  /** 1: a staleness marker, v is then undefined. */
  stale: Uint8Array
  /** Where element i is not null, sample i is that histogram. */
  histograms: (FloatHistogram | null)[]
}

export function makeSamples(): SeriesSamples {
  return { count: 0, t: new Float64Array(128), v: new Float64Array(128), stale: new Uint8Array(128), histograms: [] }
}

/** Appends one sample; arrays grow by doubling. */
export function pushSample(out: SeriesSamples, t: number, v: number, histogram: FloatHistogram | null = null): void {
  if (out.count === out.t.length) grow(out)
  const i = out.count++
  out.t[i] = t
  out.v[i] = v
  out.stale[i] = isStaleMarker(v) ? 1 : 0
  out.histograms[i] = out.stale[i] === 1 ? null : histogram
}

function grow(out: SeriesSamples): void {
  const size = out.t.length * 2
  const { t, v, stale } = out
  out.t = new Float64Array(size)
  out.t.set(t)
  out.v = new Float64Array(size)
  out.v.set(v)
  out.stale = new Uint8Array(size)
  out.stale.set(stale)
}

const bitsOf = new Uint32Array(2)
const doubleOf = new Float64Array(bitsOf.buffer)

const marker = new Float64Array(Uint32Array.of(2, 0x7ff00000).buffer)

/** Prometheus' staleness marker, the NaN 0x7ff0000000000002, from memory each time: its bits survive no arithmetic. */
export function staleMarker(): number {
  return marker[0]!
}

/** Whether `v` is that. Ask before any arithmetic. */
export function isStaleMarker(v: number): boolean {
  if (v === v) return false
  doubleOf[0] = v
  return bitsOf[0] === 2 && (bitsOf[1]! & 0x7ff7ffff) === 0x7ff00000
}

/** Makes times ascend strictly, as those of overlapping chunks may not; of two samples at one time the first stays. */
export function sortSamples(samples: SeriesSamples): void {
  const { count, t, v, histograms } = samples
  let isAscending = true
  for (let i = 1; i < count && isAscending; i++) isAscending = t[i]! > t[i - 1]!
  if (isAscending) return
  const order = Uint32Array.from({ length: count }, (_, i) => i).sort((a, b) => t[a]! - t[b]! || a - b)
  const sorted = { t: t.slice(0, count), v: v.slice(0, count), histograms: histograms.slice(0, count) }
  samples.count = 0
  for (const i of order) {
    if (samples.count > 0 && sorted.t[i] === samples.t[samples.count - 1]) continue
    pushSample(samples, sorted.t[i]!, sorted.v[i]!, sorted.histograms[i]!)
  }
}
