// Stretches of time in sentences for people.

/** A stretch of time, Unix ms; also open ends. */
export function timeSpan(from: number, to: number): string {
  const text = (t: number): string => new Date(t).toISOString()
  if (from === -Infinity) return to === Infinity ? 'at times that are not known' : `up to ${text(to)}`
  return to === Infinity ? `from ${text(from)} on` : `from ${text(from)} to ${text(to)}`
}
