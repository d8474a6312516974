// absent and absent_over_time: a series where there is none, for alerts on what has vanished.
import { METRIC_NAME, labelsFromMap } from '../../lib/model/labels.ts'
import { compileMatcher, type Matcher } from '../../lib/model/matcher.ts'
import { isMarked } from '../exec/label-table.ts'
import { ABSENT, FLOAT } from '../exec/operator.ts'
import type { Expr, VectorSelector } from '../parse/ast.ts'
import { ComputedOperator, vectorArg } from './computed-operator.ts'
import type { FuncContext, OperatorFunc } from './contract.ts'

function selectorOf(expr: Expr): VectorSelector | null {
  if (expr.type === 'paren') return selectorOf(expr.expr)
  if (expr.type === 'matrixSelector') return expr.selector
  return expr.type === 'vectorSelector' ? expr : null
}

/** Those that only take series away come last: selecting, Prometheus sorts the matchers which it then asks for labels. */
function inOrderOfSelection(matchers: readonly Matcher[]): readonly Matcher[] {
  const isSubtracting = (matcher: Matcher): boolean => (matcher.op === '!=' || matcher.op === '!~') && compileMatcher(matcher)('')
  const kinds = Map.groupBy(matchers, isSubtracting)
  return [...kinds.get(false) ?? [], ...kinds.get(true) ?? []]
}

/** The labels a selector's `=` matchers demand; a label matched twice is in doubt and left out. */
function demandedLabels(ctx: FuncContext): number {
  const selector = selectorOf(ctx.call.args[0]!)
  const labels = new Map<string, string>()
  const seen = new Set<string>()
  for (const { name, op, value } of inOrderOfSelection(selector?.matchers ?? [])) {
    if (name === METRIC_NAME) continue
    if (op === '=' && !seen.has(name)) {
      seen.add(name)
      labels.set(name, value)
    } else {
      labels.delete(name)
    }
  }
  const set = ctx.labels.ofLabels(labelsFromMap(labels))
  // With delayed removal absent_over_time loses demanded types and units at the end, absent does not (as in Prometheus).
  return isMarked(ctx.dropName(set)) && ctx.call.func === 'absent_over_time' ? ctx.dropName(set) : set
}

/** 1 at each step where the argument has no point; for absent_over_time the argument is present_over_time's result. */
export const absent: OperatorFunc = (ctx, args) => {
  const input = vectorArg(args, 0)
  return new ComputedOperator(Uint32Array.of(demandedLabels(ctx)), () => {
    const { count } = ctx.steps
    const values = ctx.budget.floats(count).fill(1)
    const kinds = ctx.budget.bytes(count).fill(FLOAT)
    for (let batch = input.next(); batch !== null; batch = input.next()) {
      ctx.budget.check()
      for (let r = 0; r < batch.rows; r++) {
        for (let i = 0, k = r * count; i < count; i++, k++) if (batch.kinds[k] !== ABSENT) kinds[i] = ABSENT
      }
    }
    return { values, kinds }
  })
}
