// Short ASCII texts that came lately, by their bytes: names and values of labels come again with each series. What is found
// needs no string, whose hash and contents others would work out anew.

const SLOT_BITS = 10
const LENGTH_MAX = 64

export class TextCache {
  readonly #texts: string[] = Array.from({ length: 1 << SLOT_BITS }, () => '')

  /** The text whose UTF-8 is bytes[from, to). */
  text(bytes: Uint8Array, from: number, to: number): string {
    const n = to - from
    if (n > LENGTH_MAX) return textOf(bytes, from, n)
    let hash = n
    let bits = 0
    for (let i = from; i < to; i++) {
      bits |= bytes[i]!
      hash = Math.imul(hash ^ bytes[i]!, 0x01000193)
    }
    if (bits >= 128) return textOf(bytes, from, n)
    const slot = Math.imul(hash ^ (hash >>> 15), 0x9e3779b1) >>> (32 - SLOT_BITS)
    const known = this.#texts[slot]!
    if (known.length === n) {
      let i = 0
      while (i < n && known.charCodeAt(i) === bytes[from + i]) i++
      if (i === n) return known
    }
    return (this.#texts[slot] = textOf(bytes, from, n))
  }
}

function textOf(bytes: Uint8Array, from: number, n: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + from, n).toString('utf8')
}
