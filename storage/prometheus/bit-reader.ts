// The bit stream of Prometheus' chunks: most significant bit first (prometheus tsdb/chunkenc/bstream.go, varbit.go).
import { PrometheusFormatError } from './byte-reader.ts'

/** Payload bits of a varbit number by the count of leading 1 bits before it. */
const VARBIT_SIZES = [0, 3, 6, 9, 12, 18, 25, 56, 64] as const

const words = new Uint32Array(2)
const asDouble = new Float64Array(words.buffer)

export class BitReader {
  readonly #bytes: Uint8Array
  /** Position in bits. */
  #bit: number
  readonly #endBit: number

  constructor(bytes: Uint8Array, from: number, to: number) {
    this.#bytes = bytes
    this.#bit = from * 8
    this.#endBit = to * 8
  }

  /** Up to 32 bits, unsigned. Throws PrometheusFormatError at the end of the chunk. */
  bits(n: number): number {
    if (this.#bit + n > this.#endBit) throw new PrometheusFormatError('a chunk ends before its samples do')
    let value = 0
    for (let left = n; left > 0;) {
      const room = 8 - (this.#bit & 7)
      const take = Math.min(left, room)
      const byte = this.#bytes[this.#bit >>> 3]!
      value = value * 2 ** take + ((byte >>> (room - take)) & ((1 << take) - 1))
      this.#bit += take
      left -= take
    }
    return value
  }

  /** A double from its 64 bits. */
  double(): number {
    words[1] = this.bits(32)
    words[0] = this.bits(32)
    return asDouble[0]!
  }

  /** An unsigned number of n bits, n up to 64; exact while below 2^53. */
  unsigned(n: number): number {
    return n <= 32 ? this.bits(n) : this.bits(n - 32) * 2 ** 32 + this.bits(32)
  }

  /** Of n bits, −2^(n−1) excluded and 2^(n−1) included, as Prometheus' bitRange has it; exact while within ±2^53. */
  signed(n: number): number {
    if (n <= 32) {
      const value = this.bits(n)
      return value > 2 ** (n - 1) ? value - 2 ** n : value
    }
    // The sign goes to the upper bits first: put together without it, a number below 0 has more bits than a double holds.
    const high = this.bits(n - 32)
    const low = this.bits(32)
    const isNegative = high > 2 ** (n - 33) || (high === 2 ** (n - 33) && (n === 64 || low > 0))
    return (isNegative ? high - 2 ** (n - 32) : high) * 2 ** 32 + low
  }

  /** The count of 1 bits before the next 0, at most `most` (then no 0 follows). */
  ones(most: number): number {
    let n = 0
    while (n < most && this.bits(1) === 1) n++
    return n
  }

  varbitInt(): number {
    const size = VARBIT_SIZES[this.ones(8)]!
    return size === 0 ? 0 : this.signed(size)
  }

  varbitUint(): number {
    const size = VARBIT_SIZES[this.ones(8)]!
    return size === 0 ? 0 : this.unsigned(size)
  }

  /** LEB128 inside the bit stream. */
  uvarint(): number {
    let value = 0
    for (let scale = 1; ; scale *= 128) {
      const byte = this.bits(8)
      value += (byte & 127) * scale
      if (byte < 128) return value
      if (scale > 2 ** 63) throw new PrometheusFormatError('a varint of more than 10 bytes in a chunk')
    }
  }

  varint(): number {
    const value = this.uvarint()
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2
  }
}

/** A float that is written as the XOR with the one before it (Gorilla, Pelkonen et al. 2015; chunkenc/xor.go). */
export class XorFloat {
  #high = 0
  #low = 0
  #leading = 0
  #trailing = 0

  /** The first value, its 64 bits as they are. */
  start(bits: BitReader): number {
    this.#high = bits.bits(32)
    this.#low = bits.bits(32)
    return this.value
  }

  /** The value is 0 again. */
  clear(): void {
    this.#high = 0
    this.#low = 0
  }

  next(bits: BitReader): number {
    return bits.bits(1) === 0 ? this.value : this.changed(bits)
  }

  /** Another value than before: a bit says whether its bits stand elsewhere than those of the last change. */
  changed(bits: BitReader): number {
    return bits.bits(1) === 0 ? this.changedThere(bits) : this.changedElsewhere(bits)
  }

  /** Its bits stand where those of the last change do. */
  changedThere(bits: BitReader): number {
    this.#flip(bits, 64 - this.#leading - this.#trailing)
    return this.value
  }

  changedElsewhere(bits: BitReader): number {
    this.#leading = bits.bits(5)
    const significant = bits.bits(6)
    this.#trailing = 64 - this.#leading - (significant === 0 ? 64 : significant)
    if (this.#trailing < 0) throw new PrometheusFormatError('a value of more than 64 bits in a chunk')
    return this.changedThere(bits)
  }

  /** XORs `n` bits that end `trailing` bits above the lowest into the value. */
  #flip(bits: BitReader, n: number): void {
    const inHigh = Math.max(0, Math.min(n, n + this.#trailing - 32))
    if (inHigh > 0) this.#high ^= shiftLeft(bits.bits(inHigh), Math.max(0, this.#trailing - 32))
    if (n > inHigh) this.#low ^= shiftLeft(bits.bits(n - inHigh), this.#trailing)
  }

  get value(): number {
    words[0] = this.#low
    words[1] = this.#high
    return asDouble[0]!
  }
}

function shiftLeft(value: number, n: number): number {
  return n === 32 ? 0 : value << n
}
