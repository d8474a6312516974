// Logarithms as Go computes them on amd64, to the last digit (math/log_amd64.s, log1p.go, log10.go), after FreeBSD's msun:
//
//   ln x = k·ln 2 + ln(1+f),  x = 2^k·(1+f),  √½ < 1+f ≤ √2
//   ln(1+f) = 2s + s·R,       s = f/(2+f),    R a polynomial in s²
//
// V8's own come from the same book, but take shortcuts for some f and round differently.
import { binaryExponent, binaryFraction, powerOf2 } from './go-frexp.ts'

const LN2_HIGH = 0.6931471803691238
const LN2_LOW = 1.9082149292705877e-10
const L1 = 0.6666666666666735
const L2 = 0.3999999999940942
const L3 = 0.2857142874366239
const L4 = 0.22222198432149784
const L5 = 0.1818357216161805
const L6 = 0.15313837699209373
const L7 = 0.14798198605116586

const double = new Float64Array(1)
const words = new Uint32Array(double.buffer)
const MANTISSA = 0xfffff
/** High words of numbers in [½, 1) and [1, 2). */
const HALF = 0x3fe00000
const ONE = 0x3ff00000

export function log(x: number): number {
  if (!(x > 0) || x === Infinity) return Math.log(x)
  double[0] = x
  let k = (words[1]! >>> 20) - 1022
  // Of a subnormal number Go reads the bits as if a one stood before them, too.
  let fraction = k === -1022 ? 0.5 + x * 2 ** 1021 : x * powerOf2(-k)
  if (fraction <= Math.SQRT1_2) {
    k--
    fraction *= 2
  }
  const f = fraction - 1
  const s = f / (2 + f)
  const s2 = s * s
  const s4 = s2 * s2
  const odd = s2 * (L1 + s4 * (L3 + s4 * (L5 + s4 * L7)))
  const even = s4 * (L2 + s4 * (L4 + s4 * L6))
  const halfSquare = 0.5 * f * f
  return k * LN2_HIGH - ((halfSquare - (s * (halfSquare + (odd + even)) + k * LN2_LOW)) - f)
}

export function log10(x: number): number {
  return log(x) * Math.LOG10E
}

/** e + ln f / ln 2, x = f·2^e; whole for powers of two. */
export function log2(x: number): number {
  if (!(x > 0) || x === Infinity) return Math.log2(x)
  const exponent = binaryExponent(x)
  const fraction = binaryFraction(x)
  return fraction === 0.5 ? exponent - 1 : log(fraction) * (1 / Math.LN2) + exponent
}

const SQRT2_LESS_1 = 0.41421356237309503
const SQRT_HALF_LESS_1 = -0.2928932188134525
/** High and low word of √2's mantissa. */
const SQRT2_HIGH = 0x6a09e
const SQRT2_LOW = 0x667f3bcd

/** ln(1+x), with what 1 + x loses of x. */
export function log1p(x: number): number {
  if (!(x > -1) || x === Infinity) return Math.log1p(x)
  const size = Math.abs(x)
  if (size < 2 ** -54) return x
  if (size < 2 ** -29) return x - x * x * 0.5
  if (size < SQRT2_LESS_1 && x > SQRT_HALF_LESS_1) return nearLog1p(x, 0, 0, false)
  const isShort = size < 2 ** 53
  const u = isShort ? 1 + x : x
  double[0] = u
  const high = words[1]!
  let k = (high >>> 20) - 1023
  const lost = isShort ? (k > 0 ? 1 - (u - x) : x - (u - 1)) / u : 0
  const mantissa = high & MANTISSA
  const isBelow = mantissa < SQRT2_HIGH || (mantissa === SQRT2_HIGH && words[0]! < SQRT2_LOW)
  if (!isBelow) k++
  // The sum is near a power of two: from below, or from above.
  const isNear = isBelow ? mantissa === 0 && words[0] === 0 : mantissa === MANTISSA && words[0]! > 0xfffffffc
  words[1] = mantissa | (isBelow ? ONE : HALF)
  return nearLog1p(double[0] - 1, k, lost, isNear)
}

function nearLog1p(f: number, k: number, lost: number, isNear: boolean): number {
  const halfSquare = 0.5 * f * f
  if (isNear) {
    if (f === 0) return k === 0 ? 0 : k * LN2_HIGH + (lost + k * LN2_LOW)
    const R = halfSquare * (1 - 0.6666666666666666 * f)
    return k === 0 ? f - R : k * LN2_HIGH - ((R - (k * LN2_LOW + lost)) - f)
  }
  const s = f / (2 + f)
  const z = s * s
  const R = z * (L1 + z * (L2 + z * (L3 + z * (L4 + z * (L5 + z * (L6 + z * L7))))))
  if (k === 0) return f - (halfSquare - s * (halfSquare + R))
  return k * LN2_HIGH - ((halfSquare - (s * (halfSquare + R) + (k * LN2_LOW + lost))) - f)
}
