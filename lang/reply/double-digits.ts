// The shortest decimal that reads back as the same double, written as bytes without a string. For |x| in [1e-5, 1e17),
// where x × 10^k (17 digits) is the exact sum of two doubles: what the general algorithms (Steele and White 1990; Loitsch
// 2010, "Printing Floating-Point Numbers Quickly and Accurately with Integers") do in wide integers fits plain double
// arithmetic here. Whatever comes out on an edge is left to the caller's slow way.
//
//   x · 10^k = I + f    I: 17 digits as high (9) and low (8), f: fraction in [0, 1)
//   half = ulp(x)/2 · 10^k: decimals closer to x than this read back as x

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
/** '00' … '99'. */
const PAIRS = Uint8Array.from({ length: 200 }, (_, i) => ZERO + (i % 2 === 0 ? Math.floor(i / 20) : Math.floor(i / 2) % 10))

const number = new Float64Array(1)
const words = new Uint32Array(number.buffer)
/** 10^-5 … 10^17; that the first ones are not exact costs a number beside them its quick way. */
const THRESHOLDS = Float64Array.from({ length: 23 }, (_, i) => Number(`1e${i - 5}`))

/** Numbers that `writeShortest` takes. */
export function isPlainDouble(x: number): boolean {
  const size = x < 0 ? -x : x
  return size >= 1e-5 && size < 1e17
}

/** Writes x, which isPlainDouble accepts, at `at`; returns the place behind it, or -1 where it cannot tell. */
export function writeShortest(bytes: Uint8Array, at: number, x: number): number {
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
  let high = Math.floor(product / LOW)
  let low = product - high * LOW + errorFloor
  if (low < 0) {
    low += LOW
    high--
  } else if (low >= LOW) {
    low -= LOW
    high++
  }
  if (high >= 1e9 || high < 1e8) return -1
  words[0] = 0
  words[1] = (exponent - 53 + 1023) << 20
  const half = number[0]! * power
  const dropped = fewerDigits(low, f, half)
  if (dropped < 0) return -1
  const unit = POWERS[dropped]!
  const kept = Math.floor(low / unit)
  const rest = low - kept * unit + f
  low = (rest * 2 > unit ? kept + 1 : kept) * unit
  if (low >= LOW) {
    low -= LOW
    high++
    if (high >= 1e9) return -1
  }
  let to = at
  if (x < 0) bytes[to++] = 0x2d
  if (tens < 0) {
    bytes[to++] = ZERO
    bytes[to++] = POINT
    for (let i = -1; i > tens; i--) bytes[to++] = ZERO
    writeDigits(bytes, to, high, low)
    return to + 17 - dropped
  }
  // The point goes in behind the whole digits, which move left for it.
  const whole = tens + 1
  writeDigits(bytes, to + 1, high, low)
  for (let i = 0; i < whole; i++) bytes[to + i] = bytes[to + i + 1]!
  if (17 - dropped <= whole) return to + whole
  bytes[to + whole] = POINT
  return to + 18 - dropped
}

/** How many of the 17 digits the shortest decimal can do without; -1 on an edge, where doubles cannot tell. */
function fewerDigits(low: number, f: number, half: number): number {
  let dropped = 0
  for (let j = 1; j <= 8; j++) {
    const unit = POWERS[j]!
    const over = low - Math.floor(low / unit) * unit + f
    const distance = over * 2 > unit ? unit - over : over
    // Relative to a unit in the 17th place doubles err by less than 1e-7 here.
    if (distance > half + 1e-6) break
    if (distance > half - 1e-6 || Math.abs(over * 2 - unit) < 1e-6) return -1
    dropped = j
  }
  // More could be dropped: rare among numbers that are not short decimals.
  return dropped === 8 ? -1 : dropped === 0 && Math.abs(f * 2 - 1) < 1e-6 ? -1 : dropped
}

function writeDigits(bytes: Uint8Array, at: number, high: number, low: number): void {
  const first = (high / LOW) | 0
  bytes[at] = ZERO + first
  eightDigits(bytes, at + 1, (high - first * LOW) | 0)
  eightDigits(bytes, at + 9, low | 0)
}

function eightDigits(bytes: Uint8Array, at: number, value: number): void {
  const upper = (value / 10_000) | 0
  const lower = value - upper * 10_000
  const a = (upper / 100) | 0
  const b = upper - a * 100
  const c = (lower / 100) | 0
  const d = lower - c * 100
  bytes[at] = PAIRS[a * 2]!
  bytes[at + 1] = PAIRS[a * 2 + 1]!
  bytes[at + 2] = PAIRS[b * 2]!
  bytes[at + 3] = PAIRS[b * 2 + 1]!
  bytes[at + 4] = PAIRS[c * 2]!
  bytes[at + 5] = PAIRS[c * 2 + 1]!
  bytes[at + 6] = PAIRS[d * 2]!
  bytes[at + 7] = PAIRS[d * 2 + 1]!
}
