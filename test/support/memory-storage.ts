// The waist of the store over plain arrays: a Map of series, each a list of samples sorted by time. Slow, small and
// obviously right: what scrape, ingest and the engine are tested against, and the oracle for the real head.
// Regex matchers use re2js directly, so that the fast paths of lib/std/regex are not tested against themselves.
import { RE2JS } from 're2js'
import { isSameHistogram, type FloatHistogram } from '../../lib/model/histogram.ts'
import { compareText, type Labels } from '../../lib/model/labels.ts'
import type { Matcher } from '../../lib/model/matcher.ts'
import { SeriesLimitError } from '../../storage/errors.ts'
import {
  REJECT_DUPLICATE, REJECT_FUTURE, REJECT_OUT_OF_ORDER, REJECT_TOO_OLD, STORED,
  type Appender, type Queryable, type Querier, type SampleBatch, type Selection, type SeriesBatch,
} from '../../storage/interface.ts'

/** How `select` cuts its answer into batches; no query may answer differently for it. */
export type BatchShape =
  /** Series with equal timestamp columns (in range) together. */
  | 'equal'
  /** Every series alone. */
  | 'each'
  /** All series together on the union of their timestamps, with gaps. */
  | 'union'

export interface MemoryStorageOptions {
  shape?: BatchShape
  /** How far behind a series' newest sample a sample may lie. Default 10 min, as the real store. */
  outOfOrderWindowMs?: number
  /** Unix ms now, for the verdicts future (> 10 min ahead) and too old; absent: neither is judged. */
  now?: () => number
  /** Samples older than now minus this are too old. */
  retentionMs?: number
  seriesLimit?: number
}

export interface MemorySample {
  t: number
  v: number
  isStale: boolean
  /** A native histogram; v is then NaN. */
  h: FloatHistogram | null
  /** Unix ms at which what it counts began; 0 where not known. */
  startMs: number
}

interface MemorySeries {
  ref: number
  labels: Labels
  /** Sorted by t, unique t. Only ever pushed to; an insertion makes a new array, so that open queriers keep theirs. */
  samples: MemorySample[]
}

const FUTURE_LIMIT_MS = 600_000
const BATCH_VALUES_MAX = 1 << 20

/** Appender and Queryable in one. Refs count up from 1 in order of creation. */
export class MemoryStorage implements Appender, Queryable {
  readonly #options: MemoryStorageOptions
  readonly #series: MemorySeries[] = []
  readonly #byLabels = new Map<string, MemorySeries>()
  readonly #symbols: string[] = ['']
  readonly #symbolIds = new Map<string, number>()
  /** How often `commit` was called. */
  commits = 0
  readonly exemplars = null

  constructor(options: MemoryStorageOptions = {}) {
    this.#options = options
  }

  series(labels: Labels): number {
    const key = JSON.stringify(labels)
    let series = this.#byLabels.get(key)
    if (series === undefined) {
      const limit = this.#options.seriesLimit ?? Infinity
      if (this.#series.length >= limit) throw new SeriesLimitError(`cannot make series: limit of ${limit} reached`)
      series = { ref: this.#series.length + 1, labels: [...labels], samples: [] }
      for (const text of labels) this.#symbol(text)
      this.#series.push(series)
      this.#byLabels.set(key, series)
    }
    return series.ref
  }

  append(batch: SampleBatch, verdicts: Uint8Array): number {
    let refused = 0
    for (let i = 0; i < batch.count; i++) {
      const series = this.#series[batch.refs[i]! - 1]
      if (series === undefined) throw new Error(`no series ${batch.refs[i]}`)
      const isStale = batch.stale !== null && batch.stale[i] === 1
      const t = batch.times === null ? batch.t : batch.times[i]!
      const h = isStale ? null : batch.histograms?.[i] ?? null
      const v = isStale || h !== null ? NaN : batch.values[i]!
      verdicts[i] = this.#put(series, { t, v, isStale, h, startMs: batch.startTimes?.[i] ?? 0 })
      if (verdicts[i] !== STORED) refused++
    }
    return refused
  }

  commit(): Promise<void> {
    this.commits++
    return Promise.resolve()
  }

  querier(): Querier {
    const frozen = this.#series.map(({ ref, labels, samples }) => ({ ref, labels, samples, length: samples.length }))
    return new MemoryQuerier(frozen, this.#symbols, this.#symbolIds, this.#options.shape ?? 'equal')
  }

  /** Appends one sample; returns the verdict. */
  add(labels: Labels, t: number, v: number, startMs = 0): number {
    return this.#put(this.#series[this.series(labels) - 1]!, { t, v, isStale: false, h: null, startMs })
  }

  /** Appends one native histogram; returns the verdict. */
  addHistogram(labels: Labels, t: number, h: FloatHistogram, startMs = 0): number {
    return this.#put(this.#series[this.series(labels) - 1]!, { t, v: NaN, isStale: false, h, startMs })
  }

  /** Appends one staleness marker; returns the verdict. */
  addStale(labels: Labels, t: number): number {
    return this.#put(this.#series[this.series(labels) - 1]!, { t, v: NaN, isStale: true, h: null, startMs: 0 })
  }

  /** Everything stored, in order of creation; copies. */
  dump(): { labels: Labels; samples: MemorySample[] }[] {
    return this.#series.map(({ labels, samples }) => ({ labels, samples: samples.map((sample) => ({ ...sample })) }))
  }

  #put(series: MemorySeries, sample: MemorySample): number {
    const { now, retentionMs = Infinity, outOfOrderWindowMs = FUTURE_LIMIT_MS } = this.#options
    if (!Number.isFinite(sample.t)) return REJECT_TOO_OLD
    if (now !== undefined && sample.t > now() + FUTURE_LIMIT_MS) return REJECT_FUTURE
    if (now !== undefined && sample.t < now() - retentionMs) return REJECT_TOO_OLD
    const { samples } = series
    const newest = samples.at(-1)
    if (newest === undefined || sample.t > newest.t) {
      samples.push(sample)
      return STORED
    }
    const same = samples.find((other) => other.t === sample.t)
    if (same !== undefined) {
      return isEqual(same, sample) ? STORED : REJECT_DUPLICATE
    }
    if (sample.t < newest.t - outOfOrderWindowMs) return REJECT_OUT_OF_ORDER
    series.samples = [...samples, sample].toSorted((a, b) => a.t - b.t)
    return STORED
  }

  #symbol(text: string): void {
    if (!this.#symbolIds.has(text)) this.#symbolIds.set(text, this.#symbols.push(text) - 1)
  }
}

interface FrozenSeries {
  ref: number
  labels: Labels
  samples: MemorySample[]
  /** Samples past this came after the querier was made. */
  length: number
}

/** A series with its samples in range, at least one. */
interface FoundSeries {
  /** Position in the selection's refs. */
  index: number
  samples: MemorySample[]
}

class MemoryQuerier implements Querier {
  readonly #series: readonly FrozenSeries[]
  readonly #symbols: readonly string[]
  readonly #symbolIds: ReadonlyMap<string, number>
  readonly #shape: BatchShape

  constructor(series: readonly FrozenSeries[], symbols: readonly string[], symbolIds: ReadonlyMap<string, number>, shape: BatchShape) {
    this.#series = series
    this.#symbols = symbols
    this.#symbolIds = symbolIds
    this.#shape = shape
  }

  symbolOf(text: string): number {
    return this.#symbolIds.get(text) ?? 0
  }

  textOf(symbol: number): string {
    const text = this.#symbols[symbol]
    if (text === undefined || symbol === 0) throw new Error(`no symbol ${symbol}`)
    return text
  }

  labelsOf(ref: number, out: Uint32Array): number {
    const series = this.#series[ref - 1]
    if (series === undefined) throw new Error(`no series ${ref}`)
    series.labels.forEach((text, i) => (out[i] = this.symbolOf(text)))
    return series.labels.length
  }

  select(matchers: readonly Matcher[], mint: number, maxt: number): Selection {
    const matched = this.#match(matchers)
    const found: FoundSeries[] = []
    matched.forEach((series, index) => {
      const samples = samplesIn(series, mint, maxt)
      if (samples.length > 0) found.push({ index, samples })
    })
    const batches = toBatches(found, this.#shape)
    let at = 0
    return {
      refs: Uint32Array.from(matched, (series) => series.ref),
      next: () => batches[at++] ?? null,
    }
  }

  labelNames(sets: readonly (readonly Matcher[])[], mint: number, maxt: number): string[] {
    const names = new Set(this.#matchAny(sets, mint, maxt).flatMap(({ labels }) => labels.filter((_, i) => i % 2 === 0)))
    return [...names].toSorted(compareText)
  }

  labelValues(name: string, sets: readonly (readonly Matcher[])[], mint: number, maxt: number): string[] {
    const values = new Set(this.#matchAny(sets, mint, maxt).map(({ labels }) => valueOf(labels, name)))
    values.delete('')
    return [...values].toSorted(compareText)
  }

  seriesRefs(sets: readonly (readonly Matcher[])[], mint: number, maxt: number): Uint32Array {
    return Uint32Array.from(this.#matchAny(sets, mint, maxt), (series) => series.ref)
  }

  cardinality(): never {
    throw new Error('an index is not kept here')
  }

  close(): void {}

  #match(matchers: readonly Matcher[]): FrozenSeries[] {
    const tests = matchers.map(compile)
    if (tests.every((test) => test(''))) {
      throw new Error('at least one matcher must not match the empty text')
    }
    return this.#series.filter(({ labels }) => matchers.every(({ name }, i) => tests[i]!(valueOf(labels, name))))
  }

  #matchAny(sets: readonly (readonly Matcher[])[], mint: number, maxt: number): FrozenSeries[] {
    const wanted = sets.length === 0 ? null : new Set(sets.flatMap((set) => this.#match(set)))
    return this.#series.filter((series) => (wanted?.has(series) ?? true) && samplesIn(series, mint, maxt).length > 0)
  }
}

function isEqual(a: MemorySample, b: MemorySample): boolean {
  if (a.isStale || b.isStale) return a.isStale === b.isStale
  if (a.h !== null && b.h !== null) return isSameHistogram(a.h, b.h)
  return a.h === b.h && Object.is(a.v, b.v)
}

function valueOf(labels: Labels, name: string): string {
  for (let i = 0; i < labels.length; i += 2) if (labels[i] === name) return labels[i + 1]!
  return ''
}

function samplesIn(series: FrozenSeries, mint: number, maxt: number): MemorySample[] {
  return series.samples.slice(0, series.length).filter(({ t }) => t >= mint && t <= maxt)
}

function compile({ op, value }: Matcher): (text: string) => boolean {
  if (op === '=') return (text) => text === value
  if (op === '!=') return (text) => text !== value
  const pattern = RE2JS.compile(`^(?s:${value})$`)
  const isMatch = (text: string): boolean => pattern.matcher(text).matches()
  return op === '=~' ? isMatch : (text) => !isMatch(text)
}

function toBatches(found: readonly FoundSeries[], shape: BatchShape): SeriesBatch[] {
  const groups = Map.groupBy(found, ({ index, samples }) => {
    if (shape === 'union') return ''
    return shape === 'each' ? String(index) : samples.map(({ t }) => t).join()
  })
  const batches: SeriesBatch[] = []
  for (const group of groups.values()) {
    const times = [...new Set(group.flatMap(({ samples }) => samples.map(({ t }) => t)))].toSorted((a, b) => a - b)
    const perBatch = Math.max(1, Math.floor(BATCH_VALUES_MAX / times.length))
    for (let i = 0; i < group.length; i += perBatch) batches.push(toBatch(group.slice(i, i + perBatch), times))
  }
  return batches
}

function toBatch(group: readonly FoundSeries[], times: readonly number[]): SeriesBatch {
  const n = times.length
  const words = Math.ceil(n / 32)
  const columnOf = new Map(times.map((t, i) => [t, i]))
  const batch: SeriesBatch = {
    n,
    t: Float64Array.from(times),
    seriesCount: group.length,
    index: Uint32Array.from(group, ({ index }) => index),
    // Content where absent or stale is undefined by contract; a loud number shows who reads it all the same.
    v: new Float64Array(group.length * n).fill(-9.87654321e300),
    hasGaps: new Uint8Array(group.length),
    present: new Uint32Array(group.length * words),
    stale: new Uint32Array(group.length * words),
    histograms: null,
    histogramBits: new Uint32Array(group.length * words),
    startTimes: null,
  }
  const histograms: FloatHistogram[] = []
  const startTimes = new Float64Array(group.length * n)
  group.forEach(({ samples }, s) => {
    batch.hasGaps[s] = samples.length < n || samples.some(({ isStale }) => isStale) ? 1 : 0
    for (const { t, v, isStale, h, startMs } of samples) {
      const i = columnOf.get(t)!
      const word = s * words + (i >>> 5)
      batch.present[word]! |= 1 << (i & 31)
      if (isStale) batch.stale[word]! |= 1 << (i & 31)
      else if (h === null) batch.v[s * n + i] = v
      else {
        batch.histogramBits[word]! |= 1 << (i & 31)
        batch.v[s * n + i] = histograms.push(h) - 1
      }
      startTimes[s * n + i] = startMs
    }
  })
  if (histograms.length > 0) batch.histograms = histograms
  if (startTimes.some((startMs) => startMs !== 0)) batch.startTimes = startTimes
  return batch
}
