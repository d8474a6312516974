// The protobuf exposition format: every kind of metric, every option, and what breaks it; bodies by an independent writer.
import { describe, expect, it } from 'vitest'
import {
  ENTRY_END, ENTRY_HELP, ENTRY_HISTOGRAM, ENTRY_SAMPLE, ENTRY_TYPE, ExpositionError, type HistogramReading,
} from '../../../lib/format/exposition-entry.ts'
import { KeyBuffer, metadataOf } from '../../../lib/format/key-buffer.ts'
import { ProtoParser } from '../../../lib/format/proto-parser.ts'
import { TextParser } from '../../../lib/format/text-parser.ts'
import { formatLabels, labelsFromMap } from '../../../lib/model/labels.ts'
import { Random } from '../../../lib/std/random.ts'
import { bytes, familiesBody, familyMessage, lengthed, varint, type WrittenFamily, type WrittenHistogram, type WrittenMetric } from '../../support/metric-family-writer.ts'
import { randomFamilies, textOf } from '../../support/random-families.ts'
import { testSeed } from '../../support/seed.ts'

const NATIVE: HistogramReading = { readsNative: true, keepsClassic: false, convertsClassic: false, schemaMax: 8 }
const CLASSIC: HistogramReading = { ...NATIVE, readsNative: false }

/** Entries in short: `labels value[@time][ started][ exemplars]`, `type name text`. */
function read(body: Uint8Array, reading: HistogramReading = NATIVE): string[] {
  const parser = new ProtoParser()
  const keys = new KeyBuffer()
  parser.reset(body, reading)
  const rows: string[] = []
  for (let entry = parser.next(); entry !== ENTRY_END; entry = parser.next()) {
    if (entry !== ENTRY_SAMPLE && entry !== ENTRY_HISTOGRAM) {
      keys.clear()
      parser.writeMetadata(keys)
      const { name, text } = metadataOf(keys.bytes, 0, keys.used)
      rows.push(`${entry === ENTRY_TYPE ? 'type' : entry === ENTRY_HELP ? 'help' : 'unit'} ${name} ${text}`)
      continue
    }
    const { value, histogram, fault, hasTime, timeMs, startMs, exemplars, exemplarCount } = parser.sample
    const h = histogram && `{${[
      `n${histogram.schema}`, `c${histogram.count}`, `s${histogram.sum}`, `z${histogram.zeroThreshold}:${histogram.zeroCount}`,
      `+${Array.from(histogram.positive.index, (i, k) => `${i}:${histogram.positive.count[k]!}`).join(',')}`,
      `-${Array.from(histogram.negative.index, (i, k) => `${i}:${histogram.negative.count[k]!}`).join(',')}`,
      `h${histogram.hint}`, ...(histogram.customValues.length > 0 ? [`b${histogram.customValues.join(',')}`] : []),
    ].join(' ')}}`
    const shown = exemplars.slice(0, exemplarCount).map((one) => {
      const texts = Array.from({ length: one.offsets.length / 2 }, (_, i) => Buffer.from(one.bytes.subarray(one.offsets[2 * i]!, one.offsets[2 * i + 1]!)).toString())
      return ` #${texts.join('=')} ${one.value}${one.hasTime ? `@${one.timeMs}` : ''}`
    })
    rows.push(`${formatLabels(labelsFromMap(parser.labels()))} ${h ?? (entry === ENTRY_HISTOGRAM ? `? ${fault}` : value)}${hasTime ? `@${timeMs}` : ''}${startMs === 0 ? '' : ` since ${startMs}`}${shown.join('')}`)
  }
  return rows
}

const samples = (rows: readonly string[]): string[] => rows.filter((row) => !/^(type|help|unit) /.test(row))

const histogram = (own: WrittenHistogram, type: 'histogram' | 'gaugehistogram' = 'histogram'): WrittenFamily => ({ name: 'h', type, metrics: [{ histogram: own }] })

describe('the protobuf parser', () => {
  const f = (name: string, family: WrittenFamily | WrittenFamily[], want: readonly string[], reading = NATIVE): void => {
    it(name, () => expect(read(familiesBody(...[family].flat()), reading)).toEqual(want))
  }
  const metric = (type: 'counter' | 'gauge' | 'untyped', own: WrittenMetric): WrittenFamily => ({ name: 'm', type, metrics: [own] })
  f('reads a counter with all it may have', {
    name: 'requests_total', type: 'counter', help: 'What.', unit: 'requests', metrics: [
      { labels: [['code', '200'], ['b', 'ü']], value: 7, timeMs: 1234, startMs: 1000, exemplar: { labels: { trace: 'x' }, value: 0.5, timeMs: 1111 } },
      { labels: [['code', '500']], value: 0, exemplar: { value: 2 } },
    ],
  }, ['help requests_total What.', 'unit requests_total requests', 'type requests_total counter',
    'requests_total{b="ü", code="200"} 7@1234 since 1000 #trace=x 0.5@1111', 'requests_total{code="500"} 0 # 2'])
  f('reads gauges and untyped metrics', [metric('gauge', { value: NaN }), metric('untyped', { value: -Infinity, timeMs: -5 }), metric('untyped', {})],
    ['help m ', 'type m gauge', 'm NaN', 'help m ', 'type m unknown', 'm -Infinity@-5', 'help m ', 'type m unknown', 'm 0'])
  f('reads names that are not of the old kind', { name: 'a.b c', type: 'gauge', metrics: [{ labels: [['x.y', 'z'], ['__proto__', 'p']], value: 1 }] },
    ['help a.b c ', 'type a.b c gauge', '{__name__="a.b c", __proto__="p", "x.y"="z"} 1'])
  f('leaves out families without metrics', [{ name: 'none', type: 'gauge', metrics: [] }, metric('gauge', { value: 1 })], ['help m ', 'type m gauge', 'm 1'])
  f('reads summaries', {
    name: 's', type: 'summary', metrics: [{ summary: { count: 3, sum: 4.5, quantiles: [[0.5, 1], [0.99, 2], [1, 3]], startMs: 9000 }, timeMs: 7 }, { labels: [['a', 'b']], summary: { count: 0, sum: NaN, quantiles: [] } }],
  }, ['help s ', 'type s summary', 's_count 3@7 since 9000', 's_sum 4.5@7 since 9000', 's{quantile="0.5"} 1@7 since 9000',
    's{quantile="0.99"} 2@7 since 9000', 's{quantile="1.0"} 3@7 since 9000', 's_count{a="b"} 0', 's_sum{a="b"} NaN'])

  const classic: WrittenHistogram = {
    count: 6, sum: 8.5, startMs: 5000, buckets: [{ bound: 0.00001, count: 1, exemplar: { labels: { t: '1' }, value: 0.1 } }, { bound: 1, count: 3 }, { bound: 1e6, count: 4, exemplar: { value: 9, timeMs: 8 } }],
  }
  const classicRows = ['h_count 6 since 5000', 'h_sum 8.5 since 5000', 'h_bucket{le="1e-05"} 1 since 5000 #t=1 0.1',
    'h_bucket{le="1.0"} 3 since 5000', 'h_bucket{le="1e+06"} 4 since 5000 # 9@8', 'h_bucket{le="+Inf"} 6 since 5000']
  f('reads classic histograms, and adds the last bucket', histogram(classic), ['help h ', 'type h histogram', ...classicRows])
  f('reads classic histograms of floats, up to +Inf', histogram({ countFloat: 2.5, sum: 1, buckets: [{ bound: 1, countFloat: 1.5 }, { bound: Infinity, countFloat: 2.5 }, { bound: 7, count: 9 }] }, 'gaugehistogram'),
    ['help h ', 'type h gaugehistogram', 'h_count 2.5', 'h_sum 1', 'h_bucket{le="1.0"} 1.5', 'h_bucket{le="+Inf"} 2.5'])
  const nhcb = 'h {n-53 c6 s8.5 z0:0 +0:1,1:2,2:1,3:2 - h0 b0.00001,1,1000000} since 5000 # 9@8'
  f('converts classic histograms', histogram(classic), ['help h ', 'type h histogram', nhcb], { ...NATIVE, convertsClassic: true })
  f('converts classic histograms and keeps them', histogram(classic), ['help h ', 'type h histogram', ...classicRows, nhcb], { ...NATIVE, convertsClassic: true, keepsClassic: true })
  it('tells why a classic histogram makes no native one', () => {
    const of = (own: WrittenHistogram): string[] => read(familiesBody(histogram(own)), { ...NATIVE, convertsClassic: true }).slice(2)
    expect(() => of({ count: 3, buckets: [{ bound: 1, count: 2 }, { bound: 2, count: 1 }] })).toThrow(/^byte 8: histogram "h": count is not cumulative: 1 < 2$/)
    expect(() => of({ count: 3, buckets: [{ bound: 1, count: 2 }, { bound: Infinity, count: 4 }] })).toThrow('count mismatch: count=3 != le=+Inf count=4')
    expect(() => of({ count: 3, buckets: [{ bound: NaN, count: 2 }] })).toThrow('bucket boundary must not be NaN')
    // Out of order, and one twice.
    expect(of({ count: 4, sum: 1, buckets: [{ bound: 2, count: 3 }, { bound: 1, count: 1 }, { bound: 2, count: 9 }] })).toEqual(['h {n-53 c4 s1 z0:0 +0:1,1:2,2:1 - h0 b1,2}'])
  })

  const native: WrittenHistogram = {
    count: 12, sum: 18.4, schema: 2, zeroThreshold: 0.001, zeroCount: 2, positive: { spans: [{ offset: -1, length: 2 }, { offset: 3, length: 3 }], deltas: [1, 1, -2, 3, -1] },
    negative: { spans: [{ offset: 4, length: 1 }], deltas: [2] }, startMs: 5000, exemplars: [{ labels: { t: 'late' }, value: 3, timeMs: 300 }, { value: 1 }, { labels: { t: 'early' }, value: 2, timeMs: 200 }],
    buckets: [{ bound: 1, count: 5, exemplar: { value: 8, timeMs: 7 } }, { bound: Infinity, count: 12 }],
  }
  const nativeRow = 'h {n2 c12 s18.4 z0.001:2 +-1:1,0:2,5:3,6:2 -4:2 h0} since 5000 #t=early 2@200 #t=late 3@300'
  f('reads native histograms, without empty buckets', histogram(native), ['help h ', 'type h histogram', nativeRow])
  f('reads their numbers one by one', histogram({ ...native, isUnpacked: true }), ['help h ', 'type h histogram', nativeRow])
  const kept = ['h_count 12 since 5000', 'h_sum 18.4 since 5000', 'h_bucket{le="1.0"} 5 since 5000 # 8@7', 'h_bucket{le="+Inf"} 12 since 5000']
  f('keeps the classic one beside', histogram(native), ['help h ', 'type h histogram', nativeRow, ...kept], { ...NATIVE, keepsClassic: true })
  f('reads only the classic one if told so', histogram(native), ['help h ', 'type h histogram', ...kept], CLASSIC)
  f('reads native histograms of floats, with exemplars of buckets', histogram({
    countFloat: 3.5, sum: 1, zeroCountFloat: 0.5, schema: -1, positive: { spans: [{ offset: 0, length: 2 }], counts: [1, 2] }, buckets: [{ bound: 1, exemplar: { value: 2 } }, { bound: 2, exemplar: { value: 3, timeMs: 4 } }],
  }, 'gaugehistogram'), ['help h ', 'type h gaugehistogram', 'h {n-1 c3.5 s1 z0:0.5 +0:1,1:2 - h3} # 3@4'])
  f('takes a span of no buckets as the mark of a native one', histogram({ count: 0, sum: 0, schema: 3, positive: { spans: [{ offset: 0, length: 0 }] } }), ['help h ', 'type h histogram', 'h {n3 c0 s0 z0:0 + - h0}'])
  f('takes each metric of a family by what it is', {
    name: 'h', type: 'histogram', metrics: [{ histogram: { count: 1, sum: 1 } }, { labels: [['a', 'n']], histogram: { count: 1, sum: 1, zeroCount: 1 } }, { histogram: { count: 1, sum: 1 } }],
  }, ['help h ', 'type h histogram', 'h_count 1', 'h_sum 1', 'h_bucket{le="+Inf"} 1', 'h{a="n"} {n0 c1 s1 z0:1 + - h0}',
    'h_count 1', 'h_sum 1', 'h_bucket{le="+Inf"} 1'])
  it('says why a native histogram is none', () => {
    expect(read(familiesBody(histogram({ ...native, count: 13 }))).at(-1)).toContain('12 observations found in buckets, but the Count field is 13')
    expect(read(familiesBody(histogram({ ...native, schema: -9 }))).at(-1)).toContain('invalid schema')
  })

  it('takes no more of a message than anyone means by it: small bodies, once unpacked, must not take all memory', () => {
    const exemplars = (count: number): Buffer => Buffer.concat(Array.from({ length: count }, () => bytes(16, bytes(3, Buffer.from([8, 1])))))
    const body = (histogram: Buffer): Uint8Array => lengthed(Buffer.concat([bytes(1, Buffer.from('h')), Buffer.from([24, 4]), bytes(4, bytes(7, histogram))]))
    const parser = new ProtoParser()
    parser.reset(body(Buffer.concat([Buffer.from([7 * 8, 1, 8, 1]), exemplars(10_500)])), NATIVE)
    while (parser.next() !== ENTRY_HISTOGRAM);
    expect(parser.sample.exemplarCount).toBe(10_000)
    expect(() => read(body(bytes(13, Buffer.alloc(1_048_577))))).toThrow(/more than 1048576 buckets/)
    expect(() => read(body(Buffer.alloc(2 * 1_048_577, Buffer.from([13 * 8, 0]))))).toThrow(/more than 1048576 buckets/)
  })

  it('reads parts of one message as one', () => {
    const parts = Buffer.concat([bytes(7, Buffer.from([8, 2])), bytes(7, Buffer.concat([Buffer.from([17]), Buffer.from(new Float64Array([5]).buffer)]))])
    const family = Buffer.concat([bytes(4, parts), Buffer.from([24, 4]), bytes(1, Buffer.from('h'))])
    expect(read(lengthed(family))).toEqual(['help h ', 'type h histogram', 'h_count 2', 'h_sum 5', 'h_bucket{le="+Inf"} 2'])
  })

  it('skips what it does not know, groups included', () => {
    const unknown = Buffer.concat([varint(99 * 8), varint(2n ** 63n), varint(98 * 8 + 1), Buffer.alloc(8), bytes(97, Buffer.from('xyz')), varint(96 * 8 + 5), Buffer.alloc(4), varint(95 * 8 + 3), bytes(1, Buffer.from('q')), varint(95 * 8 + 4)])
    const body = lengthed(Buffer.concat([unknown, familyMessage({ name: 'm', type: 'gauge', metrics: [{ value: 1 }] }), unknown]))
    expect(samples(read(body))).toEqual(['m 1'])
  })

  const bad = (name: string, body: Uint8Array, message: RegExp): void => {
    it(`refuses ${name}`, () => {
      expect(() => read(body)).toThrow(ExpositionError)
      expect(() => read(body)).toThrow(message)
    })
  }
  const good = familiesBody(metric('gauge', { labels: [['a', 'b']], value: 1 }))
  bad('a family that is cut off', good.subarray(0, good.length - 1), /^byte 0: metric family of \d+ bytes runs past the end of the body at byte \d+$/)
  bad('a length of six bytes', Buffer.from([0x80, 0x80, 0x80, 0x80, 0x80, 0]), /^byte 0: length of a metric family has too many bytes$/)
  bad('text', Buffer.from('# TYPE a gauge\na 1\n'), /^byte /)
  bad('a varint without end', lengthed(Buffer.concat([Buffer.from([24]), Buffer.alloc(11, 0xff)])), /^byte 2: varint longer than 10 bytes$/)
  bad('a field of another type', lengthed(Buffer.from([8, 1])), /field 1 of metric family has wire type 0, not 2$/)
  bad('a family without a name', familiesBody({ name: '', type: 'gauge', metrics: [{ value: 1 }] }), /invalid metric name: $/)
  bad('a name that is no UTF-8', lengthed(Buffer.concat([bytes(1, Buffer.from([0xff])), bytes(4, Buffer.alloc(0))])), /invalid metric name/)
  bad('a help that is no UTF-8', lengthed(Buffer.concat([bytes(1, Buffer.from('a')), bytes(2, Buffer.from([0xff])), bytes(4, Buffer.alloc(0))])), /invalid help for metric "a"/)
  bad('an unknown type', lengthed(Buffer.concat([bytes(1, Buffer.from('a')), Buffer.from([24, 6]), bytes(4, Buffer.alloc(0))])), /unknown metric type for metric "a": 6$/)
  bad('a label without a name', familiesBody(metric('gauge', { labels: [['', 'b']], value: 1 })), /^byte \d+: invalid label name: $/)
  bad('a label twice', familiesBody(metric('gauge', { labels: [['a', 'b'], ['a', 'c']], value: 1 })), /^byte \d+: label name "a" is not unique/)
  bad('a label that names the metric', familiesBody(metric('gauge', { labels: [['__name__', 'b']], value: 1 })), /^byte \d+: label name "__name__" is not unique/)
  bad('an own le of a classic histogram', familiesBody({ name: 'h', type: 'histogram', metrics: [{ labels: [['le', '1']], histogram: { count: 1 } }] }), /label name "le" is not unique/)
  bad('spans without buckets', familiesBody(histogram({ count: 1, positive: { spans: [{ offset: 0, length: 4_000_000_000 }], deltas: [1] } })), /histogram "h": positive side: spans require 4000000000 buckets, have 1$/)
  bad('groups in groups', lengthed(Buffer.alloc(1000, 0x33)), /groups nested too deeply/)

  it('reads the same as the text of it, whatever is in it', () => {
    const random = new Random(20261129)
    for (let round = 0; round < 300; round++) {
      const families = randomFamilies(random)
      const text = Buffer.from(textOf(families))
      const parser = new TextParser()
      parser.reset(text, text.length, 'text')
      const want: string[] = []
      for (let entry = parser.next(); entry !== ENTRY_END; entry = parser.next()) {
        if (entry === ENTRY_SAMPLE) want.push(`${formatLabels(labelsFromMap(parser.labels()))} ${parser.value}${parser.hasTime ? `@${parser.timeMs}` : ''}`)
      }
      expect(samples(read(familiesBody(...families), CLASSIC)).map((row) => row.replace(/( since \d+)?( #.*)?$/, ''))).toEqual(want)
    }
  })

  it('gives equal keys to equal series only', () => {
    const parser = new ProtoParser()
    const series = new Map<string, string>()
    const keyOf = new Map<string, string>()
    const random = new Random(7)
    for (let round = 0; round < 200; round++) {
      parser.reset(familiesBody(...randomFamilies(random)), { ...NATIVE, keepsClassic: true, convertsClassic: true })
      for (let entry = parser.next(); entry !== ENTRY_END; entry = parser.next()) {
        if (entry !== ENTRY_SAMPLE && entry !== ENTRY_HISTOGRAM) continue
        const keys = new KeyBuffer()
        parser.writeKey(keys)
        const key = Buffer.from(keys.bytes.subarray(0, keys.used)).toString('latin1')
        const labels = JSON.stringify([...parser.labels()])
        expect(series.get(key) ?? labels).toBe(labels)
        expect(keyOf.get(labels) ?? key).toBe(key)
        series.set(key, labels)
        keyOf.set(labels, key)
      }
    }
    expect(series.size).toBeGreaterThan(500)
  })

  it('never does worse than refuse a body, and says where it is bad', () => {
    const seed = testSeed()
    const random = new Random(seed)
    let refused = 0
    for (let round = 0; round < 4000; round++) {
      const body = familiesBody(...randomFamilies(random))
      for (let changes = 1 + random.int(4); changes > 0 && body.length > 0; changes--) body[random.int(body.length)] = random.int(4) === 0 ? 0xff : random.int(256)
      const cut = random.int(5) === 0 ? body.subarray(0, random.int(body.length + 1)) : body
      try {
        read(cut, { ...NATIVE, readsNative: random.int(2) === 0, keepsClassic: random.int(2) === 0, convertsClassic: random.int(2) === 0 })
      } catch (error) {
        if (!(error instanceof ExpositionError)) throw new Error(`SEED=${seed} round ${round}: ${Buffer.from(cut).toString('hex')}`, { cause: error })
        expect(error.message).toMatch(/^byte \d+: /)
        refused++
      }
    }
    expect(refused).toBeGreaterThan(1000)
  }, 120_000)
})
