// Which tier answers which steps of a selector.
//
//   steps      ·····································································
//   source     1h tier        1m tier            1m tier + raw      raw
//                             ▲ older is gone    ▲ windows reach    ▲ whole windows are there
//                                                  into raw
//
// A tier takes the place of raw samples that are there only where its answer is the same, much cheaper and on this machine.
// Where raw samples of a window are gone, the coarsest tier that gives the same answer is taken, one on this machine first,
// else the finest that still covers it.
// Of a window whose end is in no tier yet, or within a bucket, the end comes from raw.
import { TIER_MS, type TierCoverage, type TierName } from '../../storage/tier/bucket.ts'
import type { Windows } from '../func/range-kernel.ts'

/** Steps [from, to) and who answers them. */
export interface TierSpan {
  readonly from: number
  readonly to: number
  readonly tier: TierCoverage
  /** Unix ms: buckets that end up to here, raw samples behind; null: of one source only. */
  readonly tailFromMs: number | null
  /** Raw samples of all windows are there, too: what rounding leaves in doubt is asked of them. */
  readonly isRawThere: boolean
}

export interface TierAsk {
  /** What the steps look at. */
  readonly windows: Windows
  /** The newest sample of each window is wanted, rather than all. */
  readonly isInstant: boolean
  /** Columns that an exact answer from buckets of this width reads, on their grid; null where there is none. */
  readonly columnsFor: (widthMs: number) => number | null
}

export interface TierRequest extends TierAsk {
  /** Finest first, raw included. */
  readonly coverage: readonly TierCoverage[]
  /** The tier that was asked for by name; not raw. */
  readonly wanted: TierName | null
}

/** Raw samples of all time. */
export const RAW: TierCoverage = { name: 'raw', widthMs: 0, from: -Infinity, to: Infinity, keptFrom: -Infinity, localFrom: -Infinity, lacksHistograms: false }

/** A guess: nobody knows how often a series is scraped before it is read. */
const SCRAPE_MS = 15_000
/** Raw samples are left where they are for a saving below this many a series, or this many times fewer values. */
const SAVED_MIN = 2000
const SAVED_TIMES = 4
/** No tier saves as much over a shorter time. */
export const WORTH_MS: number = SAVED_MIN * SCRAPE_MS

interface Candidate {
  tier: TierCoverage
  isExact: boolean
  /** All steps end with a bucket. */
  isOnGrid: boolean
  isCheaper: boolean
}

/** Spans in the order of steps, at least one; null where raw answers all. */
export function planTiers(request: TierRequest): readonly TierSpan[] | null {
  const { coverage, windows, wanted } = request
  const candidates = coverage.filter(({ name }) => name !== 'raw').map((tier) => candidateOf(tier, request))
  if (candidates.length === 0) return null
  const raw = coverage.find(({ name }) => name === 'raw') ?? { ...RAW, from: Infinity }
  const spans: { from: number; to: number; tier: TierCoverage; tailFromMs: number | null; isRawThere: boolean }[] = []
  for (let i = 0; i < windows.count; i++) {
    const { tier, tailFromMs, isRawThere } = sourceOf({ startMs: windows.startMs[i]!, endMs: windows.endMs[i]! }, candidates, raw, wanted)
    const last = spans.at(-1)
    // Ends ascend: what is there at the first step's bound is there at the bounds of those that follow.
    if (last?.tier === tier && last.isRawThere === isRawThere && (last.tailFromMs === null) === (tailFromMs === null)) last.to = i + 1
    else spans.push({ from: i, to: i + 1, tier, tailFromMs, isRawThere })
  }
  return spans.every(({ tier }) => tier === raw) ? null : spans
}

/** What a width of buckets would do for windows, whatever there is of them. */
type Fit = Omit<Candidate, 'tier'>

function candidateOf(tier: TierCoverage, request: TierRequest): Candidate {
  const fit = fitOf(tier.widthMs, request)
  return { tier, ...fit, isExact: fit.isExact && !tier.lacksHistograms }
}

function fitOf(widthMs: number, { windows, isInstant, columnsFor }: TierAsk): Fit {
  const { count, startMs, endMs } = windows
  const isOnGrid = areOnGrid(endMs, count, widthMs)
  const columns = columnsFor(widthMs)
  const isExact = isOnGrid && columns !== null && (isInstant || areOnGrid(startMs, count, widthMs))
  const readMs = endMs[count - 1]! - startMs[0]!
  const values = readMs / widthMs * ((columns ?? 0) + 1)
  const samples = readMs / SCRAPE_MS
  return { isExact, isOnGrid, isCheaper: samples - values >= SAVED_MIN && samples >= SAVED_TIMES * values }
}

function areOnGrid(times: Float64Array, count: number, widthMs: number): boolean {
  for (let i = 0; i < count; i++) if (times[i]! % widthMs !== 0) return false
  return true
}

/** Whether some tier may take the place of raw samples that are all there; what tiers cover costs more to learn. */
export function mayReplaceRaw(ask: TierAsk): boolean {
  return Object.values(TIER_MS).some((widthMs) => {
    const { isExact, isCheaper } = fitOf(widthMs, ask)
    return isExact && isCheaper
  })
}

type Source = Pick<TierSpan, 'tier' | 'tailFromMs' | 'isRawThere'>

function sourceOf(window: { startMs: number; endMs: number }, candidates: readonly Candidate[], raw: TierCoverage, wanted: TierName | null): Source {
  const { startMs, endMs } = window
  const named = candidates.find(({ tier }) => tier.name === wanted)
  if (named !== undefined && named.tier.from <= startMs && ceilTo(endMs, named.tier.widthMs) <= named.tier.to) {
    return { tier: named.tier, tailFromMs: null, isRawThere: false }
  }
  const isRawThere = raw.from <= startMs
  const exact = exactOf(window, candidates, isRawThere)
  if (exact !== undefined) return { tier: exact.tier, tailFromMs: null, isRawThere }
  if (isRawThere) return { tier: raw, tailFromMs: null, isRawThere: true }
  const left = candidates.find(({ tier }) => tier.from <= startMs && tier.to >= Math.min(floorTo(endMs, tier.widthMs), raw.from))
  const oldest = left ?? candidates.reduce((a, b) => (b.tier.from < a.tier.from ? b : a))
  // What is older than all that is kept is nowhere.
  if (left === undefined && raw.from <= oldest.tier.from) return { tier: raw, tailFromMs: null, isRawThere: true }
  return { tier: oldest.tier, tailFromMs: tailOf(endMs, oldest, raw), isRawThere: false }
}

function exactOf({ startMs, endMs }: { startMs: number; endMs: number }, candidates: readonly Candidate[], isRawThere: boolean): Candidate | undefined {
  const exact = candidates.filter(({ tier, isExact }) => isExact && tier.from <= startMs && endMs <= tier.to)
  // The coarsest is the last.
  const local = exact.findLast(({ tier, isCheaper }) => tier.localFrom <= startMs && (isCheaper || !isRawThere))
  return isRawThere ? local : local ?? exact.at(-1)
}

/** From where on raw samples tell the end of a window that ends at `endMs`; null where buckets do, or raw has none of it. */
function tailOf(endMs: number, { tier, isOnGrid }: Candidate, raw: TierCoverage): number | null {
  if (isOnGrid && endMs <= tier.to) return null
  const fromMs = floorTo(Math.min(endMs, tier.to), tier.widthMs)
  return fromMs >= raw.from ? fromMs : null
}

export function floorTo(ms: number, widthMs: number): number {
  return Math.floor(ms / widthMs) * widthMs
}

export function ceilTo(ms: number, widthMs: number): number {
  return Math.ceil(ms / widthMs) * widthMs
}
