// The element operations of binary operators over rows, one loop per operator, with Go's results where JavaScript's
// differ. prometheus promql/engine.go: scalarBinop, vectorElemBinop.
import { pow } from '../../lib/std/go-pow.ts'
import { atan2 } from '../../lib/std/go-trigonometry.ts'
import type { BinaryOp } from '../parse/ast.ts'
import { ABSENT, FLOAT } from './operator.ts'

/** Operators of numbers: all but the set operators and the histogram trims. */
export type NumberOp = Exclude<BinaryOp, 'and' | 'or' | 'unless' | '</' | '>/'>

/** One side of an operation: a row at `at`. */
export interface Side {
  values: Float64Array
  kinds: Uint8Array
  at: number
}

/** out[i] = left[i] op right[i] where both are FLOAT, else absent. `out` may be either side. Comparisons give 0 or 1. */
export function calculateRow(op: NumberOp, left: Side, right: Side, out: Side, n: number): void {
  const { values: l, at: la } = left
  const { values: r, at: ra } = right
  const { values: o, at: oa } = out
  switch (op) {
    case '+': for (let i = 0; i < n; i++) o[oa + i] = l[la + i]! + r[ra + i]!; break
    case '-': for (let i = 0; i < n; i++) o[oa + i] = l[la + i]! - r[ra + i]!; break
    case '*': for (let i = 0; i < n; i++) o[oa + i] = l[la + i]! * r[ra + i]!; break
    case '/': for (let i = 0; i < n; i++) o[oa + i] = l[la + i]! / r[ra + i]!; break
    case '%': for (let i = 0; i < n; i++) o[oa + i] = l[la + i]! % r[ra + i]!; break
    case '^': for (let i = 0; i < n; i++) o[oa + i] = pow(l[la + i]!, r[ra + i]!); break
    case 'atan2': for (let i = 0; i < n; i++) o[oa + i] = atan2(l[la + i]!, r[ra + i]!); break
    case '==': for (let i = 0; i < n; i++) o[oa + i] = l[la + i] === r[ra + i] ? 1 : 0; break
    case '!=': for (let i = 0; i < n; i++) o[oa + i] = l[la + i] !== r[ra + i] ? 1 : 0; break
    case '<': for (let i = 0; i < n; i++) o[oa + i] = l[la + i]! < r[ra + i]! ? 1 : 0; break
    case '<=': for (let i = 0; i < n; i++) o[oa + i] = l[la + i]! <= r[ra + i]! ? 1 : 0; break
    case '>': for (let i = 0; i < n; i++) o[oa + i] = l[la + i]! > r[ra + i]! ? 1 : 0; break
    case '>=': for (let i = 0; i < n; i++) o[oa + i] = l[la + i]! >= r[ra + i]! ? 1 : 0; break
  }
  const { kinds: lk } = left
  const { kinds: rk } = right
  const { kinds: ok } = out
  for (let i = 0; i < n; i++) ok[oa + i] = lk[la + i] === FLOAT && rk[ra + i] === FLOAT ? FLOAT : ABSENT
}

/** As a comparison, but keeps `kept` where it holds and leaves a gap where it does not. `out` may be `kept`. */
export function filterRow(op: NumberOp, left: Side, right: Side, place: { kept: Side; out: Side }, n: number): void {
  const { values: l, kinds: lk, at: la } = left
  const { values: r, kinds: rk, at: ra } = right
  const { kept, out } = place
  const { kinds: ok, at: oa } = out
  const isEqualKept = op === '==' || op === '<=' || op === '>='
  const isLessKept = op === '<' || op === '<=' || op === '!='
  const isGreaterKept = op === '>' || op === '>=' || op === '!='
  for (let i = 0; i < n; i++) {
    const x = l[la + i]!
    const y = r[ra + i]!
    // NaN is neither equal, less nor greater; only != holds for it.
    const holds = x === y ? isEqualKept : x < y ? isLessKept : x > y ? isGreaterKept : op === '!='
    ok[oa + i] = holds && lk[la + i] === FLOAT && rk[ra + i] === FLOAT ? FLOAT : ABSENT
  }
  if (kept.values !== out.values || kept.at !== oa) {
    for (let i = 0; i < n; i++) out.values[oa + i] = kept.values[kept.at + i]!
  }
}
