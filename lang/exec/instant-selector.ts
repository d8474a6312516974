// The operator of an instant vector selector: the newest sample of each step, or its times, or a smoothed line.
import { RangeNotes } from '../func/range-notes.ts'
import type { VectorSelector } from '../parse/ast.ts'
import type { ExprCompiler } from './call-context.ts'
import { InstantRows, type Wanted } from './instant-rows.ts'
import type { Operator, Steps } from './operator.ts'
import { SelectedRows, selectedSets } from './selected-rows.ts'
import { SmoothedRows } from './smoothed-rows.ts'
import { extendedShift, shiftOf } from './time-shift.ts'

/** `func`: the function directly around the selector, '' for none. Times are of samples: they know no smoothing. */
export function instantSelector(compiler: ExprCompiler, selector: VectorSelector, steps: Steps, what: { func: string; wanted: Wanted }): Operator {
  const { annotations, budget, histograms, labels, lookbackMs } = compiler.scope
  const { func, wanted } = what
  const shift = shiftOf(selector, lookbackMs)
  const isSmoothed = selector.isSmoothed && wanted === 'value'
  const reach = isSmoothed ? extendedShift(shift, { beforeMs: 0, behindMs: lookbackMs }) : shift
  const selection = compiler.select(selector, steps, { shift: reach, func, rangeMs: 0 })
  const sets = selectedSets(selection, labels, budget)
  const filler = isSmoothed
    ? new SmoothedRows({ steps, shift }, sets, new RangeNotes(annotations, labels, selector.span), histograms)
    : new InstantRows({ steps, shift }, wanted, histograms)
  return new SelectedRows(selection, sets, filler, steps, budget)
}
