import { describe, expect, it } from 'vitest'
import { LabelDecoder } from '../../../lib/format/remote-write-labels.ts'
import { RemoteWriteError } from '../../../lib/format/remote-write-wire.ts'
import { SampleColumns, WriteRequestReader } from '../../../lib/format/remote-write.ts'
import { fc } from '../../support/property.ts'
import { STALE_NAN, field, label, sample, varint, writeRequest, type BodySeries } from '../../support/remote-write-body.ts'

const T = 1_700_000_000_000
const decoder = new LabelDecoder({ count: 64, nameBytes: 256, valueBytes: 65_536 })
const readLabels = (run: Uint8Array): string[] | string => decoder.read(new DataView(run.buffer, run.byteOffset, run.length), 0, run.length)

interface ReadSeries {
  labels: string[] | string
  samples: [value: number | 'stale', time: number][]
}

function read(request: Uint8Array): { series: ReadSeries[]; reader: WriteRequestReader; isAscending: boolean } {
  // As the decoder hands it over: with other bytes behind the end.
  const bytes = Buffer.concat([request, Buffer.from('0a0a0a0a0a0a0a0a', 'hex')])
  const reader = new WriteRequestReader(bytes, new DataView(bytes.buffer, bytes.byteOffset, bytes.length), request.length)
  const columns = new SampleColumns()
  const series: ReadSeries[] = []
  while (reader.nextSeries()) {
    const first = columns.count
    const labelsEnd = reader.scanLabels()
    const run = reader.readSamples(columns, labelsEnd) ? bytes.subarray(reader.from, labelsEnd) : reader.gatherLabels()
    const samples: ReadSeries['samples'] = []
    for (let i = first; i < columns.count; i++) samples.push([columns.stale[i] === 1 ? 'stale' : columns.values[i]!, columns.times[i]!])
    series.push({ labels: readLabels(run), samples })
  }
  return { series, reader, isAscending: columns.isAscending }
}

const errorOf = (request: Uint8Array): string => {
  try {
    read(request)
  } catch (error) {
    if (error instanceof RemoteWriteError) return `${error.code} ${error.message}`
    throw error
  }
  return 'accepted'
}

describe('WriteRequestReader', () => {
  it('reads a request written down byte by byte', () => {
    // up{job="a"} 1.5 @1 s, by hand from the encoding guide.
    const hex = '0a2c 0a0e 0a08 5f5f6e616d655f5f 1202 7570 0a08 0a03 6a6f62 1201 61 1210 09 000000000000f83f 10 ' + 'e8878080 8000'
    const { series } = read(Buffer.from(hex.replaceAll(' ', ''), 'hex'))
    expect(series).toEqual([{ labels: ['__name__', 'up', 'job', 'a'], samples: [[1.5, 1000]] }])
  })

  it('reads back what an encoder wrote, whatever values and times', () => {
    const text = fc.string({ minLength: 1, maxLength: 200, unit: 'grapheme' }).filter((one) => Buffer.byteLength(one) <= 256)
    const time = fc.bigInt({ min: -(2n ** 53n), max: 2n ** 53n })
    const one = fc.record({
      labels: fc.array(fc.tuple(text, text), { maxLength: 8 }),
      samples: fc.array(fc.tuple(fc.double({ noNaN: true }), time), { maxLength: 5 }),
    })
    fc.assert(fc.property(fc.array(one, { maxLength: 6 }), (list) => {
      const { series } = read(writeRequest(list))
      expect(series).toEqual(list.map(({ labels, samples }) => ({ labels: labels.flat(), samples: samples.map(([v, t]) => [v, Number(t)]) })))
    }), { seed: 3, numRuns: 200 })
  })

  it('keeps times at the edges of int64 apart from wrong ones', () => {
    const f = (t: bigint, want: number): void => expect(read(writeRequest([{ labels: [], samples: [[1, t]] }])).series[0]!.samples[0]![1]).toBe(want)
    f(0n, 0)
    f(-1n, -1)
    f(-62135596800000n, -62135596800000)
    f(2n ** 41n - 1n, 2 ** 41 - 1)
    f(2n ** 41n, 2 ** 41)
    f(2n ** 42n - 1n, 2 ** 42 - 1)
    f(2n ** 42n, 2 ** 42)
    f(2n ** 63n - 1n, 2 ** 63)
    f(-(2n ** 63n), -(2 ** 63))
  })

  it('tells the staleness marker by its bits, and makes every other NaN the same', () => {
    const bits = (hex: string): Uint8Array => Buffer.from(hex, 'hex').reverse()
    const values = [STALE_NAN, bits('7ff8000000000001'), bits('7ff0000000000001'), bits('fff0000000000002'), bits('7ff8000000000002'), 1]
    const { series } = read(writeRequest([{ labels: [], samples: values.map((v, i) => [v, T + i] as const) }]))
    expect(series[0]!.samples.map(([v]) => v)).toEqual(['stale', NaN, NaN, NaN, NaN, 1])
  })

  it('takes absent fields as zero, the last of repeated ones, and unknown fields not at all', () => {
    const double = Buffer.alloc(8)
    double.writeDoubleLE(7)
    const bodies = field(1, label('a', 'b'), field(2), field(2, Uint8Array.of(0x10), varint(5)), field(2, Uint8Array.of(0x09), double),
      field(2, Uint8Array.of(0x10), varint(1), Uint8Array.of(0x10), varint(T), Uint8Array.of(0x09), Buffer.alloc(8, 1), Uint8Array.of(0x09), double, Uint8Array.of(0x18), varint(9)),
      field(9, Buffer.from('later')), Uint8Array.of(0x55, 1, 2, 3, 4), Uint8Array.of(0x51, 1, 2, 3, 4, 5, 6, 7, 8), Uint8Array.of(0x50, 0xff, 1))
    const { series } = read(Buffer.concat([bodies, Uint8Array.of(0x28, 3)]))
    expect(series).toEqual([{ labels: ['a', 'b'], samples: [[0, 0], [0, 5], [7, 0], [7, T]] }])
  })

  it('reads labels and samples in any order', () => {
    const { series } = read(field(1, sample(1, T), label('b', '2'), sample(2, T + 1), label('a', '1')))
    expect(series).toEqual([{ labels: ['b', '2', 'a', '1'], samples: [[1, T], [2, T + 1]] }])
  })

  it('says whether times ascend within each series', () => {
    const one = (...times: number[]): BodySeries => ({ labels: [['a', 'b']], samples: times.map((t) => [1, t]) })
    expect(read(writeRequest([one(T, T + 1), one(T - 5, T + 1)])).isAscending).toBe(true)
    expect(read(writeRequest([one(T, T - 1)])).isAscending).toBe(false)
    expect(read(writeRequest([one(T, 5)])).isAscending).toBe(false)
  })

  it('collects metadata', () => {
    const { series, reader } = read(Buffer.concat([
      field(1, label('__name__', 'm'), sample(1, T)),
      field(3, Uint8Array.of(0x08, 1), field(2, Buffer.from('m')), field(4, Buffer.from('Things.')), field(5, Buffer.from('bytes'))),
      field(3, Uint8Array.of(0x08, 99), field(2, Buffer.from('n'))),
      field(3, field(2, Uint8Array.of(0xff))),
    ]))
    expect(series[0]!.samples).toEqual([[1, T]])
    expect(reader.metadata).toEqual([
      { metric: 'm', metadata: { type: 'counter', help: 'Things.', unit: 'bytes' } },
      { metric: 'n', metadata: { type: 'unknown', help: '', unit: '' } },
      { metric: '', metadata: { type: 'unknown', help: '', unit: '' } },
    ])
  })

  it('refuses what is not protobuf or not remote write, by name', () => {
    const f = (request: Uint8Array | string, want: RegExp): void => expect(errorOf(typeof request === 'string' ? Buffer.from(request.replaceAll(' ', ''), 'hex') : request)).toMatch(want)
    f('0b', /^REMOTE_WRITE_MALFORMED protobuf: field 1 of timeseries has wire type 3, not 2/)
    f('2b', /wire type 3 of field 5/)
    f('2c', /wire type 4 of field 5/)
    f('2e', /wire type 6 of field 5/)
    f('00', /illegal tag 0/)
    f('0a 05 00', /message runs past its end/)
    f('0a', /varint runs past its end/)
    f('0a ffffffffffffffffffff01', /varint longer than 10 bytes/)
    f('0a ffffffffffffffff7f', /message runs past its end/)
    f('08 01', /field 1 of timeseries has wire type 0/)
    f('18 01', /field 3 of metadata has wire type 0/)
    f('1a 02 0a00', /field 1 of metadata has wire type 2/)
    f('0a 02 0801', /field 1 of series has wire type 0/)
    f('0a 02 1001', /field 2 of series has wire type 0/)
    f('0a 03 0a05 00', /runs past its end/)
    f('0a 04 0a02 0801', /field 1 of label has wire type 0/)
    f('0a 05 0a03 0a05 61', /runs past its end/)
    f('0a 04 1202 0a00', /field 1 of sample has wire type 2/)
    f('0a 04 1202 1100', /field 2 of sample has wire type 1/)
    f('0a 04 1202 0900', /runs past its end/)
    f('0a 03 1205 09', /message runs past its end/)
    f('0a 04 1202 1080', /varint runs past its end/)
    f('0a 04 9200 0000', /tag longer than it needs to be/)
    f(Buffer.concat([Uint8Array.of(0x0a), varint(2 + 12), Uint8Array.of(0x12, 12, 0x10), new Uint8Array(11).fill(0xff)]), /varint longer than 10 bytes/)
  })

  it('refuses a request of more samples than a real one can hold', () => {
    const empty = new Uint8Array(2 * ((1 << 21) + 1)).map((_, i) => (i % 2 === 0 ? 0x12 : 0))
    expect(errorOf(field(1, empty))).toBe('REMOTE_WRITE_TOO_LARGE more than 2097152 samples in one request')
  })

  it('ends on any bytes with series or a RemoteWriteError', () => {
    const seed = Buffer.from(writeRequest([{ labels: [['__name__', 'up'], ['job', 'x']], samples: [[1, T], [2, T + 1]] }], field(3, field(2, Buffer.from('up')))))
    const damaged = fc.tuple(fc.nat(seed.length - 1), fc.nat(255), fc.nat(seed.length)).map(([at, byte, end]) => {
      const copy = Buffer.from(seed.subarray(0, Math.max(1, end)))
      if (at < copy.length) copy[at] = byte
      return copy
    })
    fc.assert(fc.property(fc.oneof(fc.uint8Array({ maxLength: 60 }), damaged), (bytes) => {
      expect(errorOf(bytes)).toMatch(/^accepted$|^REMOTE_WRITE_MALFORMED /)
    }), { seed: 9, numRuns: 3000 })
  })
})

describe('LabelDecoder', () => {
  it('refuses texts that are no labels', () => {
    const f = (run: Uint8Array, want: string): void => expect(readLabels(run)).toBe(want)
    f(label('', 'x'), 'empty label name')
    f(label('a', Uint8Array.of(0xff)), 'label is not valid UTF-8')
    f(label(Uint8Array.of(0xed, 0xa0, 0x80), 'x'), 'label is not valid UTF-8')
    f(label('a'.repeat(257), 'x'), 'label name of 257 bytes exceeds 256 (global.label_name_length_limit)')
    f(label('a', 'x'.repeat(65_537)), 'label value of 65537 bytes exceeds 65536 (global.label_value_length_limit)')
    f(Buffer.concat(Array.from({ length: 65 }, (_, i) => label(`l${i}`, 'x'))), 'more than 64 labels')
  })

  it('tells fields apart that it has met before, however many and however long', () => {
    for (let round = 0; round < 2; round++) {
      for (let i = 0; i < 10_000; i++) {
        const value = `${'v'.repeat(i % 100)}${i}`
        expect(readLabels(Buffer.concat([label('job', 'a'), label(`l${i % 7}`, value), label('empty', '')]))).toEqual(['job', 'a', `l${i % 7}`, value])
      }
    }
  })

  it('keeps any UTF-8, however long its framing', () => {
    const value = 'é'.repeat(70)
    expect(readLabels(label('größe', value))).toEqual(['größe', value])
    expect(readLabels(label('__proto__', '\0'))).toEqual(['__proto__', '\0'])
    expect(readLabels(label('a', ''))).toEqual([])
  })
})
