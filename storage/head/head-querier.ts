// Reads the head, from any thread, in place: the Querier of the waist over shared memory and segment files.
//
//   matchers ─▶ refs ─▶ places (group, column) of each ─▶ per group: one batch of columns sharing its timestamps
//                                                       └▶ series in several groups: merged over the union of times
import { assert } from '../../lib/std/assert.ts'
import { compareText } from '../../lib/model/labels.ts'
import type { Matcher } from '../../lib/model/matcher.ts'
import { LATE_RUN_CLASSES, type Cardinality, type Querier, type Queryable, type SelectHints, type Selection, type SeriesBatch } from '../interface.ts'
import { closeSlot, openSlot } from './arena.ts'
import { headCardinality } from './cardinality.ts'
import type { BatchBuffer } from './batch-buffer.ts'
import { BatchPool } from './batch-pool.ts'
import { planGroup, readGroup, type GroupPlan } from './group-read.ts'
import type { GroupSnapshot } from './group-record.ts'
import { HeadPlaces, type Bundle, type Limits } from './head-places.ts'
import { mergeParts, readParts, type BatchPart } from './merge-parts.ts'
import { readPublished, type Published, type SeenPublished } from './published.ts'
import { RefSelector } from './select-refs.ts'
import { SegmentDamageError, SegmentReader } from './segment-read.ts'
import { ROOT_FORGET_EPOCH, ROOT_FORGOTTEN, ROOT_INDEX, ROOT_LATE_RUNS, ROOT_SERIES_COUNT, SharedHeap, type Side } from './shared-heap.ts'
import { SymbolReader } from './symbols.ts'

/** Values of a batch at the most, unless one series alone has more. */
const BATCH_VALUES_MAX = 1 << 20
/** As many where there are histograms, each an object of half a kilobyte. */
const BATCH_HISTOGRAMS_MAX = 1 << 16

/** What a thread needs to read a head; structured-cloneable. */
export interface HeadHandle {
  memory: WebAssembly.Memory
  /** Where its segment files are. */
  segmentFolder: string
}

/** One per thread; its queriers run one after the other. */
export class HeadQueryable implements Queryable {
  readonly #heap: SharedHeap
  readonly #slot: number
  /** The state of the index that symbols and selector are of. */
  #index = -1
  #symbols: SymbolReader
  #selector: RefSelector
  readonly #reader: SegmentReader
  /** Of all selections of this thread, those over blocks too. */
  readonly pool: BatchPool = new BatchPool()
  #published: SeenPublished | null = null
  #isOpen = false

  /** `slot`: this thread's reader slot, not shared with any other. What the device cannot read fails a query where `mayLeaveOutRefused` is false. */
  constructor(handle: HeadHandle, slot: number, { mayLeaveOutRefused }: { mayLeaveOutRefused: boolean } = { mayLeaveOutRefused: true }) {
    this.#heap = new SharedHeap(handle.memory)
    this.#slot = slot
    this.#symbols = new SymbolReader(this.#heap, 0)
    this.#selector = new RefSelector(this.#heap, this.#symbols)
    this.#reader = new SegmentReader(handle.segmentFolder, mayLeaveOutRefused)
  }

  /** Numbers of the segment files in which its queriers have met damage. */
  damagedFiles(): number[] {
    return this.#reader.damagedFiles()
  }

  /** `generationMax`: groups made later are left out. */
  querier(generationMax: number = Infinity): HeadQuerier {
    assert(!this.#isOpen, `reader slot ${this.#slot} is in use`)
    this.#isOpen = true
    openSlot(this.#heap, this.#slot)
    this.#reader.begin()
    const limits = { published: this.#look(), generationMax }
    return new HeadQuerier(this.#heap, this.#symbols, this.#selector, this.#reader, this.pool, limits, () => {
      this.#isOpen = false
      closeSlot(this.#heap, this.#slot)
    })
  }

  /** Takes up index, series and blocks as they belong together: a series that is forgotten is in blocks that are shown. */
  #look(): Published {
    const { u32 } = this.#heap
    for (;;) {
      const index = Atomics.load(u32, ROOT_INDEX)
      const epoch = Atomics.load(u32, ROOT_FORGET_EPOCH)
      const published = readPublished(this.#heap, this.#published)
      this.#published = published
      const seen = { epoch, seriesCount: Atomics.load(u32, ROOT_SERIES_COUNT), forgotten: Atomics.load(u32, ROOT_FORGOTTEN) }
      if (Atomics.load(u32, ROOT_INDEX) !== index || Atomics.load(u32, ROOT_FORGET_EPOCH) !== epoch) continue
      if (index !== this.#index) {
        this.#index = index
        this.#symbols = new SymbolReader(this.#heap, (index & 1) as Side)
        this.#selector = new RefSelector(this.#heap, this.#symbols)
      }
      this.#selector.begin(seen)
      return published
    }
  }

  close(): void {
    this.#reader.close()
  }
}

export class HeadQuerier implements Querier {
  readonly #heap: SharedHeap
  readonly #symbols: SymbolReader
  readonly #selector: RefSelector
  readonly #reader: SegmentReader
  readonly #pool: BatchPool
  readonly published: Published
  readonly places: HeadPlaces
  readonly lateRuns: Uint32Array
  readonly #onClose: () => void

  constructor(
    heap: SharedHeap, symbols: SymbolReader, selector: RefSelector, reader: SegmentReader, pool: BatchPool, limits: Limits,
    onClose: () => void,
  ) {
    this.#heap = heap
    this.#symbols = symbols
    this.#selector = selector
    this.#reader = reader
    this.#pool = pool
    this.published = limits.published
    this.places = new HeadPlaces(heap, limits)
    this.lateRuns = heap.u32.subarray(ROOT_LATE_RUNS, ROOT_LATE_RUNS + LATE_RUN_CLASSES)
    this.#onClose = onClose
  }

  select(matchers: readonly Matcher[], mint: number, maxt: number, _hints: SelectHints): Selection {
    const refs = this.matching(matchers)
    const bundles = this.places.bundle(refs, mint, maxt)
    const read = this.#batches(bundles, mint, maxt)
    return { refs, next: () => read.next().value ?? null }
  }

  /** Refs, ascending, of the series that satisfy all matchers, wherever their samples are. */
  matching(matchers: readonly Matcher[]): Uint32Array {
    return this.#selector.select(matchers)
  }

  *#batches(bundles: readonly Bundle[], mint: number, maxt: number): Generator<SeriesBatch, null> {
    const batch = this.#pool.take()
    for (const bundle of bundles) {
      let plans = this.plan(bundle.groups, mint, maxt)
      const rows = plans.reduce((sum, plan) => sum + plan.rows, 0)
      if (rows === 0) continue
      const most = plans.some(({ hasHistograms }) => hasHistograms) ? BATCH_HISTOGRAMS_MAX : BATCH_VALUES_MAX
      const size = Math.max(1, Math.floor(most / rows))
      for (let from = 0; from < bundle.index.length; from += size) {
        const to = Math.min(from + size, bundle.index.length)
        while (!this.#tryRead(bundle, plans, batch, [from, to])) plans = this.plan(bundle.groups, mint, maxt)
        if (batch.n > 0) yield batch
      }
    }
    this.#pool.give(batch)
    return null
  }

  /** Plans around segments known to be damaged; each retry knows one more, so this ends. */
  plan(groups: readonly GroupSnapshot[], mint: number, maxt: number): GroupPlan[] {
    for (;;) {
      try {
        return groups.map((snapshot) => planGroup(this.#heap, this.#reader, snapshot, this.places.mintOf(snapshot, mint), maxt))
      } catch (error) {
        if (!(error instanceof SegmentDamageError)) throw error
      }
    }
  }

  /** False if a segment turned out to be damaged: the others must be planned anew. */
  #tryRead(bundle: Bundle, plans: readonly GroupPlan[], batch: BatchBuffer, range: readonly [from: number, to: number]): boolean {
    try {
      this.#read(bundle, plans, batch, range)
      return true
    } catch (error) {
      if (!(error instanceof SegmentDamageError)) throw error
      return false
    }
  }

  /** Columns [from, to) of a bundle. */
  #read(bundle: Bundle, plans: readonly GroupPlan[], batch: BatchBuffer, [from, to]: readonly [from: number, to: number]): void {
    const plan = plans[0]!
    const columns = bundle.columns.map((list) => list.subarray(from, to))
    if (plans.length === 1 && !plan.snapshot.isUnordered) {
      batch.shape(to - from, plan.rows)
      this.readInto(plan, columns[0]!, batch, 0)
    } else {
      mergeParts(this.readParts(plans, columns), batch)
    }
    for (let s = 0; s < to - from; s++) batch.index[s] = bundle.index[from + s]!
  }

  /** Columns, ascending, of a group in order of time into rows base… of a batch that is shaped. Throws SegmentDamageError: plan anew. */
  readInto(plan: GroupPlan, columns: Uint32Array, batch: BatchBuffer, base: number): void {
    readGroup(this.#heap, this.#reader, plan, columns, batch, base)
  }

  /** columns[g] of each plan g (the same series in the same order), to be merged. Throws SegmentDamageError: plan anew. */
  readParts(plans: readonly GroupPlan[], columns: readonly Uint32Array[]): BatchPart[] {
    return readParts(this.#heap, this.#reader, plans, columns)
  }

  /** Time of the oldest row at t or later, Infinity where there is none. A segment that cannot be read may have one at t. */
  oldestFrom(t: number): number {
    return this.places.oldestFrom(t, (place, from) => {
      try {
        this.#reader.loadTimes(place)
      } catch (error) {
        if (!(error instanceof SegmentDamageError)) throw error
        return from
      }
      return this.#reader.times.subarray(0, place.rows).reduce((oldest, time) => (time >= from && time < oldest ? time : oldest), Infinity)
    })
  }

  symbolOf(text: string): number {
    return this.#symbols.find(text)
  }

  textOf(symbol: number): string {
    return this.#symbols.text(symbol)
  }

  labelsOf(ref: number, out: Uint32Array): number {
    return this.#selector.labelsOf(ref, out)
  }

  labelNames(sets: readonly (readonly Matcher[])[], mint: number, maxt: number): string[] {
    if (sets.length > 0) return this.namesOf(this.seriesRefs(sets, mint, maxt))
    return this.places.reachesInto(mint, maxt) ? this.namesOf(null) : []
  }

  /** Sorted label names of some series, null: of all. */
  namesOf(refs: Uint32Array | null): string[] {
    const names = new Set<number>()
    if (refs === null) {
      for (let symbol = 1; symbol <= this.#symbols.symbolCount; symbol++) if (this.#symbols.firstPairOf(symbol) !== 0) names.add(symbol)
    } else {
      let pairs = new Uint32Array(1024)
      for (const ref of refs) {
        let n = this.labelsOf(ref, pairs)
        if (n > pairs.length) {
          pairs = new Uint32Array(2 * n)
          n = this.labelsOf(ref, pairs)
        }
        for (let i = 0; i < n; i += 2) names.add(pairs[i]!)
      }
    }
    return Array.from(names, (symbol) => this.#symbols.text(symbol)).toSorted(compareText)
  }

  labelValues(name: string, sets: readonly (readonly Matcher[])[], mint: number, maxt: number): string[] {
    if (sets.length > 0) return this.valuesOf(name, this.seriesRefs(sets, mint, maxt))
    return this.places.reachesInto(mint, maxt) ? this.valuesOf(name, null) : []
  }

  /** Sorted values that some series have for a label, null: that any has. */
  valuesOf(name: string, refs: Uint32Array | null): string[] {
    const symbol = this.#symbols.find(name)
    if (refs === null) return this.#selector.values.sorted(symbol)
    const values = new Set<number>()
    if (symbol !== 0) {
      for (const ref of refs) values.add(this.#selector.valueOf(ref, symbol))
      values.delete(0)
    }
    return Array.from(values, (value) => this.#symbols.text(value)).toSorted(compareText)
  }

  seriesRefs(sets: readonly (readonly Matcher[])[], mint: number, maxt: number): Uint32Array {
    const refs = new Set<number>()
    for (const matchers of sets.length === 0 ? [[]] : sets) {
      for (const ref of this.matching(matchers)) if (this.places.hasAny(ref, mint, maxt)) refs.add(ref)
    }
    return Uint32Array.from(refs).sort()
  }

  cardinality(limit: number): Cardinality {
    return headCardinality(this.#heap, this.#symbols, limit)
  }

  refAt(share: number): number {
    return this.#selector.refAt(share)
  }

  /** What this querier sees of the index, which it shares with those before and after it until the index is built anew. */
  get selector(): RefSelector {
    return this.#selector
  }

  get symbols(): SymbolReader {
    return this.#symbols
  }

  damage(): string[] {
    return this.#reader.damage()
  }

  close(): void {
    this.#onClose()
  }
}
