// Offset and `@` of selectors and subqueries, as the operators take them. Durations are folded by then.
import type { SubqueryExpr, VectorSelector } from '../parse/ast.ts'
import { atMs, durationMs } from '../plan/fold-durations.ts'
import type { TimeShift } from './windows.ts'

/** How far beyond its range a window looks for samples, ms. */
export interface Extension {
  beforeMs: number
  behindMs: number
}

export const NO_EXTENSION: Extension = { beforeMs: 0, behindMs: 0 }

/** anchored looks for the last sample ahead of the range, smoothed for the neighbours of both of its ends. */
export function extensionOf(selector: VectorSelector, lookbackMs: number): Extension {
  if (selector.isSmoothed) return { beforeMs: lookbackMs, behindMs: lookbackMs }
  return selector.isAnchored ? { beforeMs: lookbackMs, behindMs: 0 } : NO_EXTENSION
}

/** The same windows, longer at both ends. */
export function extendedShift(shift: TimeShift, { beforeMs, behindMs }: Extension): TimeShift {
  return { ...shift, rangeMs: shift.rangeMs + beforeMs + behindMs, offsetMs: shift.offsetMs - behindMs }
}

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
