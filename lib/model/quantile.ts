// The quantile of quantile_over_time and quantile (prometheus promql/quantile.go): linear interpolation between ranks, NaN
// below every number.

/** Up to here all are sorted by insertion, which beats looking for two of them. */
const INSERTION_MAX = 48
/** More are sorted in runs of so many: some 20 ms each, between which a query may end. */
const RUN = 1 << 18
/** Looking for a rank passes over some three times the numbers there are; where it takes more than this, the rest is sorted. */
const PASSES_MAX = 8

/**
 * The q-quantile of `a`, whose order it changes, by linear interpolation between ranks. q < 0 gives -Inf, q > 1 +Inf, NaN or
 * an empty array NaN. `spend` is told of work as it is done, and may throw.
 */
export function quantile(q: number, a: Float64Array, spend?: (samples: number) => void): number {
  const n = a.length
  if (n === 0 || q !== q) return NaN
  if (q < 0) return -Infinity
  if (q > 1) return Infinity
  const rank = q * (n - 1)
  const lower = Math.max(0, Math.floor(rank))
  const upper = Math.min(n - 1, lower + 1)
  const weight = rank - Math.floor(rank)
  if (n > RUN) {
    const runs = sortRuns(a, spend)
    const nanCount = n - runs.reduce((sum, run) => sum + run.length, 0)
    if (lower < nanCount) return NaN
    return selectOfRuns(runs, lower - nanCount) * (1 - weight) + selectOfRuns(runs, upper - nanCount) * weight
  }
  const end = moveNaN(a)
  spend?.(n)
  const nanCount = n - end
  if (lower < nanCount) return NaN
  const k = lower - nanCount
  if (end <= INSERTION_MAX) sortFew(a, end)
  else select(a, end, k)
  const above = upper === lower ? a[k]! : end <= INSERTION_MAX ? a[k + 1]! : leastFrom(a, k + 1, end)
  return a[k]! * (1 - weight) + above * weight
}

/** Puts NaN last; returns how many numbers there are. */
function moveNaN(a: Float64Array): number {
  let end = a.length
  for (let i = 0; i < end;) {
    const x = a[i]!
    if (x === x) {
      i++
      continue
    }
    a[i] = a[--end]!
    a[end] = x
  }
  return end
}

/** Sorts the first `end` numbers. */
function sortFew(a: Float64Array, end: number): void {
  for (let i = 1; i < end; i++) {
    const x = a[i]!
    let k = i - 1
    for (; k >= 0 && a[k]! > x; k--) a[k + 1] = a[k]!
    a[k + 1] = x
  }
}

/** Puts the number of rank k among the first `end` at a[k], none above it before it and none below it behind it (Hoare's FIND, 1961). */
function select(a: Float64Array, end: number, k: number): void {
  let from = 0
  let to = end - 1
  let left = PASSES_MAX * end
  while (from < to) {
    left -= to - from
    if (left < 0) {
      a.subarray(from, to + 1).sort()
      return
    }
    const pivot = a[k]!
    let i = from
    let j = to
    while (i <= j) {
      while (a[i]! < pivot) i++
      while (a[j]! > pivot) j--
      if (i > j) break
      const x = a[i]!
      a[i++] = a[j]!
      a[j--] = x
    }
    if (j < k) from = i
    if (k < i) to = j
  }
}

function leastFrom(a: Float64Array, from: number, end: number): number {
  let least = a[from]!
  for (let i = from + 1; i < end; i++) if (a[i]! < least) least = a[i]!
  return least
}

/** Sorts runs of `a`, and gives them without the NaN at their ends. */
function sortRuns(a: Float64Array, spend: ((samples: number) => void) | undefined): Float64Array[] {
  const runs: Float64Array[] = []
  for (let from = 0; from < a.length; from += RUN) {
    const run = a.subarray(from, from + RUN).sort()
    let end = run.length
    while (end > 0 && run[end - 1]! !== run[end - 1]!) end--
    runs.push(end === run.length ? run : run.subarray(0, end))
    spend?.(run.length)
  }
  return runs
}

/** The number of a rank, from 0, among all of some sorted runs: what is left of each narrows around it. */
function selectOfRuns(runs: readonly Float64Array[], rank: number): number {
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
