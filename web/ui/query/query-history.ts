// The last expressions that were run, newest first, without doubles.

const LENGTH_MAX = 50

/** The history after running `expr`; blank expressions leave it as it is. */
export function addToHistory(history: readonly string[], expr: string): string[] {
  const text = expr.trim()
  if (text === '') return [...history]
  return [text, ...history.filter((other) => other !== text)].slice(0, LENGTH_MAX)
}

/** A stored value as a history: whatever is not a list of texts is none. */
export function historyOf(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((entry) => typeof entry === 'string').slice(0, LENGTH_MAX) : []
}
