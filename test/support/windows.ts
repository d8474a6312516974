// Windows of a range vector over a timestamp column, found the slow way: what kernels are tested on.
import type { Steps } from '../../lang/exec/operator.ts'
import type { Pace, Windows } from '../../lang/func/range-kernel.ts'

/** Of a query without a deadline. */
export const NO_HURRY: Pace = { spend: () => {} }

export function windowsOver(t: Float64Array, steps: Steps, rangeMs: number, offsetMs = 0): Windows {
  const evalMs = Float64Array.from({ length: steps.count }, (_, i) => steps.startMs + i * steps.stepMs)
  const endMs = evalMs.map((ms) => ms - offsetMs)
  const startMs = endMs.map((ms) => ms - rangeMs)
  const countUpTo = (limit: number): number => t.filter((ms) => ms <= limit).length
  return {
    count: steps.count, lo: Int32Array.from(startMs, countUpTo), hi: Int32Array.from(endMs, countUpTo), startMs, endMs, rangeMs, evalMs, stretch: null,
  }
}
