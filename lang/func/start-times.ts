// What start timestamps say of a counter (feature use-start-timestamps; prometheus promql/functions.go,
// isStartTimestampReset). All times are Unix ms; a start of 0 is not known.
//
//   sample       ·t₀        ·t₁           start₁ > t₀: the counter began anew between the two, whatever its value
//   start            s₁─────┘             start₁ = t₀: deltas, each sample beginning where the one before ended

/** Whether sample `k` follows a reset; k ≥ 1. */
export function isStartReset(t: Float64Array, startTimes: Float64Array, k: number): boolean {
  const start = startTimes[k]!
  const previousT = t[k - 1]!
  // A start at or after its own sample means "not known" (OpenTelemetry) or nothing at all.
  if (start === 0 || start >= t[k]! || start < previousT) return false
  if (start > previousT) return true
  const previousStart = startTimes[k - 1]!
  return previousStart !== 0 && previousStart < previousT
}

/** Sample `k` claims to count from before the sample ahead of it, yet not from where that one did. */
export function isStartOverlap(t: Float64Array, startTimes: Float64Array, k: number): boolean {
  const start = startTimes[k]!
  return start !== 0 && start < t[k - 1]! && start !== startTimes[k - 1]!
}

/** The first sample's start lies in the window and ahead of the sample: the counter was 0 then. */
export function isStartInside(start: number, windowStartMs: number, firstT: number): boolean {
  return start !== 0 && start > windowStartMs && start < firstT
}
