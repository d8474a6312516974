// A growing buffer that replies are written into once, front to back. Text goes in as UTF-8; numbers as the shortest
// digits that read back equal, mostly without making a string of them.
import { pointsKernel, type PointRow, type Stamps } from '../../lib/kernels/points.ts'
import { FLOAT } from '../exec/operator.ts'
import { LESS_OR_MORE, LimitError } from '../exec/query-error.ts'
import { isPlainDouble, writeShortest } from './double-digits.ts'
import { formatValue } from './number-text.ts'

const MINUS = 0x2d
const POINT = 0x2e
const ZERO = 0x30
/** The longest number: sign, 17 digits, point, exponent. */
const NUMBER_BYTES_MAX = 32
/** Decimals up to here are looked for before the general way: what people and counters write. */
const DECIMAL_SCALE = 1e6
/** Below it `x * scale` keeps every digit, and 15 digits are always the shortest. */
const DECIMAL_MAX = 1e9
const DECIMAL_MAX_DIGITS = 9
/** What a writer begins with: most replies fit, and are copied out of it at their own length. */
const SCRATCH_BYTES = 16 << 10
/** Up to here no limit is looked at. */
const FREE_BYTES = 4096

/** Memory to write to, and the ways to see it. */
interface Scratch {
  bytes: Uint8Array
  buffer: Buffer
  view: DataView
}

/** That of the thread's last writer: a small query makes none. */
let spare: Scratch | null = null

function scratchOf(bytes: Uint8Array): Scratch {
  return { bytes, buffer: Buffer.from(bytes.buffer), view: new DataView(bytes.buffer) }
}

/** Quoted and escaped; bytes of strings like "\xff" that are no UTF-8 become U+FFFD, each one. */
export function jsonString(text: string): string {
  return JSON.stringify(text.toWellFormed())
}

export class ByteWriter {
  readonly #bytesMax: number
  /** Where all of it still is; null once it has grown out of it. */
  #scratch: Scratch | null
  #bytes: Uint8Array
  #buffer: Buffer
  #view: DataView
  /** How much may be written before `reserve` has to think. */
  #room: number
  #length = 0

  /** Writes no more than `bytesMax`. */
  constructor(bytesMax: number = Infinity) {
    const scratch = spare ?? scratchOf(new Uint8Array(SCRATCH_BYTES))
    spare = null
    this.#bytesMax = bytesMax
    this.#scratch = scratch
    this.#bytes = scratch.bytes
    this.#buffer = scratch.buffer
    this.#view = scratch.view
    this.#room = Math.min(SCRATCH_BYTES, Math.max(bytesMax, FREE_BYTES))
  }

  /** How many bytes may still be written. */
  get bytesLeft(): number {
    return this.#bytesMax - this.#length
  }

  /** What was written, which ends the writing: in memory that nobody else has, the rest of which is unused. */
  finish(): Uint8Array {
    if (this.#scratch === null) return this.#bytes.subarray(0, this.#length)
    spare = this.#scratch
    this.#scratch = null
    this.#bytes = this.#bytes.slice(0, this.#length)
    // Whoever wrote on would have to grow first.
    this.#room = 0
    return this.#bytes
  }

  /** Makes room, so that `count` bytes may follow without growing. Throws LimitError over the limit. */
  reserve(count: number): void {
    const needed = this.#length + count
    if (needed <= this.#room) return
    if (needed > this.#bytesMax) throw new LimitError(`answer needs more than ${Math.floor(this.#bytesMax / 2 ** 20)} MiB, which is what the memory limit of a query leaves for it: ${LESS_OR_MORE}`)
    const grown = new Uint8Array(Math.min(Math.max(needed, this.#bytes.length * 2), this.#bytesMax))
    grown.set(this.#bytes.subarray(0, this.#length))
    spare ??= this.#scratch
    this.#move(grown)
  }

  #move(bytes: Uint8Array): void {
    const { buffer, view } = scratchOf(bytes)
    this.#scratch = null
    this.#bytes = bytes
    this.#buffer = buffer
    this.#view = view
    this.#room = bytes.length
  }

  /** ASCII text, short. */
  ascii(text: string): void {
    const n = text.length
    this.reserve(n)
    const bytes = this.#bytes
    const at = this.#length
    for (let i = 0; i < n; i++) bytes[at + i] = text.charCodeAt(i)
    this.#length = at + n
  }

  /** Any text. */
  text(text: string): void {
    this.reserve(text.length * 3)
    this.#length += this.#buffer.write(text, this.#length, 'utf8')
  }

  byte(value: number): void {
    this.reserve(1)
    this.#bytes[this.#length++] = value
  }

  /** A double, its lowest byte first. */
  double(value: number): void {
    this.reserve(8)
    this.#view.setFloat64(this.#length, value, true)
    this.#length += 8
  }

  /** Moves what was written from `at` on, so that `count` bytes are free there, to be filled by `fill`. */
  insert(at: number, count: number, fill: (bytes: Uint8Array, at: number) => void): void {
    this.reserve(count)
    this.#bytes.copyWithin(at + count, at, this.#length)
    this.#length += count
    fill(this.#bytes, at)
  }

  /** A JSON string: quoted, escaped. */
  jsonString(text: string): void {
    this.text(jsonString(text))
  }

  /** Bytes [from, to) of another one. */
  copy(source: ByteWriter, from: number, to: number): void {
    this.reserve(to - from)
    this.#bytes.set(source.#bytes.subarray(from, to), this.#length)
    this.#length += to - from
  }

  /** Bytes written so far. */
  get length(): number {
    return this.#length
  }

  /**
   * The floats of one series as `[seconds,"value"]`, separated by commas; points of other kinds are left out.
   */
  points(stamps: Stamps, row: PointRow): void {
    const { view: stampView, ends } = stamps
    const count = ends.length
    this.reserve(stampView.byteLength + count * (NUMBER_BYTES_MAX + 3))
    const kernel = pointsKernel(count)
    if (kernel !== null) {
      this.#length = kernel.write(this.#bytes, this.#length, stamps, row)
      return
    }
    const { values, kinds, at } = row
    const bytes = this.#bytes
    const view = this.#view
    const start = this.#length
    let to = start
    let stampAt = 0
    for (let i = 0; i < count; i++) {
      const stampEnd = ends[i]!
      if (kinds[at + i] === FLOAT) {
        if (to > start) bytes[to++] = 0x2c
        // By four; what is written too far is overwritten by the value.
        for (let k = stampAt, place = to; k < stampEnd; k += 4, place += 4) view.setUint32(place, stampView.getUint32(k))
        to += stampEnd - stampAt
        to = writeValue(bytes, view, to, values[at + i]!)
        bytes[to++] = 0x22
        bytes[to++] = 0x5d
      }
      stampAt = stampEnd
    }
    this.#length = to
  }

  /** A sample value, unquoted. */
  value(x: number): void {
    this.reserve(NUMBER_BYTES_MAX)
    this.#length = writeValue(this.#bytes, this.#view, this.#length, x)
  }
}

/** Writes `x` at `at` of the bytes that `view` is over, returns the place behind it. */
function writeValue(bytes: Uint8Array, view: DataView, at: number, x: number): number {
  if (x < DECIMAL_MAX && x > -DECIMAL_MAX && x !== 0) {
    // Fast path: a decimal of at most 15 digits divides back to the same double, and nothing shorter can.
    const scaled = Math.floor(x * DECIMAL_SCALE + 0.5)
    if (scaled / DECIMAL_SCALE === x) return writeDecimal(bytes, at, scaled)
  }
  if (x >= DECIMAL_MAX && x <= Number.MAX_SAFE_INTEGER && x === Math.floor(x)) {
    // Byte and nanosecond counters, in two halves of at most nine digits.
    const high = Math.floor(x / DECIMAL_MAX)
    return writeDigits(bytes, writeWhole(bytes, at, high), x - high * DECIMAL_MAX, DECIMAL_MAX_DIGITS)
  }
  if (isPlainDouble(x)) {
    const end = writeShortest(view, at, x)
    if (end >= 0) return end
  }
  const text = formatValue(x)
  for (let i = 0; i < text.length; i++) bytes[at + i] = text.charCodeAt(i)
  return at + text.length
}

function writeDecimal(bytes: Uint8Array, from: number, scaled: number): number {
  let at = from
  let rest = scaled
  if (rest < 0) {
    bytes[at++] = MINUS
    rest = -rest
  }
  const whole = Math.floor(rest / DECIMAL_SCALE)
  at = writeWhole(bytes, at, whole)
  let fraction = (rest - whole * DECIMAL_SCALE) | 0
  if (fraction === 0) return at
  bytes[at++] = POINT
  // Two digits at a time: two is what gauges have most.
  for (let unit = DECIMAL_SCALE / 100; fraction > 0; unit = (unit / 100) | 0) {
    const pair = (fraction / unit) | 0
    fraction -= pair * unit
    const tens = (pair / 10) | 0
    bytes[at++] = ZERO + tens
    bytes[at++] = ZERO + pair - tens * 10
  }
  return bytes[at - 1] === ZERO ? at - 1 : at
}

/** 0 ≤ whole < 2^31, without leading zeros. */
function writeWhole(bytes: Uint8Array, at: number, whole: number): number {
  let digits = 1
  for (let limit = 10; whole >= limit; limit *= 10) digits++
  return writeDigits(bytes, at, whole, digits)
}

/** The last `digits` decimal digits of 0 ≤ whole < 2^31. */
export function writeDigits(bytes: Uint8Array, from: number, whole: number, digits: number): number {
  let rest = whole | 0
  for (let at = from + digits - 1; at >= from; at--) {
    const quotient = (rest / 10) | 0
    bytes[at] = ZERO + rest - quotient * 10
    rest = quotient
  }
  return from + digits
}
