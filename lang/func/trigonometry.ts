// Trigonometric functions as Go computes them, to the last digit: its portable code (math/sin.go, tan.go, atan.go, asin.go, sinh.go,
// tanh.go) is the Cephes library's, of S. L. Moshier, while V8's is fdlibm.
//
//   sin cos tan    x less a multiple of π/4 in three parts (Cody and Waite), then a polynomial
//   atan           |x| to [0, 0.66], then a rational function; asin, acos, atan2 by it
//   sinh tanh      a rational function near 0, else by exponentials, V8's: those may differ in the last digit
//
// Beyond 2²⁹ Go reduces by many more digits of 1/π; there V8's sine is as good, but for the last digit.

/** π/4 in three parts. */
const PI4_A = 0.7853981256484985
const PI4_B = 3.774894707930798e-08
const PI4_C = 2.6951514290790595e-15
const REDUCED_MAX = 2 ** 29

/** Eighths of the circle in |x|, an even number of them, and what is left. */
const reduced = { octant: 0, rest: 0 }

function reduce(size: number): void {
  let eighths = Math.trunc(size * (4 / Math.PI))
  if (eighths % 2 === 1) eighths++
  reduced.octant = eighths % 8
  reduced.rest = ((size - eighths * PI4_A) - eighths * PI4_B) - eighths * PI4_C
}

/** Sine within an eighth. */
function sineOf(z: number): number {
  const s = z * z
  return z + z * s * (((((1.5896230157654656e-10 * s + -2.5050747762857807e-08) * s + 2.7557313621385722e-06) * s +
    -0.00019841269829588539) * s + 0.008333333333322118) * s + -0.1666666666666663)
}

/** Cosine within an eighth. */
function cosineOf(z: number): number {
  const s = z * z
  return 1 - 0.5 * s + s * s * (((((-1.1358536521387682e-11 * s + 2.087570084197473e-09) * s + -2.755731417929674e-07) * s +
    2.4801587288851704e-05) * s + -0.0013888888888873056) * s + 0.041666666666666595)
}

export function sin(x: number): number {
  const size = Math.abs(x)
  if (x === 0 || !(size < REDUCED_MAX)) return Math.sin(x)
  reduce(size)
  const { octant, rest } = reduced
  const y = octant === 2 || octant === 6 ? cosineOf(rest) : sineOf(rest)
  return octant > 3 !== x < 0 ? -y : y
}

export function cos(x: number): number {
  const size = Math.abs(x)
  if (!(size < REDUCED_MAX)) return Math.cos(x)
  reduce(size)
  const { octant, rest } = reduced
  const y = octant === 2 || octant === 6 ? sineOf(rest) : cosineOf(rest)
  return octant === 2 || octant === 4 ? -y : y
}

export function tan(x: number): number {
  const size = Math.abs(x)
  if (x === 0 || !(size < REDUCED_MAX)) return Math.tan(x)
  reduce(size)
  const { octant, rest: z } = reduced
  const s = z * z
  let y = z
  if (s > 1e-14) {
    const above = (-13093.693918138373 * s + 1153516.6483858742) * s + -17956525.197648488
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

/** Beyond, the other exponential is nothing beside the one. */
const ONE_EXPONENTIAL = 21

export function sinh(x: number): number {
  const size = Math.abs(x)
  let y: number
  if (size > ONE_EXPONENTIAL) y = Math.exp(size) * 0.5
  else if (size > 0.5) y = (Math.exp(size) - 1 / Math.exp(size)) * 0.5
  else {
    const s = size * size
    const above = ((-26.30563213397497 * s + -2894.211355989564) * s + -89912.72022039509) * s +
      -630767.3640497717
    y = above * size / (((s + -173.6789535582337) * s + 15215.17378790019) * s + -630767.3640497717)
  }
  return x < 0 ? -y : x === 0 ? x : y
}

export function cosh(x: number): number {
  const size = Math.abs(x)
  return size > ONE_EXPONENTIAL ? Math.exp(size) * 0.5 : (Math.exp(size) + 1 / Math.exp(size)) * 0.5
}

/** Half the logarithm of the largest double: beyond, the tangent is 1. */
const TANH_MAX = 0.5 * 88.02969193111305

export function tanh(x: number): number {
  const size = Math.abs(x)
  if (size > TANH_MAX) return x < 0 ? -1 : 1
  if (size >= 0.625) {
    const y = 1 - 2 / (Math.exp(2 * size) + 1)
    return x < 0 ? -y : y
  }
  if (x === 0) return x
  const s = x * x
  const above = (-0.9643991794250523 * s + -99.28772310019185) * s + -1614.6876844170845
  const below = ((s + 112.81167849163293) * s + 2235.4883906010045) * s + 4844.063053251255
  return x + x * s * above / below
}
