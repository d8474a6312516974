// Numbers and durations as `.test` files write them.

const DURATION = String.raw`(?:\d+(?:ms|[ywdhms]))+`
/** Source of a pattern for an unsigned number: Go syntax, or a duration. */
export const NUMBER: string = String.raw`(?:inf|nan|${DURATION}|(?:\d[\d_]*\.?\d*|\.\d+)(?:e[+-]?\d+)?)`
const SIGNED_NUMBER = new RegExp(`^([+-]?)(${NUMBER})$`, 'i')
const WHOLE_DURATION = new RegExp(`^${DURATION}$`)
const UNIT_MS: ReadonlyMap<string, number> = new Map([
  ['ms', 1], ['s', 1000], ['m', 60_000], ['h', 3_600_000], ['d', 86_400_000], ['w', 604_800_000], ['y', 31_536_000_000],
])

/** `1h30m`, `-5m`, `+1m`, or a number of seconds, to ms. */
export function parseDurationMs(text: string): number {
  const sign = text.startsWith('-') ? -1 : 1
  const body = text.replace(/^[+-]/, '')
  if (/^[\d.]+$/.test(body)) return sign * Math.round(Number(body) * 1000)
  if (!WHOLE_DURATION.test(body)) throw new Error(`no duration: ${text}`)
  let ms = 0
  for (const [, n, unit] of body.matchAll(/(\d+)(ms|[ywdhms])/g)) ms += Number(n) * UNIT_MS.get(unit!)!
  return sign * ms
}

/** Whether `parseNumber` would take it. */
export function isNumber(text: string): boolean {
  return SIGNED_NUMBER.test(text)
}

/** A float: Go syntax, durations in seconds. */
export function parseNumber(text: string): number {
  const match = SIGNED_NUMBER.exec(text)
  if (match === null) throw new Error(`no number: ${text}`)
  const [, signText = '', body = ''] = match
  const sign = signText === '-' ? -1 : 1
  if (/^inf$/i.test(body)) return sign * Infinity
  if (/^nan$/i.test(body)) return NaN
  return sign * (WHOLE_DURATION.test(body) ? parseDurationMs(body) / 1000 : Number(body.replaceAll('_', '')))
}
