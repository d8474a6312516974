// Numbers and texts as Go's fmt and strconv print them, for messages and labels that Prometheus' users compare.

function special(x: number): string | null {
  if (x !== x) return 'NaN'
  if (x === Infinity) return '+Inf'
  return x === -Infinity ? '-Inf' : null
}

/** `%.<digits>f`; no exponent however large, unlike Number.toFixed. */
export function formatFixed(x: number, digits: number): string {
  const name = special(x)
  if (name !== null) return name
  if (Math.abs(x) >= 1e21) return `${BigInt(x)}${digits > 0 ? `.${'0'.repeat(digits)}` : ''}`
  return `${Object.is(x, -0) ? '-' : ''}${tieToEven(x.toFixed(digits), x.toFixed(Math.min(DIGITS_MAX, digits + TIE_DIGITS)))}`
}

/** What toFixed and toExponential give at most. */
const DIGITS_MAX = 100
/** No double lies so near the middle of two short decimals without being it. */
const TIE_DIGITS = 40

/**
 * JavaScript rounds a tie up, Go to the even digit. `rounded` is the number's text, `exact` the same with more digits; of
 * both an exponent is left out.
 */
function tieToEven(rounded: string, exact: string): string {
  const width = rounded.length
  const tail = exact.slice(width)
  const kept = exact.slice(0, width)
  if (!/^\.?50*$/.test(tail) || exact.length <= width) return rounded
  return /[02468]\.?$/.test(kept) ? kept : rounded
}

/** toExponential with ties to even. */
function exponential(x: number, fractionDigits: number): string {
  const [mantissa, exponent] = x.toExponential(fractionDigits).split('e') as [string, string]
  const [exact, exactExponent] = x.toExponential(Math.min(DIGITS_MAX, fractionDigits + TIE_DIGITS)).split('e') as [string, string]
  // 9.5 rounds up to 1e1: no longer the same digits, and even by itself.
  return exponent === exactExponent ? `${tieToEven(mantissa, exact)}e${exponent}` : `${mantissa}e${exponent}`
}

/** `%.<digits>e`: an exponent has two digits at least. */
export function formatExponential(x: number, digits: number): string {
  const name = special(x)
  if (name !== null) return name
  const [mantissa, exponent] = exponential(x, Math.min(DIGITS_MAX, digits)).split('e') as [string, string]
  return `${Object.is(x, -0) ? '-' : ''}${mantissa}e${exponent[0]}${exponent.slice(1).padStart(2, '0')}`
}

/** Go's shortest %g goes exponential here: 47108096 is 4.7108096e+07. */
const SHORTEST_EXPONENT_MIN = 6

/** `%g`, or `%.<precision>g` where a precision is given: exponent form below 1e-4 and from 1e<precision> on, else 1e6. */
export function formatGeneral(x: number, precision?: number): string {
  const name = special(x)
  if (name !== null) return name
  const shortest = precision === undefined ? x.toExponential() : exponential(x, Math.min(DIGITS_MAX, Math.max(1, precision) - 1))
  const [mantissa, exponentText] = shortest.split('e') as [string, string]
  const exponent = Number(exponentText)
  const digits = mantissa.replace('-', '').replace('.', '').replace(/0+$/, '') || '0'
  const sign = x < 0 || Object.is(x, -0) ? '-' : ''
  const isExponential = exponent < -4 || exponent >= (precision === undefined ? SHORTEST_EXPONENT_MIN : Math.max(1, precision))
  if (isExponential) {
    const power = Math.abs(exponent).toString().padStart(2, '0')
    return `${sign}${digits[0]}${digits.length > 1 ? `.${digits.slice(1)}` : ''}e${exponent < 0 ? '-' : '+'}${power}`
  }
  if (exponent < 0) return `${sign}0.${'0'.repeat(-exponent - 1)}${digits}`
  const whole = digits.slice(0, exponent + 1).padEnd(exponent + 1, '0')
  const fraction = digits.slice(exponent + 1)
  return `${sign}${whole}${fraction === '' ? '' : `.${fraction}`}`
}

const ESCAPES: ReadonlyMap<string, string> = new Map([
  ['"', '\\"'], ['\\', '\\\\'], ['\u0007', '\\a'], ['\b', '\\b'], ['\f', '\\f'], ['\n', '\\n'], ['\r', '\\r'], ['\t', '\\t'], ['\v', '\\v'],
])

/** As Go's strconv.IsPrint: `%q` shows it as it is. */
export function isPrintable(rune: string): boolean {
  return rune === ' ' || /^[\p{L}\p{M}\p{N}\p{P}\p{S}]$/u.test(rune)
}

/** `%q`: double quotes, Go's escapes, printable runes as they are. */
export function quote(text: string): string {
  let out = '"'
  for (const rune of text) {
    const code = rune.codePointAt(0)!
    const escape = ESCAPES.get(rune)
    if (escape !== undefined) out += escape
    else if (isPrintable(rune)) out += rune
    else if (code >= 0xdc80 && code <= 0xdcff) out += `\\x${(code - 0xdc00).toString(16)}`
    else if (code < 0x80) out += `\\x${code.toString(16).padStart(2, '0')}`
    else if (code < 0x10000) out += `\\u${code.toString(16).padStart(4, '0')}`
    else out += `\\U${code.toString(16).padStart(8, '0')}`
  }
  return `${out}"`
}
