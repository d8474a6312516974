// The constructs of PromQL that an expression uses, and which of its nodes uses each: functions, aggregations, operators, and
// how they are modified.
import type { Duration, DurationExpr, Expr } from '../../lang/parse/ast.ts'
import { childrenOf } from '../../lang/plan/tree.ts'

export interface Use {
  construct: string
  node: Expr
}

/** Every use, outermost first. */
export function usesOf(expr: Expr): Use[] {
  const own = [...operationsOf(expr), ...selectionsOf(expr)].map((construct) => ({ construct, node: expr }))
  return [...own, ...(expr.type === 'matrixSelector' ? [] : childrenOf(expr).flatMap(usesOf))]
}

function operationsOf(expr: Expr): string[] {
  if (expr.type === 'call') return [expr.func]
  if (expr.type === 'aggregate') return [expr.op, ...(expr.grouping.length > 0 ? [expr.isWithout ? 'without' : 'by'] : [])]
  if (expr.type === 'unary') return [`unary ${expr.op}`]
  if (expr.type === 'subquery') return ['subquery']
  if (expr.type !== 'binary') return []
  const { matching, op, returnBool } = expr
  const uses: [string, boolean][] = [
    [op, true], ['bool', returnBool],
    ['on', matching?.isOn === true], ['ignoring', matching !== null && !matching.isOn && matching.labels.length > 0],
    ['group_left', matching?.card === 'many-to-one'], ['group_right', matching?.card === 'one-to-many'],
    ['fill on the left', matching?.fillLeft != null], ['fill on the right', matching?.fillRight != null],
  ]
  return uses.flatMap(([construct, isUsed]) => (isUsed ? [construct] : []))
}

function selectionsOf(expr: Expr): string[] {
  const own: string[] = []
  const selector = expr.type === 'matrixSelector' ? expr.selector : expr
  if (selector.type === 'vectorSelector' || selector.type === 'subquery') {
    if (selector.offset !== null) own.push('offset', ...durationsOf(selector.offset))
    if (selector.offset?.kind === 'fixed' && selector.offset.ms < 0) own.push('offset ahead')
    if (selector.at !== null) own.push('@', `@ ${selector.at.kind}`)
    if (selector.type === 'subquery' && selector.step === null) own.push('default step')
  }
  if (expr.type === 'matrixSelector' || expr.type === 'subquery') own.push(...durationsOf(expr.range))
  if (expr.type === 'subquery' && expr.step !== null) own.push(...durationsOf(expr.step))
  if (selector.type === 'vectorSelector' && selector.isNameInBraces === true && !/^[\w:]+$/.test(selector.name)) own.push('name in quotes')
  if (selector.type === 'vectorSelector' && selector.isAnchored) own.push('anchored')
  if (selector.type === 'vectorSelector' && selector.isSmoothed) own.push('smoothed')
  return own
}

/** What a duration is worked out of. */
function durationsOf(duration: Duration): string[] {
  const parts = (expr: DurationExpr): string[] => {
    switch (expr.kind) {
      case 'number': case 'step': case 'range': return [`${expr.kind} in a duration`]
      case 'unary': return [`unary ${expr.op} in a duration`, ...parts(expr.arg)]
      case 'binary': return [`${expr.op} in a duration`, ...parts(expr.left), ...parts(expr.right)]
      case 'min_of': case 'max_of': return [`${expr.kind} in a duration`, ...parts(expr.left), ...parts(expr.right)]
    }
  }
  return duration.kind === 'expr' ? parts(duration.expr) : []
}
