// Series in Prometheus' label order. Every distinct text is ranked once; then comparing sets is comparing integers.
import { compareText } from '../../lib/model/labels.ts'
import type { LabelTable } from '../exec/label-table.ts'

/** Positions of `sets` in labels.Compare order. */
export function labelOrder(sets: Uint32Array, labels: LabelTable): Uint32Array {
  const symbols = new Set<number>()
  for (const set of sets) for (const symbol of labels.pairs(set)) symbols.add(symbol)
  const ranked = Array.from(symbols, (symbol) => ({ symbol, text: labels.textOf(symbol) }))
    .sort((a, b) => compareText(a.text, b.text))
  const rankOf = new Map(ranked.map(({ symbol }, rank) => [symbol, rank]))
  const keys = Array.from(sets, (set) => labels.pairs(set).map((symbol) => rankOf.get(symbol)!))
  return Uint32Array.from(sets.keys()).sort((a, b) => compareRanks(keys[a]!, keys[b]!))
}

function compareRanks(a: Uint32Array, b: Uint32Array): number {
  const n = Math.min(a.length, b.length)
  for (let i = 0; i < n; i++) if (a[i] !== b[i]) return a[i]! - b[i]!
  return a.length - b.length
}
