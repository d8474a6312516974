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

/**
 * The q-quantile of `a`, which it sorts (NaN last), by linear interpolation between ranks. q < 0 gives -Inf, q > 1 +Inf, NaN
 * or an empty array NaN.
 */
export function quantile(q: number, a: Float64Array): number {
  const n = a.length
  if (n === 0 || q !== q) return NaN
  if (q < 0) return -Infinity
  if (q > 1) return Infinity
  sort(a)
  let nanCount = 0
  while (nanCount < n && a[n - 1 - nanCount]! !== a[n - 1 - nanCount]!) nanCount++
  const rank = q * (n - 1)
  const lower = Math.max(0, Math.floor(rank))
  const upper = Math.min(n - 1, lower + 1)
  const weight = rank - Math.floor(rank)
  if (lower < nanCount) return NaN
  return a[lower - nanCount]! * (1 - weight) + a[upper - nanCount]! * weight
}
