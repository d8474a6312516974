// Where the buckets of a native histogram end, to the last digit Prometheus prints: 2^(index·2^−schema) out of a table
// of 2^(k/256), or the custom bounds. After Prometheus' model/histogram/generic.go (getBound) and the native histogram
// specification: the bucket before the overflow bucket ends at the greatest finite number.
import { isCustom, type Buckets, type FloatHistogram } from './histogram.ts'

/** One bucket and where it lies. */
export interface Bucket {
  readonly lower: number
  readonly upper: number
  readonly isLowerInclusive: boolean
  readonly isUpperInclusive: boolean
  /** Its own observations, not cumulative. */
  readonly count: number
}

const FINEST_SCHEMA = 8
const FRACTIONS = 1 << FINEST_SCHEMA

/** 2^(k/256 − 1) for k in [0, 256): made at first use, a table of correctly rounded numbers. */
let fractions: Float64Array | null = null

/** Upper bound of a positive bucket; its lower one is that of index − 1. */
export function exponentialBound(index: number, schema: number): number {
  const perOctave = schema < 0 ? 1 : 2 ** schema
  const octave = schema < 0 ? index * 2 ** -schema : Math.floor(index / perOctave)
  const step = schema < 0 ? 0 : index - octave * perOctave
  if (step === 0 && octave === 1024) return Number.MAX_VALUE
  fractions ??= fractionTable()
  return scaleByPowerOfTwo(fractions[step << (FINEST_SCHEMA - Math.max(schema, 0))]!, octave + 1)
}

/** Upper bound of a bucket on the positive side, +Inf behind the last custom one. */
export function upperBound(histogram: FloatHistogram, index: number): number {
  if (!isCustom(histogram)) return exponentialBound(index, histogram.schema)
  return index < histogram.customValues.length ? histogram.customValues[index]! : Infinity
}

/** Lower bound of a bucket on the positive side, −Inf before the first custom one. */
export function lowerBound(histogram: FloatHistogram, index: number): number {
  if (!isCustom(histogram)) return exponentialBound(index - 1, histogram.schema)
  return index > 0 ? histogram.customValues[index - 1]! : -Infinity
}

/** All buckets that are not empty, from the least observations to the greatest, the zero bucket among them. */
export function ascendingBuckets(histogram: FloatHistogram): Bucket[] {
  const { positive, negative, zeroCount, zeroThreshold } = histogram
  const buckets: Bucket[] = []
  eachBucket(negative, (index, count) => {
    buckets.push({
      lower: -upperBound(histogram, index), upper: -lowerBound(histogram, index),
      isLowerInclusive: true, isUpperInclusive: false, count,
    })
  })
  buckets.reverse()
  if (zeroCount !== 0) {
    buckets.push({ lower: -zeroThreshold, upper: zeroThreshold, isLowerInclusive: true, isUpperInclusive: true, count: zeroCount })
  }
  eachBucket(positive, (index, count) => {
    const lower = lowerBound(histogram, index)
    buckets.push({
      lower, upper: upperBound(histogram, index),
      // Custom buckets start at −Inf, which they hold; as Prometheus says of the first one.
      isLowerInclusive: lower === -Infinity, isUpperInclusive: true, count,
    })
  })
  return buckets
}

function eachBucket({ index, count }: Buckets, visit: (index: number, count: number) => void): void {
  for (let k = 0; k < index.length; k++) visit(index[k]!, count[k]!)
}

/** fraction · 2^exponent, rounded once; fraction in [0.5, 1). */
function scaleByPowerOfTwo(fraction: number, exponent: number): number {
  if (exponent > 1024) return Infinity
  if (exponent < -1080) return 0
  // Both factors of each product are normal numbers and the first product is exact, so only the last step rounds.
  const half = exponent >> 1
  return fraction * normalPowerOfTwo(half) * normalPowerOfTwo(exponent - half)
}

/** 2^exponent for exponents of normal numbers, exact whatever the runtime's pow does. */
function normalPowerOfTwo(exponent: number): number {
  const view = new DataView(new ArrayBuffer(8))
  view.setUint32(0, (exponent + 1023) << 20)
  return view.getFloat64(0)
}

/** 2^(k/256 − 1): integer square roots of big powers of two, eight deep, then rounded. */
function fractionTable(): Float64Array {
  const precision = 256n
  const table = new Float64Array(FRACTIONS)
  // roots[j] = 2^(2^−(j+1)) in fixed point.
  const roots: bigint[] = []
  let power = 2n << precision
  for (let j = 0; j < FINEST_SCHEMA; j++) {
    power = squareRoot(power << precision)
    roots.push(power)
  }
  for (let k = 0; k < FRACTIONS; k++) {
    let product = 1n << precision
    for (let j = 0; j < FINEST_SCHEMA; j++) {
      if ((k >> (FINEST_SCHEMA - 1 - j)) & 1) product = (product * roots[j]!) >> precision
    }
    // product is in [1, 2): 53 bits of it, to the nearest.
    const dropped = precision - 52n
    const mantissa = (product + (1n << (dropped - 1n))) >> dropped
    table[k] = Number(mantissa) * 2 ** -53
  }
  return table
}

function squareRoot(n: bigint): bigint {
  let root = 1n << BigInt(Math.ceil(n.toString(2).length / 2))
  for (;;) {
    const next = (root + n / root) >> 1n
    if (next >= root) return root
    root = next
  }
}
