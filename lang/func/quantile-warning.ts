// The warning that every quantile function has in common.
import type { Span } from '../parse/ast.ts'
import type { FuncContext } from './contract.ts'
import { formatGeneral } from '../../lib/std/go-format.ts'

/** Warns of each quantile that lies outside [0, 1] or is NaN, once per value. */
export function warnOfQuantiles(ctx: FuncContext, quantiles: Float64Array, at: Span): void {
  for (let i = 0; i < quantiles.length; i++) {
    const q = quantiles[i]!
    if (q >= 0 && q <= 1 || (i > 0 && Object.is(q, quantiles[i - 1]))) continue
    ctx.annotations.warn(`quantile value should be between 0 and 1, got ${formatGeneral(q)}`, at)
  }
}
