// Varints and bit lists, as the encoders write them (twin: storage/codec/bits.ts), and the powers that decimals are made of.

/** 10^0 to 10^14, f64 each. */
export const POWERS_OF_TEN: usize = memory.data<f64>([1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14])
/** Added to an integer below 2^52, it leaves it in the low bits. */
const INTEGER: f64 = 4503599627370496

// @ts-ignore: decorator
@inline
export function powerOf(e: i32): v128 {
  return v128.load64_splat(POWERS_OF_TEN + (<usize>e << 3))
}

// @ts-ignore: decorator
@inline
export function zigzag(value: f64): u64 {
  const i = <i64>value
  return <u64>((i << 1) ^ (i >> 63))
}

/** Returns the place behind it. */
export function writeVarint(value: u64, at: usize): usize {
  for (; value >= 128; value >>= 7) store<u8>(at++, <u8>(value | 128))
  store<u8>(at, <u8>value)
  return at + 1
}

/** Writes how many zero bytes bits that are not 0 begin with and how many others follow, then those; returns the place behind. */
// @ts-ignore: decorator
@inline
export function writeDiffering(bits: u64, at: usize): usize {
  const below = ctz(bits) >> 3
  const length = 8 - (clz(bits) >> 3) - below
  store<u8>(at, <u8>((below << 4) | length))
  store<u64>(at, bits >> (below << 3), 1)
  return at + 1 + <usize>length
}

/** Two values less the reference, below 2^32, in the low words of the lanes. */
// @ts-ignore: decorator
@inline
function twoOver(at: usize, ref: v128): v128 {
  return v128.and(f64x2.add(f64x2.sub(v128.load(at), ref), f64x2.splat(INTEGER)), i64x2.splat(0xffffffff))
}

/** The first in 2w bits with the second above it. */
// @ts-ignore: decorator
@inline
function joined(two: v128, w: u64): u64 {
  return <u64>i64x2.extract_lane(two, 0) | (<u64>i64x2.extract_lane(two, 1) << w)
}

/**
 * Packs n values at `from`, each less `ref` and then below 2^w (w ≤ 32); returns the place behind the last byte. Reads up to
 * three values too many, and writes up to 64 bytes too many.
 */
export function packBits(from: usize, n: i32, ref: f64, w: i32, at: usize): usize {
  if (w === 0) return at
  const behind = at + <usize>((n * w + 7) >> 3)
  const refs = f64x2.splat(ref)
  const width = <u64>w
  const end = from + (<usize>n << 3)
  let bits: u64 = 0
  let held: u64 = 0
  // Whole bytes are written as they come: seven bits are left at the most, and 57 fit beside them.
  if (w <= 14) {
    for (; from < end; from += 32) {
      bits |= (joined(twoOver(from, refs), width) | (joined(twoOver(from + 16, refs), width) << (width << 1))) << held
      held += width << 2
      store<u64>(at, bits)
      at += <usize>(held >> 3)
      bits >>= held & ~7
      held &= 7
    }
  } else if (w <= 28) {
    for (; from < end; from += 16) {
      bits |= joined(twoOver(from, refs), width) << held
      held += width << 1
      store<u64>(at, bits)
      at += <usize>(held >> 3)
      bits >>= held & ~7
      held &= 7
    }
  } else {
    for (; from < end; from += 8) {
      bits |= <u64>(load<f64>(from) - ref) << held
      held += width
      store<u64>(at, bits)
      at += <usize>(held >> 3)
      bits >>= held & ~7
      held &= 7
    }
  }
  // What was read too many lies behind, and the last byte's upper bits are to be 0.
  const rest = (n * w) & 7
  if (rest !== 0) store<u8>(behind - 1, <u8>(<i32>load<u8>(behind - 1) & ((1 << rest) - 1)))
  return behind
}
