// Reads the big-endian integers, varints and texts that Prometheus' files are made of (prometheus tsdb/encoding).

/** A file of a Prometheus data folder does not hold what its format says; the message names file and place. */
export class PrometheusFormatError extends Error {
  readonly code = 'PROMETHEUS_FORMAT'
}

/** A cursor over bytes[at, end). Reading past the end throws PrometheusFormatError, named after `what`. */
export class ByteReader {
  readonly bytes: Buffer
  readonly #what: string
  at: number
  readonly end: number

  constructor(bytes: Buffer, what: string, at: number = 0, end: number = bytes.length) {
    this.bytes = bytes
    this.#what = what
    this.at = at
    this.end = end
  }

  get left(): number {
    return this.end - this.at
  }

  fail(reason: string): PrometheusFormatError {
    return new PrometheusFormatError(`cannot read ${this.#what} at byte ${this.at}: ${reason}`)
  }

  #take(n: number): number {
    if (n > this.left) throw this.fail(`${n} bytes wanted, ${this.left} left`)
    const at = this.at
    this.at += n
    return at
  }

  u8(): number {
    return this.bytes[this.#take(1)]!
  }

  u32(): number {
    return this.bytes.readUInt32BE(this.#take(4))
  }

  /** A u64 or i64 that must stay inside ±2^53, as times, offsets and refs do. */
  int64(): number {
    const at = this.#take(8)
    return this.#safe(this.bytes.readInt32BE(at) * 2 ** 32 + this.bytes.readUInt32BE(at + 4))
  }

  f64(): number {
    return this.bytes.readDoubleBE(this.#take(8))
  }

  /** Go's binary.Uvarint: LEB128 of up to 64 bits. */
  uvarint(): number {
    let value = 0
    for (let scale = 1, n = 0; ; scale *= 128, n++) {
      const byte = this.u8()
      value += (byte & 127) * scale
      if (byte < 128) return this.#safe(value)
      if (n === 9) throw this.fail('a varint of more than 10 bytes')
    }
  }

  /** Go's binary.Varint: zigzag of a uvarint. */
  varint(): number {
    const value = this.uvarint()
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2
  }

  text(): string {
    const length = this.uvarint()
    const at = this.#take(length)
    return this.bytes.toString('utf8', at, at + length)
  }

  #safe(value: number): number {
    if (!Number.isSafeInteger(value)) throw this.fail(`an integer of more than 53 bits (${value})`)
    return value
  }
}
