// Numbers as Prometheus' JSON has them (util/jsonutil, Go strconv): shortest digits that read back equal.
//
//   sample values    exponent form for |x| < 1e-6 and ≥ 1e21, at least two exponent digits: 1e-07, 1e+21
//   plain values     never an exponent: top-level scalars, count_values labels
//   both             NaN, +Inf, -Inf, -0

/** A sample value. */
export function formatValue(x: number): string {
  if (x === 0) return Object.is(x, -0) ? '-0' : '0'
  if (x !== x) return 'NaN'
  if (x === Infinity) return '+Inf'
  if (x === -Infinity) return '-Inf'
  const text = String(x)
  // JavaScript writes exponents for the same numbers, but with a single digit.
  const at = text.length - 2
  return at > 0 && text.charCodeAt(at) === MINUS && text.charCodeAt(at - 1) === LETTER_E ? `${text.slice(0, at + 1)}0${text.slice(at + 1)}` : text
}

/** Go's FormatFloat(x, 'f', -1, 64): all digits, however many. */
export function formatPlain(x: number): string {
  const text = formatValue(x)
  const e = text.indexOf('e')
  if (e < 0) return text
  const exponent = Number(text.slice(e + 1))
  const sign = text.startsWith('-') ? '-' : ''
  const [whole, fraction = ''] = text.slice(sign.length, e).split('.') as [string, string?]
  const digits = whole + fraction
  if (exponent < 0) return `${sign}0.${'0'.repeat(-exponent - 1)}${digits}`
  return `${sign}${digits.padEnd(exponent + 1, '0')}`
}

/** Unix ms as seconds with up to three decimals. */
export function formatSeconds(ms: number): string {
  const whole = Math.trunc(ms / 1000)
  const rest = Math.abs(ms - whole * 1000)
  if (rest === 0) return String(whole)
  const sign = ms < 0 && whole === 0 ? '-' : ''
  return `${sign}${whole}.${String(rest).padStart(3, '0').replace(/0+$/, '')}`
}

const MINUS = 0x2d
const LETTER_E = 0x65
