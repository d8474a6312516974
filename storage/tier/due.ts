// Which rows of tiers are to be made, or made anew: by stretches of two hours, those of whose buckets raw samples have come or
// gone since. Kept with the blocks (FORMAT.md, "change.json"), so that it changes in the same moment as they do. Pure; Unix ms.
//
// The stretch that begins at s, a multiple of two hours, has the buckets that end in [s, s + 2 h): of a cut at s + 2 h all their
// samples are in blocks. The bucket that ends on the cut has a sample more to come, the one at that very time; it is the first
// of the next stretch.
import { TIER_MS } from './bucket.ts'
import { bucketEnd } from './aggregate.ts'

export const STRETCH_MS: number = 2 * 3_600_000

/** Ascending, disjoint [from, to), multiples of STRETCH_MS. */
export type Stretches = readonly (readonly [from: number, to: number])[]
export type BuiltTier = keyof typeof TIER_MS
export type DueTiers = Readonly<Record<BuiltTier, Stretches>>

export const NAMES: readonly BuiltTier[] = ['1m', '1h']
export const NOTHING_DUE: DueTiers = { '1m': [], '1h': [] }

/** Inclusive bounds of samples. */
export interface Span {
  minT: number
  maxT: number
}

/** Samples in these spans have come or gone. */
export function addDue(due: DueTiers, spans: readonly Span[]): DueTiers {
  const added = (name: BuiltTier): Stretches => {
    const touched = spans.map(({ minT, maxT }): readonly [number, number] => [stretchOf(minT, name), stretchOf(maxT, name) + STRETCH_MS])
    return union([...due[name], ...touched])
  }
  return { '1m': added('1m'), '1h': added('1h') }
}

/** The stretch whose rows the sample at t is in. */
function stretchOf(t: number, name: BuiltTier): number {
  return Math.floor(bucketEnd(t, TIER_MS[name]) / STRETCH_MS) * STRETCH_MS
}

function union(stretches: Stretches): Stretches {
  const all: [number, number][] = []
  for (const [from, to] of stretches.toSorted((a, b) => a[0] - b[0])) {
    const last = all.at(-1)
    if (last !== undefined && from <= last[1]) last[1] = Math.max(last[1], to)
    else all.push([from, to])
  }
  return all
}

/**
 * The newest stretch that can be made where all before `coverT` is in blocks, or null: what is asked most comes first. Rows
 * before `sinceT` need not be made.
 */
export function nextStretch(stretches: Stretches, coverT: number, sinceT: number): number | null {
  let newest: number | null = null
  for (const [from, to] of stretches) {
    const at = Math.min(to, Math.floor(coverT / STRETCH_MS) * STRETCH_MS) - STRETCH_MS
    if (at >= from && at + STRETCH_MS > sinceT) newest = at
  }
  return newest
}

/** Without the stretch that begins at s. */
export function withoutStretch(due: DueTiers, name: BuiltTier, s: number): DueTiers {
  const end = s + STRETCH_MS
  const rest = due[name].flatMap(([from, to]) => ([[from, Math.min(to, s)], [Math.max(from, end), to]] as const).filter(([a, b]) => a < b))
  return { ...due, [name]: rest }
}

/** True if rows of samples in the span are to be made, and can be. */
export function isDue(stretches: Stretches, { minT, maxT }: Span, name: BuiltTier, { coverT, sinceT }: { coverT: number; sinceT: number }): boolean {
  const from = Math.max(stretchOf(minT, name), sinceT - STRETCH_MS)
  const end = Math.min(stretchOf(maxT, name) + STRETCH_MS, Math.floor(coverT / STRETCH_MS) * STRETCH_MS)
  return stretches.some(([a, b]) => a < end && b > from)
}

/**
 * The longest part of time whose rows are all there: ends of buckets in (from, to]. `droppedT`: rows up to there are gone.
 */
export function coverageOf(stretches: Stretches, name: BuiltTier, coverT: number, droppedT: number): { from: number; to: number } {
  const widthMs = TIER_MS[name]
  const end = Math.floor(coverT / STRETCH_MS) * STRETCH_MS
  let best = { from: 0, to: 0 }
  let from = droppedT
  const close = (to: number): void => {
    if (to > from && !(to - from <= best.to - best.from)) best = { from, to }
  }
  for (const [a, b] of stretches) {
    if (a >= end) break
    close(a - widthMs)
    from = Math.max(droppedT, b - widthMs)
  }
  close(end - widthMs)
  return best
}

/** null for what is no such list. */
export function parseDue(value: unknown): DueTiers | null {
  if (typeof value !== 'object' || value === null) return null
  const of = (name: BuiltTier): Stretches | null => {
    const list: unknown = Reflect.get(value, name)
    if (!Array.isArray(list)) return null
    const pairs: (readonly [number, number])[] = []
    for (const pair of list as unknown[]) {
      if (!Array.isArray(pair) || pair.length !== 2 || !pair.every((t) => Number.isSafeInteger(t) && t % STRETCH_MS === 0)) return null
      pairs.push([Number(pair[0]), Number(pair[1])])
    }
    return pairs
  }
  const minutes = of('1m')
  const hours = of('1h')
  return minutes === null || hours === null ? null : { '1m': minutes, '1h': hours }
}
