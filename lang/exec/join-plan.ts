// One-to-one, many-to-one and one-to-many matching of two series lists, worked out once per query: which outputs a
// series of the "many" side has, and which series of the "one" side feed each.
//
//   many   m0 ──┬─▶ output 0   ones: o0
//          m1 ──┼─▶ output 1   ones: o0, o3      several ones of a signature may take turns over time
//               ├─▶ output 2   ones: o5          other group_left labels, another result series
//               └─▶ output 3   fill: only        what fill_right makes up where all of these are missing
//
// prometheus promql/engine.go: VectorBinop, resultMetric.
import type { BinaryExpr, VectorMatching } from '../parse/ast.ts'
import { isFilter } from './element-op.ts'
import { unmarked, withMarkOf, type LabelTable } from './label-table.ts'
import { groupBySignature, signatures } from './matching.ts'

/** A binary operation of two vectors. */
export type JoinExpr = BinaryExpr & { matching: VectorMatching }

/** How an output fills in for a missing one side: not at all, where none is there, or there alone. */
export type OneFill = 'none' | 'rest' | 'only'

/** One result row of one series of the many side. */
export interface JoinOutput {
  /** Position in `JoinPlan.series`. */
  position: number
  /** Series of the one side with this result. */
  ones: readonly number[]
  /** Row of the claims that two many series must not make at one step; -1 where no other could. */
  claim: number
  fill: OneFill
}

/** A signature of the one side, for where its many side is missing and filled in. */
export interface FilledGroup {
  outputs: readonly { position: number; ones: readonly number[] }[]
}

export interface JoinPlan {
  /** Result sets; equal ones may occur more than once. */
  series: Uint32Array
  /** Per series of the many side. */
  outputs: readonly (readonly JoinOutput[])[]
  claimCount: number
  /** Groups of two and more series of the one side with the same signature. */
  duplicates: readonly (readonly number[])[]
  /** Empty unless the many side is filled in. */
  filled: readonly FilledGroup[]
  /** Per series of the many side: position in `filled`, -1 for none. */
  filledOf: Int32Array
}

const NO_OUTPUT: readonly JoinOutput[] = []

export interface JoinSides {
  many: Uint32Array
  one: Uint32Array
}

/** What stands in for series that are missing; null for nothing. */
export interface JoinFills {
  many: number | null
  one: number | null
}

/** How result sets are made. */
export interface JoinLabels {
  labels: LabelTable
  /** At once, or by a mark (query-scope.ts: nameDropper). */
  dropName: (set: number) => number
  /** At once in any case. */
  removeName: (set: number) => number
}

export function planJoin(expr: JoinExpr, sides: JoinSides, fills: JoinFills, scope: JoinLabels): JoinPlan {
  const { labels } = scope
  const { matching } = expr
  const signature = signatures(matching, labels)
  const onesBySignature = groupBySignature(sides.one, signature)
  const resultSet = resultSets(expr, scope)
  const isOneToOne = matching.card === 'one-to-one'
  const hasOwnLabels = !isOneToOne && matching.include.length > 0
  const series: number[] = []
  const claims = new Claims()
  const claimed = (key: number, result: number, output: JoinOutput): JoinOutput => {
    claims.add(isOneToOne ? `${key}` : `${key} ${unmarked(result)}`, output)
    return output
  }
  const outputs = Array.from(sides.many, (set): readonly JoinOutput[] => {
    const key = signature(set)
    const ones = onesBySignature.get(key) ?? []
    if (!hasOwnLabels) {
      if (ones.length === 0 && fills.one === null) return NO_OUTPUT
      const result = resultSet(set, 0)
      const fill = fills.one === null ? 'none' : 'rest'
      return [claimed(key, result, { position: series.push(result) - 1, ones, claim: -1, fill })]
    }
    const found = Array.from(Map.groupBy(ones, (one) => resultSet(set, sides.one[one]!)), ([result, feeding]) =>
      claimed(key, result, { position: series.push(result) - 1, ones: feeding, claim: -1, fill: 'none' }))
    if (fills.one === null) return found
    // A match that is made up has only the labels that were matched: key is their set.
    const result = resultSet(set, key)
    return [...found, claimed(key, result, { position: series.push(result) - 1, ones, claim: -1, fill: 'only' })]
  })
  const filledKeys = fills.many === null ? [] : [...onesBySignature.keys()]
  const filled = filledKeys.map((key): FilledGroup => {
    const byResult = Map.groupBy(onesBySignature.get(key)!, (one) => resultSet(key, sides.one[one]!))
    return { outputs: Array.from(byResult, ([result, ones]) => ({ position: series.push(result) - 1, ones })) }
  })
  const places = new Map(filledKeys.map((key, place) => [key, place]))
  const filledOf = Int32Array.from(sides.many, (set) => places.get(signature(set)) ?? -1)
  const duplicates = [...onesBySignature.values()].filter((ones) => ones.length > 1)
  return { series: Uint32Array.from(series), outputs, claimCount: claims.count, duplicates, filled, filledOf }
}

/** Numbers the outputs that could collide. */
class Claims {
  count = 0
  readonly #first = new Map<string, JoinOutput>()

  add(key: string, output: JoinOutput): void {
    const first = this.#first.get(key)
    if (first === undefined) {
      this.#first.set(key, output)
      return
    }
    if (first.claim < 0) first.claim = this.count++
    output.claim = first.claim
  }
}

function resultSets(expr: JoinExpr, { labels, dropName, removeName }: JoinLabels): (many: number, one: number) => number {
  const { matching } = expr
  const names = new Set(matching.labels.map((name) => labels.intern(name)))
  const include = matching.include.map((name) => labels.intern(name))
  return (many, one) => {
    // Arithmetic drops the name at once even where its removal is delayed otherwise.
    const left = expr.returnBool ? dropName(many) : isFilter(expr) ? many : removeName(many)
    let set = left
    if (matching.card === 'one-to-one') set = matching.isOn ? labels.keep(set, names) : labels.drop(set, names)
    for (const name of include) set = labels.with(set, name, labels.get(one, name))
    // A filter gives back a name that was to be dropped, as 3.14 does.
    return isFilter(expr) && !expr.returnBool ? unmarked(set) : withMarkOf(left, set)
  }
}
