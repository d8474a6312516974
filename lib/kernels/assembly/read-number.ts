// Decimals as text formats spell them, read to the nearest double (twin: FloatReader, lib/format/text-float.ts).
// Digits come eight at a time. A mantissa below 2^53 and a power of ten up to 10^22 are exact: one multiplication or division
// rounds correctly (Clinger 1990). Longer ones, up to 19 digits, are multiplied by the power's highest 128 bits
// (Lemire, "Number Parsing at a Gigabyte per Second", 2021; Mushtak and Lemire, "Fast Number Parsing Without Fallback", 2023).
import { FIVES, FIVES_MAX } from './memory'
import { mulHigh } from './wide'

/** The number read last. */
export let number: f64 = 0

const EXACT_LIMIT: u64 = 1 << 53
const ZEROS: u64 = 0x3030303030303030
const HIGH_HALVES: u64 = 0xf0f0f0f0f0f0f0f0
const DIGITS_MAX: usize = 19
const POWERS_OF_TEN: usize = memory.data<f64>([
  1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
])

/** Reads a number that ends in a newline; returns where the newline is, 0 where it is none such or the twin must read it. */
export function readNumber(from: usize): usize {
  let at = from
  let c = <u32>load<u8>(at)
  const isNegative = c === 0x2d
  if (isNegative || c === 0x2b) at++
  const first = at
  let mantissa: u64 = 0
  for (let eight = load<u64>(at); areDigits(eight); eight = load<u64>(at)) {
    mantissa = mantissa * 100_000_000 + valueOfEight(eight)
    at += 8
  }
  for (c = load<u8>(at); c - 0x30 < 10; c = load<u8>(++at)) mantissa = mantissa * 10 + (c - 0x30)
  let digits = at - first
  let scale: i32 = 0
  if (c === 0x2e) {
    const point = ++at
    for (let eight = load<u64>(at); areDigits(eight); eight = load<u64>(at)) {
      mantissa = mantissa * 100_000_000 + valueOfEight(eight)
      at += 8
    }
    for (c = load<u8>(at); c - 0x30 < 10; c = load<u8>(++at)) mantissa = mantissa * 10 + (c - 0x30)
    scale = -<i32>(at - point)
    digits += at - point
  }
  if (digits === 0) return 0
  if (digits > DIGITS_MAX && digits - zerosAt(first) > DIGITS_MAX) return 0
  if ((c | 0x20) === 0x65) {
    c = load<u8>(++at)
    const isDown = c === 0x2d
    if (isDown || c === 0x2b) c = load<u8>(++at)
    const start = at
    let exponent: i32 = 0
    for (; c - 0x30 < 10 && at < start + 4; c = load<u8>(++at)) exponent = exponent * 10 + <i32>(c - 0x30)
    if (at === start) return 0
    scale += isDown ? -exponent : exponent
  }
  if (c !== 0x0a) return 0
  let value: f64
  if (mantissa < EXACT_LIMIT && scale >= -22 && scale <= 22) {
    const power = load<f64>(POWERS_OF_TEN + (<usize>abs(scale) << 3))
    value = scale < 0 ? <f64>mantissa / power : <f64>mantissa * power
  } else {
    if (mantissa === 0 || scale < -FIVES_MAX || scale > FIVES_MAX) return 0
    value = nearest(mantissa, scale)
  }
  number = isNegative ? -value : value
  return at
}

/** How many zeros a number begins with, on either side of the point. */
function zerosAt(from: usize): usize {
  let at = from
  let zeros: usize = 0
  for (let c = <u32>load<u8>(at); c === 0x30 || c === 0x2e; c = load<u8>(++at)) zeros += usize(c === 0x30)
  return zeros
}

/** All eight bytes are '0' to '9'. */
// @ts-ignore: decorator
@inline
function areDigits(eight: u64): bool {
  return ((eight & HIGH_HALVES) ^ ZEROS | ((eight + 0x0606060606060606) & HIGH_HALVES) ^ ZEROS) === 0
}

// @ts-ignore: decorator
@inline
function valueOfEight(eight: u64): u64 {
  let v = eight - ZEROS
  v = v * 10 + (v >> 8)
  return ((v & 0x000000ff000000ff) * 0x000f424000000064 + ((v >> 16) & 0x000000ff000000ff) * 0x0000271000000001) >> 32
}

/** w · 10^q, w not 0. */
function nearest(w: u64, q: i32): f64 {
  const zeros = clz(w)
  const shifted = w << zeros
  const five = FIVES + (<usize>(q + FIVES_MAX) << 4)
  const high = load<u64>(five, 8)
  let upper = mulHigh(shifted, high)
  let lower = shifted * high
  if ((upper & 0x1ff) === 0x1ff) {
    // The lower 64 bits of the power may tell.
    const carried = lower + mulHigh(shifted, load<u64>(five))
    upper += u64(carried < lower)
    lower = carried
  }
  const top = <i32>(upper >> 63)
  let m = upper >> (top + 9)
  // Half way between two doubles, exactly: to the even one.
  if (lower <= 1 && q >= -4 && q <= 23 && (m & 3) === 1 && m << (top + 9) === upper) m &= ~1
  m = (m + (m & 1)) >> 1
  let exponent = ((217706 * q) >> 16) + 63 + top - <i32>zeros + 1023
  if (m >= EXACT_LIMIT) {
    m = EXACT_LIMIT >> 1
    exponent++
  }
  return reinterpret<f64>((m & ((1 << 52) - 1)) | (<u64>exponent << 52))
}
