// Values to bytes in Parquet's encodings (github.com/apache/parquet-format, Encodings.md). Appends to a buffer that grows.
import { integerWidth, packBits, writeVarint, zigzag } from '../codec/bits.ts'

/** Encodings by their number in the format. */
export const PLAIN = 0
export const DELTA_BINARY_PACKED = 5
export const RLE_DICTIONARY = 8
export const BYTE_STREAM_SPLIT = 9

export const DELTA_BLOCK = 128
export const DELTA_MINIBLOCKS = 4
const MINIBLOCK = DELTA_BLOCK / DELTA_MINIBLOCKS

export class EncodeBuffer {
  #bytes = new Uint8Array(1 << 16)
  #at = 0

  get bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#at)
  }

  get length(): number {
    return this.#at
  }

  clear(): void {
    this.#at = 0
  }

  byte(value: number): void {
    this.#reserve(1)[this.#at++] = value
  }

  u32(value: number): void {
    const out = this.#reserve(4)
    for (let i = 0; i < 4; i++) out[this.#at++] = value >>> (8 * i)
  }

  bytesOf(bytes: Uint8Array): void {
    this.#reserve(bytes.length).set(bytes, this.#at)
    this.#at += bytes.length
  }

  varint(value: number): void {
    this.#at = writeVarint(this.#reserve(10), this.#at, value)
  }

  /** values[from, from + n) less `base`, each then below 2^width, width ≤ 32, least significant bit first. */
  packed(values: Float64Array, from: number, n: number, base: number, width: number): void {
    const out = this.#reserve(((n * width) >>> 3) + 8)
    this.#at = packBits(out, this.#at, values, from, n, base, width)
  }

  /** All of one value, of that width, in the hybrid of runs and packed bits. */
  run(count: number, value: number, width: number): void {
    this.varint(count * 2)
    for (let bits = 0; bits < width; bits += 8) this.byte(value >>> bits)
  }

  /** values[0, n) as one run of packed bits; the format wants a multiple of 8, so up to 7 zeros follow, which `values` must have room for. */
  hybrid(values: Float64Array, n: number, width: number): void {
    const groups = Math.ceil(n / 8)
    values.fill(0, n, groups * 8)
    this.varint(groups * 2 + 1)
    this.packed(values, 0, groups * 8, 0, width)
  }

  /** What `write` appends, behind its length. */
  framed(write: () => void): void {
    this.u32(0)
    const start = this.#at
    write()
    const length = this.#at - start
    for (let i = 0; i < 4; i++) this.#bytes[start - 4 + i] = length >>> (8 * i)
  }

  doubles(values: Float64Array, n: number): void {
    this.bytesOf(new Uint8Array(values.buffer, values.byteOffset, n * 8))
  }

  /** First bytes of all doubles, then second ones, and so on: those that are alike lie side by side. */
  doublesSplit(values: Float64Array, n: number): void {
    const out = this.#reserve(n * 8)
    const bytes = new Uint8Array(values.buffer, values.byteOffset, n * 8)
    for (let b = 0; b < 8; b++) {
      const at = this.#at + b * n
      for (let i = 0; i < n; i++) out[at + i] = bytes[i * 8 + b]!
    }
    this.#at += n * 8
  }

  bits(values: Uint8Array, n: number): void {
    const out = this.#reserve((n + 7) >>> 3)
    for (let i = 0; i < n; i += 8) {
      let byte = 0
      for (let k = 0; k < 8 && i + k < n; k++) byte |= values[i + k]! << k
      out[this.#at++] = byte
    }
  }

  /**
   * Whole numbers in differences; false, with nothing appended that is of use, where the differences of a block lie
   * further apart than 32 bits.
   */
  deltas(values: Float64Array, n: number): boolean {
    this.varint(DELTA_BLOCK)
    this.varint(DELTA_MINIBLOCKS)
    this.varint(n)
    this.varint(zigzag(n === 0 ? 0 : values[0]!))
    for (let from = 1; from < n; from += DELTA_BLOCK) {
      const count = Math.min(DELTA_BLOCK, n - from)
      let least = Infinity
      let most = -Infinity
      for (let i = 0; i < count; i++) {
        const delta = values[from + i]! - values[from + i - 1]!
        differences[i] = delta
        if (delta < least) least = delta
        if (delta > most) most = delta
      }
      if (most - least >= 2 ** 32) return false
      this.varint(zigzag(least))
      differences.fill(least, count)
      this.#miniblocks(count, least)
    }
    return true
  }

  /** Those of `differences`; of a miniblock without values nothing is stored but a width of 0. */
  #miniblocks(count: number, least: number): void {
    const widths = this.#at
    for (let m = 0; m < DELTA_MINIBLOCKS; m++) {
      let most = least
      for (let i = m * MINIBLOCK; i < Math.min(count, (m + 1) * MINIBLOCK); i++) most = Math.max(most, differences[i]!)
      this.byte(integerWidth(most - least))
    }
    for (let m = 0; m * MINIBLOCK < count; m++) this.packed(differences, m * MINIBLOCK, MINIBLOCK, least, this.#bytes[widths + m]!)
  }

  /** Room for so many bytes more. */
  #reserve(bytes: number): Uint8Array {
    if (this.#at + bytes > this.#bytes.length) {
      const grown = new Uint8Array(2 * (this.#at + bytes))
      grown.set(this.#bytes)
      this.#bytes = grown
    }
    return this.#bytes
  }
}

const differences = new Float64Array(DELTA_BLOCK)
