// What `monitor tsdb analyze` finds beyond the head's index: of chosen series, and (`--extended`) of their samples.
import type { Matcher } from '../../lib/model/matcher.ts'
import { labelPairs } from '../../storage/batch-sample.ts'
import type { Cardinality, CardinalityEntry, Querier, SeriesBatch } from '../../storage/interface.ts'

/** As the index tells it of all series, counted of those that match, dead ones included. */
export function cardinalityOf(querier: Querier, matchers: readonly Matcher[], limit: number): Cardinality {
  const metrics = new Tally()
  const pairs = new Tally()
  const bytes = new Tally()
  const values = new Map<string, Set<string>>()
  const refs = querier.seriesRefs([matchers], -Infinity, Infinity)
  for (const ref of refs) {
    for (const [name, value] of labelPairs(querier, ref)) {
      if (name === '__name__') metrics.add(value, 1)
      pairs.add(`${name}=${value}`, 1)
      bytes.add(name, Buffer.byteLength(name) + Buffer.byteLength(value))
      const known = values.get(name)
      if (known === undefined) values.set(name, new Set([value]))
      else known.add(value)
    }
  }
  const valueCounts = new Tally()
  for (const [name, known] of values) valueCounts.add(name, known.size)
  return {
    series: refs.length, pairs: pairs.size, chunks: 0, minT: Infinity, maxT: -Infinity,
    seriesByMetric: metrics.largest(limit), valuesByLabel: valueCounts.largest(limit), bytesByLabel: bytes.largest(limit), seriesByPair: pairs.largest(limit),
  }
}

/** What reading all samples of the series tells. */
export interface SampleStats {
  samples: number
  /** Of the samples. */
  histograms: number
  staleMarkers: number
  /** Unix ms; Infinity and -Infinity where there is no sample. */
  minT: number
  maxT: number
  samplesByMetric: readonly CardinalityEntry[]
  /** Series that come and go: for each the share of the time from `minT` to `maxT` for which it was not there, summed, as promtool has it. */
  churnByPair: readonly CardinalityEntry[]
  churnByLabel: readonly CardinalityEntry[]
}

export function sampleStats(querier: Querier, matchers: readonly Matcher[], limit: number): SampleStats {
  const metrics = new Tally()
  const lives: { ref: number; fromT: number; toT: number }[] = []
  const stats = { samples: 0, histograms: 0, staleMarkers: 0, minT: Infinity, maxT: -Infinity }
  const selection = querier.select(matchers, -8.64e15, 8.64e15, { startMs: -8.64e15, endMs: 8.64e15, stepMs: 0, rangeMs: 0, func: '' })
  for (let batch = selection.next(); batch !== null; batch = selection.next()) {
    for (let s = 0; s < batch.seriesCount; s++) {
      const ref = selection.refs[batch.index[s]!]!
      const { count, stale, histograms, fromT, toT } = seriesStats(batch, s)
      if (count === 0) continue
      stats.samples += count
      stats.histograms += histograms
      stats.staleMarkers += stale
      stats.minT = Math.min(stats.minT, fromT)
      stats.maxT = Math.max(stats.maxT, toT)
      metrics.add(metricOf(querier, ref), count)
      lives.push({ ref, fromT, toT })
    }
  }
  const pairs = new Tally()
  const labels = new Tally()
  const spanMs = Math.max(1, stats.maxT - stats.minT)
  for (const { ref, fromT, toT } of lives) {
    const absent = 1 - (toT - fromT) / spanMs
    for (const [name, value] of labelPairs(querier, ref)) {
      pairs.add(`${name}=${value}`, absent)
      labels.add(name, absent)
    }
  }
  return { ...stats, samplesByMetric: metrics.largest(limit), churnByPair: whole(pairs.largest(limit)), churnByLabel: whole(labels.largest(limit)) }
}

function metricOf(querier: Querier, ref: number): string {
  return labelPairs(querier, ref).find(([name]) => name === '__name__')?.[1] ?? ''
}

function whole(entries: readonly CardinalityEntry[]): CardinalityEntry[] {
  return entries.map(({ name, value }) => ({ name, value: Math.floor(value) })).filter(({ value }) => value > 0)
}

function seriesStats(batch: SeriesBatch, s: number): { count: number; stale: number; histograms: number; fromT: number; toT: number } {
  const words = (batch.n + 31) >>> 5
  const isSet = (bits: Uint32Array, i: number): boolean => ((bits[s * words + (i >>> 5)]! >>> (i & 31)) & 1) === 1
  const found = { count: 0, stale: 0, histograms: 0, fromT: Infinity, toT: -Infinity }
  const hasGaps = batch.hasGaps[s] === 1
  for (let i = 0; i < batch.n; i++) {
    if (hasGaps && !isSet(batch.present, i)) continue
    if (found.count === 0) found.fromT = batch.t[i]!
    found.toT = batch.t[i]!
    found.count++
    if (hasGaps && isSet(batch.stale, i)) found.stale++
    else if (batch.histograms !== null && isSet(batch.histogramBits, i)) found.histograms++
  }
  return found
}

class Tally {
  readonly #sums = new Map<string, number>()

  get size(): number {
    return this.#sums.size
  }

  add(name: string, value: number): void {
    this.#sums.set(name, (this.#sums.get(name) ?? 0) + value)
  }

  /** Descending. */
  largest(limit: number): CardinalityEntry[] {
    return Array.from(this.#sums, ([name, value]) => ({ name, value })).toSorted((a, b) => b.value - a.value).slice(0, limit)
  }
}
