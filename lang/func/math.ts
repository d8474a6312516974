// Functions of one float, and of a float and parameters, with Go's results where JavaScript's differ.
// Exponentials, logarithms, powers and trigonometry are in lib/std/go-*.ts.

/** -1, 1, or the value itself: ±0 and NaN. */
export function sign(x: number): number {
  return x > 0 ? 1 : x < 0 ? -1 : x
}

/** Go's math.Max: an infinity wins over NaN. */
export function goMax(a: number, b: number): number {
  return a === Infinity || b === Infinity ? Infinity : Math.max(a, b)
}

/** Go's math.Min: an infinity wins over NaN. */
export function goMin(a: number, b: number): number {
  return a === -Infinity || b === -Infinity ? -Infinity : Math.min(a, b)
}

export function clamp(x: number, lower: number, upper: number): number {
  return goMax(lower, goMin(upper, x))
}

/** To the nearest multiple, halves up; by the multiple's inverse, since 0.1 and 1 / 10 round differently. */
export function roundTo(x: number, multiple: number): number {
  const inverse = 1 / multiple
  return Math.floor(x * inverse + 0.5) / inverse
}

export function degrees(x: number): number {
  return x * 180 / Math.PI
}

export function radians(x: number): number {
  return x * Math.PI / 180
}
