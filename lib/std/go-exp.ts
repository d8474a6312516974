// The exponentials as Go computes them on amd64, to the last digit. Other than V8's, which go by fdlibm, exp is a Taylor series of
// N. Shibata's (math/exp_amd64.s), in fused multiply-adds where the processor has them, as every one since 2013 has:
//
//   e^x = 2^k · (e^r)^16,  k = x/ln 2 rounded,  r = (x − k·ln 2)/16, |r| ≤ 0.022
//   e^r − 1 = p by eight terms, and (1+p)² − 1 = p·(2+p), four times
//
// A fused multiply-add rounds a·b + c once. JavaScript has none, so it is made of the exact product (Veltkamp, Dekker) and
// exact sums (Knuth), and a tie of the last addition is broken by what is still left of them.
import { powerOf2, scaled } from './go-frexp.ts'

/** 2^27 + 1: splits a double into two halves whose products are exact. */
const SPLITTER = 134217729
/** Added and taken away again, leaves a whole number, halves to even. */
const ROUNDING = 1.5 * 2 ** 52
const LN2_UPPER = 0.693147180559663
const LN2_LOWER = 2.8235290563031577e-13
const OVERFLOW = 7.09782712893384e+02
const UNDERFLOW = -1100
/** Below, e^x is 1 or the double before it. */
const NEAR_ZERO = 2 ** -53

/** a·b + c, rounded once; the product's last bit must not be below the subnormal numbers. */
function fusedMultiplyAdd(a: number, b: number, c: number): number {
  const product = a * b
  const aSplit = SPLITTER * a
  const aHigh = aSplit - (aSplit - a)
  const aLow = a - aHigh
  const bSplit = SPLITTER * b
  const bHigh = bSplit - (bSplit - b)
  const bLow = b - bHigh
  const productRest = ((aHigh * bHigh - product) + aHigh * bLow + aLow * bHigh) + aLow * bLow
  const sum = c + product
  const added = sum - c
  const sumRest = (c - (sum - added)) + (product - added)
  // a·b + c = sum + rest + last, exactly.
  const rest = sumRest + productRest
  const other = rest - sumRest
  const last = (sumRest - (rest - other)) + (productRest - other)
  const result = sum + rest
  if (last === 0) return result
  const off = (sum - result) + rest
  const beyond = result + 2 * off
  // Halfway between two doubles, the last bits decide.
  return off !== 0 && beyond - result === 2 * off && last > 0 === off > 0 ? beyond : result
}

/** The series' terms: 1/8!, 1/7! and on. */
const C8 = 2.48015873015873e-5
const C7 = 0.0001984126984126984
const C6 = 0.001388888888888889
const C5 = 0.008333333333333333
const C4 = 0.041666666666666664
const C3 = 0.16666666666666666

/** What products rounded on their own can make of the series' last two sums, before those are rounded. */
const UNSURE = 2 ** -60

export function exp(x: number): number {
  if (x > OVERFLOW) return Infinity
  if (x < UNDERFLOW) return 0
  if (!(Math.abs(x) > NEAR_ZERO)) return 1 + x
  const k = x * Math.LOG2E + ROUNDING - ROUNDING
  // The product with the upper half is exact.
  const upper = x - k * LN2_UPPER
  // Fast path: products are rounded on their own where that cannot show: what the sum of two doubles has lost, exactly known,
  // is not so near half of its last bit that it would be rounded to another one. Some 5 in 100 values have to go the long way.
  const lower = -k * LN2_LOWER
  const left = upper + lower
  const added = left - upper
  const leftRest = (upper - (left - added)) + (lower - added)
  const r = left * 0.0625
  const third = ((((C8 * r + C7) * r + C6) * r + C5) * r + C4) * r + C3
  const second = third * r + 0.5
  const secondRest = third * r - (second - 0.5)
  const first = second * r + 1
  const firstRest = second * r - (first - 1)
  const isSure = isRounded(left, leftRest, Math.abs(lower) * 2 ** -52) && isRounded(second, secondRest, UNSURE) && isRounded(first, firstRest, UNSURE)
  return isSure ? raised(first * r, k) : fusedExp(upper, k)
}

/** Whether the double nearest to sum + rest is the sum, also if the rest is off by `unsure`. */
function isRounded(sum: number, rest: number, unsure: number): boolean {
  return sum + (rest + unsure) === sum && sum + (rest - unsure) === sum
}

function fusedExp(upper: number, k: number): number {
  const r = fusedMultiplyAdd(-k, LN2_LOWER, upper) * 0.0625
  let p = fusedMultiplyAdd(C8, r, C7)
  p = fusedMultiplyAdd(p, r, C6)
  p = fusedMultiplyAdd(p, r, C5)
  p = fusedMultiplyAdd(p, r, C4)
  p = fusedMultiplyAdd(p, r, C3)
  p = fusedMultiplyAdd(p, r, 0.5)
  return raised(fusedMultiplyAdd(p, r, 1) * r, k)
}

/** 2^k · (1+p)^16 */
function raised(p: number, k: number): number {
  p *= p + 2
  p *= p + 2
  p *= p + 2
  const power = fusedMultiplyAdd(p, p + 2, 1)
  if (k > -1023 && k < 1024) return power * powerOf2(k)
  if (k >= 1024) return Infinity
  // Subnormal: rounded by the last multiplication alone.
  return k < -1075 ? 0 : power * powerOf2(k + 1022) * 2 ** -1022
}

/** Of r·(e^r + 1)/(e^r − 1) − 2 as a polynomial in r², by Remez (msun e_exp.c). */
const P1 = 0.16666666666666666
const P2 = -0.0027777777777015593
const P3 = 6.613756321437934e-5
const P4 = -1.6533902205465252e-6
const P5 = 4.1381367970572385e-8
const LN2_HIGH = 0.6931471803691238
const LN2_LOW = 1.9082149292705877e-10

/** 2^x = 2^k · e^(r·ln 2), r = x − k, |r| ≤ ½, after FreeBSD's msun as Go has it. */
export function exp2(x: number): number {
  if (x !== x) return x
  if (x > 1023.9999999999999) return Infinity
  if (x < -1074) return 0
  const k = Math.trunc(x + (x < 0 ? -0.5 : 0.5))
  const t = x - k
  const high = t * LN2_HIGH
  const low = -t * LN2_LOW
  const r = high - low
  const square = r * r
  const c = r - square * (P1 + square * (P2 + square * (P3 + square * (P4 + square * P5))))
  return scaled(1 - ((low - (r * c) / (2 - c)) - high), k)
}
