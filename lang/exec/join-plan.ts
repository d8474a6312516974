// One-to-one, many-to-one and one-to-many matching of two series lists, worked out once per query: which outputs a
// series of the "many" side has, and which series of the "one" side feed each.
//
//   many   m0 ──┬─▶ output 0   ones: o0
//          m1 ──┼─▶ output 1   ones: o0, o3      several ones of a signature may take turns over time
//               └─▶ output 2   ones: o5          other group_left labels, another result series
//
// prometheus promql/engine.go: VectorBinop, resultMetric.
import type { BinaryExpr, VectorMatching } from '../parse/ast.ts'
import { isComparison } from './arithmetic.ts'
import { unmarked, withMarkOf, type LabelTable } from './label-table.ts'
import { groupBySignature, signatures } from './matching.ts'

/** A binary operation of two vectors. */
export type JoinExpr = BinaryExpr & { matching: VectorMatching }

/** One result row of one series of the many side. */
export interface JoinOutput {
  /** Position in `JoinPlan.series`. */
  position: number
  /** Series of the one side with this result, at least one. */
  ones: readonly number[]
  /** Row of the claims that two many series must not make at one step; -1 where no other could. */
  claim: number
}

export interface JoinPlan {
  /** Result sets; equal ones may occur more than once. */
  series: Uint32Array
  /** Per series of the many side. */
  outputs: readonly (readonly JoinOutput[])[]
  claimCount: number
  /** Groups of two and more series of the one side with the same signature. */
  duplicates: readonly (readonly number[])[]
}

export interface JoinSides {
  many: Uint32Array
  one: Uint32Array
}

const NO_OUTPUT: readonly JoinOutput[] = []

/** How result sets are made. */
export interface JoinLabels {
  labels: LabelTable
  /** At once, or by a mark (query-scope.ts: nameDropper). */
  dropName: (set: number) => number
  /** At once in any case. */
  removeName: (set: number) => number
}

export function planJoin(expr: JoinExpr, sides: JoinSides, scope: JoinLabels): JoinPlan {
  const { labels } = scope
  const { matching } = expr
  const signature = signatures(matching, labels)
  const onesBySignature = groupBySignature(sides.one, signature)
  const resultSet = resultSets(expr, scope)
  const isOneToOne = matching.card === 'one-to-one'
  const series: number[] = []
  const claims = new Claims()
  const outputs = Array.from(sides.many, (set): readonly JoinOutput[] => {
    const key = signature(set)
    const ones = onesBySignature.get(key)
    if (ones === undefined) return NO_OUTPUT
    const byResult = isOneToOne || matching.include.length === 0
      ? new Map([[resultSet(set, 0), ones]])
      : Map.groupBy(ones, (one) => resultSet(set, sides.one[one]!))
    return Array.from(byResult, ([result, feeding]) => {
      const output = { position: series.push(result) - 1, ones: feeding, claim: -1 }
      claims.add(isOneToOne ? `${key}` : `${key} ${unmarked(result)}`, output)
      return output
    })
  })
  const duplicates = [...onesBySignature.values()].filter((ones) => ones.length > 1)
  return { series: Uint32Array.from(series), outputs, claimCount: claims.count, duplicates }
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
  const isFilter = isComparison(expr.op) || expr.op === '</' || expr.op === '>/'
  const names = new Set(matching.labels.map((name) => labels.intern(name)))
  const include = matching.include.map((name) => labels.intern(name))
  return (many, one) => {
    // Arithmetic drops the name at once even where its removal is delayed otherwise.
    const left = !isFilter ? removeName(many) : expr.returnBool ? dropName(many) : many
    let set = left
    if (matching.card === 'one-to-one') set = matching.isOn ? labels.keep(set, names) : labels.drop(set, names)
    for (const name of include) set = labels.with(set, name, labels.get(one, name))
    return withMarkOf(left, set)
  }
}
