// Matchers to series: the smallest posting list that a matcher names, then the rest as filters over label symbols.
//
// Dashboards ask for the same series again and again, and until some are forgotten series are only added: what a set of
// matchers selected among the first n series stays right for those, and only the series behind them are looked at
// (VictoriaMetrics keeps such lists too: tagFiltersToMetricIDs).
import { LruMap } from '../../lib/std/lru-map.ts'
import type { Matcher } from '../../lib/model/matcher.ts'
import { wasForgotten } from './forgotten.ts'
import { LabelValues } from './label-values.ts'
import { MatcherFilter } from './matcher-filter.ts'
import { SeriesTable } from './series-index.ts'
import { PAGE_ENTRIES, ROOT_DEAD_MARKS, type PagedU32, type SharedHeap } from './shared-heap.ts'
import type { SymbolReader } from './symbols.ts'

const FILTERS_MAX = 500
const SELECTIONS_MAX = 500
/** Refs of all kept selections: 4 MiB a thread. */
const KEPT_REFS_MAX = 1 << 20
/** With more new series than this a selection is made anew. */
const NEW_SERIES_MAX = 4096

interface PairPostings {
  pair: number
  count: number
}

/** Which series a querier sees: refs up to `seriesCount` that were not forgotten when `epoch` began. */
export interface SeenSeries {
  seriesCount: number
  epoch: number
  /** How many of those refs are of forgotten series. */
  forgotten: number
}

/** What matchers select among the first `seriesCount` series. */
interface Selected {
  filters: readonly MatcherFilter[]
  refs: Uint32Array
  seriesCount: number
}

export class RefSelector {
  readonly #heap: SharedHeap
  readonly #symbols: SymbolReader
  readonly #labels: PagedU32
  readonly #group: PagedU32
  readonly #table: SeriesTable
  #seen: SeenSeries = { seriesCount: 0, epoch: 0, forgotten: 0 }
  readonly #filters = new LruMap<MatcherFilter>(FILTERS_MAX)
  #selections = new LruMap<Selected>(SELECTIONS_MAX)
  #keptRefs = 0
  readonly values: LabelValues

  constructor(heap: SharedHeap, symbols: SymbolReader) {
    this.#heap = heap
    this.#symbols = symbols
    this.#labels = heap.indexTable('seriesLabels', symbols.side)
    this.#group = heap.paged('seriesGroup')
    this.#table = new SeriesTable(heap, symbols.side)
    this.values = new LabelValues(symbols)
  }

  /** A querier begins that sees these. */
  begin(seen: SeenSeries): void {
    if (seen.epoch !== this.#seen.epoch) {
      this.#selections = new LruMap<Selected>(SELECTIONS_MAX)
      this.#keptRefs = 0
    }
    this.#seen = seen
  }

  get seen(): SeenSeries {
    return this.#seen
  }

  /** True if the head has a series with this ref, for the querier at work. */
  isSeen(ref: number): boolean {
    return ref > 0 && ref <= this.#seen.seriesCount && !wasForgotten(this.#group.get(ref), this.#seen.epoch)
  }

  /** The ref of a series at a share (0 to 1) of the way through those the querier sees, 0 if it sees none. */
  refAt(share: number): number {
    const { seriesCount } = this.#seen
    const at = 1 + Math.floor(share * seriesCount)
    for (let ref = at; ref <= seriesCount; ref++) {
      if (this.isSeen(ref)) return ref
      if (this.#isDeadPage(ref)) ref |= PAGE_ENTRIES - 1
    }
    for (let ref = Math.min(at, seriesCount + 1) - 1; ref > 0; ref--) {
      if (this.isSeen(ref)) return ref
      if (this.#isDeadPage(ref)) ref &= ~(PAGE_ENTRIES - 1)
    }
    return 0
  }

  /** All refs that the querier sees, of all that were ever given: of pages of forgotten ones there may be many more. */
  #all(): Uint32Array {
    const { seriesCount } = this.#seen
    const refs: number[] = []
    for (let ref = 1; ref <= seriesCount; ref++) {
      if (this.isSeen(ref)) refs.push(ref)
      else if (this.#isDeadPage(ref)) ref |= PAGE_ENTRIES - 1
    }
    return Uint32Array.from(refs)
  }

  /** True if the page that a ref is in stands for forgotten series alone. */
  #isDeadPage(ref: number): boolean {
    return this.#group.wordOf(ref & ~(PAGE_ENTRIES - 1)) === this.#heap.u32[ROOT_DEAD_MARKS]
  }

  /** The ref of the series with exactly these pairs, in label order, 0 if the querier sees none. */
  withPairs(pairs: Uint32Array, n: number): number {
    return this.#table.find(pairs, 0, n, (ref) => this.isSeen(ref))
  }

  /** Refs, ascending, of the series that satisfy all matchers. The array may be handed out again: it is not to be written. */
  select(matchers: readonly Matcher[]): Uint32Array {
    const { seriesCount } = this.#seen
    const keys = matchers.map(keyOf)
    const key = keys.join('')
    const known = this.#selections.get(key)
    if (known !== undefined && seriesCount - known.seriesCount <= NEW_SERIES_MAX) {
      if (seriesCount > known.seriesCount) this.#extend(known, seriesCount)
      return known.refs
    }
    const filters = matchers.map((matcher, i) => this.#filterOf(keys[i]!, matcher))
    const refs = this.#find(filters, seriesCount)
    this.#keep(key, { filters, refs, seriesCount })
    return refs
  }

  /** Series are published after their postings: those behind `seriesCount` are left to the next query. */
  #find(filters: readonly MatcherFilter[], seriesCount: number): Uint32Array {
    // A label that no series has makes a matcher true for all or for none.
    if (filters.some((filter) => filter.name === 0 && !filter.matchesEmpty)) return new Uint32Array(0)
    const live = filters.filter((filter) => filter.name !== 0)
    const { seed, refs } = this.#seed(live)
    const rest = live.filter((filter) => filter !== seed)
    let n = 0
    const isWhole = this.#seen.forgotten === 0
    for (const ref of refs) if (ref <= seriesCount && (isWhole || this.isSeen(ref)) && this.#holdsAll(rest, ref)) refs[n++] = ref
    return refs.slice(0, n)
  }

  #extend(known: Selected, seriesCount: number): void {
    const found: number[] = []
    for (let ref = known.seriesCount + 1; ref <= seriesCount; ref++) if (this.#holdsAll(known.filters, ref)) found.push(ref)
    if (found.length > 0) {
      const refs = new Uint32Array(known.refs.length + found.length)
      refs.set(known.refs)
      refs.set(found, known.refs.length)
      this.#keptRefs += found.length
      known.refs = refs
    }
    known.seriesCount = seriesCount
  }

  #holdsAll(filters: readonly MatcherFilter[], ref: number): boolean {
    for (const filter of filters) {
      const { name } = filter
      if (!filter.holds(name === 0 ? 0 : this.valueOf(ref, name))) return false
    }
    return true
  }

  #filterOf(key: string, matcher: Matcher): MatcherFilter {
    let filter = this.#filters.get(key)
    if (filter === undefined) {
      filter = new MatcherFilter(matcher, this.#symbols)
      this.#filters.set(key, filter)
    }
    return filter
  }

  #keep(key: string, selected: Selected): void {
    const before = this.#selections.get(key)
    this.#keptRefs += selected.refs.length - (before?.refs.length ?? 0)
    const gone = this.#selections.set(key, selected)
    this.#keptRefs -= gone?.refs.length ?? 0
    while (this.#keptRefs > KEPT_REFS_MAX) this.#keptRefs -= this.#selections.dropOldest()!.refs.length
  }

  /** The filter with the fewest postings, applied; all series if none narrows. */
  #seed(filters: readonly MatcherFilter[]): { seed: MatcherFilter | null; refs: Uint32Array } {
    let best: MatcherFilter | null = null
    let bestPairs: PairPostings[] = []
    let bestCount = Infinity
    for (const filter of filters) {
      if (filter.matchesEmpty) continue
      // Counts are taken once: lists grow under a reader, and what it takes must fit what it counted.
      const pairs = filter.pairs().map((pair): PairPostings => ({ pair, count: this.#symbols.postingsCount(pair) }))
      const count = pairs.reduce((sum, pair) => sum + pair.count, 0)
      if (count < bestCount) {
        best = filter
        bestPairs = pairs
        bestCount = count
      }
      if (count === 0) break
    }
    if (best === null) return { seed: null, refs: this.#all() }
    return { seed: best, refs: this.#union(bestPairs, bestCount) }
  }

  #union(pairs: readonly PairPostings[], total: number): Uint32Array {
    const out = new Uint32Array(total)
    let at = 0
    for (const { pair, count } of pairs) at = this.#symbols.postings(pair, count, out, at)
    const refs = out.subarray(0, at)
    // Series of the same name have one value each: lists of different pairs are disjoint.
    return pairs.length > 1 ? refs.sort() : refs
  }

  /** Symbol of the value that a series has for a label name, 0 if none. */
  valueOf(ref: number, name: number): number {
    const { u32 } = this.#heap
    const run = this.#labels.get(ref) * 2
    const end = run + 1 + u32[run]!
    for (let i = run + 1; i < end; i++) {
      if (this.#symbols.nameOf(u32[i]!) === name) return this.#symbols.valueOf(u32[i]!)
    }
    return 0
  }

  /** Pair ids of a series, in label order: calls `visit` for each. */
  labelsOf(ref: number, out: Uint32Array): number {
    const { u32 } = this.#heap
    const run = this.#labels.get(ref) * 2
    const n = u32[run]!
    for (let i = 0; i < n; i++) {
      const pair = u32[run + 1 + i]!
      out[2 * i] = this.#symbols.nameOf(pair)
      out[2 * i + 1] = this.#symbols.valueOf(pair)
    }
    return 2 * n
  }
}

/** A text that no other matcher has. */
function keyOf({ op, name, value }: Matcher): string {
  return `${op}${name.length}:${name}${value.length}:${value}`
}
