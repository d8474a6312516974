// Series in Prometheus' label order. Every distinct text is ranked once; then comparing sets is comparing integers.
// Dashboards ask for the same series again and again: the last orders of many are kept.
import { compareText } from '../../lib/model/labels.ts'
import type { LabelTable } from '../exec/label-table.ts'

/** Fewer sets are ordered anew each time. */
const KEPT_MIN = 64
const KEPT_MAX = 16_384
const ORDERS_MAX = 16

interface KeptOrder {
  sets: Uint32Array
  order: Uint32Array
}

const known = new WeakMap<LabelTable, { generation: number; orders: KeptOrder[] }>()

/** Positions of `sets` in labels.Compare order; not to be written. */
export function labelOrder(sets: Uint32Array, labels: LabelTable): Uint32Array {
  if (sets.length < KEPT_MIN || sets.length > KEPT_MAX) return ordered(sets, labels)
  let kept = known.get(labels)
  if (kept === undefined || kept.generation !== labels.generation) known.set(labels, kept = { generation: labels.generation, orders: [] })
  const { orders } = kept
  const at = orders.findIndex((one) => isSame(one.sets, sets))
  const found = at >= 0 ? orders.splice(at, 1)[0]! : { sets: sets.slice(), order: ordered(sets, labels) }
  orders.unshift(found)
  if (orders.length > ORDERS_MAX) orders.pop()
  return found.order
}

function isSame(a: Uint32Array, b: Uint32Array): boolean {
  if (a.length !== b.length) return false
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false
  return true
}

function ordered(sets: Uint32Array, labels: LabelTable): Uint32Array {
  if (sets.length <= 1) return new Uint32Array(sets.length)
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
