// An expression as text over several lines, as Prometheus lays it out (promql/parser/prettier.go of 3.14): what fits
// into 100 bytes stays on one line; of what does not, the children stand on lines of their own, two spaces deeper.
//
//   sum by (job) (          binary operators stand between their sides, on a line of their own
//     rate(x[5m])
//   )
import type { AggregateExpr, BinaryExpr, Expr } from './ast.ts'
import { endOffset, printAggregation, printBase, printExpr, printOperator, printSubqueryRange } from './print.ts'

/** Longest line, in UTF-8 bytes, not counting its indent. */
const LINE_BYTES_MAX = 100

/** The expression over as many lines as it needs, without a newline at the end. */
export function prettifyExpr(expr: Expr): string {
  return pretty(expr, 0)
}

function pretty(expr: Expr, level: number): string {
  const start = indent(level)
  // A sign passes its level on and stands before whatever its operand makes of it.
  if (expr.type === 'unary') return `${start}${expr.op}${pretty(expr.expr, level).trim()}`
  const flat = printExpr(expr)
  if (Buffer.byteLength(flat) <= LINE_BYTES_MAX) {
    // Prometheus leaves the indent of a short subquery out; so does its web page, and nobody minds.
    return expr.type === 'subquery' ? flat : start + flat
  }
  switch (expr.type) {
    case 'number': case 'string': case 'vectorSelector': case 'matrixSelector': return start + flat
    case 'subquery': return pretty(expr.expr, level) + printSubqueryRange(expr)
    case 'paren': return `${start}(\n${pretty(expr.expr, level + 1)}\n${start})`
    case 'call': {
      const args = expr.args.map((arg) => pretty(arg, level + 1))
      return `${start}${expr.func}(\n${args.join(',\n')}\n${start})`
    }
    case 'aggregate': return prettyAggregate(expr, level)
    case 'binary': return prettyBinary(expr, level)
  }
}

function prettyAggregate(expr: AggregateExpr, level: number): string {
  const param = expr.param ? `${pretty(expr.param, level + 1)},\n` : ''
  return `${indent(level)}${printAggregation(expr)}(\n${param}${pretty(expr.expr, level + 1)}\n${indent(level)})`
}

function prettyBinary(expr: BinaryExpr, level: number): string {
  const { op, left, right } = expr
  const first = op === '^' && left.type === 'number' ? indent(level + 1) + printBase(left) : pretty(left, level + 1)
  return `${endOffset(first, expr)}\n${indent(level)}${printOperator(expr)}\n${pretty(right, level + 1)}`
}

function indent(level: number): string {
  return '  '.repeat(level)
}
