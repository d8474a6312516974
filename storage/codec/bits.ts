// Bit lists, least significant bit first, and LEB128 varints over plain bytes: the ground of the chunk codec
// (FORMAT.md, "Chunk"). Integers travel as doubles up to 2^53, which 32-bit operators would cut.

/** Appends an unsigned integer below 2^53; returns the new position. */
export function writeVarint(out: Uint8Array, at: number, value: number): number {
  while (value >= 128) {
    const rest = Math.floor(value / 128)
    out[at++] = (value - rest * 128) | 128
    value = rest
  }
  out[at++] = value
  return at
}

/** Where a reader of varints stands; it moves on. */
export interface VarintPlace {
  at: number
}

/** The unsigned integer at a place, which then stands behind it. */
export function readVarint(bytes: Uint8Array, place: VarintPlace): number {
  let value = 0
  for (let unit = 1; ; unit *= 128) {
    const byte = bytes[place.at++]!
    value += (byte & 127) * unit
    if (byte < 128) return value
  }
}

/** Zigzag of a signed integer of at most 2^52. */
export function zigzag(value: number): number {
  return value < 0 ? -2 * value - 1 : 2 * value
}

export function unzigzag(value: number): number {
  return value % 2 === 0 ? value / 2 : -(value + 1) / 2
}

/** Bits needed for an unsigned integer below 2^32. */
export function bitWidth(value: number): number {
  return 32 - Math.clz32(value)
}

/** Bits of a non-negative integer below 2^53. */
export function integerWidth(value: number): number {
  return value < 4294967296 ? 32 - Math.clz32(value) : 64 - Math.clz32(value / 4294967296)
}

/** Packs values[from, from + n), each less `ref` and then below 2^w (w ≤ 32); returns the position behind the last byte. */
export function packBits(out: Uint8Array, at: number, values: Float64Array, from: number, n: number, ref: number, w: number): number {
  if (w === 0) return at
  let acc = 0
  let held = 0
  // 16 bits at a time, so that the 32-bit accumulator (15 bits at the most before) never overflows.
  const high = w - 16
  for (let i = from; i < from + n; i++) {
    const value = values[i]! - ref
    if (high <= 0) {
      acc |= value << held
      held += w
    } else {
      acc |= (value & 0xffff) << held
      out[at] = acc
      out[at + 1] = acc >>> 8
      at += 2
      acc = (acc >>> 16) | ((value >>> 16) << held)
      held += high
    }
    if (held >= 16) {
      out[at] = acc
      out[at + 1] = acc >>> 8
      at += 2
      acc >>>= 16
      held -= 16
    }
  }
  for (; held > 0; held -= 8) {
    out[at++] = acc
    acc >>>= 8
  }
  return at
}

/** Unpacks n values of w bits, adding `ref`, into out[outAt…]. Reads only whole bytes inside the list. */
export function unpackBits(src: Uint8Array, at: number, out: Float64Array, outAt: number, n: number, ref: number, w: number): void {
  if (w === 0) {
    for (let i = 0; i < n; i++) out[outAt + i] = ref
    return
  }
  if (w <= 8) {
    // Fast path: a value spans two bytes at the most.
    const mask = (1 << w) - 1
    let bit = 0
    for (let i = 0; i < n; i++) {
      const p = at + (bit >>> 3)
      out[outAt + i] = ref + (((src[p]! | (src[p + 1]! << 8)) >>> (bit & 7)) & mask)
      bit += w
    }
    return
  }
  if (w <= 24) {
    const mask = (1 << w) - 1
    let bit = 0
    for (let i = 0; i < n; i++) {
      const p = at + (bit >>> 3)
      const word = src[p]! | (src[p + 1]! << 8) | (src[p + 2]! << 16) | (src[p + 3]! << 24)
      out[outAt + i] = ref + ((word >>> (bit & 7)) & mask)
      bit += w
    }
    return
  }
  // 32 is no shift: the fifth byte moves up by one, then by the rest.
  const mask = w === 32 ? -1 : (1 << w) - 1
  let bit = 0
  for (let i = 0; i < n; i++) {
    const p = at + (bit >>> 3)
    const shift = bit & 7
    const word = src[p]! | (src[p + 1]! << 8) | (src[p + 2]! << 16) | (src[p + 3]! << 24)
    const value = (word >>> shift) | ((src[p + 4]! << 1) << (31 - shift))
    out[outAt + i] = ref + ((value & mask) >>> 0)
    bit += w
  }
}

/** Bits that are set below bit n. */
export function ones(bits: number, n: number): number {
  let count = 0
  for (let i = 0; i < n; i++) count += (bits >>> i) & 1
  return count
}
