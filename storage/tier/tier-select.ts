// Rows of series from the blocks of a tier, in one batch each.
//
//   refs ─▶ numbers in each block ─▶ in block order ─▶ stretches of 1 Mi rows ─▶ series with the same groups ─▶ batches
//
// Parts follow one another in time (tier-view.ts), so that rows only need to be put side by side.
import { NO_SERIES } from '../block/block.ts'
import type { BucketBatch, BucketSelection } from './bucket.ts'
import { BucketBuffer } from './bucket-buffer.ts'
import type { Wanted } from './row-item.ts'
import type { TierGroup, TierReader } from './tier-reader.ts'
import type { TierPart } from './tier-view.ts'

/** Rows of a batch at the most, unless one series alone has more: a row has up to twelve numbers. */
const BATCH_ROWS_MAX = 1 << 17
const STRETCH_ROWS_MAX = 1 << 20

/** Rows [from, to) of a group of a part. */
interface Rows {
  part: number
  group: TierGroup
  from: number
  to: number
}

interface Bundle {
  rows: readonly Rows[]
  n: number
  /** Positions in refs. */
  series: number[]
}

export interface TierSeries {
  refs: Uint32Array
  numbers: readonly Uint32Array[]
}

export class TierSelection implements BucketSelection {
  readonly refs: Uint32Array
  readonly #parts: readonly TierPart<TierReader>[]
  /** By part: the series' numbers. */
  readonly #numbers: readonly Uint32Array[]
  readonly #range: { mint: number; maxt: number }
  readonly #wanted: Wanted
  readonly #buffer = new BucketBuffer()
  readonly #batches: Generator<BucketBuffer>

  /** Rows of buckets that end in (mint, maxt]. `numbers`: by part, those of refs (ascending), NO_SERIES where it has no such series. */
  constructor(parts: readonly TierPart<TierReader>[], { refs, numbers }: TierSeries, range: { mint: number; maxt: number }, wanted: Wanted) {
    this.refs = refs
    this.#parts = parts
    this.#range = range
    this.#wanted = wanted
    this.#numbers = numbers
    this.#batches = this.#read()
  }

  next(): BucketBatch | null {
    return this.nextWhole()
  }

  /** The same, with what was asked for beside the columns. */
  nextWhole(): BucketBuffer | null {
    const next = this.#batches.next()
    return next.done === true ? null : next.value
  }

  *#read(): Generator<BucketBuffer> {
    let bundles = new Map<string, Bundle>()
    let rows = 0
    for (const i of this.#blockOrder()) {
      rows += this.#place(i, bundles)
      if (rows < STRETCH_ROWS_MAX) continue
      for (const bundle of bundles.values()) yield* this.#readBundle(bundle)
      bundles = new Map()
      rows = 0
    }
    for (const bundle of bundles.values()) yield* this.#readBundle(bundle)
  }

  /** By number in the newest part that has the series. */
  #blockOrder(): number[] {
    const newest = Array.from(this.refs, (_, i) => this.#numbers.findLastIndex((list) => list[i] !== NO_SERIES))
    const there = [...newest.keys()].filter((i) => newest[i]! >= 0)
    return there.toSorted((a, b) => newest[a]! - newest[b]! || this.#numbers[newest[a]!]![a]! - this.#numbers[newest[b]!]![b]!)
  }

  /** Puts a series to those that lie in the same groups; returns how many rows it has. */
  #place(i: number, bundles: Map<string, Bundle>): number {
    const { mint, maxt } = this.#range
    let key = ''
    const rows: Rows[] = []
    let n = 0
    for (let p = 0; p < this.#parts.length; p++) {
      const number = this.#numbers[p]![i]!
      if (number === NO_SERIES) continue
      const { minT, maxT, block } = this.#parts[p]!
      const groupNumber = block.groupOf(number)
      const group = block.group(groupNumber)
      if (group === null) continue
      const from = firstAfter(group.t, Math.max(mint, minT - 1))
      const to = firstAfter(group.t, Math.min(maxt, maxT))
      if (to <= from) continue
      key += `${p}:${groupNumber},`
      rows.push({ part: p, group, from, to })
      n += to - from
    }
    if (n === 0) return 0
    const bundle = bundles.get(key)
    if (bundle) bundle.series.push(i)
    else bundles.set(key, { rows, n, series: [i] })
    return n
  }

  *#readBundle({ rows, n, series }: Bundle): Generator<BucketBuffer> {
    const perBatch = Math.max(1, Math.floor(BATCH_ROWS_MAX / n))
    for (let from = 0; from < series.length; from += perBatch) {
      const some = series.slice(from, from + perBatch)
      const buffer = this.#buffer
      buffer.shape(some.length, n)
      let at = 0
      for (const { group, from: first, to } of rows) {
        buffer.t.set(group.t.subarray(first, to), at)
        at += to - first
      }
      some.forEach((i, s) => {
        buffer.index[s] = i
        let row = s * n
        for (const { part, from: first, to } of rows) {
          this.#parts[part]!.block.readRows(this.#numbers[part]![i]!, first, to, buffer, row, this.#wanted)
          row += to - first
        }
      })
      yield buffer
    }
  }
}

/** Position of the first value above `t` in an ascending list. */
function firstAfter(list: Float64Array, t: number): number {
  let lo = 0
  let hi = list.length
  while (lo < hi) {
    const mid = (lo + hi) >>> 1
    if (list[mid]! <= t) lo = mid + 1
    else hi = mid
  }
  return lo
}
