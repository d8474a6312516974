// Reads the head, from any thread, in place: the Querier of the waist over shared memory and segment files.
//
//   matchers ─▶ refs ─▶ places (group, column) of each ─▶ per group: one batch of columns sharing its timestamps
//                                                       └▶ series in several groups: merged over the union of times
import { assert } from '../../lib/std/assert.ts'
import { compareText } from '../../lib/model/labels.ts'
import type { Matcher } from '../../lib/model/matcher.ts'
import type { Cardinality, Querier, Queryable, SelectHints, Selection, SeriesBatch } from '../interface.ts'
import { closeSlot, openSlot } from './arena.ts'
import { headCardinality } from './cardinality.ts'
import { BatchBuffer, planGroup, readGroup, type GroupPlan } from './group-read.ts'
import { snapshotGroup, type GroupSnapshot } from './group-record.ts'
import { mergeParts, readParts } from './merge-parts.ts'
import { readCover, type Cut } from './published.ts'
import { RefSelector } from './select-refs.ts'
import { SegmentDamageError, SegmentReader } from './segment-read.ts'
import { ROOT_GROUP_COUNT, SharedHeap, type PagedU32 } from './shared-heap.ts'
import { SymbolReader } from './symbols.ts'

/** Values of a batch at the most, unless one series alone has more. */
const BATCH_VALUES_MAX = 1 << 20

/** What a thread needs to read a head; structured-cloneable. */
export interface HeadHandle {
  memory: WebAssembly.Memory
  folder: string
}

/** One per thread; its queriers run one after the other. */
export class HeadQueryable implements Queryable {
  readonly #heap: SharedHeap
  readonly #slot: number
  readonly #symbols: SymbolReader
  readonly #selector: RefSelector
  readonly #reader: SegmentReader
  readonly #batch = new BatchBuffer()
  #isOpen = false

  /** `slot`: this thread's reader slot, not shared with any other. */
  constructor(handle: HeadHandle, slot: number) {
    this.#heap = new SharedHeap(handle.memory)
    this.#slot = slot
    this.#symbols = new SymbolReader(this.#heap)
    this.#selector = new RefSelector(this.#heap, this.#symbols)
    this.#reader = new SegmentReader(handle.folder)
  }

  /** `generationMax`: groups made later are left out. */
  querier(generationMax: number = Infinity): Querier {
    assert(!this.#isOpen, `reader slot ${this.#slot} is in use`)
    this.#isOpen = true
    openSlot(this.#heap, this.#slot)
    this.#reader.leftOut.clear()
    const limits = { cover: readCover(this.#heap), generationMax }
    return new HeadQuerier(this.#heap, this.#symbols, this.#selector, this.#reader, this.#batch, limits, () => {
      this.#isOpen = false
      closeSlot(this.#heap, this.#slot)
    })
  }

  close(): void {
    this.#reader.close()
  }
}

/** Series that share one list of groups, ordered by their column in the first. */
interface Bundle {
  groups: GroupSnapshot[]
  /** columns[g][i]: column of the i-th series in groups[g]. */
  columns: Uint32Array[]
  /** Position of the i-th series among the selection's refs. */
  index: Uint32Array
}

/** What of the head a querier shows: nothing that blocks hold, no group of a later generation. */
interface Limits {
  cover: Cut
  generationMax: number
}

class HeadQuerier implements Querier {
  readonly #heap: SharedHeap
  readonly #symbols: SymbolReader
  readonly #selector: RefSelector
  readonly #reader: SegmentReader
  readonly #batch: BatchBuffer
  readonly #cover: Cut
  readonly #generationMax: number
  readonly #onClose: () => void
  readonly #group: PagedU32
  readonly #column: PagedU32
  readonly #more: PagedU32
  readonly #record: PagedU32
  readonly #snapshots = new Map<number, GroupSnapshot>()

  constructor(
    heap: SharedHeap, symbols: SymbolReader, selector: RefSelector, reader: SegmentReader, batch: BatchBuffer, limits: Limits,
    onClose: () => void,
  ) {
    this.#heap = heap
    this.#symbols = symbols
    this.#selector = selector
    this.#reader = reader
    this.#batch = batch
    this.#cover = limits.cover
    this.#generationMax = limits.generationMax
    this.#onClose = onClose
    this.#group = heap.paged('seriesGroup')
    this.#column = heap.paged('seriesColumn')
    this.#more = heap.paged('seriesMore')
    this.#record = heap.paged('groupRecord')
  }

  select(matchers: readonly Matcher[], mint: number, maxt: number, _hints: SelectHints): Selection {
    const refs = this.#selector.select(matchers)
    const bundles = this.#bundle(refs, mint, maxt)
    const read = this.#batches(bundles, mint, maxt)
    return { refs, next: () => read.next().value ?? null }
  }

  *#batches(bundles: readonly Bundle[], mint: number, maxt: number): Generator<SeriesBatch, null> {
    for (const bundle of bundles) {
      let plans = this.#plan(bundle, mint, maxt)
      const rows = plans.reduce((sum, plan) => sum + plan.rows, 0)
      if (rows === 0) continue
      const size = Math.max(1, Math.floor(BATCH_VALUES_MAX / rows))
      for (let from = 0; from < bundle.index.length; from += size) {
        const to = Math.min(from + size, bundle.index.length)
        while (!this.#tryRead(bundle, plans, from, to)) plans = this.#plan(bundle, mint, maxt)
        if (this.#batch.n > 0) yield this.#batch
      }
    }
    return null
  }

  /** Plans around segments known to be damaged; each retry knows one more, so this ends. */
  #plan(bundle: Bundle, mint: number, maxt: number): GroupPlan[] {
    for (;;) {
      try {
        return bundle.groups.map((snapshot) => planGroup(this.#heap, this.#reader, snapshot, this.#mintOf(snapshot, mint), maxt))
      } catch (error) {
        if (!(error instanceof SegmentDamageError)) throw error
      }
    }
  }

  /** False if a segment turned out to be damaged: the others must be planned anew. */
  #tryRead(bundle: Bundle, plans: readonly GroupPlan[], from: number, to: number): boolean {
    try {
      this.#read(bundle, plans, from, to)
      return true
    } catch (error) {
      if (!(error instanceof SegmentDamageError)) throw error
      return false
    }
  }

  #read(bundle: Bundle, plans: readonly GroupPlan[], from: number, to: number): void {
    const plan = plans[0]!
    const columns = bundle.columns.map((list) => list.subarray(from, to))
    if (plans.length === 1 && !plan.snapshot.isLate) {
      this.#batch.shape(to - from, plan.rows)
      readGroup(this.#heap, this.#reader, plan, columns[0]!, this.#batch, 0)
    } else {
      mergeParts(readParts(this.#heap, this.#reader, plans, columns), this.#batch)
    }
    for (let s = 0; s < to - from; s++) this.#batch.index[s] = bundle.index[from + s]!
  }

  /** Puts series with the same groups together, ordered by column, so that pieces of a segment are read in one go. */
  #bundle(refs: Uint32Array, mint: number, maxt: number): Bundle[] {
    const single = new GroupLists()
    const several = new Map<string, { groups: number[]; columns: number[][]; index: number[] }>()
    const { u32 } = this.#heap
    for (let i = 0; i < refs.length; i++) {
      const ref = refs[i]!
      // Nearly all series lie in one group, and always have: no list is made for them.
      if (Atomics.load(u32, this.#more.wordOf(ref)) === 0 && this.#addSingle(single, ref, i, mint, maxt)) continue
      const places = this.#placesOf(ref, mint, maxt)
      if (places.length === 0) continue
      const groups = places.filter((_, k) => k % 2 === 0)
      const key = groups.join()
      let bundle = several.get(key)
      if (!bundle) several.set(key, bundle = { groups, columns: groups.map(() => []), index: [] })
      bundle.columns.forEach((list, g) => list.push(places[2 * g + 1]!))
      bundle.index.push(i)
    }
    const bundles = single.lists.map(({ group, length, columns, index }): Bundle => byColumn({
      groups: [this.#snapshot(group)], columns: [columns.subarray(0, length)], index: index.subarray(0, length),
    }))
    for (const { groups, columns, index } of several.values()) {
      bundles.push(byColumn({
        groups: groups.map((group) => this.#snapshot(group)), columns: columns.map((list) => Uint32Array.from(list)), index: Uint32Array.from(index),
      }))
    }
    return bundles
  }

  /** Files series i under its one group, or under none if that lies out of range; false if main is just moving it. */
  #addSingle(lists: GroupLists, ref: number, i: number, mint: number, maxt: number): boolean {
    const { u32 } = this.#heap
    const group = Atomics.load(u32, this.#group.wordOf(ref))
    if (group === 0) return false
    const column = this.#column.get(ref)
    if (Atomics.load(u32, this.#group.wordOf(ref)) !== group || Atomics.load(u32, this.#more.wordOf(ref)) !== 0) return false
    const snapshot = this.#snapshot(group)
    if (this.#reaches(snapshot, mint, maxt) && column < snapshot.columns) lists.add(group, column, i)
    return true
  }

  /** [group, column, group, column, …] of a series, in-order groups first, of each kind the oldest; only those that reach into the range. */
  #placesOf(ref: number, mint: number, maxt: number): number[] {
    const places: number[] = []
    let inOrder = 0
    const add = (group: number, column: number): void => {
      const snapshot = this.#snapshot(group)
      if (!this.#reaches(snapshot, mint, maxt) || column >= snapshot.columns) return
      for (let k = 0; k < places.length; k += 2) if (places[k] === group) return
      if (snapshot.isLate) places.splice(inOrder, 0, group, column)
      else {
        places.unshift(group, column)
        inOrder += 2
      }
    }
    const { u32 } = this.#heap
    // The current place first: should main move the series meanwhile, it shows up again among the older ones.
    let group = Atomics.load(u32, this.#group.wordOf(ref))
    let column = this.#column.get(ref)
    for (let again = Atomics.load(u32, this.#group.wordOf(ref)); again !== group; again = Atomics.load(u32, this.#group.wordOf(ref))) {
      group = again
      column = this.#column.get(ref)
    }
    if (group !== 0) add(group, column)
    for (let node = Atomics.load(u32, this.#more.wordOf(ref)); node !== 0; node = u32[node * 2 + 2]!) {
      add(u32[node * 2]!, u32[node * 2 + 1]!)
    }
    return places
  }

  /** Where reading a group begins: what is in blocks is not taken from here. */
  #mintOf({ generation }: GroupSnapshot, mint: number): number {
    return generation <= this.#cover.generation && mint < this.#cover.t ? this.#cover.t : mint
  }

  #reaches(snapshot: GroupSnapshot, mint: number, maxt: number): boolean {
    const { minT, maxT, generation } = snapshot
    const from = this.#mintOf(snapshot, mint)
    return maxT >= from && minT <= maxt && from <= maxt && generation <= this.#generationMax
  }

  #snapshot(group: number): GroupSnapshot {
    let snapshot = this.#snapshots.get(group)
    if (!snapshot) {
      snapshot = snapshotGroup(this.#heap, group, this.#record.get(group))
      this.#snapshots.set(group, snapshot)
    }
    return snapshot
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
    const names = new Set<number>()
    if (sets.length === 0) {
      if (!this.#reachesInto(mint, maxt)) return []
      for (let symbol = 1; symbol <= this.#symbols.symbolCount; symbol++) if (this.#symbols.firstPairOf(symbol) !== 0) names.add(symbol)
    } else {
      const pairs = new Uint32Array(1024)
      for (const ref of this.seriesRefs(sets, mint, maxt)) {
        const n = this.labelsOf(ref, pairs)
        for (let i = 0; i < n; i += 2) names.add(pairs[i]!)
      }
    }
    return Array.from(names, (symbol) => this.#symbols.text(symbol)).toSorted(compareText)
  }

  labelValues(name: string, sets: readonly (readonly Matcher[])[], mint: number, maxt: number): string[] {
    const symbol = this.#symbols.find(name)
    const values = new Set<number>()
    if (sets.length === 0) {
      if (!this.#reachesInto(mint, maxt)) return []
      for (let pair = this.#symbols.firstPairOf(symbol); pair !== 0; pair = this.#symbols.nextPairOf(pair)) values.add(this.#symbols.valueOf(pair))
    } else if (symbol !== 0) {
      for (const ref of this.seriesRefs(sets, mint, maxt)) values.add(this.#selector.valueOf(ref, symbol))
      values.delete(0)
    }
    return Array.from(values, (value) => this.#symbols.text(value)).toSorted(compareText)
  }

  /** True if anything at all lies in the range; without matchers the label APIs ask no more, as Prometheus asks its blocks. */
  #reachesInto(mint: number, maxt: number): boolean {
    const groups = Atomics.load(this.#heap.u32, ROOT_GROUP_COUNT)
    for (let id = 1; id <= groups; id++) {
      if (this.#reaches(this.#snapshot(id), mint, maxt)) return true
    }
    return false
  }

  seriesRefs(sets: readonly (readonly Matcher[])[], mint: number, maxt: number): Uint32Array {
    const refs = new Set<number>()
    for (const matchers of sets.length === 0 ? [[]] : sets) {
      for (const ref of this.#selector.select(matchers)) if (this.#placesOf(ref, mint, maxt).length > 0) refs.add(ref)
    }
    return Uint32Array.from(refs).sort()
  }

  cardinality(limit: number): Cardinality {
    return headCardinality(this.#heap, this.#symbols, limit)
  }

  damage(): readonly string[] {
    return [...this.#reader.leftOut]
  }

  close(): void {
    this.#onClose()
  }
}

/** Columns and positions by group, in lists that grow. */
class GroupLists {
  readonly lists: { group: number; length: number; columns: Uint32Array; index: Uint32Array }[] = []
  readonly #byGroup = new Map<number, number>()
  #group = 0
  #at = 0

  add(group: number, column: number, i: number): void {
    if (group !== this.#group) this.#open(group)
    const list = this.lists[this.#at]!
    if (list.length === list.columns.length) {
      list.columns = doubled(list.columns)
      list.index = doubled(list.index)
    }
    list.columns[list.length] = column
    list.index[list.length++] = i
  }

  #open(group: number): void {
    let at = this.#byGroup.get(group)
    if (at === undefined) {
      at = this.lists.push({ group, length: 0, columns: new Uint32Array(16), index: new Uint32Array(16) }) - 1
      this.#byGroup.set(group, at)
    }
    this.#group = group
    this.#at = at
  }
}

function doubled(array: Uint32Array): Uint32Array {
  const copy = new Uint32Array(array.length * 2)
  copy.set(array)
  return copy
}

function byColumn(bundle: Bundle): Bundle {
  const first = bundle.columns[0]!
  let isSorted = true
  for (let i = 1; i < first.length && isSorted; i++) isSorted = first[i]! > first[i - 1]!
  if (isSorted) return bundle
  const order = Uint32Array.from(first.keys()).sort((a, b) => first[a]! - first[b]!)
  return {
    groups: bundle.groups,
    columns: bundle.columns.map((list) => order.map((i) => list[i]!)),
    index: order.map((i) => bundle.index[i]!),
  }
}
