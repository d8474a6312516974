// The tiers of a store, as one querier sees them: which part of time each is whole of, and rows of them.
import type { Matcher } from '../lib/model/matcher.ts'
import { NO_SERIES } from './block/block.ts'
import type { BlockSet } from './block-set.ts'
import { COLD_REFS, type ColdPlace, type ColdSeries, type SeriesBlock } from './cold-series.ts'
import type { HeadQuerier } from './head/head-querier.ts'
import { lostWithin } from './lost-times.ts'
import { bucketEnd } from './tier/aggregate.ts'
import { TIER_MS, type BucketColumn, type BucketSelection, type QuantileRow, type QuantileWindows, type TierCoverage, type TierName, type TierQuerier } from './tier/bucket.ts'
import type { HourFiles } from './tier/hour-files.ts'
import { hourQuantiles } from './tier/hour-quantiles.ts'
import { lackHistograms, selectHours, type HourRange, type HourSeries } from './tier/hour-reader.ts'
import { SAMPLES_ALONE, wantedOf } from './tier/row-item.ts'
import type { TierReader } from './tier/tier-reader.ts'
import { TierSelection, type TierSeries } from './tier/tier-select.ts'
import { tierView, type TierPart } from './tier/tier-view.ts'
import { WindowQuantiles } from './tier/window-quantiles.ts'

type BucketTier = Exclude<TierName, 'raw'>

const WIDTH_MS = TIER_MS['1m']
const HOUR_MS = TIER_MS['1h']

/** What the queriers of a thread share. */
interface TierParts {
  minutes: BlockSet<TierReader>
  hours: HourFiles
  cold: ColdSeries
}

/** What it asks of the querier it is of. */
interface TierGround {
  /** Gets why blocks could not be opened. */
  leftOut: Set<string>
  /** From when on tiers have all of the series that match, by their own retention (Unix ms); null: no series has one. */
  keptFrom: (matchers: readonly Matcher[]) => Record<TierName, number> | null
  /** As TierQuerier has it. */
  keptAlike: (matchers: readonly Matcher[]) => readonly (readonly Matcher[])[]
  /** From when on raw samples of all series are kept, as far as rules tell. */
  rawKeptFrom: () => number
}

export class StoreTiers implements TierQuerier {
  readonly #head: HeadQuerier
  readonly #minutes: BlockSet<TierReader>
  readonly #hours: HourFiles
  readonly #cold: ColdSeries
  readonly #leftOut: Set<string>
  readonly #keptFrom: TierGround['keptFrom']
  readonly #rawKeptFrom: TierGround['rawKeptFrom']
  readonly keptAlike: TierGround['keptAlike']

  #areHoursOpen = false

  constructor(head: HeadQuerier, { minutes, hours, cold }: TierParts, { leftOut, keptFrom, keptAlike, rawKeptFrom }: TierGround) {
    this.#keptFrom = keptFrom
    this.#rawKeptFrom = rawKeptFrom
    this.keptAlike = keptAlike
    this.#head = head
    this.#minutes = minutes
    this.#hours = hours
    this.#cold = cold
    this.#leftOut = leftOut
  }

  get rawFrom(): number {
    return Math.max(this.#head.published.tiers.rawFrom, this.#rawKeptFrom())
  }

  tiers(matchers: readonly Matcher[]): readonly TierCoverage[] {
    const kept = this.#keptFrom(matchers)
    const rawFrom = Math.max(this.#head.published.tiers.rawFrom, kept?.raw ?? -Infinity)
    const raw: TierCoverage = { name: 'raw', widthMs: 0, from: rawFrom, to: Infinity, keptFrom: -Infinity, localFrom: -Infinity, lacksHistograms: false }
    return [raw, ...this.#minutesCover(matchers, kept), ...this.#hoursCover(matchers, kept)]
  }

  #minutesCover(matchers: readonly Matcher[], kept: Record<TierName, number> | null): TierCoverage[] {
    const { to, blocks, ...shown } = this.#head.published.tiers
    const from = Math.max(shown.from, kept?.['1m'] ?? -Infinity)
    if (blocks.length === 0) return []
    const end = Math.max(from, Math.min(to, this.#endBeforeLate(this.#head.matching(matchers), to, WIDTH_MS)))
    const parts = this.#parts(from, end)
    const { numbers } = this.#seriesOf(matchers, parts)
    const lacksHistograms = parts.some(({ block }, p) => block.lacking().size > 0 && numbers[p]!.some((number) => block.lacking().has(number)))
    return [{ name: '1m', widthMs: WIDTH_MS, from, to: end, keptFrom: kept?.['1m'] ?? -Infinity, localFrom: -Infinity, lacksHistograms }]
  }

  #hoursCover(matchers: readonly Matcher[], kept: Record<TierName, number> | null): TierCoverage[] {
    const { to, ...shown } = this.#head.published.tiers.hours
    const from = Math.max(shown.from, kept?.['1h'] ?? -Infinity)
    const files = this.#openHours()
    if (files.isEmpty || to <= from) return []
    const end = Math.max(from, Math.min(to, this.#endBeforeLate(this.#head.matching(matchers), to, HOUR_MS)))
    const range = { mint: from, maxt: end }
    return [{ name: '1h', widthMs: HOUR_MS, from, to: end, keptFrom: kept?.['1h'] ?? -Infinity, localFrom: files.localFrom, lacksHistograms: lackHistograms(files, this.#hourSeries(matchers, range), range) }]
  }

  /** Series that match, by the head's refs, and by labels where files have them under others. */
  #hourSeries(matchers: readonly Matcher[], { mint, maxt }: HourRange): HourSeries {
    const known = this.#head.matching(matchers)
    const files = this.#openHours().reaching(mint, maxt)
    const cold = this.#cold.select(matchers, files.map((file) => this.#hours.columnsOf(file)))
    if (cold.length === 0) return { refs: known, byLabels: new Map() }
    const byLabels = Map.groupBy(cold.map(({ b, number, ref }) => ({ file: files[b]!, number, ref })), ({ ref }) => ref)
    return { refs: Uint32Array.from(new Set([...known, ...byLabels.keys()])).sort(), byLabels }
  }

  /** Looks up what there is when it is asked for first: most queries are of raw samples. */
  #openHours(): HourFiles {
    if (!this.#areHoursOpen) this.#hours.begin()
    this.#areHoursOpen = true
    return this.#hours
  }

  /** What has buckets of [mint, maxt] whose raw samples are gone, as far as tiers keep them. */
  behindRaw(mint: number, maxt: number, kept: Readonly<Record<TierName, number>> | null): SeriesBlock[] {
    if (mint > this.rawFrom) return []
    const until = Math.min(maxt, this.rawFrom)
    const from = (name: BucketTier): number => Math.max(mint, kept?.[name] ?? -Infinity) - 1
    const to = (name: BucketTier): number => bucketEnd(until, TIER_MS[name])
    const minutes = from('1m') < to('1m') ? this.#parts(from('1m'), to('1m')).map(({ block }) => block) : []
    const files = from('1h') < to('1h') ? this.#openHours().reaching(from('1h'), to('1h')) : []
    return [...minutes, ...files.map((file) => this.#hours.columnsOf(file))]
  }

  /** Samples that came late lie in the head until the next cut: before the bucket of the oldest all is in the rows. */
  #endBeforeLate(refs: Uint32Array, to: number, widthMs: number): number {
    const { places } = this.#head
    let oldest = Infinity
    for (const ref of refs) {
      const groups = places.placesOf(ref, -Infinity, to)
      for (let k = 0; k < groups.length; k += 2) {
        const snapshot = places.snapshot(groups[k]!)
        oldest = Math.min(oldest, Math.max(snapshot.minT, places.mintOf(snapshot, -Infinity)))
      }
    }
    return bucketEnd(oldest, widthMs) - widthMs
  }

  /** Blocks that answer for buckets which end in (mint, maxt]. */
  #parts(mint: number, maxt: number): TierPart<TierReader>[] {
    const view = tierView(this.#head.published.tiers.blocks).filter(({ minT, maxT }) => maxT > mint && minT <= maxt)
    return view.flatMap(({ minT, maxT, block: name }) => {
      const block = this.#minutes.open({ ...name, deletions: 0 }, this.#leftOut)
      return block === null ? [] : [{ minT, maxT, block }]
    })
  }

  /** Notes which rows of buckets that end in (mint, maxt] are known to be gone. */
  noteLost(mint: number, maxt: number): void {
    const { lost } = this.#head.published.tiers
    if (lost.length > 0) for (const sentence of lostWithin(lost, mint + 1, maxt, 'rows of the 1-minute tier')) this.#leftOut.add(sentence)
  }

  /** Those of `#parts`, and a word about rows that do not say all. */
  #partsToRead(mint: number, maxt: number): TierPart<TierReader>[] {
    this.noteLost(mint, maxt)
    const parts = this.#parts(mint, maxt)
    for (const { block: { meta } } of parts) if (meta.damaged !== undefined) this.#leftOut.add(`rows of the 1-minute tier were made while some of the samples could not be read: ${meta.damaged}`)
    return parts
  }

  /** Series that match, and where each part has them: by the head's refs, or by labels where the head has forgotten them. */
  #seriesOf(matchers: readonly Matcher[], parts: readonly TierPart<TierReader>[]): TierSeries {
    const known = this.#head.matching(matchers)
    const cold = this.#cold.select(matchers, parts.map(({ block }) => block))
    const refs = cold.length === 0 ? known : Uint32Array.from(new Set([...known, ...cold.map(({ ref }) => ref)])).sort()
    return { refs, numbers: this.#numbersOf(refs, parts, cold) }
  }

  #numbersOf(refs: Uint32Array, parts: readonly TierPart<TierReader>[], cold: readonly ColdPlace[]): Uint32Array[] {
    // Refs of series that the head does not know are this thread's; those in blocks are others.
    const known = refs.filter((ref) => ref < COLD_REFS)
    const at = new Map(cold.length === 0 ? [] : Array.from(refs, (ref, i) => [ref, i]))
    return parts.map(({ block }, p) => {
      const numbers = new Uint32Array(refs.length).fill(NO_SERIES)
      block.find(known, numbers)
      for (const { b, number, ref } of cold) if (b === p && at.has(ref)) numbers[at.get(ref)!] = number
      return numbers
    })
  }

  selectBuckets(
    name: Exclude<TierName, 'raw'>, matchers: readonly Matcher[], mint: number, maxt: number, wanted: readonly BucketColumn[],
  ): BucketSelection {
    if (name === '1h') return selectHours(this.#openHours(), this.#hourSeries(matchers, { mint, maxt }), { mint, maxt }, wanted)
    const parts = this.#partsToRead(mint, maxt)
    return new TierSelection(parts, this.#seriesOf(matchers, parts), { mint, maxt }, wantedOf(wanted))
  }

  quantiles(name: Exclude<TierName, 'raw'>, refs: Uint32Array, windows: QuantileWindows): Iterable<QuantileRow> {
    const range = { mint: windows.from[0]!, maxt: windows.to.at(-1)! }
    if (name === '1h') return hourQuantiles(this.#openHours(), { refs, byLabels: this.#hourSeries([], range).byLabels }, windows)
    const parts = this.#partsToRead(range.mint, range.maxt)
    // Also of series that came back: blocks know them by the refs that they had.
    const cold = this.#cold.select([], parts.map(({ block }) => block))
    return minuteQuantiles(new TierSelection(parts, { refs, numbers: this.#numbersOf(refs, parts, cold) }, range, SAMPLES_ALONE), windows)
  }
}

function* minuteQuantiles(selection: TierSelection, windows: QuantileWindows): Generator<QuantileRow> {
  const quantiles = new WindowQuantiles(windows)
  for (let batch = selection.nextWhole(); batch !== null; batch = selection.nextWhole()) {
    const { n, t, samples, sampleAt, sketches, sketchAt } = batch
    for (let s = 0; s < batch.seriesCount; s++) yield quantiles.of(batch.index[s]!, { first: s * n, n, t, samples, sampleAt, sketches, sketchAt })
  }
}
