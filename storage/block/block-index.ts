// A block's index, read through pages: which series there are, where their values lie, what they are called. Methods
// throw BlockError for what is damaged.
import { METRIC_NAME, compareText, type Labels } from '../../lib/model/labels.ts'
import { decodePiece } from '../codec/piece-decode.ts'
import { PIECE_ROWS } from '../codec/piece-shape.ts'
import { BlockError } from '../errors.ts'
import { NO_SERIES } from './block.ts'
import type { Page } from './page-cache.ts'
import {
  SECTION_GROUPS, SECTION_LABELS, SECTION_NAMES, SECTION_PAIRS, SECTION_PLACES, SECTION_POSTINGS, SECTION_REFS,
} from './page-file.ts'
import { GROUP_BYTES, parseGroups, parseLabels, parseNames, parsePairs, parsePieces, parsePlaces, parseRefs } from './page-parse.ts'
import type { PageFile } from './page-reader.ts'

export interface BlockGroup {
  readonly number: number
  readonly minT: number
  readonly maxT: number
  readonly rows: number
  /** In the section of timestamps. */
  readonly firstPiece: number
}

interface LabelName {
  readonly name: string
  readonly firstPair: number
  /** One past its last. */
  readonly endPair: number
}

export class BlockIndex {
  readonly file: PageFile
  readonly #firstRefs = new Map<number, number>()
  /** Pages of refs that were looked into in vain: any ref might be in them. */
  readonly #refDamage: BlockError[] = []
  #places: Page | null = null
  #group: BlockGroup | null = null
  #names: readonly LabelName[] | null = null

  constructor(file: PageFile) {
    this.file = file
  }

  get seriesCount(): number {
    return this.file.items(SECTION_PLACES)
  }

  get pairCount(): number {
    return this.file.items(SECTION_PAIRS)
  }

  /** Numbers of refs (ascending) into `numbers`, NO_SERIES for others; `onDamage` hears of pages that could not be looked into. */
  find(refs: Uint32Array, numbers: Uint32Array, onDamage: (error: unknown) => void): number {
    const { from, to } = this.file.pagesOf(SECTION_REFS)
    let found = 0
    let page: Page | null = null
    let next = from
    let i = 0
    for (let r = 0; r < refs.length; r++) {
      const ref = refs[r]!
      if (next < to && ref >= this.#firstRef(next, to)) {
        const at = this.#refPage(ref, next, to)
        next = at + 1
        i = 0
        page = null
        try {
          page = this.file.load(at, parseRefs)
        } catch (error) {
          onDamage(error)
        }
      }
      numbers[r] = NO_SERIES
      if (page === null) continue
      const known = page.columns[0]!
      while (i < known.length && known[i]! < ref) i = leap(known, i, ref)
      if (i < known.length && known[i] === ref) {
        numbers[r] = page.columns[1]![i]!
        found++
      }
    }
    this.#refDamage.forEach(onDamage)
    if (this.file.mended !== null && this.file.items(SECTION_REFS) < this.seriesCount) onDamage(new BlockError(`${this.file.mended}; some series are not found`))
    return found
  }

  /** A bit for each series whose ref is not known, or stands in a damaged page; null if there is none. */
  unknown(isKnown: (ref: number) => boolean, onDamage: (error: unknown) => void): Int32Array | null {
    const bits = new Int32Array((this.seriesCount + 31) >>> 5).fill(-1)
    let left = this.seriesCount
    const { from, to } = this.file.pagesOf(SECTION_REFS)
    for (let at = from; at < to; at++) {
      try {
        const [refs, numbers] = this.file.load(at, parseRefs).columns as [Uint32Array, Uint32Array]
        for (let i = 0; i < refs.length; i++) {
          if (!isKnown(refs[i]!)) continue
          bits[numbers[i]! >>> 5]! &= ~(1 << (numbers[i]! & 31))
          left--
        }
      } catch (error) {
        onDamage(error)
      }
    }
    return left === 0 ? null : bits
  }

  /** The last page in [from, to) whose first ref is not above `ref`; the first one has such. */
  #refPage(ref: number, from: number, to: number): number {
    let lo = from
    let hi = to
    while (hi - lo > 1) {
      const mid = (lo + hi) >>> 1
      if (this.#firstRef(mid, to) <= ref) lo = mid
      else hi = mid
    }
    return lo
  }

  /** First ref of a page; of a damaged one, that of the next. */
  #firstRef(page: number, to: number): number {
    let ref = this.#firstRefs.get(page)
    if (ref === undefined) {
      try {
        ref = this.file.load(page, parseRefs).columns[0]![0]!
      } catch (error) {
        if (!(error instanceof BlockError)) throw error
        this.#refDamage.push(error)
        ref = page + 1 < to ? this.#firstRef(page + 1, to) : Infinity
      }
      this.#firstRefs.set(page, ref)
    }
    return ref
  }

  #placesOf(series: number): Page {
    const known = this.#places
    if (known !== null && series >= known.firstItem && series - known.firstItem < known.items) return known
    return this.#places = this.file.load(this.file.pageOf(SECTION_PLACES, series), parsePlaces)
  }

  groupOf(series: number): number {
    const page = this.#placesOf(series)
    return page.columns[0]![series - page.firstItem]!
  }

  /** Number of a series' first piece in the section of values. */
  firstPieceOf(series: number): number {
    const page = this.#placesOf(series)
    return page.columns[1]![series - page.firstItem]!
  }

  group(number: number): BlockGroup {
    if (this.#group?.number === number) return this.#group
    const page = this.file.load(this.file.pageOf(SECTION_GROUPS, number), parseGroups)
    const at = (number - page.firstItem) * GROUP_BYTES
    const { view } = page
    return this.#group = {
      number, minT: view.getFloat64(at, true), maxT: view.getFloat64(at + 8, true), rows: view.getUint32(at + 16, true),
      firstPiece: view.getUint32(at + 20, true),
    }
  }

  #labelsPage(series: number): Page {
    return this.file.load(this.file.pageOf(SECTION_LABELS, series), parseLabels)
  }

  refOf(series: number): number {
    const page = this.#labelsPage(series)
    return page.columns[0]![series - page.firstItem]!
  }

  /** Pairs of a series, ascending. */
  pairsOf(series: number): Uint32Array {
    const page = this.#labelsPage(series)
    const i = series - page.firstItem
    const starts = page.columns[1]!
    return page.columns[2]!.subarray(starts[i]!, starts[i + 1]!)
  }

  labelsOf(series: number): Labels {
    const labels: string[][] = []
    for (const pair of this.pairsOf(series)) labels.push([this.nameOf(pair), this.valueOf(pair)])
    return labels.toSorted((a, b) => compareText(a[0]!, b[0]!)).flat()
  }

  /** Values of a label that some series has, sorted. */
  valuesOf(name: string): string[] {
    const values: string[] = []
    const known = this.names().find((other) => other.name === name)
    if (known === undefined) return values
    for (let pair = known.firstPair; pair < known.endPair; pair++) if (this.postingsCount(pair) > 0) values.push(this.valueOf(pair))
    return values
  }

  /** Label names in the order of their pairs. */
  names(): readonly LabelName[] {
    if (this.#names !== null) return this.#names
    const names: string[] = []
    const firstPairs: number[] = []
    const { from, to } = this.file.pagesOf(SECTION_NAMES)
    for (let page = from; page < to; page++) {
      const { texts, columns } = this.file.load(page, parseNames)
      names.push(...texts)
      firstPairs.push(...columns[0]!)
    }
    const pairs = this.file.items(SECTION_PAIRS)
    return this.#names = names.map((name, i) => ({ name, firstPair: firstPairs[i]!, endPair: firstPairs[i + 1] ?? pairs }))
  }

  nameOf(pair: number): string {
    const names = this.names()
    let lo = 0
    let hi = names.length
    while (hi - lo > 1) {
      const mid = (lo + hi) >>> 1
      if (names[mid]!.firstPair <= pair) lo = mid
      else hi = mid
    }
    return names[lo]?.name ?? METRIC_NAME
  }

  #pairsPage(pair: number): Page {
    return this.file.load(this.file.pageOf(SECTION_PAIRS, pair), parsePairs)
  }

  valueOf(pair: number): string {
    const page = this.#pairsPage(pair)
    return page.texts[pair - page.firstItem]!
  }

  /** The pair of a name with this value, or -1. */
  findPair({ firstPair, endPair }: LabelName, value: string): number {
    let lo = firstPair
    let hi = endPair
    while (lo < hi) {
      const mid = (lo + hi) >>> 1
      if (compareText(this.valueOf(mid), value) < 0) lo = mid + 1
      else hi = mid
    }
    return lo < endPair && this.valueOf(lo) === value ? lo : -1
  }

  /** Number of series with a pair. */
  postingsCount(pair: number): number {
    const page = this.#pairsPage(pair)
    return page.columns[0]![pair - page.firstItem]!
  }

  /** Series with a pair, ascending. */
  postings(pair: number): Uint32Array {
    const page = this.#pairsPage(pair)
    const count = page.columns[0]![pair - page.firstItem]!
    const place = page.columns[1]![pair - page.firstItem]!
    if (count <= 1) return count === 0 ? new Uint32Array(0) : Uint32Array.of(place)
    const list = new Float64Array(count)
    for (let at = 0, piece = place; at < count; at += PIECE_ROWS, piece++) {
      const pieces = this.file.load(this.file.pageOf(SECTION_POSTINGS, piece), parsePieces)
      decodeIn(this.file.path, pieces, piece, Math.min(PIECE_ROWS, count - at), list, at)
    }
    return Uint32Array.from(list)
  }
}

/** Decodes a piece of a page, whole. Throws BlockError. */
export function decodeIn(path: string, page: Page, piece: number, rows: number, out: Float64Array, at: number): void {
  const starts = page.columns[0]!
  const i = piece - page.firstItem
  let end = -1
  let why = ''
  try {
    end = decodePiece(page, starts[i]!, rows, out, at)
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    why = `: ${error.message}`
  }
  if (end !== starts[i + 1]) throw new BlockError(`cannot read piece ${piece} of ${path}: ${rows} rows in ${starts[i + 1]! - starts[i]!} bytes${why}`)
}

/** Leaps ahead in a sorted list to the first place at or behind i where the value may be at least `least`. */
function leap(list: Uint32Array, i: number, least: number): number {
  let step = 1
  while (i + step < list.length && list[i + step]! < least) {
    i += step
    step *= 2
  }
  return i + 1
}
