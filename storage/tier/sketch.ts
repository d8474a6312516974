// Mergeable sketches of the samples of a bucket, for quantiles over any number of buckets: DDSketch (Masson, Rim, Lee 2019)
// with bins of 2 % and every bin kept.
//
//   sketch = varint bins, zigzag varint key of the first, varint its count, then per further bin: varint key less the one
//            before, varint count
//
// A positive number lies in bin i = ceil(log(x) / log(1.02)), (1.02^(i-1), 1.02^i], and has the key i + 40000; a negative
// one the key of its magnitude, negated; 0 the key 0; ±Inf ±80000; NaN, which quantiles sort below everything, -80001.
// Keys ascend as the values do. The value of a bin is 2 · 1.02^i / 2.02: within 1 % of all that lies in it (0.0099), but for
// being rounded to a double, which shows below 1e-321.
import { unzigzag, writeVarint, zigzag } from '../codec/bits.ts'

const GAMMA = 1.02
const LOG_GAMMA = Math.log(GAMMA)
/** Of a bin by its lower end. */
const MIDDLE = (2 * GAMMA) / (1 + GAMMA)
/** Above 2^-1022: numbers in the bins below are multiples of 2^-1074. */
const LEAST_NORMAL_BIN = -35_700
const SUBNORMAL_BITS = 1074
/** Added to the bin of a positive number: the least double lies in bin -37594. */
const KEY_SHIFT = 40_000
const KEY_INFINITE = 80_000
const KEY_NAN = -80_001
/** Bytes of a bin at the most: three of the key, five of a count below 2^32. */
export const SKETCH_BIN_BYTES = 8

/** The key of a value's bin. */
export function binKey(x: number): number {
  if (x > 0) return x === Infinity ? KEY_INFINITE : Math.ceil(Math.log(x) / LOG_GAMMA) + KEY_SHIFT
  if (x < 0) return x === -Infinity ? -KEY_INFINITE : -Math.ceil(Math.log(-x) / LOG_GAMMA) - KEY_SHIFT
  return x === x ? 0 : KEY_NAN
}

/** What stands for all values of a bin. */
function binValue(key: number): number {
  if (key === 0) return 0
  if (key === KEY_NAN) return NaN
  if (key === KEY_INFINITE || key === -KEY_INFINITE) return key / 0
  // From the lower end of the bin: the upper one of the largest numbers is none.
  const lower = Math.abs(key) - KEY_SHIFT - 1
  const magnitude = lower < LEAST_NORMAL_BIN ? subnormalAbove(lower) : MIDDLE * GAMMA ** lower
  return key < 0 ? -magnitude : magnitude
}

/** As above among numbers that are fewer than bins: rounded once, that a bin of one number has this one. */
function subnormalAbove(lower: number): number {
  return Math.round(MIDDLE * Math.exp(lower * LOG_GAMMA + SUBNORMAL_BITS * Math.LN2)) * Number.MIN_VALUE
}

/**
 * Writes the sketch of a[0, n), n ≥ 1, ascending but for NaN, which come last; returns the position behind it. `out` needs
 * SKETCH_BIN_BYTES for each value and as many once more.
 */
export function writeSketch(a: Float64Array, n: number, out: Uint8Array, at: number): number {
  let nanCount = 0
  while (nanCount < n && a[n - 1 - nanCount]! !== a[n - 1 - nanCount]!) nanCount++
  const end = n - nanCount
  let bins = nanCount > 0 ? 1 : 0
  let key = NaN
  for (let i = 0; i < end; i++) {
    const next = i > 0 && a[i] === a[i - 1] ? key : binKey(a[i]!)
    if (next !== key) bins++
    key = next
  }
  at = writeVarint(out, at, bins)
  let before = 0
  if (nanCount > 0) {
    at = writeVarint(out, writeVarint(out, at, zigzag(KEY_NAN)), nanCount)
    before = KEY_NAN
  }
  for (let i = 0; i < end;) {
    const first = i
    key = binKey(a[i]!)
    while (i < end && (a[i] === a[first] || binKey(a[i]!) === key)) i++
    at = writeVarint(out, at, before === 0 && first === 0 ? zigzag(key) : key - before)
    at = writeVarint(out, at, i - first)
    before = key
  }
  return at
}

/** Keys from KEY_NAN to KEY_INFINITE, in blocks: a rank is looked for by block, then within one. */
const BLOCK = 256
const BLOCKS = Math.ceil((KEY_INFINITE - KEY_NAN + 1) / BLOCK)

/** Sketches added up. */
export class SketchSum {
  /** By key, from KEY_NAN on; by block of these. Memory that no key is near stays untouched. */
  readonly #counts: Float64Array = new Float64Array(BLOCKS * BLOCK)
  readonly #blockCounts: Float64Array = new Float64Array(BLOCKS)
  #total = 0

  clear(): void {
    for (let block = 0; block < BLOCKS; block++) {
      if (this.#blockCounts[block] === 0) continue
      this.#counts.fill(0, block * BLOCK, (block + 1) * BLOCK)
      this.#blockCounts[block] = 0
    }
    this.#total = 0
  }

  /** A negative count takes away what was added. */
  addBin(key: number, count: number): void {
    const at = key - KEY_NAN
    this.#counts[at]! += count
    this.#blockCounts[Math.floor(at / BLOCK)]! += count
    this.#total += count
  }

  /** Adds the sketch in bytes[from, to), -1 times: takes it away, 0 times: looks at it. Throws RangeError where that is none. */
  add(bytes: Uint8Array, from: number, to: number, times: -1 | 0 | 1): void {
    let at = from
    const read = (): number => {
      let value = 0
      for (let unit = 1; at < to && unit < 2 ** 42; unit *= 128) {
        const byte = bytes[at++]!
        value += (byte & 127) * unit
        if (byte < 128) return value
      }
      throw new RangeError(`sketch of ${to - from} bytes breaks off`)
    }
    let key = 0
    for (let bins = read(), i = 0; i < bins; i++) {
      key = i === 0 ? unzigzag(read()) : key + read()
      if (key > KEY_INFINITE || key < KEY_NAN) throw new RangeError(`sketch with key ${key}`)
      this.addBin(key, read() * times)
    }
    if (at !== to) throw new RangeError(`sketch of ${at - from} bytes in ${to - from}`)
  }

  /** The value at quantile q (0 … 1), interpolated between ranks as Prometheus does; NaN where nothing was added. */
  quantile(q: number): number {
    if (this.#total === 0) return NaN
    const rank = q * (this.#total - 1)
    const lower = Math.floor(rank)
    const upper = Math.min(this.#total - 1, lower + 1)
    const weight = rank - lower
    return this.#valueAt(lower) * (1 - weight) + this.#valueAt(upper) * weight
  }

  #valueAt(rank: number): number {
    let left = rank
    let block = 0
    while (left >= this.#blockCounts[block]!) left -= this.#blockCounts[block++]!
    let at = block * BLOCK
    while (left >= this.#counts[at]!) left -= this.#counts[at++]!
    return binValue(at + KEY_NAN)
  }
}
