// Windows of an instant query whose state somebody keeps from one query to the next, as rules do (lib/rules/window): what their
// function gives is asked for series by series instead of being read from the store and computed anew.
//
//   selector, function ─KeptWindows─▶ refs, values ─▶ one batch of rows ─▶ the operators above, as from the store
import type { VectorSelector } from '../parse/ast.ts'
import { durationMs } from '../plan/fold-durations.ts'
import { DenseOperator } from './dense.ts'
import { FLOAT, type Operator, type Steps } from './operator.ts'
import type { QueryScope } from './query-scope.ts'
import type { WindowAsk } from './window-contract.ts'

/** The rows of a selector, or of a range function over it, from what is kept; null: they are to be read. */
export function keptOperator(scope: QueryScope, { selector, ...asked }: { selector: VectorSelector } & Pick<WindowAsk, 'func' | 'arg' | 'windowMs'>, steps: Steps): Operator | null {
  const { kept, querier, labels, budget } = scope
  if (kept === null || steps.count !== 1 || selector.at !== null || selector.isAnchored || selector.isSmoothed) return null
  const offsetMs = selector.offset === null ? 0 : durationMs(selector.offset)
  const rows = kept.windows({ ...asked, matchers: selector.matchers, offsetMs }, steps.startMs, querier)
  if (rows === null) return null
  const { refs, hasValue } = rows
  let count = 0
  for (let i = 0; i < refs.length; i++) count += hasValue[i]!
  const series = budget.ints(count)
  const values = budget.floats(count)
  let row = 0
  for (let i = 0; i < refs.length; i++) {
    if (hasValue[i] === 0) continue
    series[row] = labels.ofSeries(refs[i]!)
    values[row++] = rows.values[i]!
  }
  budget.addSamples(count)
  return new DenseOperator({ series, values, kinds: budget.bytes(count).fill(FLOAT) }, budget)
}
