// Where series lie in the head, for one querier: snapshots of groups, the places of each series, and which series can
// be read together.
import { isForgotten } from './forgotten.ts'
import { readSegmentPlace, snapshotGroup, type GroupSnapshot, type SegmentPlace } from './group-record.ts'
import type { Published } from './published.ts'
import { ROOT_GROUP_COUNT, type PagedU32, type SharedHeap } from './shared-heap.ts'

/** What of the head a querier shows: nothing that blocks hold, no group of a later generation. */
export interface Limits {
  published: Published
  generationMax: number
}

/** Series that share one list of groups, ordered by their column in the first. */
export interface Bundle {
  groups: GroupSnapshot[]
  /** columns[g][i]: column of the i-th series in groups[g]. */
  columns: Uint32Array[]
  /** Position of the i-th series among the selection's refs. */
  index: Uint32Array
}

export class HeadPlaces {
  readonly #heap: SharedHeap
  readonly #limits: Limits
  readonly #group: PagedU32
  readonly #column: PagedU32
  readonly #more: PagedU32
  readonly #record: PagedU32
  readonly #snapshots = new Map<number, GroupSnapshot>()
  singleGroup = 0
  singleColumn = 0

  constructor(heap: SharedHeap, limits: Limits) {
    this.#heap = heap
    this.#limits = limits
    this.#group = heap.paged('seriesGroup')
    this.#column = heap.paged('seriesColumn')
    this.#more = heap.paged('seriesMore')
    this.#record = heap.paged('groupRecord')
  }

  /** Puts series with the same groups together, ordered by column, so that pieces of a segment are read in one go. */
  bundle(refs: Uint32Array, mint: number, maxt: number): Bundle[] {
    const single = new GroupLists()
    const several = new Map<string, { groups: number[]; columns: number[][]; index: number[] }>()
    for (let i = 0; i < refs.length; i++) {
      const ref = refs[i]!
      if (this.findSingle(ref, mint, maxt)) {
        if (this.singleGroup !== 0) single.add(this.singleGroup, this.singleColumn, i)
        continue
      }
      const places = this.placesOf(ref, mint, maxt)
      if (places.length === 0) continue
      const groups = places.filter((_, k) => k % 2 === 0)
      const key = groups.join()
      let bundle = several.get(key)
      if (!bundle) several.set(key, bundle = { groups, columns: groups.map(() => []), index: [] })
      bundle.columns.forEach((list, g) => list.push(places[2 * g + 1]!))
      bundle.index.push(i)
    }
    const bundles = single.lists.map(({ group, length, columns, index }): Bundle => byColumn({
      groups: [this.snapshot(group)], columns: [columns.subarray(0, length)], index: index.subarray(0, length),
    }))
    for (const { groups, columns, index } of several.values()) {
      bundles.push(byColumn({
        groups: groups.map((group) => this.snapshot(group)), columns: columns.map((list) => Uint32Array.from(list)), index: Uint32Array.from(index),
      }))
    }
    return bundles
  }

  /**
   * Sets singleGroup and singleColumn to where a series lies that has always been in one group, 0 where that is out of
   * range: so do nearly all. False where it is not so, or main is just moving the series: ask `placesOf`.
   */
  findSingle(ref: number, mint: number, maxt: number): boolean {
    const { u32 } = this.#heap
    if (Atomics.load(u32, this.#more.wordOf(ref)) !== 0) return false
    const group = Atomics.load(u32, this.#group.wordOf(ref))
    if (group === 0 || isForgotten(group)) return false
    const column = this.#column.get(ref)
    if (Atomics.load(u32, this.#group.wordOf(ref)) !== group || Atomics.load(u32, this.#more.wordOf(ref)) !== 0) return false
    const snapshot = this.snapshot(group)
    this.singleGroup = this.#reaches(snapshot, mint, maxt) && column < snapshot.columns ? group : 0
    this.singleColumn = column
    return true
  }

  /** True if a series lies in any group that reaches into the range. */
  hasAny(ref: number, mint: number, maxt: number): boolean {
    return this.findSingle(ref, mint, maxt) ? this.singleGroup !== 0 : this.placesOf(ref, mint, maxt).length > 0
  }

  /** [group, column, group, column, …] of a series, in-order groups first, of each kind the oldest; only those that reach into the range. */
  placesOf(ref: number, mint: number, maxt: number): number[] {
    const places: number[] = []
    let inOrder = 0
    const add = (group: number, column: number): void => {
      const snapshot = this.snapshot(group)
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
    if (group !== 0 && !isForgotten(group)) add(group, column)
    for (let node = Atomics.load(u32, this.#more.wordOf(ref)); node !== 0; node = u32[node * 2 + 2]!) {
      add(u32[node * 2]!, u32[node * 2 + 1]!)
    }
    return places
  }

  /** Where reading a group begins: what is in blocks is not taken from here. */
  mintOf({ generation }: GroupSnapshot, mint: number): number {
    const { cover } = this.#limits.published
    return generation <= cover.generation && mint < cover.t ? cover.t : mint
  }

  #reaches(snapshot: GroupSnapshot, mint: number, maxt: number): boolean {
    const { minT, maxT, generation } = snapshot
    const from = this.mintOf(snapshot, mint)
    return maxT >= from && minT <= maxt && from <= maxt && generation <= this.#limits.generationMax
  }

  snapshot(group: number): GroupSnapshot {
    let snapshot = this.#snapshots.get(group)
    if (!snapshot) {
      snapshot = snapshotGroup(this.#heap, group, this.#record.get(group))
      this.#snapshots.set(group, snapshot)
    }
    return snapshot
  }

  /**
   * No row at t or later is older than this, and one is as old; Infinity where there is none. `firstOf`: the first time of a segment's
   * rows that is not before another.
   */
  oldestFrom(t: number, firstOf: (place: SegmentPlace, from: number) => number): number {
    let oldest = Infinity
    for (const snapshot of this.#groups()) {
      if (!this.#reaches(snapshot, t, Infinity)) continue
      const from = this.mintOf(snapshot, t)
      oldest = Math.min(oldest, snapshot.minT >= from ? snapshot.minT : this.#oldestIn(snapshot, from, firstOf))
    }
    return oldest
  }

  /** As oldestFrom, by what each segment and row says: a group may have been silent for a year. */
  #oldestIn(snapshot: GroupSnapshot, from: number, firstOf: (place: SegmentPlace, from: number) => number): number {
    let oldest = Infinity
    for (let unit = snapshot.segment; unit !== 0;) {
      const place = readSegmentPlace(this.#heap, unit)
      if (place.minT >= from) oldest = Math.min(oldest, place.minT)
      // Its rows may lie years apart: each two hours between would be looked through in vain.
      else if (place.maxT >= from && oldest > from) oldest = Math.min(oldest, firstOf(place, from))
      unit = place.previous
    }
    for (let r = 0; r < snapshot.rows; r++) {
      const t = this.#heap.f64[snapshot.block + r]!
      if (t >= from) oldest = Math.min(oldest, t)
    }
    return oldest
  }

  /** True if anything at all lies in the range; without matchers the label APIs ask no more, as Prometheus asks its blocks. */
  reachesInto(mint: number, maxt: number): boolean {
    for (const snapshot of this.#groups()) if (this.#reaches(snapshot, mint, maxt)) return true
    return false
  }

  /** All groups that have columns. Ids of groups that are gone lead to one empty record. */
  *#groups(): Generator<GroupSnapshot> {
    let empty = 0
    for (let id = Atomics.load(this.#heap.u32, ROOT_GROUP_COUNT); id > 0; id--) {
      const record = this.#record.get(id)
      if (record === empty) continue
      if (snapshotGroup(this.#heap, id, record).columns === 0) empty = record
      else yield this.snapshot(id)
    }
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
