// Which block of a tier answers for which buckets: blocks say so by their names (bounds of the ends of buckets, inclusive), and
// where several do, the one written last. Pure.
import type { Span } from './due.ts'

export interface TierBlockName extends Span {
  number: number
}

/** Buckets, by their ends (inclusive), that a block answers for. */
export interface TierPart<B> extends Span {
  block: B
}

/** Disjoint, ascending. */
export function tierView<B extends TierBlockName>(blocks: readonly B[]): TierPart<B>[] {
  const byAge = blocks.toSorted((a, b) => b.number - a.number)
  const bounds = [...new Set(blocks.flatMap(({ minT, maxT }) => [minT, maxT + 1]))].toSorted((a, b) => a - b)
  const view: TierPart<B>[] = []
  for (let i = 1; i < bounds.length; i++) {
    const minT = bounds[i - 1]!
    const maxT = bounds[i]! - 1
    const block = byAge.find((one) => one.minT <= minT && one.maxT >= maxT)
    const last = view.at(-1)
    if (block === undefined) continue
    if (last?.block === block && last.maxT === minT - 1) last.maxT = maxT
    else view.push({ minT, maxT, block })
  }
  return view
}
