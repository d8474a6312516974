// Series in Prometheus' label order. Every distinct text is ranked once; then comparing sets is comparing integers.
import { compareText } from '../../lib/model/labels.ts'
import type { LabelTable } from '../exec/label-table.ts'

/** Positions of `sets` in labels.Compare order. */
export function labelOrder(sets: Uint32Array, labels: LabelTable): Uint32Array {
  const starts = new Uint32Array(sets.length + 1)
  for (let s = 0; s < sets.length; s++) starts[s + 1] = starts[s]! + labels.length(sets[s]!)
  // All sets one after the other: first their symbols' numbers in order of appearance, then the ranks of these.
  const keys = new Uint32Array(starts[sets.length]!)
  const numberOf = new Map<number, number>()
  for (let s = 0; s < sets.length; s++) {
    labels.copyPairs(sets[s]!, keys, starts[s]!)
    for (let i = starts[s]!; i < starts[s + 1]!; i++) {
      const symbol = keys[i]!
      let number = numberOf.get(symbol)
      if (number === undefined) numberOf.set(symbol, number = numberOf.size)
      keys[i] = number
    }
  }
  const ranks = ranksOf(Array.from(numberOf.keys(), (symbol) => labels.textOf(symbol)))
  for (let i = 0; i < keys.length; i++) keys[i] = ranks[keys[i]!]!
  return Uint32Array.from(sets.keys()).sort((a, b) => {
    const x = starts[a]!
    const y = starts[b]!
    const n = Math.min(starts[a + 1]! - x, starts[b + 1]! - y)
    for (let i = 0; i < n; i++) if (keys[x + i] !== keys[y + i]) return keys[x + i]! - keys[y + i]!
    return starts[a + 1]! - x - (starts[b + 1]! - y)
  })
}

/** The place of each text among them all. */
function ranksOf(texts: readonly string[]): Uint32Array {
  const order = Uint32Array.from(texts.keys()).sort((a, b) => compareText(texts[a]!, texts[b]!))
  const ranks = new Uint32Array(texts.length)
  order.forEach((number, rank) => (ranks[number] = rank))
  return ranks
}
