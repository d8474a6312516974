// Native histograms as the wire formats write them (remote write, protobuf exposition): runs of buckets as spans, and
// the counts of all of them in one list. Judged by Prometheus' rules, in its words (model/histogram, Validate); what
// is good becomes the histogram the rest of the program knows.
import { reducedIndex } from './histogram-buckets.ts'
import {
  CUSTOM_SCHEMA, EXPONENTIAL_SCHEMA_MAX, EXPONENTIAL_SCHEMA_MIN, HISTOGRAM_BUCKETS_MAX, NO_BUCKETS, NO_CUSTOM_VALUES,
  type Buckets, type CounterResetHint, type FloatHistogram,
} from './histogram.ts'

/** Exponential schemas that may come from outside; those finer than EXPONENTIAL_SCHEMA_MAX are made coarser. */
const SCHEMA_RESERVED_MAX = 52

/** One side: buckets [start, start + length) of each span, where an offset counts from the end of the span before (the first from 0). */
export interface SpanSide {
  readonly offsets: number[]
  readonly lengths: number[]
  /** Of each bucket, not cumulative. */
  readonly counts: number[]
}

export interface SpanHistogram {
  schema: number
  zeroThreshold: number
  zeroCount: number
  count: number
  sum: number
  hint: CounterResetHint
  /** Counts are integers, and must add up. */
  isInteger: boolean
  positive: SpanSide
  negative: SpanSide
  customValues: number[]
}

/** The histogram, or why it is none. */
export function histogramFromSpans(h: SpanHistogram): FloatHistogram | string {
  if (h.schema <= EXPONENTIAL_SCHEMA_MAX || h.schema > SCHEMA_RESERVED_MAX) return judged(h)
  const halvings = h.schema - EXPONENTIAL_SCHEMA_MAX
  const positive = reducedSide(h.positive, halvings)
  if (typeof positive === 'string') return positive
  const negative = reducedSide(h.negative, halvings)
  if (typeof negative === 'string') return negative
  return judged({ ...h, schema: EXPONENTIAL_SCHEMA_MAX, positive, negative })
}

/** The side in buckets of which each is 2^halvings of the old ones, or why there is none. */
function reducedSide(side: SpanSide, halvings: number): SpanSide | string {
  const wrong = spanFault(side, 1)
  if (wrong !== null) {
    const { counts } = side
    return sumOf(side.lengths) > counts.length && !wrong.startsWith('span ')
      ? `have ${counts.length} buckets but spans need more: histogram spans specify different number of buckets than provided` : wrong
  }
  const reduced: SpanSide = { offsets: [], lengths: [], counts: [] }
  const { offsets, lengths, counts } = reduced
  let bucket = 0
  let k = 0
  let last = 0
  for (let i = 0; i < side.offsets.length; i++) {
    bucket += side.offsets[i]!
    for (let end = bucket + side.lengths[i]!; bucket < end; bucket++, k++) {
      const target = reducedIndex(bucket, halvings)
      if (counts.length > 0 && target === last) counts[counts.length - 1]! += side.counts[k]!
      else {
        if (counts.length > 0 && target === last + 1) lengths[lengths.length - 1]!++
        else {
          offsets.push(counts.length === 0 ? target : target - last - 1)
          lengths.push(1)
        }
        counts.push(side.counts[k]!)
        last = target
      }
    }
  }
  return reduced
}

function judged(h: SpanHistogram): FloatHistogram | string {
  const wrong = h.schema === CUSTOM_SCHEMA ? customFault(h) : exponentialFault(h)
  if (wrong !== null) return wrong
  if (h.count < 0) return `observation count is  ${h.count}: histogram's observation count is negative`
  const negativeBucket = countFault(h.positive.counts)
  if (negativeBucket !== null) return `positive side: ${negativeBucket}`
  const total = h.isInteger ? totalFault(h) : null
  if (total !== null) return total
  const buckets = h.positive.counts.length + h.negative.counts.length
  if (buckets > HISTOGRAM_BUCKETS_MAX || h.customValues.length > HISTOGRAM_BUCKETS_MAX) {
    return `histogram has more than ${HISTOGRAM_BUCKETS_MAX} buckets`
  }
  const positive = bucketsOf(h.positive)
  if (typeof positive === 'string') return `positive side: ${positive}`
  const negative = bucketsOf(h.negative)
  if (typeof negative === 'string') return `negative side: ${negative}`
  const { schema, zeroThreshold, zeroCount, count, sum, hint } = h
  return {
    schema, zeroThreshold, zeroCount, count, sum, hint, positive, negative,
    customValues: h.customValues.length === 0 ? NO_CUSTOM_VALUES : Float64Array.from(h.customValues),
  }
}

/** Why what was computed is no histogram that can be stored, in Prometheus' words; null: it is one. */
export function histogramFault({ positive, negative, zeroCount, count }: FloatHistogram): string | null {
  const onSide = (side: string, { count: counts }: Buckets): string | null => {
    const fault = countFault(counts)
    return fault === null ? null : `${side} side: ${fault}`
  }
  const negativeSide = onSide('negative', negative)
  if (negativeSide !== null) return negativeSide
  if (zeroCount < 0) return `zero bucket has observation count of ${zeroCount}: histogram has a bucket whose observation count is negative`
  return count < 0 ? `observation count is  ${count}: histogram's observation count is negative` : onSide('positive', positive)
}

/** What is wrong with a schema that there is none of. */
export function schemaFault(schema: number): string {
  return `histogram has an invalid schema, which must be between ${EXPONENTIAL_SCHEMA_MIN} and ${EXPONENTIAL_SCHEMA_MAX} for exponential buckets, or ${CUSTOM_SCHEMA} for custom buckets, got schema ${schema}`
}

function exponentialFault({ schema, zeroCount, positive, negative, customValues, isInteger }: SpanHistogram): string | null {
  if (schema < EXPONENTIAL_SCHEMA_MIN || schema > EXPONENTIAL_SCHEMA_MAX) {
    return schemaFault(schema)
  }
  const positiveSpans = spanFault(positive, 1)
  if (positiveSpans !== null) return `positive side: ${positiveSpans}`
  const negativeSpans = spanFault(negative, 1)
  if (negativeSpans !== null) return `negative side: ${negativeSpans}`
  const negativeBucket = countFault(negative.counts)
  if (negativeBucket !== null) return `negative side: ${negativeBucket}`
  if (!isInteger && zeroCount < 0) {
    return `zero bucket has observation count of ${zeroCount}: histogram has a bucket whose observation count is negative`
  }
  return customValues.length > 0 ? 'histogram with exponential schema must not have custom bounds' : null
}

function customFault({ zeroCount, zeroThreshold, positive, negative, customValues }: SpanHistogram): string | null {
  const bounds = boundsFault(customValues)
  if (bounds !== null) return `custom buckets: ${bounds}`
  const spans = spanFault(positive, 0)
  if (spans !== null) return `custom buckets: ${spans}`
  const length = sumOf(positive.lengths) + sumOf(positive.offsets)
  if (customValues.length + 1 < length) {
    return `custom buckets: only ${customValues.length} custom bounds defined which is insufficient to cover total span length of ${length}: histogram custom bounds are too few`
  }
  if (zeroCount !== 0) return 'custom buckets: must have zero count of 0'
  if (zeroThreshold !== 0) return 'custom buckets: must have zero threshold of 0'
  if (negative.lengths.length > 0) return 'custom buckets: must not have negative spans'
  return negative.counts.length > 0 ? 'custom buckets: must not have negative buckets' : null
}

function boundsFault(bounds: readonly number[]): string | null {
  for (let i = 0; i < bounds.length; i++) {
    const bound = bounds[i]!
    if (Number.isNaN(bound)) return 'histogram custom bounds must not be NaN'
    if (i > 0 && bound <= bounds[i - 1]!) {
      return `previous bound is ${bounds[i - 1]!.toFixed(6)} and current is ${bound.toFixed(6)}: histogram custom bounds must be in strictly increasing order`
    }
  }
  return bounds.at(-1) === Infinity ? 'last +Inf bound must not be explicitly defined: histogram custom bounds must be finite' : null
}

/** `first`: the first span whose offset may not be negative, from 0. */
function spanFault({ offsets, lengths, counts }: SpanSide, first: number): string | null {
  for (let i = first; i < offsets.length; i++) {
    if (offsets[i]! < 0) return `span number ${i + 1} with offset ${offsets[i]!}: histogram has a span whose offset is negative`
  }
  const buckets = sumOf(lengths)
  if (buckets === counts.length) return null
  return `spans need ${buckets} buckets, have ${counts.length} buckets: histogram spans specify different number of buckets than provided`
}

function countFault(counts: ArrayLike<number>): string | null {
  for (let i = 0; i < counts.length; i++) {
    if (counts[i]! < 0) return `bucket number ${i + 1} has observation count of ${counts[i]!}: histogram has a bucket whose observation count is negative`
  }
  return null
}

/** NaN observations are in no bucket. Beyond 2^53 counts are rounded, and so may miss each other by a little. */
function totalFault({ positive, negative, zeroCount, count, sum }: SpanHistogram): string | null {
  const observed = sumOf(positive.counts) + sumOf(negative.counts) + zeroCount
  const slack = Math.max(observed, count) < 2 ** 53 ? 0 : count * 2 ** -40
  const found = `${observed} observations found in buckets, but the Count field is ${count}`
  if (Number.isNaN(sum)) {
    return observed > count + slack
      ? `${found}: histogram's observation count should be at least the number of observations found in the buckets` : null
  }
  return Math.abs(observed - count) > slack
    ? `${found}: histogram's observation count should equal the number of observations found in the buckets (in absence of NaN)` : null
}

function sumOf(numbers: readonly number[]): number {
  let sum = 0
  for (const x of numbers) sum += x
  return sum
}

/** The side's buckets, or why it has none such. */
function bucketsOf({ offsets, lengths, counts }: SpanSide): Buckets | string {
  if (counts.length === 0) return NO_BUCKETS
  // Both in one buffer: V8 keeps no more than 64 bytes in its own heap, and each buffer beside it is an allocation and an entry for the collector.
  const buffer = new ArrayBuffer(counts.length * 12)
  const index = new Int32Array(buffer, counts.length * 8, counts.length)
  let bucket = 0
  let k = 0
  for (let i = 0; i < offsets.length; i++) {
    bucket += offsets[i]!
    if (bucket < -(2 ** 31) || bucket + lengths[i]! > 2 ** 31) return `span number ${i + 1} reaches past bucket ${2 ** 31 - 1} or ${-(2 ** 31)}`
    for (let end = bucket + lengths[i]!; bucket < end; bucket++) index[k++] = bucket
  }
  // Not Float64Array.from, which goes through an iterator: half of the time this took.
  const count = new Float64Array(buffer, 0, counts.length)
  for (let i = 0; i < counts.length; i++) count[i] = counts[i]!
  return { index, count }
}
