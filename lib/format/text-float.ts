// Numbers of the text formats, read from bytes without making a string of them.
//
// Fast path (Clinger, "How to read floating point numbers accurately", 1990): a decimal mantissa below 2^53 and a
// power of ten up to 10^22 are both exact doubles, so one multiplication or division rounds correctly. All else
// (2 % of real values) goes through Number(), after a check that the spelling is one Go's ParseFloat takes.

const POWERS: Float64Array = Float64Array.from({ length: 23 }, (_, i) => Number(`1e${i}`))
/** 2^53, which 2^53 + 1 rounds to: from here on a sum of digits may have been rounded. */
const EXACT_LIMIT = 9007199254740992
const DECIMAL = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/
const INFINITE = /^[+-]?inf(?:inity)?$/i

/** A float as exposition formats spell it (Go's ParseFloat without hex and underscores), or null if it is none. A value beyond the doubles is none. */
export function parseFloatText(text: string): number | null {
  if (DECIMAL.test(text)) {
    const value = Number(text)
    return Number.isFinite(value) ? value : null
  }
  if (INFINITE.test(text)) return text.startsWith('-') ? -Infinity : Infinity
  return /^nan$/i.test(text) ? NaN : null
}

/** Reads floats out of a body that ends in a newline. One per parser; `end` says where the last number stopped. */
export class FloatReader {
  /** Index of the byte behind the last token; -1 if the token was no number. */
  end = -1

  /**
   * The number that starts at `at`. Its token runs up to a newline or space, in the text format also a tab or `{`.
   * The caller made sure that a newline lies at or behind `at`.
   */
  read(bytes: Uint8Array, at: number, isOpenMetrics: boolean): number {
    let i = at
    let c = bytes[i]!
    const isNegative = c === 0x2d
    if (isNegative || c === 0x2b) c = bytes[++i]!
    let mantissa = 0
    let digits = 0
    while (c >= 0x30 && c <= 0x39) {
      mantissa = mantissa * 10 + (c - 0x30)
      digits++
      c = bytes[++i]!
    }
    let scale = 0
    if (c === 0x2e) {
      c = bytes[++i]!
      const from = i
      while (c >= 0x30 && c <= 0x39) {
        mantissa = mantissa * 10 + (c - 0x30)
        c = bytes[++i]!
      }
      scale = from - i
      digits -= scale
    }
    if (digits === 0) return this.#readSlow(bytes, at, isOpenMetrics)
    if (c === 0x65 || c === 0x45) {
      c = bytes[++i]!
      const isDown = c === 0x2d
      if (isDown || c === 0x2b) c = bytes[++i]!
      const from = i
      let exponent = 0
      while (c >= 0x30 && c <= 0x39 && exponent < 10000) {
        exponent = exponent * 10 + (c - 0x30)
        c = bytes[++i]!
      }
      if (i === from) return this.#readSlow(bytes, at, isOpenMetrics)
      scale += isDown ? -exponent : exponent
    }
    const isEnd = c === 0x0a || c === 0x20 || (!isOpenMetrics && (c === 0x09 || c === 0x7b))
    if (!isEnd || mantissa >= EXACT_LIMIT || scale < -22 || scale > 22) return this.#readSlow(bytes, at, isOpenMetrics)
    this.end = i
    const value = scale < 0 ? mantissa / POWERS[-scale]! : mantissa * POWERS[scale]!
    return isNegative ? -value : value
  }

  #readSlow(bytes: Uint8Array, at: number, isOpenMetrics: boolean): number {
    const end = tokenEnd(bytes, at, isOpenMetrics)
    const value = parseFloatText(latin1(bytes, at, end))
    this.end = value === null ? -1 : end
    return value ?? NaN
  }
}

/** Index of the first byte at or behind `at` that ends a token. */
export function tokenEnd(bytes: Uint8Array, at: number, isOpenMetrics: boolean): number {
  for (let i = at; ; i++) {
    const c = bytes[i]!
    if (c === 0x0a || c === 0x20 || (!isOpenMetrics && (c === 0x09 || c === 0x7b))) return i
  }
}

/** A string of bytes that are expected to be ASCII; others show as Latin-1 and match no number. */
export function latin1(bytes: Uint8Array, from: number, to: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + from, to - from).toString('latin1')
}

/**
 * How Prometheus writes `le` and `quantile` after parsing: Go's 'g' with shortest digits, and `.0` where that left an
 * integer: 1 → `1.0`, 1000000 → `1e+06`, 0.00001 → `1e-05`.
 */
export function formatOpenMetricsFloat(value: number): string {
  if (Number.isNaN(value)) return 'NaN'
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf'
  if (value === 0) return '0.0'
  const [digits, power] = value.toExponential().split('e') as [string, string]
  const exponent = Number(power)
  if (exponent < -4 || exponent >= 6) return `${digits}e${exponent < 0 ? '-' : '+'}${String(Math.abs(exponent)).padStart(2, '0')}`
  const plain = String(value)
  return plain.includes('.') ? plain : `${plain}.0`
}
