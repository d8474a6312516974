// A join of two instant vectors as rules ask for them tick after tick: the points of both sides are brought in line by their
// signatures and calculated as if they were the steps of one row. What that does not cover, and what is an error, is for Join.
//
//   left    a 3 │ b 5 │ c 7          a 3 │ c 7
//   right   c 2 │ a 1         ─▶     a 1 │ c 2    ─▶   a 3 op 1 │ c 7 op 2
import type { Side } from './arithmetic.ts'
import type { DenseRows } from './dense.ts'
import { ElementOp, isFilter } from './element-op.ts'
import type { JoinExpr } from './join-plan.ts'
import type { JoinScope } from './join.ts'
import { highestOf, signatures } from './matching.ts'
import { ABSENT, FLOAT } from './operator.ts'

/** Rows of one step each; null: Join is to look at them. Names are not marked. */
export function joinInstants(expr: JoinExpr, left: DenseRows, right: DenseRows, scope: JoinScope): DenseRows | null {
  const { card, fillLeft, fillRight, include } = expr.matching
  if (card === 'one-to-many' || fillLeft !== null || fillRight !== null || include.length > 0 || expr.op === '</' || expr.op === '>/') return null
  const pairs = pairUp(expr, left, right, scope)
  if (pairs === null) return null
  const { budget } = scope
  const count = pairs.left.length
  const values = budget.floats(count)
  const kinds = budget.bytes(count)
  const other: Side = { values: new Float64Array(count), kinds, at: 0 }
  const result = resultSet(expr, scope)
  const series = budget.ints(count)
  for (let i = 0; i < count; i++) {
    values[i] = left.values[pairs.left[i]!]!
    other.values[i] = right.values[pairs.right[i]!]!
    kinds[i] = FLOAT
    series[i] = result(left.series[pairs.left[i]!]!)
  }
  if (hasEqual(series)) return null
  const own: Side = { values, kinds, at: 0 }
  new ElementOp(expr, scope, count).apply(own, other, { kept: own, out: own, order: 0 })
  return { series, values, kinds }
}

/** Rows without those that have no point; what is kept is moved up in place. */
export function withoutAbsent(rows: DenseRows): DenseRows {
  const { series, values, kinds } = rows
  let count = 0
  for (let s = 0; s < series.length; s++) {
    if (kinds[s] === ABSENT) continue
    series[count] = series[s]!
    values[count] = values[s]!
    kinds[count++] = kinds[s]!
  }
  return count === series.length ? rows : { series: series.subarray(0, count), values: values.subarray(0, count), kinds: kinds.subarray(0, count) }
}

/** Positions of points that belong together; null where some are no floats, or two of one side have one signature. */
function pairUp(expr: JoinExpr, left: DenseRows, right: DenseRows, { labels }: JoinScope): { left: Uint32Array; right: Uint32Array } | null {
  const signature = signatures(expr.matching, labels)
  const leftSigns = left.series.map(signature)
  const rightSigns = right.series.map(signature)
  /** One more than the position, by signature. */
  const places = new Uint32Array(highestOf(rightSigns) + 1)
  for (let r = 0; r < rightSigns.length; r++) {
    if (right.kinds[r] === ABSENT) continue
    if (right.kinds[r] !== FLOAT || places[rightSigns[r]!] !== 0) return null
    places[rightSigns[r]!] = r + 1
  }
  const pairs = { left: new Uint32Array(left.series.length), right: new Uint32Array(left.series.length) }
  const isTaken = expr.matching.card === 'one-to-one' ? new Uint8Array(places.length) : null
  let count = 0
  for (let s = 0; s < leftSigns.length; s++) {
    const sign = leftSigns[s]!
    const place = sign < places.length ? places[sign]! : 0
    if (place === 0 || left.kinds[s] === ABSENT) continue
    if (left.kinds[s] !== FLOAT || isTaken?.[sign] === 1) return null
    if (isTaken !== null) isTaken[sign] = 1
    pairs.left[count] = s
    pairs.right[count++] = place - 1
  }
  return { left: pairs.left.subarray(0, count), right: pairs.right.subarray(0, count) }
}

/** The label set of a result by that of its left side (join-plan.ts), remembered by the table. */
function resultSet(expr: JoinExpr, { labels, dropName }: JoinScope): (set: number) => number {
  const { card, isOn, labels: listed } = expr.matching
  const named = isFilter(expr) ? (set: number): number => set : dropName
  if (card === 'many-to-one' || (!isOn && listed.length === 0)) return named
  const names = new Set(listed.map((name) => labels.intern(name)))
  const matched = isOn ? labels.keeping(names) : labels.dropping(names)
  return (set) => matched(named(set))
}

function hasEqual(sets: Uint32Array): boolean {
  const isSeen = new Uint8Array(highestOf(sets) + 1)
  for (let i = 0; i < sets.length; i++) {
    if (isSeen[sets[i]!] === 1) return true
    isSeen[sets[i]!] = 1
  }
  return false
}
