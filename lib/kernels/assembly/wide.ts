// Products of 64 bits by 64.

const LOW_32: u64 = 0xffffffff

/** The higher half of a · b. */
// @ts-ignore: decorator
@inline
export function mulHigh(a: u64, b: u64): u64 {
  const a0 = a & LOW_32
  const a1 = a >> 32
  const b0 = b & LOW_32
  const b1 = b >> 32
  const middle = a1 * b0 + ((a0 * b0) >> 32)
  const other = a0 * b1 + (middle & LOW_32)
  return a1 * b1 + (middle >> 32) + (other >> 32)
}
