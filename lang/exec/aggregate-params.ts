// Checks of aggregation parameters, with Prometheus' words (promql/engine.go: rangeEvalAgg). Parameters are looked at
// over all steps at once.
import { isValidLabelName } from '../../lib/model/relabel.ts'
import { formatGeneral, quote } from '../../lib/std/go-format.ts'
import { warnOfQuantile } from '../func/quantile-warning.ts'
import type { Span } from '../parse/ast.ts'
import type { Annotations } from './annotations.ts'
import { ExecutionError } from './query-error.ts'

export type PickOp = 'topk' | 'bottomk' | 'limitk' | 'limit_ratio'

const INT64_MAX = 2 ** 63

function extremes(values: Float64Array): { min: number; max: number; hasNaN: boolean } {
  let min = Infinity
  let max = -Infinity
  let hasNaN = false
  for (let i = 0; i < values.length; i++) {
    const x = values[i]!
    if (x !== x) hasNaN = true
    if (x < min) min = x
    if (x > max) max = x
  }
  return { min, max, hasNaN }
}

/** Warns of quantiles outside [0, 1]: of an aggregation's only the furthest of all steps. */
export function checkQuantile(param: Float64Array, annotations: Annotations, at: Span): void {
  const { min, max, hasNaN } = extremes(param)
  if (hasNaN) warnOfQuantile(annotations, NaN, at)
  // Beside a NaN Go's Max and Min know of the infinities alone.
  if (hasNaN ? max === Infinity : max > 1) warnOfQuantile(annotations, max, at)
  if (hasNaN ? min === -Infinity : min < 0) warnOfQuantile(annotations, min, at)
}

/** Throws for k that is no int64 and for NaN; returns the parameter, ratios capped to [-1, 1] with a warning. */
export function checkPick(op: PickOp, param: Float64Array, annotations: Annotations, at: Span): Float64Array {
  const { min, max, hasNaN } = extremes(param)
  if (op === 'limit_ratio') {
    if (hasNaN) throw new ExecutionError('Ratio value is NaN')
    const warn = (ratio: number, cap: number): void =>
      annotations.warn(`ratio value should be between -1 and 1, got ${formatGeneral(ratio)}, capping to ${cap}`, at)
    if (max > 1) warn(max, 1)
    if (min < -1) warn(min, -1)
    return param.map((ratio) => Math.max(-1, Math.min(1, ratio)))
  }
  if (hasNaN) throw new ExecutionError('Parameter value is NaN')
  // Nothing is picked then, however low k is.
  if (max < 1) return param
  if (min <= -INT64_MAX) throw new ExecutionError(`Scalar value ${formatGeneral(min)} underflows int64`)
  if (max >= INT64_MAX) throw new ExecutionError(`Scalar value ${formatGeneral(max)} overflows int64`)
  return param
}

/** Throws for what can be no label name. */
export function checkLabelName(name: string): void {
  if (!isValidLabelName(name, 'utf8')) throw new ExecutionError(`invalid label name ${quote(name)}`)
}
