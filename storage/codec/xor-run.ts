// Values that are no decimals: those that differ from the one before, as the bytes in which they do (FORMAT.md, "Piece", kind 2).

const value = new Float64Array(1)
const words = new Uint32Array(value.buffer)
const bytes = new Uint8Array(value.buffer)

/** Writes src[from, from + n), n ≥ 1; returns the position behind it. */
export function encodeXorRun(src: Float64Array, from: number, n: number, out: Uint8Array, at: number): number {
  value[0] = src[from]!
  for (let b = 0; b < 8; b++) out[at++] = bytes[b]!
  const bitmap = at
  at += (n + 6) >>> 3
  out.fill(0, bitmap, at)
  for (let i = 1; i < n; i++) {
    let low = words[0]!
    let high = words[1]!
    value[0] = src[from + i]!
    low = (low ^ words[0]!) >>> 0
    high = (high ^ words[1]!) >>> 0
    if (low === 0 && high === 0) continue
    out[bitmap + ((i - 1) >>> 3)]! |= 1 << ((i - 1) & 7)
    // Whole zero bytes below and above.
    const below = low !== 0 ? (31 - Math.clz32(low & -low)) >>> 3 : 4 + ((31 - Math.clz32(high & -high)) >>> 3)
    const above = high !== 0 ? Math.clz32(high) >>> 3 : 4 + (Math.clz32(low) >>> 3)
    const length = 8 - below - above
    out[at++] = (below << 4) | length
    for (let b = below; b < below + length; b++) out[at++] = (b < 4 ? low >>> (8 * b) : high >>> (8 * b - 32)) & 255
  }
  return at
}

/** Reads n ≥ 1 values into out[outAt, outAt + n); returns the position behind them. Throws RangeError on damage it notices. */
export function decodeXorRun(src: Uint8Array, view: DataView, at: number, n: number, out: Float64Array, outAt: number): number {
  for (let b = 0; b < 8; b++) bytes[b] = src[at++]!
  out[outAt] = value[0]!
  const bitmap = at
  at += (n + 6) >>> 3
  for (let i = 1; i < n; i++) {
    if ((src[bitmap + ((i - 1) >>> 3)]! >>> ((i - 1) & 7)) & 1) {
      const control = src[at++]!
      const length = control & 15
      const shift = (control >>> 4) * 8
      if (length === 0 || length * 8 + shift > 64) throw new RangeError(`xor control byte ${control}`)
      let low = view.getInt32(at, true)
      let high = view.getInt32(at + 4, true)
      at += length
      if (length < 4) low &= (1 << (8 * length)) - 1
      if (length <= 4) high = 0
      else if (length < 8) high &= (1 << (8 * length - 32)) - 1
      if (shift >= 32) {
        high = low << (shift - 32)
        low = 0
      } else if (shift > 0) {
        high = (high << shift) | (low >>> (32 - shift))
        low <<= shift
      }
      words[0]! ^= low
      words[1]! ^= high
    }
    out[outAt + i] = value[0]!
  }
  return at
}
