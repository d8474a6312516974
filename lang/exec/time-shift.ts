// Offset and `@` of selectors and subqueries, as the operators take them. Durations are folded by then.
import type { SubqueryExpr, VectorSelector } from '../parse/ast.ts'
import { atMs, durationMs } from '../plan/fold-durations.ts'
import type { TimeShift } from './windows.ts'

/** `rangeMs`: the lookback or the window of the matrix selector around it. */
export function shiftOf(selector: VectorSelector, rangeMs: number): TimeShift {
  return {
    rangeMs,
    offsetMs: selector.offset === null ? 0 : durationMs(selector.offset),
    atMs: selector.at === null ? null : atMs(selector.at),
  }
}

/** How a subquery looks back from each outer step. */
export function subqueryShift(source: SubqueryExpr): TimeShift {
  return {
    rangeMs: durationMs(source.range),
    offsetMs: source.offset === null ? 0 : durationMs(source.offset),
    atMs: source.at === null ? null : atMs(source.at),
  }
}
