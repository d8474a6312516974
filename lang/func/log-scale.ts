// Logarithms and exp2 with the last digit of Prometheus' (Go's math package, after FreeBSD's msun): JavaScript leaves the
// last digit of its own to the engine, and quantiles of native histograms would differ in it; floor(log10(1e15)) is 14.
//
//   log2 x = e + ln f / ln 2,  x = f·2^e, f in [½, 1)         log10 x = ln x / ln 10
//   exp2 x = 2^k · e^(r ln 2), r = x − k, |r| ≤ ½, e^… as a rational function of r with a remainder below 2^−59

const LN2_HIGH = 6.93147180369123816490e-1
const LN2_LOW = 1.90821492927058770002e-10
/** Of r·(e^r + 1)/(e^r − 1) − 2 as a polynomial in r², by Remez (msun e_exp.c). */
const REMEZ = [
  1.66666666666666657415e-1, -2.77777777770155933842e-3, 6.61375632143793436117e-5, -1.65339022054652515390e-6, 4.13813679705723846039e-8,
] as const

/** 0, infinities and NaN as Math.log2. */
export function log2(x: number): number {
  if (!(x > 0) || x === Infinity) return Math.log2(x)
  let exponent = Math.floor(Math.log2(x)) + 1
  // In two steps: 2^1024 is infinite.
  const half = exponent >> 1
  let fraction = x / 2 ** half / 2 ** (exponent - half)
  // The logarithm may have been rounded over a power of two.
  if (fraction >= 1) {
    fraction /= 2
    exponent++
  } else if (fraction < 0.5) {
    fraction *= 2
    exponent--
  }
  // Exact for powers of two.
  if (fraction === 0.5) return exponent - 1
  return Math.log(fraction) * (1 / Math.LN2) + exponent
}

export function log10(x: number): number {
  return Math.log(x) * Math.LOG10E
}

export function exp2(x: number): number {
  if (x !== x || x > 1023.9999999999999 || x < -1074) return 2 ** x
  const k = Math.trunc(x + (x < 0 ? -0.5 : 0.5))
  const t = x - k
  const high = t * LN2_HIGH
  const low = -t * LN2_LOW
  const r = high - low
  const square = r * r
  const [p1, p2, p3, p4, p5] = REMEZ
  const c = r - square * (p1 + square * (p2 + square * (p3 + square * (p4 + square * p5))))
  const power = 1 - ((low - (r * c) / (2 - c)) - high)
  // In two steps: 2^k alone may be infinite or subnormal.
  const half = k >> 1
  return power * 2 ** half * 2 ** (k - half)
}
