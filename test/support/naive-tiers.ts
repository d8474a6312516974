// Tiers over plain arrays: the rows of buckets worked out from all samples there ever were, the slow and plain way, and raw
// samples shown only as far back as they are said to be kept. What the engine's reading of tiers is tested against.
import type { Matcher } from '../../lib/model/matcher.ts'
import type { Querier, Queryable, SelectHints, Selection } from '../../storage/interface.ts'
import {
  TIER_MS, type BucketBatch, type BucketColumn, type BucketColumns, type BucketSelection, type QuantileRow, type QuantileWindows, type TierCoverage, type TierName, type TierQuerier,
} from '../../storage/tier/bucket.ts'
import type { MemorySample, MemoryStorage } from './memory-storage.ts'

type StoredTier = Exclude<TierName, 'raw'>

export interface NaiveTiersOptions {
  /** Raw samples up to here are gone. */
  rawFrom: number
  tiers: readonly { name: StoredTier; from: number; to: number; localFrom?: number }[]
  /** Each series a batch of its own, rather than all in one. */
  isApart?: boolean
}

/** Of what `storage` holds when the first query is asked. */
export class NaiveTiers implements Queryable {
  readonly #storage: MemoryStorage
  readonly #options: NaiveTiersOptions
  #series: TieredSeries[] | null = null

  constructor(storage: MemoryStorage, options: NaiveTiersOptions) {
    this.#storage = storage
    this.#options = options
  }

  querier(): Querier {
    this.#series ??= this.#storage.dump().map(({ samples }) => {
      return { samples, rows: { '1m': bucketsOf(samples, TIER_MS['1m']), '1h': bucketsOf(samples, TIER_MS['1h']) } }
    })
    return new TieredQuerier(this.#storage.querier(), this.#series, this.#options)
  }
}

interface TieredSeries {
  samples: readonly MemorySample[]
  rows: Record<StoredTier, readonly Bucket[]>
}

class TieredQuerier implements Querier, TierQuerier {
  readonly #inner: Querier
  /** Position ref - 1. */
  readonly #series: readonly TieredSeries[]
  readonly #options: NaiveTiersOptions

  constructor(inner: Querier, series: readonly TieredSeries[], options: NaiveTiersOptions) {
    this.#inner = inner
    this.#series = series
    this.#options = options
  }

  get buckets(): TierQuerier {
    return this
  }

  get rawFrom(): number {
    return this.#options.rawFrom
  }

  keptAlike(matchers: readonly Matcher[]): readonly (readonly Matcher[])[] {
    return [matchers]
  }

  tiers(matchers: readonly Matcher[]): readonly TierCoverage[] {
    const { rawFrom, tiers } = this.#options
    const hasHistograms = this.#matching(matchers).some(({ samples }) => samples.some(({ h }) => h !== null))
    return [
      { name: 'raw', widthMs: 0, from: rawFrom, to: Infinity, keptFrom: -Infinity, localFrom: -Infinity, lacksHistograms: false },
      ...tiers.map((tier) => ({ ...tier, widthMs: TIER_MS[tier.name], keptFrom: -Infinity, localFrom: tier.localFrom ?? -Infinity, lacksHistograms: hasHistograms })),
    ]
  }

  selectBuckets(name: StoredTier, matchers: readonly Matcher[], mint: number, maxt: number, wanted: readonly BucketColumn[]): BucketSelection {
    const series = this.#matching(matchers)
    const { isApart = false } = this.#options
    const within = this.#within(name, mint, maxt)
    const all = series.map(({ rows }) => rows[name].filter(({ end }) => end > within.from && end <= within.to))
    const filled = all.flatMap((own, index) => (own.length === 0 ? [] : [{ index, own }]))
    const groups = isApart ? filled.map((one) => [one]) : filled.length === 0 ? [] : [filled]
    let at = 0
    return {
      refs: Uint32Array.from(series, ({ ref }) => ref),
      next: () => (at === groups.length ? null : toBatch(groups[at++]!, wanted)),
    }
  }

  *quantiles(name: StoredTier, refs: Uint32Array, { qs, from, to }: QuantileWindows): Generator<QuantileRow> {
    for (const [index, ref] of refs.entries()) {
      const { samples, rows } = this.#series[ref - 1]!
      const lists = Array.from(qs, (_, i) => {
        const within = this.#within(name, from[i]!, to[i]!)
        return floatsOf(samples).filter(({ t }) => t > within.from && t <= within.to).map(({ v }) => v)
      })
      // As wrong as it may be.
      const values = Float64Array.from(lists, (list, i) => (list.length === 0 ? NaN : naiveQuantile(qs[i]!, list) * 1.0099))
      yield { index, rows: rows[name].length, values, found: Uint8Array.from(lists, (list) => (list.length === 0 ? 0 : 1)) }
    }
  }

  select(matchers: readonly Matcher[], mint: number, maxt: number, hints: SelectHints): Selection {
    // A store may hand up more than was asked for.
    return this.#inner.select(matchers, Math.max(mint - 600_000, this.#options.rawFrom + 1), maxt + 600_000, hints)
  }

  labelNames(sets: readonly (readonly Matcher[])[], mint: number, maxt: number): string[] {
    return this.#inner.labelNames(sets, mint, maxt)
  }

  labelValues(name: string, sets: readonly (readonly Matcher[])[], mint: number, maxt: number): string[] {
    return this.#inner.labelValues(name, sets, mint, maxt)
  }

  seriesRefs(sets: readonly (readonly Matcher[])[], mint: number, maxt: number): Uint32Array {
    return this.#inner.seriesRefs(sets, mint, maxt)
  }

  symbolOf(text: string): number {
    return this.#inner.symbolOf(text)
  }

  textOf(symbol: number): string {
    return this.#inner.textOf(symbol)
  }

  labelsOf(ref: number, out: Uint32Array): number {
    return this.#inner.labelsOf(ref, out)
  }

  cardinality(limit: number): never {
    throw new Error(`an index of ${limit} is not kept here`)
  }

  close(): void {}

  #within(name: StoredTier, mint: number, maxt: number): { from: number; to: number } {
    const tier = this.#options.tiers.find((one) => one.name === name)!
    return { from: Math.max(mint, tier.from), to: Math.min(maxt, tier.to) }
  }

  #matching(matchers: readonly Matcher[]): (TieredSeries & { ref: number })[] {
    const hints = { startMs: 0, endMs: 0, stepMs: 0, rangeMs: 0, func: '' }
    return Array.from(this.#inner.select(matchers, 0, 0, hints).refs, (ref) => ({ ...this.#series[ref - 1]!, ref }))
  }
}

interface Bucket {
  end: number
  columns: Record<BucketColumn, number>
}

function floatsOf(samples: readonly MemorySample[]): { t: number; v: number }[] {
  return samples.filter(({ isStale, h }) => !isStale && h === null)
}

function bucketsOf(samples: readonly MemorySample[], widthMs: number): Bucket[] {
  const groups = Map.groupBy(samples.filter(({ h }) => h === null), ({ t }) => Math.ceil(t / widthMs) * widthMs)
  return [...groups].map(([end, entries]) => ({ end, columns: columnsOf(entries) }))
}

/** The row of a bucket that holds these, at least one. */
export function columnsOf(entries: readonly MemorySample[]): Record<BucketColumn, number> {
  const floats = floatsOf(entries)
  const values = floats.map(({ v }) => v)
  const staleAtEnd = entries.at(-1)!.isStale ? 1 : 0
  if (values.length === 0) {
    return { count: 0, sum: NaN, m2: NaN, min: NaN, max: NaN, first: NaN, last: NaN, correction: NaN, p99: NaN, firstT: NaN, lastT: NaN, staleAtEnd }
  }
  const numbers = values.filter((v) => !Number.isNaN(v))
  const least = (sign: number): number => numbers.reduce((a, b) => (sign * b < sign * a ? b : a), numbers[0] ?? NaN)
  return {
    count: values.length, sum: exactSum(values), m2: squares(values), min: least(1), max: least(-1), first: values[0]!, last: values.at(-1)!,
    correction: values.reduce((sum, v, i) => (i > 0 && v < values[i - 1]! ? sum + values[i - 1]! : sum), 0),
    p99: naiveQuantile(0.99, values), firstT: floats[0]!.t, lastT: floats.at(-1)!.t, staleAtEnd,
  }
}

/** Rounded once: partial sums that do not overlap (J. R. Shewchuk, 1997), as Python's math.fsum. */
function exactSum(values: readonly number[]): number {
  let partials: number[] = []
  // As sum_over_time: what has overflown does not come back.
  const plain = values.reduce((a, b) => a + b)
  if (!Number.isFinite(plain)) return plain
  for (const value of values) {
    let x = value
    const rest: number[] = []
    for (const p of partials) {
      const [large, small] = Math.abs(x) >= Math.abs(p) ? [x, p] : [p, x]
      const sum = large + small
      const low = small - (sum - large)
      if (low !== 0) rest.push(low)
      x = sum
    }
    partials = [...rest, x]
  }
  return partials.reduceRight((a, b) => a + b, 0)
}

/** Around the mean, in two passes. */
function squares(values: readonly number[]): number {
  const mean = values.every((v) => v === values[0]) ? values[0]! : exactSum(values) / values.length
  return exactSum(values.map((v) => (v - mean) ** 2))
}

function naiveQuantile(q: number, values: readonly number[]): number {
  const sorted = [...values].toSorted((a, b) => (Number.isNaN(a) ? -1 : Number.isNaN(b) ? 1 : a - b))
  const rank = q * (sorted.length - 1)
  const lower = Math.floor(rank)
  const upper = Math.min(sorted.length - 1, lower + 1)
  const weight = rank - lower
  return sorted[lower]! * (1 - weight) + sorted[upper]! * weight
}

function toBatch(group: readonly { index: number; own: readonly Bucket[] }[], wanted: readonly BucketColumn[]): BucketBatch {
  const t = Float64Array.from([...new Set(group.flatMap(({ own }) => own.map(({ end }) => end)))].toSorted((a, b) => a - b))
  const positions = new Map(Array.from(t, (end, i) => [end, i]))
  const n = t.length
  const column = (name: BucketColumn): Float64Array => {
    if (name !== 'count' && !wanted.includes(name)) return new Float64Array(0)
    // What a row without samples holds has no meaning; a loud number shows who reads it all the same.
    const values = new Float64Array(group.length * n).fill(name === 'count' ? 0 : -9.87654321e300)
    group.forEach(({ own }, s) => {
      for (const { end, columns } of own) if (name === 'count' || columns.count > 0) values[s * n + positions.get(end)!] = columns[name]
    })
    return values
  }
  const columns: BucketColumns = {
    count: column('count'), sum: column('sum'), m2: column('m2'), min: column('min'), max: column('max'), first: column('first'),
    last: column('last'), correction: column('correction'), p99: column('p99'), firstT: column('firstT'), lastT: column('lastT'),
    staleAtEnd: new Uint8Array(group.length * n),
  }
  group.forEach(({ own }, s) => {
    for (const { end, columns: { staleAtEnd } } of own) columns.staleAtEnd[s * n + positions.get(end)!] = staleAtEnd
  })
  return { n, t, seriesCount: group.length, index: Uint32Array.from(group, ({ index }) => index), columns }
}
