// Numbers for people: short enough to compare at a glance. The exact text of the server stays in the table and in
// tooltips.

const SUFFIXES: readonly (readonly [number, string])[] = [
  [1e24, 'Y'], [1e21, 'Z'], [1e18, 'E'], [1e15, 'P'], [1e12, 'T'], [1e9, 'G'], [1e6, 'M'], [1e3, 'k'],
]

/** Four significant digits with an SI suffix: `1.234 k`, `56.7 M`, `0.0123`, `1.2e-9`; `+Inf`, `NaN` as Prometheus. */
export function formatShort(value: number, digits = 4): string {
  if (Number.isNaN(value)) return 'NaN'
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf'
  if (value === 0) return '0'
  // Rounding first, so that 999 999 becomes 1 M and not 1000 k.
  const rounded = Number(value.toPrecision(digits))
  const size = Math.abs(rounded)
  if (size >= 1e27 || size < 1e-4) return rounded.toExponential()
  for (const [unit, suffix] of SUFFIXES) {
    if (size >= unit) return `${Number((rounded / unit).toPrecision(digits))} ${suffix}`
  }
  return String(rounded)
}

/**
 * Labels of an axis: all share one suffix and as many decimals as their step needs, so that neighbours differ and
 * line up. `ticks` are evenly spaced, ascending.
 */
export function formatTicks(ticks: readonly number[]): string[] {
  const [first, second] = ticks
  if (first === undefined) return []
  const size = Math.max(...ticks.map(Math.abs))
  const step = second === undefined ? Math.abs(first) : second - first
  const [unit, suffix] = SUFFIXES.find(([limit]) => size >= limit) ?? [1, '']
  const stepInUnit = step / unit
  if (size >= 1e27 || (size > 0 && size < 1e-4)) return ticks.map((tick) => (tick === 0 ? '0' : tick.toExponential(1)))
  const decimals = stepInUnit > 0 ? Math.min(12, decimalsOf(stepInUnit)) : 0
  return ticks.map((tick) => (tick === 0 ? '0' : `${(tick / unit).toFixed(decimals)}${suffix && ` ${suffix}`}`))
}

/** Decimals needed to write a tick step (1, 2, 2.5 or 5 times a power of ten) without loss. */
function decimalsOf(step: number): number {
  for (let decimals = 0; decimals < 12; decimals++) {
    const scaled = step * 10 ** decimals
    if (scaled >= 0.999 && Math.abs(scaled - Math.round(scaled)) < 1e-6 * scaled) return decimals
  }
  return 12
}

/** A whole count with thin spaces between thousands: `10 412`. */
export function formatCount(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, '\u202f')
}

/** `1 series`, `2 targets`: the noun in the right number. */
export function countOf(count: number, singular: string, plural: string = `${singular}s`): string {
  return `${formatCount(count)} ${count === 1 ? singular : plural}`
}
