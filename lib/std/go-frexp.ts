// A double as a fraction and a power of two: x = f·2^e, |f| in [½, 1), as math.Frexp and math.Ldexp of Go; exact.

const double = new Float64Array(1)
const words = new Uint32Array(double.buffer)

/** Of all that a double can be; a look-up is faster than a double made of its words, which the processor must wait for. */
const EXPONENT_MIN = -1074
const POWERS = Float64Array.from({ length: 1024 - EXPONENT_MIN }, (_, i) => 2 ** (EXPONENT_MIN + i))

/** 2^k, k in [-1074, 1023]. */
export function powerOf2(k: number): number {
  return POWERS[k - EXPONENT_MIN]!
}

/** Subnormal numbers are made normal first. */
const SMALLEST_NORMAL = 2 ** -1022
const NORMALIZER = 2 ** 52

/** The e of |x| = f·2^e, f in [½, 1); 0 for 0. As math.Frexp. */
export function binaryExponent(x: number): number {
  if (x === 0) return 0
  const isNormal = Math.abs(x) >= SMALLEST_NORMAL
  double[0] = isNormal ? x : x * NORMALIZER
  return ((words[1]! >>> 20) & 0x7ff) - (isNormal ? 1022 : 1074)
}

/** The f of x = f·2^e, |f| in [½, 1); 0 for 0. */
export function binaryFraction(x: number): number {
  const exponent = binaryExponent(x)
  return exponent < -1021 ? x * NORMALIZER * powerOf2(-exponent - 52) : x * powerOf2(-exponent)
}

/** Where neither a factor nor the product leaves the normal numbers. */
const SAFE = 2 ** 500
const SAFE_EXPONENT = 500

/** x·2^k, rounded once, for any whole k. */
export function scaled(x: number, k: number): number {
  const size = Math.abs(x)
  // Fast path.
  if (size < SAFE && size > 1 / SAFE && k < SAFE_EXPONENT && k > -SAFE_EXPONENT) return x * powerOf2(k)
  if (x === 0 || !Number.isFinite(x)) return x
  const exponent = binaryExponent(x) + k
  if (exponent > 1024) return x * Infinity
  if (exponent < -1080) return x < 0 ? -0 : 0
  const fraction = binaryFraction(x)
  if (exponent > -1000) return fraction * 2 * powerOf2(exponent - 1)
  return fraction * powerOf2(exponent + 100) * 2 ** -100
}
