import { describe, expect, it } from 'vitest'
import {
  EMPTY_HISTOGRAM, HINT_GAUGE, NO_BUCKETS, denseBuckets, isSameHistogram, type FloatHistogram,
} from '../../lib/model/histogram.ts'
import { Random } from '../../lib/std/random.ts'
import { decodeHistogramColumn, encodeHistogramColumn } from '../../storage/codec/histogram-column.ts'
import { histogramRecordBytes, histogramRecordBytesMax, readHistogramRecord, writeHistogramRecord } from '../../storage/codec/histogram-record.ts'
import { decodeValueList, encodeValueList, valueListBytesMax } from '../../storage/codec/value-list.ts'
import { nextHistogram, randomHistogram } from '../support/random-histogram.ts'

function record(h: FloatHistogram): Uint8Array {
  const out = new Uint8Array(histogramRecordBytesMax(h) + 11)
  return out.slice(0, writeHistogramRecord(h, out, 3))
}

/** Bytes a histogram of the column. */
function expectColumn(histograms: readonly FloatHistogram[], range = { from: 0, to: histograms.length }): number {
  const bytes = encodeHistogramColumn(histograms, 0, histograms.length)
  const padded = new Uint8Array(bytes.length + 13)
  padded.set(bytes, 5)
  const read: FloatHistogram[] = [EMPTY_HISTOGRAM]
  decodeHistogramColumn(padded, 5, histograms.length, range, read)
  expect(read).toHaveLength(1 + range.to - range.from)
  for (let i = range.from; i < range.to; i++) {
    if (!isSameHistogram(read[1 + i - range.from]!, histograms[i]!)) expect(read[1 + i - range.from]!).toEqual(histograms[i]!)
  }
  return bytes.length / histograms.length
}

/** `n` scrapes of a busy service's latencies: 30 buckets, most of which grow. */
function latencies(n: number): FloatHistogram[] {
  const random = new Random(3)
  const counts = Array.from({ length: 30 }, () => 0)
  return Array.from({ length: n }, () => {
    for (let i = 0; i < 30; i++) counts[i]! += random.int(i > 10 && i < 20 ? 40 : 3)
    const count = counts.reduce((a, b) => a + b, 0)
    return { ...EMPTY_HISTOGRAM, schema: 3, zeroThreshold: 2 ** -128, count, sum: count * 0.017, positive: denseBuckets(-12, counts) }
  })
}

describe('a histogram record', () => {
  it('is written of no histogram whose buckets do not ascend', () => {
    const h = { ...randomHistogram(new Random(1), 12), positive: { index: Int32Array.of(3, 3), count: Float64Array.of(1, 2) } }
    expect(() => writeHistogramRecord(h, new Uint8Array(histogramRecordBytesMax(h)), 0)).toThrow(/do not ascend/)
  })

  it('keeps every bit, and says how long it is', () => {
    const random = new Random(1)
    for (let round = 0; round < 3000; round++) {
      const h = randomHistogram(random)
      const bytes = record(h)
      expect(histogramRecordBytes(bytes, 3)).toBe(bytes.length - 3)
      const padded = Buffer.concat([bytes, new Uint8Array(8)])
      if (!isSameHistogram(readHistogramRecord(padded, 3), h)) expect(readHistogramRecord(padded, 3)).toEqual(h)
    }
  })

  it('never hangs or grows on damage', () => {
    const random = new Random(2)
    for (let round = 0; round < 3000; round++) {
      const bytes = Buffer.concat([record(randomHistogram(random)), new Uint8Array(8)])
      for (let k = random.int(4); k >= 0; k--) bytes[3 + random.int(bytes.length - 3)] = random.int(256)
      try {
        readHistogramRecord(bytes, 3)
      } catch (error) {
        expect(error).toBeInstanceOf(RangeError)
      }
    }
  })
})

describe('a histogram column', () => {
  it('keeps every bit of whatever follows whatever', () => {
    const random = new Random(4)
    for (let round = 0; round < 1500; round++) {
      const histograms = [randomHistogram(random, 1 + random.int(40))]
      for (let n = random.int(round % 50 === 0 ? 1023 : 40); n > 0; n--) histograms.push(nextHistogram(random, histograms.at(-1)!))
      const from = random.int(histograms.length)
      expectColumn(histograms)
      expectColumn(histograms, { from, to: from + random.int(histograms.length - from + 1) })
    }
  })

  it('keeps single ones, empty ones, and 1,024 of many shapes', () => {
    expectColumn([EMPTY_HISTOGRAM])
    expectColumn(Array.from({ length: 1024 }, () => EMPTY_HISTOGRAM))
    expectColumn(Array.from({ length: 1024 }, (_, i) => ({ ...EMPTY_HISTOGRAM, count: 1, hint: HINT_GAUGE, positive: denseBuckets(i * 10, [1, 0, 2]) })))
    expectColumn(Array.from({ length: 40 }, (_, i) => ({ ...EMPTY_HISTOGRAM, count: 1, positive: denseBuckets(i % 2 ? 0 : 90_000, Array.from({ length: 40_000 }, () => i + 1)) })))
  })

  it('shares equal arrays between the histograms it reads', () => {
    const histograms = latencies(32).slice(20)
    const bytes = Buffer.concat([encodeHistogramColumn(histograms, 0, 12), new Uint8Array(8)])
    const read: FloatHistogram[] = []
    decodeHistogramColumn(bytes, 0, 12, { from: 0, to: 12 }, read)
    expect(new Set(read.map(({ positive }) => positive.index)).size).toBe(1)
    expect(read.every(({ negative }) => negative === NO_BUCKETS)).toBe(true)
  })

  it('takes less than a byte a bucket where counters grow', () => {
    expect(expectColumn(latencies(32))).toBeLessThan(28)
    expect(expectColumn(latencies(1024))).toBeLessThan(22)
  })

  it('never hangs or grows on damage', () => {
    const random = new Random(5)
    for (let round = 0; round < 2000; round++) {
      const histograms = [randomHistogram(random)]
      for (let n = random.int(32); n > 0; n--) histograms.push(nextHistogram(random, histograms.at(-1)!))
      const bytes = Buffer.concat([encodeHistogramColumn(histograms, 0, histograms.length), new Uint8Array(8)])
      for (let k = random.int(6); k >= 0; k--) bytes[random.int(bytes.length)] = random.int(256)
      const read: FloatHistogram[] = []
      try {
        decodeHistogramColumn(bytes, 0, histograms.length, { from: 0, to: histograms.length }, read)
        expect(read).toHaveLength(histograms.length)
      } catch (error) {
        expect(error).toBeInstanceOf(RangeError)
      }
    }
  })
})

describe('a value list', () => {
  it('keeps every bit of lists of any length, and says where it ends', () => {
    const random = new Random(6)
    for (const n of [0, 1, 2, 127, 128, 129, 1000, 1024]) {
      for (const make of [() => 0, () => 1.7e12, () => random.int(1000), () => random.float(), () => random.pick([0, 1.7e12, NaN, -0])]) {
        const src = Float64Array.from({ length: n }, make)
        const bytes = new Uint8Array(valueListBytesMax(n) + 16)
        const end = encodeValueList(src, 0, n, bytes, 4)
        expect(end - 4).toBeLessThanOrEqual(valueListBytesMax(n))
        const out = new Float64Array(n)
        expect(decodeValueList(bytes, 4, n, out, 0)).toBe(end)
        expect(out.every((x, i) => Object.is(x, src[i]))).toBe(true)
      }
    }
  })
})
