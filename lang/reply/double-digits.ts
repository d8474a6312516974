// The shortest decimal that reads back as the same double, written as bytes without a string. For |x| in [1e-5, 1e17),
// where x × 10^k (17 digits) is the exact sum of two doubles: what the general algorithms (Steele and White 1990; Loitsch
// 2010, "Printing Floating-Point Numbers Quickly and Accurately with Integers") do in wide integers fits plain double
// arithmetic here. Whatever comes out on an edge is left to the caller's slow way.
//
//   x · 10^k = I + f    I: 17 digits as high (9) and low (8), f: fraction in [0, 1)
//   half = ulp(x)/2 · 10^k: decimals closer to x than this read back as x

const MINUS = 0x2d
const ZERO = 0x30
const POINT = 0x2e
const SPLIT = 134_217_729
const LOW = 1e8
/** 10^0 … 10^22, all exact, and each in two halves of 26 bits (Dekker 1971), so that products are exact. */
const POWERS = Float64Array.from({ length: 23 }, (_, k) => Number(`1e${k}`))
const POWERS_HIGH = POWERS.map((p) => {
  const wide = p * SPLIT
  return wide - (wide - p)
})
const POWERS_LOW = POWERS.map((p, k) => p - POWERS_HIGH[k]!)
/** '00' … '99', the first digit in the low byte. */
const PAIRS = Uint16Array.from({ length: 100 }, (_, i) => (ZERO + Math.floor(i / 10)) | ((ZERO + i % 10) << 8))

const number = new Float64Array(1)
const words = new Uint32Array(number.buffer)
/** Of 1e-5, the least number taken; and half a unit in the last place of doubles with that exponent and larger ones, to 1e17. */
const EXPONENT_MIN = -17
const HALF_ULPS = Float64Array.from({ length: 74 }, (_, i) => 2 ** (EXPONENT_MIN + i - 53))
/** 10^-5 … 10^17; that the first ones are not exact costs a number beside them its quick way. */
const THRESHOLDS = Float64Array.from({ length: 23 }, (_, i) => Number(`1e${i - 5}`))

/** Numbers that `writeShortest` takes. */
export function isPlainDouble(x: number): boolean {
  const size = x < 0 ? -x : x
  return size >= 1e-5 && size < 1e17
}

/** Writes x, which isPlainDouble accepts, at `at`; returns the place behind it, or -1 where it cannot tell. */
export function writeShortest(view: DataView, at: number, x: number): number {
  const size = x < 0 ? -x : x
  number[0] = size
  const highWord = words[1]!
  const mantissaLow = words[0]!
  // A power of two has a nearer neighbour below than above.
  if ((highWord & 0xfffff) === 0 && mantissaLow === 0) return -1
  const exponent = (highWord >>> 20) - 1023
  let tens = (exponent * 78_913) >> 18
  if (size >= THRESHOLDS[tens + 6]!) tens++
  const k = 16 - tens
  const power = POWERS[k]!
  const product = size * power
  const wide = size * SPLIT
  const sizeHigh = wide - (wide - size)
  const sizeLow = size - sizeHigh
  const error = ((sizeHigh * POWERS_HIGH[k]! - product) + sizeHigh * POWERS_LOW[k]! + sizeLow * POWERS_HIGH[k]!) + sizeLow * POWERS_LOW[k]!
  const errorFloor = Math.floor(error)
  const f = error - errorFloor
  // May be one off, which the low digits then show.
  let high = Math.floor(product * 1e-8)
  let low = product - high * LOW + errorFloor
  if (low < 0) {
    low += LOW
    high--
  } else if (low >= LOW) {
    low -= LOW
    high++
  }
  if (high >= 1e9 || high < 1e8) return -1
  const half = HALF_ULPS[exponent - EXPONENT_MIN]! * power
  const dropped = fewerDigits(low | 0, f, half)
  if (dropped < 0) return -1
  const unit = POWERS[dropped]!
  // Far enough from a tie for doubles to tell, and without a branch that cannot be foreseen.
  low = Math.floor((low + f) / unit + 0.5) * unit
  if (low >= LOW) {
    low -= LOW
    high++
    if (high >= 1e9) return -1
  }
  let to = at
  if (x < 0) view.setUint8(to++, MINUS)
  if (tens < 0) {
    view.setUint8(to++, ZERO)
    view.setUint8(to++, POINT)
    for (let i = -1; i > tens; i--) view.setUint8(to++, ZERO)
    writeDigits(view, to, high, low)
    return to + 17 - dropped
  }
  // The point goes in behind the whole digits, which move left for it.
  const whole = tens + 1
  writeDigits(view, to + 1, high, low)
  for (let i = 0; i < whole; i++) view.setUint8(to + i, view.getUint8(to + i + 1))
  if (17 - dropped <= whole) return to + whole
  view.setUint8(to + whole, POINT)
  return to + 18 - dropped
}

/** How many of the 17 digits the shortest decimal can do without; -1 on an edge, where doubles cannot tell. */
function fewerDigits(low: number, f: number, half: number): number {
  // Fast path: without its last digit or two most numbers are others. Dividing by a constant is a multiplication.
  const first = droppable(low - ((low / 10) | 0) * 10 + f, 5, half)
  if (first !== 1) return first === 0 && Math.abs(f * 2 - 1) < 1e-6 ? -1 : first
  const second = droppable(low - ((low / 100) | 0) * 100 + f, 50, half)
  if (second !== 1) return second === 0 ? 1 : -1
  for (let j = 3; j <= 8; j++) {
    const unit = POWERS[j]!
    const can = droppable(low - Math.floor(low / unit) * unit + f, unit / 2, half)
    if (can !== 1) return can === 0 ? j - 1 : -1
  }
  // More could be dropped: rare among numbers that are not short decimals.
  return -1
}

/**
 * 1 if a number reads back as itself after going to the nearest multiple of 2 · middle, `over` above the last; 0 if not;
 * -1 on an edge.
 */
function droppable(over: number, middle: number, half: number): number {
  const distance = middle - Math.abs(over - middle)
  // Relative to a unit in the 17th place doubles err by less than 1e-7 here.
  if (distance > half + 1e-6) return 0
  return distance > half - 1e-6 || distance > middle - 5e-7 ? -1 : 1
}

function writeDigits(view: DataView, at: number, high: number, low: number): void {
  const first = (high / LOW) | 0
  view.setUint8(at, ZERO + first)
  eightDigits(view, at + 1, (high - first * LOW) | 0)
  eightDigits(view, at + 9, low | 0)
}

function eightDigits(view: DataView, at: number, value: number): void {
  const upper = (value / 10_000) | 0
  const lower = value - upper * 10_000
  const a = (upper / 100) | 0
  const c = (lower / 100) | 0
  view.setUint16(at, PAIRS[a]!, true)
  view.setUint16(at + 2, PAIRS[upper - a * 100]!, true)
  view.setUint16(at + 4, PAIRS[c]!, true)
  view.setUint16(at + 6, PAIRS[lower - c * 100]!, true)
}
