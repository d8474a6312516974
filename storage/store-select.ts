// Samples of series from blocks and head, in one batch each.
//
//   refs ─▶ numbers in each block ─▶ in block order ─▶ stretches of 1 Mi values ─▶ bundles ─▶ batches
//
// A bundle is the series that lie in the same groups everywhere, blocks and head: scraped together, they share timestamps
// all along, and their batch is block after block, then the head. Where places overlap in time (late data, blocks not
// compacted yet, series between two groups) all are merged instead: of conflicting samples that of the block made first
// stays, a block's before the head's, in the head that of the older group.
// Blocks keep series in block order (metric name, then labels), the same in each: by stretches of it pages are read once.
import { NO_SERIES, type BlockColumns } from './block/block.ts'
import type { OpenBlock } from './block-set.ts'
import { COLD_REFS, type ColdPlace } from './cold-series.ts'
import { BatchBuffer } from './head/batch-buffer.ts'
import type { BatchPool } from './head/batch-pool.ts'
import type { GroupPlan } from './head/group-read.ts'
import type { HeadQuerier } from './head/head-querier.ts'
import { mergeParts, type BatchPart } from './head/merge-parts.ts'
import { SegmentDamageError } from './head/segment-read.ts'
import type { Selection, SeriesBatch } from './interface.ts'

/** Values of a stretch, and so of a batch, at the most, unless one series alone has more. */
const STRETCH_VALUES_MAX = 1 << 20

/** A native histogram, which is an object, counts as so many values. */
const HISTOGRAM_WEIGHT = 16
const NEIGHBOURS_SHIFT = 5

interface Range {
  mint: number
  maxt: number
}

/** Rows [from, to) of a group of a block are those in range. */
interface Rows {
  /** Position of the block among the selection's. */
  b: number
  number: number
  block: BlockColumns
  group: number
  from: number
  to: number
}

/** Where a series lies. */
interface Place {
  rows: Rows[]
  /** Its number in the block of each of `rows`. */
  numbers: number[]
  /** Groups of the head, and its column in each. */
  groups: number[]
  columns: number[]
  /** No more values than this in all, a histogram counted as several. */
  weight: number
}

/** The i-th series has position index[i] in the selection, number numbers[k][i] in the block of rows[k], column columns[g][i] in groups[g]. */
interface Bundle {
  rows: readonly Rows[]
  groups: readonly number[]
  index: number[]
  numbers: number[][]
  columns: number[][]
}

/** What matchers selected. */
export interface Selected {
  /** Of the head, ascending. */
  refs: Uint32Array
  /** What lies in blocks under other refs. */
  cold: readonly ColdPlace[]
}

/** Blocks in order of time. */
export function selectAcross(head: HeadQuerier, blocks: readonly OpenBlock[], { refs: live, cold }: Selected, range: Range, pool: BatchPool): Selection {
  const refs = withCold(live, cold)
  const read = new AcrossReader(head, blocks, { refs, cold }, range, pool).batches()
  return { refs, next: () => read.next().value ?? null }
}

/** Refs from COLD_REFS up come behind those of the head; a series that came back has one of the head's. */
export function withCold(live: Uint32Array, cold: readonly ColdPlace[]): Uint32Array {
  if (cold.length === 0) return live
  const more = Uint32Array.from(new Set(cold.map(({ ref }) => ref).filter((ref) => ref >= COLD_REFS))).sort()
  const refs = new Uint32Array(live.length + more.length)
  refs.set(live)
  refs.set(more, live.length)
  return refs
}

/** Position of a ref in an ascending list, -1 if it is not there. */
export function positionOf(refs: Uint32Array, ref: number): number {
  let lo = 0
  let hi = refs.length
  while (lo < hi) {
    const mid = (lo + hi) >>> 1
    if (refs[mid]! < ref) lo = mid + 1
    else hi = mid
  }
  return refs[lo] === ref ? lo : -1
}

const UNREAD = new BatchBuffer()

class AcrossReader {
  readonly #head: HeadQuerier
  readonly #blocks: readonly OpenBlock[]
  readonly #refs: Uint32Array
  readonly #range: Range
  /** By block: numbers of the refs, and rows in range by group. */
  readonly #numbers: readonly Uint32Array[]
  readonly #rows: readonly Map<number, Rows>[]
  readonly #headWeights = new Map<number, number>()
  /** By block: whether the series looked at last has histograms, and which it was. */
  readonly #heavy: readonly { stretch: number; isHeavy: boolean }[]
  readonly #pool: BatchPool
  /** Taken when reading begins. */
  #batch: BatchBuffer = UNREAD
  /** Of the series looked at last. */
  readonly #place: Place = { rows: [], numbers: [], groups: [], columns: [], weight: 0 }

  constructor(head: HeadQuerier, blocks: readonly OpenBlock[], { refs, cold }: Selected, range: Range, pool: BatchPool) {
    this.#pool = pool
    this.#head = head
    this.#blocks = blocks
    this.#refs = refs
    this.#range = range
    this.#numbers = blocks.map(({ columns }) => {
      const numbers = new Uint32Array(refs.length)
      columns.find(refs, numbers)
      return numbers
    })
    // No block has a label set twice.
    for (const { b, number, ref } of cold) {
      const i = positionOf(refs, ref)
      if (i >= 0 && this.#numbers[b]![i] === NO_SERIES) this.#numbers[b]![i] = number
    }
    this.#rows = blocks.map(() => new Map<number, Rows>())
    this.#heavy = blocks.map(() => ({ stretch: -1, isHeavy: false }))
  }

  *batches(): Generator<SeriesBatch, null> {
    this.#batch = this.#pool.take()
    let bundles = new Bundles()
    let values = 0
    for (const i of blockOrder(this.#refs.length, this.#numbers)) {
      const place = this.#placeOf(i)
      if (values > 0 && values + place.weight > STRETCH_VALUES_MAX) {
        for (const bundle of bundles.list) if (this.#read(bundle)) yield this.#batch
        bundles = new Bundles()
        values = 0
      }
      values += place.weight
      if (place.rows.length + place.groups.length > 0) bundles.put(i, place)
    }
    for (const bundle of bundles.list) if (this.#read(bundle)) yield this.#batch
    this.#pool.give(this.#batch)
    return null
  }

  /** The place is valid until the next call. */
  #placeOf(i: number): Place {
    const place = this.#place
    const { rows: allRows, numbers, groups, columns } = place
    allRows.length = numbers.length = groups.length = columns.length = place.weight = 0
    for (let b = 0; b < this.#blocks.length; b++) {
      const number = this.#numbers[b]![i]!
      if (number === NO_SERIES) continue
      const rows = this.#rowsIn(b, this.#blocks[b]!.columns.groupOf(number))
      if (rows.to <= rows.from) continue
      allRows.push(rows)
      numbers.push(number)
      place.weight += (rows.to - rows.from) * (this.#isHeavy(b, number) ? HISTOGRAM_WEIGHT : 1)
    }
    if (this.#refs[i]! >= COLD_REFS) return place
    const { mint, maxt } = this.#range
    const { places } = this.#head
    const ref = this.#refs[i]!
    if (places.findSingle(ref, mint, maxt)) {
      if (places.singleGroup !== 0) this.#addHead(places.singleGroup, places.singleColumn)
      return place
    }
    const inHead = places.placesOf(ref, mint, maxt)
    for (let k = 0; k < inHead.length; k += 2) this.#addHead(inHead[k]!, inHead[k + 1]!)
    return place
  }

  #addHead(group: number, column: number): void {
    const place = this.#place
    place.groups.push(group)
    place.columns.push(column)
    place.weight += this.#headWeight(group)
  }

  /** Neighbours in a block are of one metric, as a rule: one of a few is looked at, since that reads its page. */
  #isHeavy(b: number, number: number): boolean {
    const known = this.#heavy[b]!
    const stretch = number >>> NEIGHBOURS_SHIFT
    if (known.stretch !== stretch) {
      known.stretch = stretch
      known.isHeavy = this.#blocks[b]!.columns.hasHistograms(number)
    }
    return known.isHeavy
  }

  #rowsIn(b: number, group: number): Rows {
    let rows = this.#rows[b]!.get(group)
    if (!rows) {
      const { columns: block, number } = this.#blocks[b]!
      block.seekRows(group, this.#range.mint, this.#range.maxt)
      rows = { b, number, block, group, from: block.from, to: block.to }
      this.#rows[b]!.set(group, rows)
    }
    return rows
  }

  #headWeight(group: number): number {
    let weight = this.#headWeights.get(group)
    if (weight === undefined) {
      weight = this.#plan([group]).reduce((sum, { rows: n, hasHistograms }) => sum + n * (hasHistograms ? HISTOGRAM_WEIGHT : 1), 0)
      this.#headWeights.set(group, weight)
    }
    return weight
  }

  #plan(groups: readonly number[]): GroupPlan[] {
    return this.#head.plan(groups.map((group) => this.#head.places.snapshot(group)), this.#range.mint, this.#range.maxt)
  }

  /** Fills the batch; false if there turns out to be nothing. */
  #read(bundle: Bundle): boolean {
    for (;;) {
      const plans = this.#plan(bundle.groups)
      const isPlain = isSequential(bundle.rows, plans)
      // The head reads columns in ascending order.
      if (isPlain && plans.length > 0) orderByColumn(bundle)
      try {
        if (isPlain) this.#concatenate(bundle, plans)
        else this.#merge(bundle, plans)
      } catch (error) {
        // Each attempt knows one more damaged segment, so this ends.
        if (error instanceof SegmentDamageError) continue
        throw error
      }
      this.#batch.index.set(bundle.index)
      return this.#batch.n > 0
    }
  }

  #concatenate({ rows, index, numbers, columns }: Bundle, plans: readonly GroupPlan[]): void {
    const inBlocks = rows.reduce((sum, { from, to }) => sum + to - from, 0)
    this.#batch.shape(index.length, inBlocks + (plans[0]?.rows ?? 0))
    let base = 0
    for (const [k, part] of rows.entries()) {
      readRows(part, numbers[k]!, this.#batch, base)
      base += part.to - part.from
    }
    if (plans.length > 0) this.#head.readInto(plans[0]!, Uint32Array.from(columns[0]!), this.#batch, base)
  }

  #merge({ rows, index, numbers, columns }: Bundle, plans: readonly GroupPlan[]): void {
    const places = [...rows.entries()].toSorted(([, a], [, b]) => a.number - b.number)
    const parts = places.map(([k, part]): BatchPart => {
      const batch = new BatchBuffer()
      batch.shape(index.length, part.to - part.from)
      readRows(part, numbers[k]!, batch, 0)
      return { batch, ...this.#range }
    })
    parts.push(...this.#head.readParts(plans, columns.map((list) => Uint32Array.from(list))))
    mergeParts(parts, this.#batch)
  }
}

/** Rows of a block, of series by number, into rows base… of a batch that is shaped. */
function readRows({ block, group, from, to }: Rows, numbers: readonly number[], batch: BatchBuffer, base: number): void {
  if (block.readTimes(group, from, to, batch.t, base)) {
    const place = { s: 0, base }
    for (; place.s < numbers.length; place.s++) block.readSeries(numbers[place.s]!, from, to, batch, place)
    return
  }
  // The disk gave the timestamps up after it was asked for the rows in range: these are left out, in ascending order.
  for (let i = 0; i < to - from; i++) batch.t[base + i] = block.meta.minT + i
  for (let s = 0; s < numbers.length; s++) batch.beginGaps(s, base)
}

/** Positions 0 … count − 1 in block order: by number in the newest block, those it does not have by that in the one before … */
function blockOrder(count: number, numbers: readonly Uint32Array[]): Uint32Array {
  const order = new Uint32Array(count)
  let n = 0
  let rest = Uint32Array.from(order.keys())
  for (const list of numbers.toReversed()) {
    if (rest.length === 0) break
    const here = sortedBy(list, rest.filter((i) => list[i] !== NO_SERIES))
    order.set(here, n)
    n += here.length
    rest = rest.filter((i) => list[i] === NO_SERIES)
  }
  order.set(rest, n)
  return order
}

/** Positions sorted by their numbers, which are all different. */
function sortedBy(numbers: Uint32Array, positions: Uint32Array): Uint32Array {
  // Number and position as the digits of one double, which sorts natively: both are below the count of series.
  const base = numbers.length
  const keys = Float64Array.from(positions, (i) => numbers[i]! * base + i).sort()
  return Uint32Array.from(keys, (key) => key - Math.floor(key / base) * base)
}

/** The bundles of a stretch. */
class Bundles {
  readonly list: Bundle[] = []
  readonly #byKey = new Map<string, Bundle>()
  #last: Bundle | null = null

  put(position: number, { rows, numbers, groups, columns }: Place): void {
    // Fast path: neighbours mostly lie in the same groups, and are told by that without a text.
    if (this.#last === null || !isSame(this.#last.rows, rows) || !isSame(this.#last.groups, groups)) this.#last = this.#find(rows, groups)
    const bundle = this.#last
    bundle.index.push(position)
    for (let k = 0; k < numbers.length; k++) bundle.numbers[k]!.push(numbers[k]!)
    for (let g = 0; g < columns.length; g++) bundle.columns[g]!.push(columns[g]!)
  }

  #find(rows: readonly Rows[], groups: readonly number[]): Bundle {
    const key = `${rows.map(({ b, group }) => `${b}:${group}`).join()};${groups.join()}`
    let bundle = this.#byKey.get(key)
    if (bundle === undefined) {
      bundle = { rows: [...rows], groups: [...groups], index: [], numbers: rows.map(() => []), columns: groups.map(() => []) }
      this.#byKey.set(key, bundle)
      this.list.push(bundle)
    }
    return bundle
  }
}

function isSame<T>(a: readonly T[], b: readonly T[]): boolean {
  if (a.length !== b.length) return false
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false
  return true
}

function orderByColumn(bundle: Bundle): void {
  const columns = bundle.columns[0]!
  if (columns.every((column, i) => i === 0 || column > columns[i - 1]!)) return
  const order = [...columns.keys()].sort((a, b) => columns[a]! - columns[b]!)
  const ordered = (list: readonly number[]): number[] => order.map((i) => list[i]!)
  bundle.index = ordered(bundle.index)
  bundle.numbers = bundle.numbers.map(ordered)
  bundle.columns = bundle.columns.map(ordered)
}

/** True if each part begins after the one before it ends, so that their rows only need to follow each other. */
function isSequential(rows: readonly Rows[], plans: readonly GroupPlan[]): boolean {
  for (let k = 1; k < rows.length; k++) if (rows[k]!.block.meta.minT <= rows[k - 1]!.block.meta.maxT) return false
  if (plans.length === 0) return true
  const [{ mint, snapshot }] = plans as [GroupPlan]
  if (plans.length > 1 || snapshot.isUnordered) return false
  return rows.length === 0 || Math.max(mint, snapshot.minT) > rows.at(-1)!.block.meta.maxT
}
