// The type of an expression's value, from the tree alone: the parser checks operands and arguments by it, the engine chooses
// operators.
import { SIGNATURES } from '../func/signatures.ts'
import type { Expr, ValueType } from './ast.ts'

export function typeOf(expr: Expr): ValueType {
  switch (expr.type) {
    case 'number': return 'scalar'
    case 'string': return 'string'
    case 'vectorSelector': case 'aggregate': return 'vector'
    case 'matrixSelector': case 'subquery': return 'matrix'
    case 'paren': case 'unary': return typeOf(expr.expr)
    case 'binary': return typeOf(expr.left) === 'scalar' && typeOf(expr.right) === 'scalar' ? 'scalar' : 'vector'
    case 'call': return SIGNATURES.get(expr.func)!.returns
  }
}

/** Types as the documentation names them: `instant vector`, `range vector`. */
export function typeName(type: ValueType): string {
  if (type === 'vector') return 'instant vector'
  return type === 'matrix' ? 'range vector' : type
}
