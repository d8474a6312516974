// Binary operators with a scalar on at least one side: no matching, rows pass through in place.
import type { BinaryExpr } from '../parse/ast.ts'
import { calculateRow, filterRow, isComparison, type NumberOp, type Side } from './arithmetic.ts'
import { MappedRows } from './mapped-rows.ts'
import { FLOAT, type Operator, type RowBatch, type Steps } from './operator.ts'
import { ScalarOperator } from './scalar.ts'

function sideOf(values: Float64Array): Side {
  return { values, kinds: new Uint8Array(values.length).fill(FLOAT), at: 0 }
}

/** scalar op scalar. */
export function scalarWithScalar(op: NumberOp, left: Float64Array, right: Float64Array): Operator {
  const out = sideOf(new Float64Array(left.length))
  calculateRow(op, sideOf(left), sideOf(right), out, left.length)
  return new ScalarOperator(out.values)
}

/** Which side of the operator the scalar stands on. */
export interface ScalarSide {
  values: Float64Array
  isLeft: boolean
}

/** vector op scalar, scalar op vector. A filtering comparison keeps the vector's value and name. */
export function vectorWithScalar(
  expr: BinaryExpr, vector: Operator, scalar: ScalarSide, scope: { steps: Steps; dropName: (set: number) => number },
): Operator {
  const op = expr.op as NumberOp
  const isFilter = isComparison(op) && !expr.returnBool
  const width = scope.steps.count
  const fixed = sideOf(scalar.values)
  const row: Side = { values: fixed.values, kinds: fixed.kinds, at: 0 }
  const [left, right] = scalar.isLeft ? [fixed, row] : [row, fixed]
  const place = { kept: row, out: row }
  const mapRows = (batch: RowBatch): void => {
    row.values = batch.values
    row.kinds = batch.kinds
    for (let r = 0; r < batch.rows; r++) {
      row.at = r * width
      if (isFilter) filterRow(op, left, right, place, width)
      else calculateRow(op, left, right, row, width)
    }
  }
  return new MappedRows(vector, isFilter ? (set) => set : scope.dropName, mapRows)
}
