// Powers as Go computes them on amd64, to the last digit (math/pow.go): whole exponents by squaring a fraction in [½, 1) while its
// power of two is kept apart, what is left of the exponent by exp and log.
import { exp } from './go-exp.ts'
import { binaryExponent, binaryFraction, scaled } from './go-frexp.ts'
import { log } from './go-log.ts'

/** Beyond, a power of two is 0 or infinite whatever comes after. */
const EXPONENT_MAX = 4096
/** As an integer of 64 bits, Go's exponent of squares ends here. */
const WHOLE_MAX = 2 ** 63

const SMALL_EXPONENT = 32
const SMALL = 2 ** 30

/** 1^NaN and (-1)^±Inf are 1. */
export function pow(x: number, y: number): number {
  const size = Math.abs(y)
  const xSize = Math.abs(x)
  const isSmall = size <= SMALL_EXPONENT && xSize < SMALL && xSize > 1 / SMALL
  // Fast path: no square leaves the normal numbers, so that powers of two need not be kept apart.
  if (isSmall && (size | 0) === size) return smallPower(1, x, size, y < 0)
  if (y === 0 || x === 1) return 1
  if (y === 1) return x
  if (x === -1 && (y === Infinity || y === -Infinity)) return 1
  if (x === 0 || x !== x || y !== y || xSize === Infinity || size === Infinity) return x ** y
  if (y === 0.5) return Math.sqrt(x)
  if (y === -0.5) return 1 / Math.sqrt(x)
  const whole = Math.trunc(size)
  const fraction = size - whole
  if (fraction === 0) return whole >= WHOLE_MAX ? hugePower(x, y) : power(1, x, whole, y < 0)
  if (x < 0) return NaN
  const isHigh = fraction > 0.5
  const first = exp((isHigh ? fraction - 1 : fraction) * log(x))
  const rest = isHigh ? whole + 1 : whole
  return isSmall ? smallPower(first, x, rest, y < 0) : power(first, x, rest, y < 0)
}

/** first · x^whole, or its inverse. */
function smallPower(first: number, x: number, whole: number, isInverse: boolean): number {
  let product = first
  let left = whole
  for (let square = x; ; square *= square) {
    if ((left & 1) === 1) product *= square
    left >>= 1
    if (left === 0) return isInverse ? 1 / product : product
  }
}

/** An even exponent that leaves only 1 as it is. */
function hugePower(x: number, y: number): number {
  return x === -1 ? 1 : Math.abs(x) < 1 === y > 0 ? 0 : Infinity
}

/** The same with any exponent. */
function power(first: number, x: number, whole: number, isInverse: boolean): number {
  let product = first
  let exponent = 0
  let square = binaryFraction(x)
  let squareExponent = binaryExponent(x)
  for (let left = whole; left !== 0;) {
    if (squareExponent < -EXPONENT_MAX || squareExponent > EXPONENT_MAX) {
      exponent += squareExponent
      break
    }
    const half = Math.floor(left * 0.5)
    if (left !== half * 2) {
      product *= square
      exponent += squareExponent
    }
    square *= square
    squareExponent *= 2
    if (square < 0.5) {
      square += square
      squareExponent--
    }
    left = half
  }
  return isInverse ? scaled(1 / product, -exponent) : scaled(product, exponent)
}
