// The type of an expression. The parser has checked it; the engine asks again to choose operators.
import { SIGNATURES } from '../func/signatures.ts'
import type { Expr, ValueType } from '../parse/ast.ts'

export function typeOf(expr: Expr): ValueType {
  switch (expr.type) {
    case 'number': return 'scalar'
    case 'string': return 'string'
    case 'vectorSelector': case 'aggregate': return 'vector'
    case 'matrixSelector': case 'subquery': return 'matrix'
    case 'paren': case 'unary': return typeOf(expr.expr)
    case 'binary': return typeOf(expr.left) === 'scalar' && typeOf(expr.right) === 'scalar' ? 'scalar' : 'vector'
    case 'call': return SIGNATURES.get(expr.func)?.returns ?? 'none'
  }
}
