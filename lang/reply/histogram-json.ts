// A native histogram as Prometheus' JSON has it (util/jsonutil, MarshalHistogram): its buckets that are not empty,
// from the least observations to the greatest, without schema and hint.
//
//   {"count":"3","sum":"2.5","buckets":[[rule,"lower","upper","count"],…]}   rule 0: (], 1: [), 2: (), 3: []
import { bucketAt, bucketTotal, countAt, type Bucket } from '../../lib/model/histogram-bounds.ts'
import type { FloatHistogram } from '../../lib/model/histogram.ts'
import type { ByteWriter } from './byte-writer.ts'

export function writeHistogram(out: ByteWriter, histogram: FloatHistogram): void {
  out.ascii('{"count":"')
  out.value(histogram.count)
  out.ascii('","sum":"')
  out.value(histogram.sum)
  const total = bucketTotal(histogram)
  let written = 0
  for (let k = 0; k < total; k++) {
    if (countAt(histogram, k) === 0) continue
    out.ascii(written++ === 0 ? '","buckets":[' : ',')
    writeBucket(out, bucketAt(histogram, k))
  }
  out.ascii(written === 0 ? '"}' : ']}')
}

function writeBucket(out: ByteWriter, bucket: Bucket): void {
  out.ascii(`[${boundRule(bucket)},"`)
  out.value(bucket.lower)
  out.ascii('","')
  out.value(bucket.upper)
  out.ascii('","')
  out.value(bucket.count)
  out.ascii('"]')
}

function boundRule({ isLowerInclusive, isUpperInclusive }: Bucket): number {
  if (isLowerInclusive) return isUpperInclusive ? 3 : 1
  return isUpperInclusive ? 0 : 2
}
