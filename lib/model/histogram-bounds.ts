// Where the buckets of a native histogram end, to the last digit Prometheus prints: 2^(index·2^−schema) out of a table
// of 2^(k/256), or the custom bounds. After Prometheus' model/histogram/generic.go (getBound) and the native histogram
// specification: the bucket before the overflow bucket ends at the greatest finite number.
//
// Prometheus' table, the same one in all its client libraries, is not rounded to the nearest: most of its numbers are
// a few units of the last place short (√2 is 1.414213562373095). Bounds are what users see and what buckets are cut
// and interpolated at, so ours are short by the same.
import { assert } from '../std/assert.ts'
import { isCustom, type FloatHistogram } from './histogram.ts'

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

/** Entry k: by how many units of 2^−53 Prometheus' 2^(k/256 − 1) is less than the nearest number; `+` is one more. */
const SHORTFALLS =
  '00000010001000000012001111111111001000100111001100110+1100110011' +
  '0000001111221021001000100001000000010+00102200110111001010221111' +
  '1010112211211011111111212122212200110010112210221122101121221121' +
  '1132112122322232222222333344324311211222213311222132112222432233'

/** 2^(k/256 − 1) for k in [0, 256): made at first use. */
let fractions: Float64Array | null = null

/** Upper bound of a positive bucket; its lower one is that of index − 1. */
export function exponentialBound(index: number, schema: number): number {
  // Not shifted left: an index far out would come round.
  const octave = schema < 0 ? index * (1 << -schema) : index >> schema
  const step = schema < 0 ? 0 : index & ((1 << schema) - 1)
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

/** How many buckets are not empty, the zero bucket among them if it counts above 0. */
export function bucketTotal({ negative, positive, zeroCount }: FloatHistogram): number {
  return negative.index.length + (zeroCount > 0 ? 1 : 0) + positive.index.length
}

/** The count of bucket k of `bucketTotal`, from the least observations to the greatest. */
export function countAt({ negative, positive, zeroCount }: FloatHistogram, k: number): number {
  const zeroAt = negative.index.length
  if (k < zeroAt) return negative.count[zeroAt - 1 - k]!
  const firstPositive = zeroAt + (zeroCount > 0 ? 1 : 0)
  return k < firstPositive ? zeroCount : positive.count[k - firstPositive]!
}

/** Bucket k of `bucketTotal`, from the least observations to the greatest. One that reaches into the zero bucket is cut there. */
export function bucketAt(histogram: FloatHistogram, k: number): Bucket {
  const { negative, positive, zeroCount, zeroThreshold } = histogram
  const zeroAt = negative.index.length
  if (k < zeroAt) {
    const bucket = negativeBucket(histogram, zeroAt - 1 - k)
    return bucket.upper < 0 && bucket.upper > -zeroThreshold ? { ...bucket, upper: -zeroThreshold } : bucket
  }
  const firstPositive = zeroAt + (zeroCount > 0 ? 1 : 0)
  if (k < firstPositive) return zeroBucket(histogram)
  assert(k - firstPositive < positive.index.length, `bucket ${k} of ${bucketTotal(histogram)}`)
  const bucket = positiveBucket(histogram, k - firstPositive)
  return bucket.lower > 0 && bucket.lower < zeroThreshold ? { ...bucket, lower: zeroThreshold } : bucket
}

/** All buckets that are not empty, from the least observations to the greatest, as wide as the schema has them. */
export function wholeBuckets(histogram: FloatHistogram): Bucket[] {
  const { negative, positive } = histogram
  return [
    ...Array.from(negative.index, (_, k) => negativeBucket(histogram, k)).toReversed(),
    zeroBucket(histogram),
    ...Array.from(positive.index, (_, k) => positiveBucket(histogram, k)),
  ].filter(({ count }) => count !== 0)
}

function negativeBucket(histogram: FloatHistogram, k: number): Bucket {
  const index = histogram.negative.index[k]!
  return exponentialBucket(-upperBound(histogram, index), -lowerBound(histogram, index), histogram.negative.count[k]!)
}

function zeroBucket({ zeroThreshold, zeroCount }: FloatHistogram): Bucket {
  return { lower: -zeroThreshold, upper: zeroThreshold, isLowerInclusive: true, isUpperInclusive: true, count: zeroCount }
}

function positiveBucket(histogram: FloatHistogram, k: number): Bucket {
  const index = histogram.positive.index[k]!
  const [lower, upper, count] = [lowerBound(histogram, index), upperBound(histogram, index), histogram.positive.count[k]!]
  if (!isCustom(histogram)) return exponentialBucket(lower, upper, count)
  return { lower, upper, isLowerInclusive: index === 0, isUpperInclusive: true, count }
}

/** The bound nearer to zero is not part of a bucket, nor is a bound that became zero. */
function exponentialBucket(lower: number, upper: number, count: number): Bucket {
  return { lower, upper, isLowerInclusive: lower < 0, isUpperInclusive: upper > 0, count }
}

/** fraction · 2^exponent, rounded once; fraction in [0.5, 1). */
function scaleByPowerOfTwo(fraction: number, exponent: number): number {
  if (exponent > 1024) return Infinity
  if (exponent < -1080) return 0
  // Both factors of each product are normal numbers and the first product is exact, so only the last step rounds.
  const half = exponent >> 1
  powers ??= powerTable()
  return fraction * powers[half + POWER_MAX]! * powers[exponent - half + POWER_MAX]!
}

/** Half the exponents that scaleByPowerOfTwo meets. */
const POWER_MAX = 600

/** 2^(k − POWER_MAX), all normal numbers and exact: made at first use. */
let powers: Float64Array | null = null

function powerTable(): Float64Array {
  const table = new Float64Array(2 * POWER_MAX + 1)
  table[POWER_MAX] = 1
  for (let k = 1; k <= POWER_MAX; k++) {
    table[POWER_MAX + k] = table[POWER_MAX + k - 1]! * 2
    table[POWER_MAX - k] = table[POWER_MAX - k + 1]! / 2
  }
  return table
}

/** 2^(k/256 − 1): integer square roots of big powers of two, eight deep, rounded to the nearest, less the shortfall. */
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
    const shortfall = SHORTFALLS[k] === '+' ? -1 : Number(SHORTFALLS[k])
    table[k] = (Number(mantissa) - shortfall) * 2 ** -53
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
