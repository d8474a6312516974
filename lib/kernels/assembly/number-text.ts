// Doubles as the shortest decimals that read back equal, as Prometheus' JSON has them (twin: lang/reply/byte-writer.ts).
// Raffaello Giulietti, "The Schubfach way to render doubles" (2022), with a fast way before it for all numbers but those
// that lie, in 60 bits, on an edge:
//
//   x = c · 2^q    10^k is the least power of ten that may stand between those middles
//   g = 10^-k in 126 bits, rounded up       4c · g · 2^h / 2^127 = 4 · x / 10^k, the last bit telling of a rest
import { POWERS } from './memory'
import { mulHigh } from './wide'

/** Fills in the power for k, two words at `at` (../powers.ts). */
// @ts-ignore: decorator
@external('powers', 'powerOfTen')
declare function powerOfTen(k: i32, at: usize): void

const K_MIN: i32 = -324
const Q_MIN: i32 = -1074
const C_MIN: u64 = 1 << 52
const LOW_60: u64 = (1 << 60) - 1
/** 10 and 1/2 with 60 bits after the point. */
const TEN: u64 = 10 << 60
const HALF: u64 = 1 << 59
const LOW_32: u64 = 0xffffffff
const ZEROS: u64 = 0x3030303030303030
/** '0.000000', first byte lowest. */
const ZERO_POINT: u64 = 0x3030303030302e30
const E8: u64 = 100_000_000
const E16: u64 = 10_000_000_000_000_000
/** 10^0 … 10^19. */
const POWERS_OF_TEN: usize = memory.data<u64>([
  1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000, 1000000000, 10000000000, 100000000000, 1000000000000,
  10000000000000, 100000000000000, 1000000000000000, 10000000000000000, 100000000000000000, 1000000000000000000, 10000000000000000000,
])

/** Writes x at `to`, at most 25 bytes, and may touch 40; returns the place behind it. */
export function writeNumber(x: f64, to: usize): usize {
  const bits = reinterpret<u64>(x)
  if (<i64>bits < 0 && x === x) store<u8>(to++, 0x2d)
  const size = abs(x)
  if (size < 1e9 && size !== 0) {
    // Fast path: a decimal of at most 15 digits divides back to the same double, and nothing shorter can.
    const scaled = floor(size * 1e6 + 0.5)
    if (scaled / 1e6 === size) return writeDecimal(<i64>scaled, -6, to)
  }
  if (size <= 9007199254740991 && floor(size) === size) {
    if (size !== 0) return writeDecimal(<i64>size, 0, to)
    store<u8>(to, 0x30)
    return to + 1
  }
  if (size < Infinity) return writeShortest(bits & 0x7fffffffffffffff, to)
  if (x !== x) {
    store<u32>(to, 0x4e614e) // NaN
    return to + 3
  }
  if (x > 0) store<u8>(to++, 0x2b)
  store<u32>(to, 0x666e49) // Inf
  return to + 3
}

function writeShortest(bits: u64, to: usize): usize {
  const exponent = <i32>(bits >> 52)
  const fraction = bits & (C_MIN - 1)
  if (exponent === 0 || fraction === 0) return writeExactly(bits, to)
  const q = exponent + Q_MIN - 1
  const k = (q * 1262611) >> 22
  const h = q + ((-k * 1741647) >> 19) + 2
  const g = powerAt(k)
  const g1 = load<u64>(g, 8)
  const cp = ((C_MIN | fraction) << 2) << h
  const p0 = g1 * cp
  const p1 = mulHigh(load<u64>(g), cp) + p0
  const p2 = mulHigh(g1, cp) + u64(p1 < p0)
  // Fast path: places after the point in 60 bits, and so is half the distance to the neighbours. They are one off at most.
  const s = p2 >> 1
  const rest = ((p2 << 59) & LOW_60) | (p1 >> 5)
  const half = (g1 << 1) >> (5 - h)
  const tens = s / 10
  const over = ((s - tens * 10) << 60) | rest
  const under = TEN - over
  if (abs(<i64>(over - half)) <= 2 || abs(<i64>(under - half)) <= 2 || abs(<i64>(rest - HALF)) <= 2) return writeExactly(bits, to)
  // Without branches: which of the two it is cannot be foreseen.
  const isUpTen = u64(under < half)
  const d = select<u64>((tens + isUpTen) * 10, s + (rest >> 59), (u64(over < half) | isUpTen) !== 0)
  const isShort = d < E16
  return writeDigits(select<u64>(d * 10, d, isShort), 17 + k - i32(isShort), to)
}

/** Where the words of 10^-k stand. */
// @ts-ignore: decorator
@inline
function powerAt(k: i32): usize {
  const at = POWERS + (<usize>(k - K_MIN) << 4)
  if (load<u64>(at, 8) === 0) powerOfTen(k, at)
  return at
}

/** As the paper has it, for numbers at which the fast way cannot tell. */
function writeExactly(bits: u64, to: usize): usize {
  const exponent = <i32>(bits >> 52)
  const fraction = bits & (C_MIN - 1)
  const c = exponent === 0 ? fraction : C_MIN | fraction
  const q = exponent === 0 ? Q_MIN : exponent + Q_MIN - 1
  // A power of two has a nearer neighbour below than above.
  const isRegular = i32(fraction !== 0 || exponent <= 1)
  const k = (q * 1262611 - (isRegular !== 0 ? 0 : 524031)) >> 22
  const h = q + ((-k * 1741647) >> 19) + 2
  const g = powerAt(k)
  const g0 = load<u64>(g)
  const g1 = load<u64>(g, 8)
  const at = scaled(g0, g1, (c << 2) << h)
  const below = scaled(g0, g1, ((c << 2) - 1 - isRegular) << h) + (c & 1)
  const above = scaled(g0, g1, ((c << 2) + 2) << h) - (c & 1)
  const s = at >> 2
  if (s >= 10) {
    const tens = s / 10
    const isDown = below <= tens * 40
    const isUp = tens * 40 + 40 <= above
    if (isDown !== isUp) return writeDecimal(tens + u64(isUp), k + 1, to)
  }
  const isDown = below <= s << 2
  const isUp = (s << 2) + 4 <= above
  if (isDown !== isUp) return writeDecimal(s + u64(isUp), k, to)
  const middle = (s << 2) + 2
  return writeDecimal(s + u64(at > middle || (at === middle && (s & 1) !== 0)), k, to)
}

/** g · cp / 2^127, its last bit set where there is a rest; what lies below 2^64 is the error of g. */
function scaled(g0: u64, g1: u64, cp: u64): u64 {
  const p0 = g1 * cp
  const p1 = mulHigh(g0, cp) + p0
  const p2 = mulHigh(g1, cp) + u64(p1 < p0)
  return (p2 << 1) | (p1 >> 63) | u64((p1 << 1) !== 0)
}

/** Eight digits of value < 10^8, the first in the lowest byte; as numbers, not letters. */
// @ts-ignore: decorator
@inline
function eightDigits(value: u32): u64 {
  const upper = value / 10_000
  let v = <u64>upper | (<u64>(value - upper * 10_000) << 32)
  let tens = ((v * 10486) >> 20) & 0x7f0000007f
  v = tens | ((v - tens * 100) << 16)
  tens = ((v * 103) >> 10) & 0x000f000f000f000f
  return tens | ((v - tens * 10) << 8)
}

/** Writes d · 10^k, 0 < d < 10^17, without zeros behind the last digit that counts. */
function writeDecimal(d: u64, k: i32, to: usize): usize {
  const guess = ((64 - <i32>clz(d)) * 1233) >> 12
  const digits = guess + i32(d >= load<u64>(POWERS_OF_TEN + (<usize>guess << 3)))
  return writeDigits(d * load<u64>(POWERS_OF_TEN + (<usize>(17 - digits) << 3)), digits + k, to)
}

/** Writes the 17 digits of `whole`, the point behind the first `point` of them. */
function writeDigits(whole: u64, point: i32, to: usize): usize {
  const upper = whole / E8
  const first = upper / E8
  const middle = eightDigits(<u32>(upper - first * E8))
  const last = eightDigits(<u32>(whole - upper * E8))
  const count = last !== 0 ? 17 - (<i32>clz(last) >> 3) : middle !== 0 ? 9 - (<i32>clz(middle) >> 3) : 1
  if (point > 0 && point < 8) {
    // Fast path: the point goes in between while the digits are in registers. An integer ends before it.
    const start = (first | (middle << 8)) | ZEROS
    const shift = <u64>point << 3
    const behind = <u64>-1 << shift
    store<u64>(to, (start & ~behind) | (<u64>0x2e << shift) | ((start & behind) << 8))
    store<u64>(to, ((middle >> 48) | (last << 16)) | ZEROS, 8)
    store<u16>(to, <u16>((last >> 48) | ZEROS), 16)
    return to + select<i32>(point, count + 1, count <= point)
  }
  if (point > 0 && point <= 21) {
    putDigits(to, to + 1, <u8>first, middle, last)
    if (count <= point) {
      store<u64>(to + 17, ZEROS)
      return to + point
    }
    // The rest makes room for the point.
    const place = to + point
    v128.store(place + 1, v128.load(place))
    store<u8>(place, 0x2e)
    return to + count + 1
  }
  if (point <= 0 && point > -6) {
    store<u64>(to, ZERO_POINT)
    const place = to + 2 - point
    putDigits(place, place + 1, <u8>first, middle, last)
    return place + count
  }
  putDigits(to, to + 2, <u8>first, middle, last)
  store<u8>(to + 1, 0x2e)
  return writeExponent(point - 1, to + (count === 1 ? 1 : count + 1))
}

// @ts-ignore: decorator
@inline
function putDigits(firstAt: usize, restAt: usize, first: u8, middle: u64, last: u64): void {
  store<u8>(firstAt, 0x30 + first)
  store<u64>(restAt, middle | ZEROS)
  store<u64>(restAt, last | ZEROS, 8)
}

/** At least two digits, as in Go. */
function writeExponent(exponent: i32, to: usize): usize {
  store<u8>(to, 0x65)
  store<u8>(to, exponent < 0 ? 0x2d : 0x2b, 1)
  let rest = abs(exponent)
  to += 2
  if (rest >= 100) {
    store<u8>(to++, <u8>(0x30 + rest / 100))
    rest %= 100
  }
  store<u8>(to, <u8>(0x30 + rest / 10))
  store<u8>(to, <u8>(0x30 + rest % 10), 1)
  return to + 2
}
