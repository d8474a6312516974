// Trigonometric functions as Go computes them, to the last digit: its portable code (math/sin.go, tan.go, atan.go, asin.go) is the
// Cephes library's, of S. L. Moshier, while V8's is fdlibm.
//
//   sin cos tan    x less a multiple of π/4, then a polynomial
//   atan           |x| to [0, 0.66], then a rational function; asin, acos, atan2 by it
//
// The multiple is taken off in three parts (Cody and Waite); from 2²⁹ on x is multiplied by as many digits of 4/π as its
// exponent asks for (Payne and Hanek), in integers of 64 bits as Go has them: BigInt, some 2 µs for a number seldom met.
import { binaryExponent } from './go-frexp.ts'

/** π/4 in three parts. */
const PI4_A = 0.7853981256484985
const PI4_B = 3.774894707930798e-08
const PI4_C = 2.6951514290790595e-15
const REDUCED_MAX = 2 ** 29

/** Eighths of the circle in |x|, an even number of them, and what is left. */
const reduced = { octant: 0, rest: 0 }

function reduce(size: number): void {
  if (size >= REDUCED_MAX) {
    reduceLarge(size)
    return
  }
  let eighths = Math.trunc(size * (4 / Math.PI))
  if (eighths % 2 === 1) eighths++
  reduced.octant = eighths % 8
  reduced.rest = ((size - eighths * PI4_A) - eighths * PI4_B) - eighths * PI4_C
}

/** 4/π after the leading 1, with zeros before it. */
const DIGITS_BITS = 20 * 64
const DIGITS = BigInt('0x' +
  '000000000000000145f306dc9c882a53f84eafa3ea69bb81b6c52b3278872083fca2c757bd778ac36e48dc74849ba5c00c925dd413a32439fc3bd63962534e7d' +
  'd1046bea5d768909d338e04d68befc827323ac7306a673e93908bf177bf250763ff12fffbc0b301fde5e2316b414da3eda6cfd9e4f96136e9e8c7ecd3cbfd45a' +
  'ea4f758fd7cbe2f67a0e73ef14a525d4d7f6bf623f1aba10ac06608df8f6d757')

/** Three digits of 64 bits of 4/π make a product whose highest three bits are the octant; what is below two digits is cut off. */
function reduceLarge(size: number): void {
  const exponent = binaryExponent(size) - 53
  const mantissa = BigInt(size / 2 ** exponent)
  const digits = BigInt.asUintN(192, DIGITS >> BigInt(DIGITS_BITS - 192 - (exponent + 61)))
  const lowest = (BigInt.asUintN(64, digits) * mantissa) >> 64n
  const product = BigInt.asUintN(128, (digits >> 64n) * mantissa + lowest)
  let octant = Number(product >> 125n)
  // The fraction's first bits as a double's mantissa. Its leading zeros are made up for by bits of the product's lower half that
  // stand three too high; that is how Go does it.
  const high = BigInt.asUintN(64, product >> 61n)
  const shift = BigInt(65 - high.toString(2).length)
  const bits = BigInt.asUintN(64, high << shift) | (BigInt.asUintN(64, product) >> (64n - shift))
  let rest = (1 + Number(bits >> 12n) * 2 ** -52) * 2 ** -Number(shift)
  if (octant % 2 === 1) {
    octant = (octant + 1) % 8
    rest--
  }
  reduced.octant = octant
  reduced.rest = rest * (Math.PI / 4)
}

/** Sine within an eighth. */
function sineOf(z: number): number {
  const s = z * z
  return z + z * s * (((((1.5896230157654656e-10 * s + -2.5050747762857807e-08) * s + 2.7557313621385722e-06) * s +
    -0.00019841269829589539) * s + 0.008333333333322118) * s + -0.1666666666666663)
}

/** Cosine within an eighth. */
function cosineOf(z: number): number {
  const s = z * z
  return 1 - 0.5 * s + s * s * (((((-1.1358536521387682e-11 * s + 2.087570084197473e-09) * s + -2.755731417929674e-07) * s +
    2.4801587288851704e-05) * s + -0.0013888888888873056) * s + 0.041666666666666595)
}

export function sin(x: number): number {
  const size = Math.abs(x)
  if (x === 0 || !(size < Infinity)) return Math.sin(x)
  reduce(size)
  const { octant, rest } = reduced
  const y = octant === 2 || octant === 6 ? cosineOf(rest) : sineOf(rest)
  return octant > 3 !== x < 0 ? -y : y
}

export function cos(x: number): number {
  const size = Math.abs(x)
  if (!(size < Infinity)) return Math.cos(x)
  reduce(size)
  const { octant, rest } = reduced
  const y = octant === 2 || octant === 6 ? sineOf(rest) : cosineOf(rest)
  return octant === 2 || octant === 4 ? -y : y
}

export function tan(x: number): number {
  const size = Math.abs(x)
  if (x === 0 || !(size < Infinity)) return Math.tan(x)
  reduce(size)
  const { octant, rest: z } = reduced
  const s = z * z
  let y = z
  if (s > 1e-14) {
    const above = (-13093.693918138379 * s + 1153516.6483858742) * s + -17956525.197648488
    const below = (((s + 13681.296347069296) * s + -1320892.3444021097) * s + 25008380.18233579) * s + -53869575.592945464
    y = z + z * (s * above / below)
  }
  if (octant === 2 || octant === 6) y = -1 / y
  return x < 0 ? -y : y
}

/** tan(3π/8). */
const TAN_3PI8 = 2.414213562373095
/** What π/2 has more than its double. */
const PI2_MORE = 6.123233995736766e-17

/** Arc tangent in [0, 0.66]. */
function nearAtan(x: number): number {
  const s = x * x
  const above = (((-0.8750608600031904 * s + -16.157537187333652) * s + -75.00855792314705) * s +
    -122.88666844901361) * s + -64.85021904942025
  const below = ((((s + 24.858464901423062) * s + 165.02700983169885) * s + 432.88106049129027) * s +
    485.3903996359137) * s + 194.5506571482614
  return x * (s * above / below) + x
}

/** Arc tangent of x > 0. */
function positiveAtan(x: number): number {
  if (x <= 0.66) return nearAtan(x)
  if (x > TAN_3PI8) return Math.PI / 2 - nearAtan(1 / x) + PI2_MORE
  return Math.PI / 4 + nearAtan((x - 1) / (x + 1)) + 0.5 * PI2_MORE
}

export function atan(x: number): number {
  return x > 0 ? positiveAtan(x) : x < 0 ? -positiveAtan(-x) : x
}

/** By the quotient, whose sign is lost where it is too small for a double. */
export function atan2(y: number, x: number): number {
  if (x === 0 || y === 0 || !Number.isFinite(x) || !Number.isFinite(y)) return Math.atan2(y, x)
  const q = atan(y / x)
  return x > 0 ? q : q <= 0 ? q + Math.PI : q - Math.PI
}

export function asin(x: number): number {
  const size = Math.abs(x)
  if (x === 0 || !(size <= 1)) return Math.asin(x)
  const other = Math.sqrt(1 - size * size)
  const y = size > 0.7 ? Math.PI / 2 - positiveAtan(other / size) : positiveAtan(size / other)
  return x < 0 ? -y : y
}

export function acos(x: number): number {
  return Math.PI / 2 - asin(x)
}
