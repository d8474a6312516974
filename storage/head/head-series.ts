// The head's series: label sets to refs, and refs to the groups whose columns they are.
//
// Refs are given in order and never again. A series that has nothing in the head any more is forgotten: its ref stays a
// name in blocks, and the same labels, should they come back, get another.
import type { Labels } from '../../lib/model/labels.ts'
import { SeriesLimitError } from '../errors.ts'
import type { Arena } from './arena.ts'
import { forgottenIn, isForgotten } from './forgotten.ts'
import { IndexMemory } from './index-memory.ts'
import { SeriesIndex, type FoundSeries } from './series-index.ts'
import {
  PAGE_ENTRIES, PAGE_UNITS, ROOT_DEAD_MARKS, ROOT_FORGET_EPOCH, ROOT_FORGOTTEN, ROOT_INDEX, ROOT_SERIES_COUNT, type PagedU32, type SharedHeap,
} from './shared-heap.ts'

/** A node of a series' older memberships: 2 units, [group, column, next unit, 0]. */
const MEMBERSHIP_UNITS = 2

export class HeadSeries {
  readonly #heap: SharedHeap
  readonly #arena: Arena
  #index: SeriesIndex
  readonly #group: PagedU32
  readonly #column: PagedU32
  readonly #more: PagedU32
  /** The newest ref. */
  newest = 0
  /** How many have been forgotten; since the index was built; how often. */
  forgotten = 0
  forgottenInIndex = 0
  epoch = 0
  readonly #places: readonly PagedU32[]
  readonly #allocate: (units: number) => number
  /** Pages that stand for all pages of forgotten series: of marks, and of zeros. */
  #deadGroups = 0
  #deadZeros = 0
  /** No more series than this. */
  limit: number = Infinity
  /** The highest ref to be given. */
  readonly refMax: number
  /** How often series were numbered anew (storage/renumber.ts). */
  renumberings = 0
  /** Since then: the first ref from one on that no file names, and up to which ref that has been asked. */
  nextUnused: ((ref: number) => number) | null = null
  #askedTo = 0

  constructor(heap: SharedHeap, arena: Arena, refMax: number) {
    this.#heap = heap
    this.refMax = Math.min(refMax, heap.refMax)
    this.#arena = arena
    this.#index = new SeriesIndex(heap, new IndexMemory(arena), 0)
    this.#group = heap.paged('seriesGroup')
    this.#column = heap.paged('seriesColumn')
    this.#more = heap.paged('seriesMore')
    this.#places = [this.#group, this.#column, this.#more]
    this.#allocate = (units) => arena.allocate(units)
  }

  /** Series there are. */
  get count(): number {
    return this.newest - this.forgotten
  }

  get index(): SeriesIndex {
    return this.#index
  }

  /** The ref of a label set, or 0 if it is new. Leaves nothing behind. */
  find(labels: Labels): number {
    return this.#index.find(labels)
  }

  /**
   * Makes the next ref. `labels` must not be known yet. Throws SeriesLimitError with nothing left behind, LogError when
   * memory is used up; then the ref is not given, and of its labels no more than their texts and pairs stay.
   */
  add(labels: Labels): number {
    if (this.count >= this.limit) {
      throw new SeriesLimitError(`cannot store a new series: the limit of ${this.limit} active series is reached`)
    }
    this.#passUsed()
    const ref = this.newest + 1
    if (ref > this.refMax) {
      throw new SeriesLimitError(`cannot store a new series: the ${this.refMax} ids that the folder has for series, those of series long gone included, are given; restart Monitor, and it numbers them anew`)
    }
    this.#index.reserve(ref, labels)
    return this.#make(ref)
  }

  /** Passes over pages of refs that a file names. Throws LogError. */
  #passUsed(): void {
    const ref = this.newest + 1
    if (this.nextUnused === null || ref <= this.#askedTo) return
    const next = this.nextUnused(ref)
    this.skipTo(Math.min(next - 1, this.refMax))
    this.#askedTo = next | (PAGE_ENTRIES - 1)
  }

  /** Makes refs as a start finds them; a series that has the labels of a later one was forgotten before that came. Throws LogError. */
  addFound(found: FoundSeries): void {
    const last = found.first + found.end - 1
    for (let ref = found.first + found.from; ref <= last; ref = (ref | (PAGE_ENTRIES - 1)) + 1) {
      for (const paged of this.#places) paged.reserve(ref, this.#allocate)
    }
    this.#index.addFound(found, (ref) => this.forget([ref]))
    this.newest = last
    Atomics.store(this.#heap.u32, ROOT_SERIES_COUNT, last)
  }

  /** Makes a ref of the series that the index has made room for. */
  #make(ref: number): number {
    for (const paged of this.#places) paged.reserve(ref, this.#allocate)
    // Nothing fails from here on.
    this.newest = ref
    this.#index.add(ref)
    Atomics.store(this.#heap.u32, ROOT_SERIES_COUNT, ref)
    return ref
  }

  /** Refs up to this one were given before this process began, those that are not there have been forgotten. Throws LogError. */
  skipTo(ref: number): void {
    for (let next = this.newest + 1; next <= ref; next = this.newest + 1) {
      const isWhole = (next & (PAGE_ENTRIES - 1)) === 0 && next + PAGE_ENTRIES - 1 <= ref
      if (isWhole) this.#pointAtDead(next)
      else {
        for (const paged of this.#places) paged.reserve(next, this.#allocate)
        this.#group.set(next, forgottenIn(0))
      }
      this.newest += isWhole ? PAGE_ENTRIES : 1
      this.forgotten += isWhole ? PAGE_ENTRIES : 1
    }
    Atomics.store(this.#heap.u32, ROOT_SERIES_COUNT, this.newest)
    Atomics.store(this.#heap.u32, ROOT_FORGOTTEN, this.forgotten)
  }

  /** False for a ref that was forgotten: its series must be looked up anew. */
  isLive(ref: number): boolean {
    return ref > 0 && ref <= this.newest && !isForgotten(this.#group.get(ref))
  }

  /** True if the head holds nothing of a series, nor has a place for it. */
  isIdle(ref: number): boolean {
    return this.#group.get(ref) === 0 && this.#more.get(ref) === 0
  }

  /** Forgets series that are idle. Readers that open from now on find them in blocks alone. */
  forget(refs: readonly number[]): void {
    if (refs.length === 0) return
    const { u32 } = this.#heap
    this.epoch++
    const mark = forgottenIn(this.epoch)
    for (const ref of refs) Atomics.store(u32, this.#group.wordOf(ref), mark)
    this.forgotten += refs.length
    this.forgottenInIndex += refs.length
    Atomics.store(u32, ROOT_FORGOTTEN, this.forgotten)
    Atomics.store(u32, ROOT_FORGET_EPOCH, this.epoch)
  }

  /** A new side of the index, without what was forgotten, takes the place of the one there is. */
  use(index: SeriesIndex, forgottenSince: number): void {
    const old = this.#index
    this.#index = index
    this.forgottenInIndex = forgottenSince
    const { u32 } = this.#heap
    Atomics.store(u32, ROOT_INDEX, (((u32[ROOT_INDEX]! & ~1) + 2) | index.side) >>> 0)
    old.memory.retireAll()
  }

  /** True if the page that begins at a ref (a multiple of PAGE_ENTRIES) was given back. */
  #isDeadPage(first: number): boolean {
    return this.#deadGroups !== 0 && this.#group.wordOf(first) === this.#deadGroups * 2
  }

  /** The last ref of those from this one on that are known to be of forgotten series. */
  endOfDead(ref: number): number {
    return (ref & (PAGE_ENTRIES - 1)) === 0 && this.#isDeadPage(ref) ? Math.min(this.newest, ref + PAGE_ENTRIES - 1) : ref
  }

  /** First refs of the pages whose series have all been forgotten and that are still there. */
  dyingPages(): number[] {
    const pages: number[] = []
    for (let first = 0; first + PAGE_ENTRIES - 1 <= this.newest; first += PAGE_ENTRIES) {
      if (this.#isDeadPage(first)) continue
      let ref = Math.max(1, first)
      while (ref < first + PAGE_ENTRIES && isForgotten(this.#group.get(ref))) ref++
      if (ref === first + PAGE_ENTRIES) pages.push(first)
    }
    return pages
  }

  /** Gives back such a page; every reader sees its series as forgotten. Throws LogError. */
  releasePage(first: number): void {
    for (const unit of this.#pointAtDead(first)) this.#arena.retire(unit, PAGE_UNITS)
  }

  /** Puts the pages that stand for forgotten series where those of a ref are; returns what was there. */
  #pointAtDead(ref: number): number[] {
    if (this.#deadGroups === 0) {
      this.#deadGroups = this.#arena.allocate(PAGE_UNITS)
      this.#heap.u32.fill(forgottenIn(0), this.#deadGroups * 2, (this.#deadGroups + PAGE_UNITS) * 2)
      this.#deadZeros = this.#arena.allocate(PAGE_UNITS)
      Atomics.store(this.#heap.u32, ROOT_DEAD_MARKS, this.#deadGroups * 2)
    }
    return this.#places.map((paged) => paged.swapPage(ref, paged === this.#group ? this.#deadGroups : this.#deadZeros))
  }

  groupOf(ref: number): number {
    return this.#group.get(ref)
  }

  columnOf(ref: number): number {
    return this.#column.get(ref)
  }

  /** Makes (group, column) the place where the next in-order sample of an unassigned series goes. */
  assign(ref: number, group: number, column: number): void {
    this.#column.set(ref, column)
    Atomics.store(this.#heap.u32, this.#group.wordOf(ref), group)
  }

  /** Moves the current place to the older ones, where it stays readable. */
  unassign(ref: number): void {
    this.addMembership(ref, this.#group.get(ref), this.#column.get(ref))
    Atomics.store(this.#heap.u32, this.#group.wordOf(ref), 0)
  }

  /** Takes a series out of a group that holds nothing of it. */
  leave(ref: number, group: number): void {
    if (this.#group.get(ref) === group) Atomics.store(this.#heap.u32, this.#group.wordOf(ref), 0)
  }

  /** Drops older places in groups that are gone. */
  forgetPlaces(ref: number, isGone: (group: number) => boolean): void {
    const { u32 } = this.#heap
    let link = this.#more.wordOf(ref)
    for (let node = u32[link]!, next = 0; node !== 0; node = next) {
      next = u32[node * 2 + 2]!
      if (isGone(u32[node * 2]!)) {
        Atomics.store(u32, link, next)
        this.#arena.retire(node, MEMBERSHIP_UNITS)
      } else {
        link = node * 2 + 2
      }
    }
  }

  addMembership(ref: number, group: number, column: number): void {
    const node = this.#arena.allocate(MEMBERSHIP_UNITS)
    const { u32 } = this.#heap
    u32[node * 2] = group
    u32[node * 2 + 1] = column
    u32[node * 2 + 2] = this.#more.get(ref)
    Atomics.store(u32, this.#more.wordOf(ref), node)
  }

  hasOlderPlaces(ref: number): boolean {
    return this.#more.get(ref) !== 0
  }

  /** True if a series has a place in a group, its current one or an older. */
  isIn(ref: number, group: number): boolean {
    let isThere = this.#group.get(ref) === group
    this.olderPlaces(ref, (id) => (isThere ||= id === group))
    return isThere
  }

  /** Visits the places a series had before its current one, and its late place. */
  olderPlaces(ref: number, visit: (group: number, column: number) => void): void {
    const { u32 } = this.#heap
    for (let node = this.#more.get(ref); node !== 0; node = u32[node * 2 + 2]!) visit(u32[node * 2]!, u32[node * 2 + 1]!)
  }
}
