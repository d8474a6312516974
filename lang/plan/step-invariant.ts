// Finds subtrees that give the same at every step because every selector in them is pinned by `@`: they are
// evaluated once and replicated (prometheus promql/engine.go, PreprocessExpr).
import { CALENDAR } from '../func/signatures.ts'
import type { Expr } from '../parse/ast.ts'
import { childrenOf, unwrapParens } from './tree.ts'

/** Functions that see the evaluation time whatever their arguments. */
const TIME_DEPENDENT: ReadonlySet<string> = new Set([...CALENDAR, 'predict_linear', 'time', 'timestamp'])

/** The roots of step-invariant subtrees, but for literals, which are cheaper as they are. */
export function findStepInvariant(expr: Expr): ReadonlySet<Expr> {
  const found = new Set<Expr>()
  if (visit(expr, found)) add(expr, found)
  return found
}

/** Whether `expr` is invariant; if it is not, its invariant children are added. */
function visit(expr: Expr, found: Set<Expr>): boolean {
  switch (expr.type) {
    case 'number': case 'string':
      return true
    case 'vectorSelector':
      return expr.at !== null
    case 'matrixSelector':
      return expr.selector.at !== null
    case 'subquery':
      // Its steps are its own: what is invariant within it is found even if the subquery itself is not.
      if (visit(expr.expr, found)) add(expr.expr, found)
      return expr.at !== null
    case 'aggregate':
      // By the vector alone: a parameter that varies is then taken at the first step, as Prometheus does.
      return visit(expr.expr, found)
    case 'paren': case 'unary': case 'binary': case 'call': {
      const children = childrenOf(expr)
      const invariant = children.map((child) => visit(child, found))
      if (!isTimeDependent(expr) && !invariant.includes(false)) return true
      children.forEach((child, i) => invariant[i] === true && add(child, found))
      return false
    }
  }
}

/** Of a selector timestamp() gives the samples' times, which are as pinned as they are. */
function isTimeDependent(expr: Expr): boolean {
  if (expr.type !== 'call' || !TIME_DEPENDENT.has(expr.func)) return false
  return expr.func !== 'timestamp' || unwrapParens(expr.args[0]!).type !== 'vectorSelector'
}

function add(expr: Expr, found: Set<Expr>): void {
  if (expr.type !== 'number' && expr.type !== 'string') found.add(expr)
}
