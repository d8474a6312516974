// Durations as Prometheus writes them: `1h30m`, units y w d h m s ms, each at most once and in this order; a year is
// 365 days. Source: prometheus/common model/time.go.

export class DurationError extends Error {
  readonly code = 'BAD_DURATION'
}

const UNITS: readonly (readonly [string, number])[] = [
  ['y', 365 * 86_400_000], ['w', 7 * 86_400_000], ['d', 86_400_000],
  ['h', 3_600_000], ['m', 60_000], ['s', 1000], ['ms', 1],
]
/** The longest: Go's time.Duration counts nanoseconds in 63 bits, some 292 years. */
export const DURATION_MS_MAX = 9_223_372_036_854

/** Milliseconds. Throws DurationError in Prometheus' words. */
export function parseDuration(text: string): number {
  if (text === '0') return 0
  if (text === '') throw new DurationError('empty duration string')
  let totalMs = 0
  let lastUnitMs = Infinity
  for (let at = 0; at < text.length;) {
    const part = /^(\d+)(\D*)/.exec(text.slice(at))
    if (part === null || part[2] === '') throw new DurationError(`not a valid duration string: ${JSON.stringify(text)}`)
    const unit = UNITS.find(([name]) => name === part[2])
    if (unit === undefined) throw new DurationError(`unknown unit ${JSON.stringify(part[2])} in duration ${JSON.stringify(text)}`)
    if (unit[1] >= lastUnitMs) throw new DurationError(`not a valid duration string: ${JSON.stringify(text)}`)
    lastUnitMs = unit[1]
    totalMs += Number(part[1]) * lastUnitMs
    if (totalMs > DURATION_MS_MAX) throw new DurationError('duration out of range')
    at += part[0].length
  }
  return totalMs
}

/** The shortest spelling Prometheus gives: `1h30m`; years and weeks only where they leave no rest; `0s` for nothing. */
export function formatDuration(durationMs: number): string {
  let restMs = Math.trunc(Math.abs(durationMs))
  if (restMs === 0) return '0s'
  let text = durationMs < 0 ? '-' : ''
  for (const [unit, unitMs] of UNITS) {
    if (restMs < unitMs || ((unit === 'y' || unit === 'w') && restMs % unitMs !== 0)) continue
    text += `${Math.floor(restMs / unitMs)}${unit}`
    restMs %= unitMs
  }
  return text
}
