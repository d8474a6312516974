// The Querier of the whole store: what is in blocks, and the head.
//
//   querier() ─▶ pins the reader's slot ─▶ one record says: covered by blocks up to here, and these are the blocks
//   select ─▶ range touches no block? the head alone : series of both, in batches (store-select.ts)
//
// Matchers ask the head's index, and where blocks hold series that the head has forgotten, theirs (cold-series.ts).
import path from 'node:path'
import type { Matcher } from '../lib/model/matcher.ts'
import { systemClock } from '../lib/std/clock.ts'
import { compareText } from '../lib/model/labels.ts'
import { NO_SERIES, type BlockColumns } from './block/block.ts'
import { formatBlockName, type BlockName } from './block/block-meta.ts'
import { BlockReader } from './block/block-reader.ts'
import { BlockSet, type OpenBlock } from './block-set.ts'
import { ageClasses, selectByAge } from './age-classes.ts'
import { COLD_REFS, ColdSeries, inBlocks, type SeriesBlock } from './cold-series.ts'
import { splitByRule, type Cutoff } from './retention-rules.ts'
import { lostWithin, withAdvice } from './lost-times.ts'
import { RetentionView } from './retention-view.ts'
import { SharedHeap } from './head/shared-heap.ts'
import { readExemplars } from './exemplars/exemplar-reader.ts'
import type { Published } from './head/published.ts'
import type { BatchPool } from './head/batch-pool.ts'
import { HeadQueryable, type HeadQuerier } from './head/head-querier.ts'
import type { Cardinality, Querier, Queryable, SelectHints, Selection, SeriesExemplars } from './interface.ts'
import { selectAcross, type Selected } from './store-select.ts'
import { StoreTiers } from './store-tiers.ts'
import { FetchThread } from './object-store/fetch-thread.ts'
import type { StorePlace } from './object-store/open-store.ts'
import { TIER_NAMES, type TierName } from './tier/bucket.ts'
import { HourFiles, type HourStore } from './tier/hour-files.ts'
import { TierReader } from './tier/tier-reader.ts'

/** What a thread needs to read a store; structured-cloneable. */
export interface StoreHandle {
  memory: WebAssembly.Memory
  /** The data folder. */
  folder: string
  /** The ring (exemplars/exemplar-layout.ts), null where none are kept. */
  exemplars: SharedArrayBuffer | null
  /** Where files of the 1-hour tier are beside the data folder; null: nowhere. */
  archive: ArchiveHandle | null
}

/** How a thread reaches files that are not in the data folder. */
export interface ArchiveHandle {
  place: StorePlace
  /** URL of an entry file of a thread that fetches for a query's (object-store/fetch-thread.ts). */
  fetchWorker: string
}

export function headFolder(folder: string): string {
  return path.join(folder, 'head')
}

export function blocksFolder(folder: string): string {
  return path.join(folder, 'blocks')
}

/** Blocks of the 1-minute tier. */
export function minutesFolder(folder: string): string {
  return path.join(folder, 'tiers', '1m')
}

/** Files of the 1-hour tier. */
export function hoursFolder(folder: string): string {
  return path.join(folder, 'archive')
}

/** One per thread; its queriers run one after the other. */
export class StoreQueryable implements Queryable {
  readonly #head: HeadQueryable
  readonly #blocks: BlockSet<BlockColumns>
  readonly #minutes: BlockSet<TierReader>
  readonly #hours: HourFiles
  readonly #cold = new ColdSeries()
  readonly #retention: RetentionView
  readonly #showsExpired: boolean
  readonly #exemplars: SharedArrayBuffer | null
  /** What was shown to the querier before, and the folders of its blocks. */
  #published: Published | null = null
  #folders: ReadonlySet<string> = new Set()

  /** `slot`: this thread's reader slot, not shared with any other. `showsExpired`: also what is past its series' own retention. */
  constructor({ memory, folder, exemplars, archive }: StoreHandle, slot: number, { showsExpired = false }: { showsExpired?: boolean } = {}) {
    this.#head = new HeadQueryable({ memory, segmentFolder: headFolder(folder) }, slot)
    this.#blocks = new BlockSet(blocksFolder(folder), (path, cache) => new BlockReader(path, cache))
    this.#minutes = new BlockSet(minutesFolder(folder), (path, cache) => new TierReader(path, cache))
    this.#hours = new HourFiles(hoursFolder(folder), hourStore(archive), systemClock)
    this.#retention = new RetentionView(new SharedHeap(memory))
    this.#showsExpired = showsExpired
    this.#exemplars = exemplars
  }

  querier(): StoreQuerier {
    const head = this.#head.querier()
    this.#hours.leftOut.clear()
    if (head.published !== this.#published) this.#takeUp(head.published)
    this.#blocks.begin()
    this.#minutes.begin()
    this.#retention.begin(this.#showsExpired)
    this.#cold.begin(head, this.#hours.names.length === 0 ? this.#folders : new Set([...this.#folders, ...this.#hours.names]))
    return new StoreQuerier(head, {
      blocks: this.#blocks, minutes: this.#minutes, hours: this.#hours, cold: this.#cold, exemplars: this.#exemplars, pool: this.#head.pool, retention: this.#retention,
      showsExpired: this.#showsExpired,
    })
  }

  #takeUp(published: Published): void {
    const { blocks, tiers } = published
    this.#blocks.show(blocks)
    this.#minutes.show(tiers.blocks.map((name) => ({ ...name, deletions: 0 })))
    this.#folders = new Set([...foldersOf(this.#blocks.folder, blocks), ...foldersOf(this.#minutes.folder, tiers.blocks)])
    this.#published = published
  }

  close(): void {
    this.#head.close()
    this.#blocks.close()
    this.#minutes.close()
    this.#hours.close()
  }
}

function hourStore(archive: ArchiveHandle | null): HourStore {
  if (archive === null) return null
  return 'folder' in archive.place ? archive.place : new FetchThread(new URL(archive.fetchWorker), archive.place)
}

/** What the queriers of a thread share. */
interface ThreadParts {
  blocks: BlockSet<BlockColumns>
  minutes: BlockSet<TierReader>
  hours: HourFiles
  cold: ColdSeries
  exemplars: SharedArrayBuffer | null
  pool: BatchPool
  retention: RetentionView
  showsExpired: boolean
}

export class StoreQuerier implements Querier {
  readonly #retention: RetentionView
  readonly #head: HeadQuerier
  readonly #parts: ThreadParts
  readonly #cold: ColdSeries
  readonly #leftOut = new Set<string>()
  /** Of the parts that selectors were split into. */
  readonly #partAges = new Map<readonly Matcher[], Readonly<Record<TierName, number>>>()
  readonly buckets: StoreTiers
  readonly idsVersion: number
  readonly lateRuns: Uint32Array

  constructor(head: HeadQuerier, parts: ThreadParts) {
    this.#retention = parts.retention
    this.#head = head
    this.#parts = parts
    this.#cold = parts.cold
    this.idsVersion = parts.cold.version
    this.lateRuns = head.lateRuns
    this.buckets = new StoreTiers(head, parts, {
      leftOut: this.#leftOut, keptFrom: (matchers) => this.#keptFrom(matchers), rawKeptFrom: () => this.#retention.rawKeptFrom,
      keptAlike: (matchers) => this.#keptAlike(matchers),
    })
  }

  select(matchers: readonly Matcher[], mint: number, maxt: number, hints: SelectHints): Selection {
    this.#noteLost(mint, maxt)
    const blocks = this.#reaching(mint, maxt)
    const cutoffs = this.#retention.cutoffs(mint)
    if (blocks.length + cutoffs.length === 0) return this.#head.select(matchers, mint, maxt, hints)
    const columns = columnsOf(blocks)
    const selected = this.#selected(matchers, columns)
    const { pool } = this.#parts
    if (cutoffs.length === 0) return selectAcross(this.#head, blocks, selected, { mint, maxt }, pool)
    const classes = ageClasses(selected, cutoffs, (ruled) => this.#selected(ruled, columns))
    return selectByAge({ head: this.#head, blocks, selected, classes, pool }, mint, maxt)
  }

  #selected(matchers: readonly Matcher[], blocks: readonly SeriesBlock[]): Selected {
    return { refs: this.#head.matching(matchers), cold: this.#cold.select(matchers, blocks) }
  }

  /** Ages, ms, at which samples of each tier go: the least that holds for any series that matches, as far as [mint, maxt] tells. */
  narrowestAges(matchers: readonly Matcher[], mint: number, maxt: number): Record<TierName, number> {
    const { rules } = this.#retention
    if (rules.length === 0) return this.#retention.agesOf(0)
    const ages = { raw: Infinity, '1m': Infinity, '1h': Infinity }
    for (const rule of this.#rulesOf(matchers, mint, maxt)) {
      const own = this.#retention.agesOf(rule)
      for (const tier of TIER_NAMES) ages[tier] = Math.min(ages[tier], own[tier])
    }
    return ages
  }

  /** Places of the rules that hold for series that match, ascending; that behind the last one where none does. */
  #rulesOf(matchers: readonly Matcher[], mint: number, maxt: number): number[] {
    // Some series are in tiers alone.
    const blocks = this.#indexed(mint, maxt)
    const cutoffs = [...this.#retention.rules, { matchers: [] }].map((rule) => ({ matchers: rule.matchers, t: 0 }))
    return ageClasses(this.#selected(matchers, blocks), cutoffs, (ruled) => this.#selected([...matchers, ...ruled], blocks)).map(({ rule }) => rule)
  }

  /** From when on tiers have all of the series that match, as far as rules tell; null where there are none. */
  #keptFrom(matchers: readonly Matcher[]): Record<TierName, number> | null {
    if (this.#retention.rules.length === 0) return null
    const ages = this.#partAges.get(matchers) ?? this.narrowestAges(matchers, -Infinity, Infinity)
    const { nowT } = this.#retention
    return { raw: nowT - ages.raw, '1m': nowT - ages['1m'], '1h': nowT - ages['1h'] }
  }

  /** See TierQuerier. */
  #keptAlike(matchers: readonly Matcher[]): readonly (readonly Matcher[])[] {
    const { rules } = this.#retention
    if (rules.length === 0) return [matchers]
    const held = this.#rulesOf(matchers, -Infinity, Infinity)
    const isAlike = (a: number, b: number): boolean => TIER_NAMES.every((tier) => this.#retention.agesOf(a)[tier] === this.#retention.agesOf(b)[tier])
    // Rules without series here tell nothing apart; nor do the last ones, where they all give the same.
    const last = held.findLastIndex((rule) => !isAlike(rule, held.at(-1)!))
    if (last === -1) return [matchers]
    const blocks = this.#indexed(-Infinity, Infinity)
    const parts = splitByRule(matchers, held.slice(0, last + 1).map((rule) => rules[rule]!), (part) => {
      const { refs, cold } = this.#selected(part, blocks)
      return refs.length + cold.length > 0
    })
    for (const { matchers: part, rule } of parts) if (rule !== null) this.#partAges.set(part, this.#retention.agesOf(held[rule]!))
    return parts.map(({ matchers: part }) => part)
  }

  /** Samples of the range that are known to be gone, and rows where these would stand for them. */
  #noteLost(mint: number, maxt: number): void {
    const { lost } = this.#head.published
    if (lost.length > 0) for (const sentence of lostWithin(lost, mint, maxt, 'samples')) this.#leftOut.add(sentence)
    // Rows of tiers that are made anew are not made of rows.
    if (!this.#parts.showsExpired) this.buckets.noteLost(mint, Math.min(maxt, this.buckets.rawFrom))
  }

  /** Blocks with samples in the range, oldest first. */
  #reaching(mint: number, maxt: number): OpenBlock[] {
    const open: OpenBlock[] = []
    for (const block of this.#head.published.blocks) {
      if (block.maxT < mint || block.minT > maxt) continue
      const columns = this.#parts.blocks.open(block, this.#leftOut)
      if (columns !== null) open.push({ columns, number: block.number })
    }
    return open
  }

  /** What has series of the range: blocks of raw samples, and of a tier where these are gone. */
  #indexed(mint: number, maxt: number): SeriesBlock[] {
    return [...columnsOf(this.#reaching(mint, maxt)), ...this.buckets.behindRaw(mint, maxt, null)]
  }

  /** The ref under which blocks have a series that the head has forgotten; by the ref that queries are given. */
  storedRefs(mint: number, maxt: number): ReadonlyMap<number, number> {
    const blocks = this.#reaching(mint, maxt)
    return new Map(this.#cold.select([], columnsOf(blocks)).map(({ b, number, ref }) => [ref, blocks[b]!.columns.refOf(number)]))
  }

  seriesRefs(sets: readonly (readonly Matcher[])[], mint: number, maxt: number): Uint32Array {
    this.#noteLost(mint, maxt)
    const raw = this.#reaching(mint, maxt)
    const tiers = this.buckets.behindRaw(mint, maxt, null)
    const cutoffs = this.#retention.cutoffs(mint)
    if (raw.length + tiers.length + cutoffs.length === 0) return this.#head.seriesRefs(sets, mint, maxt)
    const columns = columnsOf(raw)
    const lists = (sets.length === 0 ? [[]] : sets).flatMap((matchers) => {
      const classes = ageClasses(this.#selected(matchers, columns), cutoffs.length === 0 ? EVERYTHING : cutoffs, (ruled) => this.#selected(ruled, columns))
      const found = classes.filter(({ t }) => t <= maxt).flatMap(({ t, selected }) => this.#listsOf(selected, raw, Math.max(mint, t), maxt))
      return tiers.length > 0 ? [...found, ...this.#inTiers(matchers, mint, maxt)] : found
    })
    return lists.length === 1 && lists[0] instanceof Uint32Array ? lists[0] : Uint32Array.from(new Set(lists.flatMap((list) => [...list]))).sort()
  }

  #inTiers(matchers: readonly Matcher[], mint: number, maxt: number): (Uint32Array | number[])[] {
    return this.#keptAlike(matchers).flatMap((part) => {
      const blocks = this.buckets.behindRaw(mint, maxt, this.#keptFrom(part))
      return [inBlocks(this.#head.matching(part), blocks), this.#cold.select(part, blocks).map(({ ref }) => ref)]
    })
  }

  #listsOf({ refs, cold }: Selected, blocks: readonly OpenBlock[], mint: number, maxt: number): (Uint32Array | number[])[] {
    const found = this.#withSamples(refs, blocks, mint, maxt)
    const coldRefs = cold.filter(({ b }) => blocks[b]!.columns.meta.maxT >= mint).map(({ ref }) => ref)
    return coldRefs.length === 0 ? [found] : [found, coldRefs]
  }

  /** Those of some refs, ascending, that blocks of the range have, or the head in it. */
  #withSamples(refs: Uint32Array, blocks: readonly OpenBlock[], mint: number, maxt: number): Uint32Array {
    const isFound = new Uint8Array(refs.length)
    const numbers = new Uint32Array(refs.length)
    for (const { columns } of blocks) {
      if (columns.meta.maxT < mint) continue
      columns.find(refs, numbers)
      for (let i = 0; i < refs.length; i++) if (numbers[i] !== NO_SERIES) isFound[i] = 1
    }
    return refs.filter((ref, i) => isFound[i] === 1 || this.#head.places.hasAny(ref, mint, maxt))
  }

  labelNames(sets: readonly (readonly Matcher[])[], mint: number, maxt: number): string[] {
    this.#noteLost(mint, maxt)
    if (sets.length === 0) {
      if (!this.#reaches(mint, maxt)) return []
      return merged(this.#head.namesOf(null), this.#withCold(mint, maxt).map((block) => block.labelNames()))
    }
    const refs = this.seriesRefs(sets, mint, maxt)
    return merged(this.#head.namesOf(refs.filter((ref) => ref < COLD_REFS)), this.#coldLabels(refs).map((ids) => Array.from(ids.filter((_, i) => i % 2 === 0), (id) => this.textOf(id))))
  }

  labelValues(name: string, sets: readonly (readonly Matcher[])[], mint: number, maxt: number): string[] {
    this.#noteLost(mint, maxt)
    if (sets.length === 0) {
      if (!this.#reaches(mint, maxt)) return []
      return merged(this.#head.valuesOf(name, null), this.#withCold(mint, maxt).map((block) => block.labelValues(name)))
    }
    const refs = this.seriesRefs(sets, mint, maxt)
    const valueIn = (ids: Uint32Array): string[] => {
      for (let i = 0; i < ids.length; i += 2) if (this.textOf(ids[i]!) === name) return [this.textOf(ids[i + 1]!)]
      return []
    }
    return merged(this.#head.valuesOf(name, refs.filter((ref) => ref < COLD_REFS)), this.#coldLabels(refs).map(valueIn))
  }

  /** Blocks in range that hold series which the head has forgotten. */
  #withCold(mint: number, maxt: number): SeriesBlock[] {
    return this.#indexed(mint, maxt).filter((block) => this.#cold.isIn(block))
  }

  /** Symbols of the labels of those of the refs that the head does not have. */
  #coldLabels(refs: Uint32Array): Uint32Array[] {
    return Array.from(refs).filter((ref) => ref >= COLD_REFS).map((ref) => {
      const ids = new Uint32Array(this.#cold.labelsOf(ref, new Uint32Array(0)))
      this.#cold.labelsOf(ref, ids)
      return ids
    })
  }

  #reaches(mint: number, maxt: number): boolean {
    return this.#indexed(mint, maxt).length > 0 || this.#head.places.reachesInto(mint, maxt)
  }

  refAt(share: number): number {
    return this.#head.refAt(share)
  }

  get symbolCount(): number | undefined {
    return this.#cold.symbolCount
  }

  symbolOf(text: string): number {
    return this.#cold.symbolOf(text)
  }

  textOf(symbol: number): string {
    return this.#cold.textOf(symbol)
  }

  labelsOf(ref: number, out: Uint32Array): number {
    return this.#cold.labelsOf(ref, out)
  }

  exemplars(sets: readonly (readonly Matcher[])[], mint: number, maxt: number): SeriesExemplars[] {
    const { exemplars } = this.#parts
    if (exemplars === null) return []
    return readExemplars(exemplars, sets.map((matchers) => this.#head.matching(matchers)), mint, maxt)
  }

  cardinality(limit: number): Cardinality {
    return this.#head.cardinality(limit)
  }

  damage(): readonly string[] {
    const { blocks, minutes, hours } = this.#parts
    const here = this.#head.damage().concat([...this.#leftOut], blocks.leftOut(), minutes.leftOut())
    // Fast path: nothing was.
    if (here.length + hours.leftOut.size === 0) return here
    return [...new Set([...here.map(withAdvice), ...hours.leftOut])]
  }

  close(): void {
    this.#head.close()
  }
}

function foldersOf(folder: string, names: readonly BlockName[]): string[] {
  return names.map((name) => path.join(folder, formatBlockName(name)))
}

/** No series has a retention of its own. */
const EVERYTHING: readonly Cutoff[] = [{ matchers: [], t: -Infinity }]

function columnsOf(blocks: readonly OpenBlock[]): BlockColumns[] {
  return blocks.map(({ columns }) => columns)
}

/** Sorted, each once; the first list is sorted. */
function merged(sorted: string[], more: readonly (readonly string[])[]): string[] {
  return more.length === 0 ? sorted : [...new Set([...sorted, ...more.flat()])].toSorted(compareText)
}
