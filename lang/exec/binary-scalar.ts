// Binary operators with a scalar on at least one side: no matching, rows pass through in place.
import type { BinaryExpr, BinaryOp } from '../parse/ast.ts'
import { calculateRow, type NumberOp, type Side } from './arithmetic.ts'
import { ElementOp, isFilter, isTrim, type ElementScope } from './element-op.ts'
import { MappedRows } from './mapped-rows.ts'
import { FLOAT, type Operator, type RowBatch, type Steps } from './operator.ts'
import { ExecutionError } from './query-error.ts'
import { ScalarOperator } from './scalar.ts'

function sideOf(values: Float64Array): Side {
  return { values, kinds: new Uint8Array(values.length).fill(FLOAT), at: 0 }
}

/** scalar op scalar. Throws ExecutionError for what numbers do not know. */
export function scalarWithScalar(op: BinaryOp, left: Float64Array, right: Float64Array): Operator {
  if (op === '</' || op === '>/') throw new ExecutionError(`operator "${op}" not allowed for Scalar operations`)
  const out = sideOf(new Float64Array(left.length))
  calculateRow(op as NumberOp, sideOf(left), sideOf(right), out, left.length)
  return new ScalarOperator(out.values)
}

/** Which side of the operator the scalar stands on. */
export interface ScalarSide {
  values: Float64Array
  isLeft: boolean
}

/** What operations on rows need. */
export interface ScalarScope extends ElementScope {
  steps: Steps
  dropName: (set: number) => number
}

/** vector op scalar, scalar op vector. A filtering comparison keeps the vector's value and name. */
export function vectorWithScalar(expr: BinaryExpr, vector: Operator, scalar: ScalarSide, scope: ScalarScope): Operator {
  const width = scope.steps.count
  const element = new ElementOp(expr, scope, width)
  const fixed = sideOf(scalar.values)
  const row: Side = { values: fixed.values, kinds: fixed.kinds, at: 0 }
  const [left, right] = scalar.isLeft ? [fixed, row] : [row, fixed]
  const place = { kept: row, out: row, order: 0 }
  const mapRows = (batch: RowBatch): void => {
    if (width === 1 && scope.histograms.size === 0 && !isTrim(expr)) {
      applyToInstants(batch)
      return
    }
    row.values = batch.values
    row.kinds = batch.kinds
    for (let r = 0; r < batch.rows; r++) {
      row.at = r * width
      element.apply(left, right, place)
    }
    element.tellNotes()
  }
  // Fast path: instants of floats are as good as the steps of one row.
  const applyToInstants = ({ values, kinds, rows }: RowBatch): void => {
    const own: Side = { values, kinds, at: 0 }
    const other = sideOf(new Float64Array(rows).fill(scalar.values[0]!))
    new ElementOp(expr, scope, rows).apply(scalar.isLeft ? other : own, scalar.isLeft ? own : other, { kept: own, out: own, order: 0 })
  }
  return new MappedRows(vector, isFilter(expr) ? (set) => set : scope.dropName, mapRows)
}
