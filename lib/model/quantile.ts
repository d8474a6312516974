// The quantile of quantile_over_time and quantile (prometheus promql/quantile.go): linear interpolation between ranks, NaN
// below every number.

/** Up to here an insertion sort beats the engine's sort, which has a price per call. */
const INSERTION_MAX = 48

/** Ascending, NaN last. */
function sort(a: Float64Array): void {
  const n = a.length
  if (n > INSERTION_MAX) {
    a.sort()
    return
  }
  let end = n
  for (let i = 0; i < end;) {
    const x = a[i]!
    if (x === x) {
      i++
      continue
    }
    a[i] = a[--end]!
    a[end] = x
  }
  for (let i = 1; i < end; i++) {
    const x = a[i]!
    let k = i - 1
    for (; k >= 0 && a[k]! > x; k--) a[k + 1] = a[k]!
    a[k + 1] = x
  }
}

/** More are sorted in runs of so many: some 20 ms each, between which a query may end. */
const RUN = 1 << 18

/**
 * The q-quantile of `a`, whose order it changes, by linear interpolation between ranks. q < 0 gives -Inf, q > 1 +Inf, NaN or
 * an empty array NaN. `spend` is told of work as it is done, and may throw.
 */
export function quantile(q: number, a: Float64Array, spend?: (samples: number) => void): number {
  const n = a.length
  if (n === 0 || q !== q) return NaN
  if (q < 0) return -Infinity
  if (q > 1) return Infinity
  const runs = sortRuns(a, spend)
  let numbers = 0
  for (const run of runs) numbers += run.length
  const nanCount = n - numbers
  const rank = q * (n - 1)
  const lower = Math.max(0, Math.floor(rank))
  const upper = Math.min(n - 1, lower + 1)
  const weight = rank - Math.floor(rank)
  if (lower < nanCount) return NaN
  return select(runs, lower - nanCount) * (1 - weight) + select(runs, upper - nanCount) * weight
}

/** Sorts runs of `a`, and gives them without the NaN at their ends. */
function sortRuns(a: Float64Array, spend: ((samples: number) => void) | undefined): Float64Array[] {
  const runs: Float64Array[] = []
  for (let from = 0; from < a.length; from += RUN) {
    const run = a.length <= RUN ? a : a.subarray(from, from + RUN)
    sort(run)
    let end = run.length
    while (end > 0 && run[end - 1]! !== run[end - 1]!) end--
    runs.push(end === run.length ? run : run.subarray(0, end))
    spend?.(run.length)
  }
  return runs
}

/** The number of a rank, from 0, among all of some sorted runs: what is left of each narrows around it. */
function select(runs: readonly Float64Array[], rank: number): number {
  // Fast path: one run is the whole.
  if (runs.length === 1) return runs[0]![rank]!
  const lo = runs.map(() => 0)
  const hi = runs.map((run) => run.length)
  let left = rank
  for (;;) {
    let widest = 0
    for (let i = 1; i < runs.length; i++) if (hi[i]! - lo[i]! > hi[widest]! - lo[widest]!) widest = i
    const pivot = runs[widest]![(lo[widest]! + hi[widest]!) >>> 1]!
    const from = runs.map((run, i) => countBelow(run, lo[i]!, hi[i]!, pivot, false))
    const to = runs.map((run, i) => countBelow(run, lo[i]!, hi[i]!, pivot, true))
    const below = from.reduce((sum, end, i) => sum + end - lo[i]!, 0)
    const equal = to.reduce((sum, end, i) => sum + end - from[i]!, 0)
    if (left >= below && left < below + equal) return pivot
    if (left < below) {
      from.forEach((end, i) => (hi[i] = end))
    } else {
      left -= below + equal
      to.forEach((end, i) => (lo[i] = end))
    }
  }
}

/** The first position in [from, to) of a sorted run whose number is not below x, or, with `andEqual`, above it. */
function countBelow(run: Float64Array, from: number, to: number, x: number, andEqual: boolean): number {
  let lo = from
  let hi = to
  while (lo < hi) {
    const mid = (lo + hi) >>> 1
    const y = run[mid]!
    if (y < x || (andEqual && y === x)) lo = mid + 1
    else hi = mid
  }
  return lo
}
