// The warning that every quantile function has in common.
import type { Span } from '../parse/ast.ts'
import { formatGeneral } from '../../lib/std/go-format.ts'
import type { Annotations } from '../exec/annotations.ts'

export function warnOfQuantile(annotations: Annotations, q: number, at: Span): void {
  annotations.warn(`quantile value should be between 0 and 1, got ${formatGeneral(q)}`, at)
}

/** Warns of each quantile that lies outside [0, 1] or is NaN, once per value. */
export function warnOfQuantiles(annotations: Annotations, quantiles: Float64Array, at: Span): void {
  for (let i = 0; i < quantiles.length; i++) {
    const q = quantiles[i]!
    if (q >= 0 && q <= 1 || (i > 0 && Object.is(q, quantiles[i - 1]))) continue
    warnOfQuantile(annotations, q, at)
  }
}
