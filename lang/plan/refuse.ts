// Refuses by name what is parsed but not yet evaluated, before any data is read: a wrong answer is worse than none.
import { ExecutionError } from '../exec/query-error.ts'
import type { Expr } from '../parse/ast.ts'
import { childrenOf } from './tree.ts'

/** Throws ExecutionError at the first construct that the engine cannot evaluate. */
export function refuseUnsupported(expr: Expr): void {
  const what = unsupported(expr)
  if (what !== null) throw new ExecutionError(`${what} is not yet evaluated`)
  for (const child of childrenOf(expr)) refuseUnsupported(child)
}

function unsupported(expr: Expr): string | null {
  if (expr.type === 'binary') {
    if (expr.op === '</' || expr.op === '>/') return `operator "${expr.op}"`
    const { matching } = expr
    if (matching !== null && (matching.fillLeft !== null || matching.fillRight !== null)) return 'modifier "fill"'
  }
  return null
}
