// Remote write 2.0 over HTTP: the same series as 1.0 makes of the same samples.
import { describe, expect, it } from 'vitest'
import { WriteRequestTranslator, type WireBody } from '../../lib/format/remote-write-v2.ts'
import { SampleColumns, WriteRequestReader } from '../../lib/format/remote-write.ts'
import { RemoteWriteReceiver } from '../../lib/ingest/remote-write.ts'
import { WriteTranslator } from '../../lib/ingest/write-v2.ts'
import type { MetricMetadata } from '../../lib/model/metadata.ts'
import { Metrics } from '../../lib/std/metrics.ts'
import { Random } from '../../lib/std/random.ts'
import { MemoryAppender } from '../support/memory-appender.ts'
import { fc } from '../support/property.ts'
import { randomHistogram } from '../support/random-histogram.ts'
import { field, nodeLabels, varint, writeBody, writeRequest } from '../support/remote-write-body.ts'
import { Symbols, bodyV2, exemplarV2, histogramV2, metadataV2, requestV2, sampleV2, type SeriesV2 } from '../support/remote-write-v2-body.ts'
import { testSeed } from '../support/seed.ts'
import { snappyCompress } from '../support/snappy-compress.ts'
import { NOW } from '../support/web-server.ts'
import { start } from './requests.ts'

const V2 = { 'Content-Type': 'application/x-protobuf;proto=io.prometheus.write.v2.Request', 'Content-Encoding': 'snappy', 'X-Prometheus-Remote-Write-Version': '2.0.0' }
const push = (base: string, body: Uint8Array, headers: Record<string, string> = V2): Promise<Response> => fetch(`${base}/api/v1/write`, { method: 'POST', body: Buffer.from(body), headers })
const written = (response: Response): string[] => ['samples', 'histograms', 'exemplars'].map((kind) => response.headers.get(`x-prometheus-remote-write-${kind}-written`)!)

const bodyOf = (bytes: Uint8Array): WireBody => ({ bytes, view: new DataView(bytes.buffer, bytes.byteOffset, bytes.length), length: bytes.length })

/** What the body of 1.0 that comes of it says, as the receiver reads it. */
function read(request: Uint8Array): { exemplars: number; metadata: { metric: string; metadata: MetricMetadata }[]; samples: number[] } {
  const { bytes, view, length } = new WriteRequestTranslator(32 << 20).translate(bodyOf(request))
  const reader = new WriteRequestReader(bytes, view, length)
  const columns = new SampleColumns()
  while (reader.nextSeries()) reader.readSamples(columns, reader.scanLabels())
  return { exemplars: columns.exemplars.count, metadata: reader.metadata, samples: [...columns.values.subarray(0, columns.count)] }
}

describe('remote write 2.0', () => {
  it('stores and says how much', async () => {
    const { base, appender } = await start()
    const symbols = new Symbols()
    const response = await push(base, bodyV2(symbols, [
      { labels: [['__name__', 'm'], ['a', 'b']], fields: [sampleV2(1, NOW), sampleV2(2, NOW + 1, NOW - 5)] },
      { labels: [['__name__', 'm']], fields: [sampleV2(3, NOW)] },
    ]))
    expect([response.status, ...written(response)]).toEqual([204, '3', '0', '0'])
    expect(appender.dump()).toEqual({ 'm{a="b"}': [{ t: NOW, v: 1, stale: false }, { t: NOW + 1, v: 2, stale: false }], m: [{ t: NOW, v: 3, stale: false }] })
  })

  it('knows series that came by 1.0 by the same bytes', async () => {
    const { base, appender, metrics } = await start()
    const all = nodeLabels(100)
    expect((await push(base, writeBody(all.map((labels) => ({ labels, samples: [[1, NOW]] }))), {})).status).toBe(204)
    expect((await push(base, bodyV2(new Symbols(), all.map((labels) => ({ labels, fields: [sampleV2(2, NOW + 1)] }))))).status).toBe(204)
    expect(Object.keys(appender.dump())).toHaveLength(100)
    expect(await metrics.registry.metrics()).toContain('monitor_remote_write_known_series 100\n')
  })

  it('says what 1.0 says of the same samples', () => {
    const text = fc.string({ maxLength: 200 })
    const label = fc.tuple(fc.stringMatching(/^[a-z]{1,6}$/), fc.oneof(text, fc.constantFrom('eu', 'us')))
    const rows = fc.array(fc.record({
      labels: fc.uniqueArray(label, { selector: ([name]) => name, maxLength: 8 }),
      samples: fc.array(fc.tuple(fc.double(), fc.integer({ min: 0, max: 2 ** 45 })), { maxLength: 4 }),
    }), { maxLength: 8 })
    const texts = ({ bytes, view, length }: WireBody): unknown[] => {
      const reader = new WriteRequestReader(bytes, view, length)
      const out: unknown[] = []
      const columns = new SampleColumns()
      while (reader.nextSeries()) {
        const from = columns.count
        const labelsEnd = reader.scanLabels()
        reader.readSamples(columns, labelsEnd)
        out.push([Buffer.from(bytes.subarray(reader.from, labelsEnd)).toString('hex'), [...columns.values.subarray(from, columns.count)], [...columns.times.subarray(from, columns.count)]])
      }
      return out
    }
    const translator = new WriteRequestTranslator(32 << 20)
    fc.assert(fc.property(rows, (given) => {
      const request = requestV2(new Symbols(), given.map(({ labels, samples }): SeriesV2 => ({ labels, fields: samples.map(([value, t]) => sampleV2(value, t)) })))
      expect(texts(translator.translate(bodyOf(request)))).toEqual(texts(bodyOf(writeRequest(given))))
    }), { numRuns: 300 })
  })

  it('takes exemplars and metadata along, of families by their names', () => {
    const symbols = new Symbols()
    const request = requestV2(symbols, [
      { labels: [['__name__', 'lat_bucket'], ['le', '1']], fields: [sampleV2(1, NOW), exemplarV2(symbols, [['trace', 'x']], 0.5, NOW), metadataV2(symbols, 3, 'How long.', 'seconds')] },
      { labels: [['__name__', 'lat_count']], fields: [sampleV2(1, NOW), metadataV2(symbols, 3, 'How long.', 'seconds')] },
      { labels: [['__name__', 'up']], fields: [metadataV2(symbols, 2, 'Whether.', '')] },
      { labels: [['__name__', 'none']], fields: [metadataV2(symbols, 0, '', '')] },
    ])
    const { exemplars, metadata, samples } = read(request)
    expect([exemplars, samples]).toEqual([1, [1, 1]])
    expect(metadata).toEqual([
      { metric: 'lat', metadata: { type: 'histogram', help: 'How long.', unit: 'seconds' } },
      { metric: 'lat', metadata: { type: 'histogram', help: 'How long.', unit: 'seconds' } },
      { metric: 'up', metadata: { type: 'gauge', help: 'Whether.', unit: '' } },
    ])
  })

  it('reads symbols that stand behind the series, and references that are not packed', () => {
    const series = field(5, varint(8), varint(1), varint(8), varint(2), sampleV2(7, NOW))
    expect(read(Buffer.concat([series, ...['', '__name__', 'm'].map((text) => field(4, Buffer.from(text)))])).samples).toEqual([7])
  })

  it('answers bodies that are damaged anywhere with 204, 400 or 413, never otherwise', async () => {
    const receiver = new RemoteWriteReceiver(new MemoryAppender(NOW), new Metrics(), 1)
    const translator = new WriteTranslator()
    const symbols = new Symbols()
    const whole = requestV2(symbols, [
      { labels: [['__name__', 'lat_bucket'], ['le', '1']], fields: [sampleV2(1, NOW), exemplarV2(symbols, [['trace', 'x']], 0.5, NOW), metadataV2(symbols, 3, 'How long.', 'seconds')] },
      { labels: [['__name__', 'h']], fields: [histogramV2(randomHistogram(new Random(testSeed())), NOW)] },
    ])
    const edit = fc.record({ at: fc.nat(whole.length - 1), byte: fc.oneof(fc.nat(255), fc.constantFrom(0, 1, 127, 128, 255, 0x0a, 0x22, 0x2a)) })
    const seen = new Set<number>()
    await fc.assert(fc.asyncProperty(fc.array(edit, { minLength: 1, maxLength: 4 }), fc.nat(whole.length), async (edits, cut) => {
      const bytes = Buffer.from(whole)
      for (const { at, byte } of edits) bytes[at] = byte
      const body = snappyCompress(cut % 3 === 0 ? bytes.subarray(0, cut) : bytes)
      const { status } = await receiver.write(body, 2)
      // What waits for the store is refused for the same bytes, those of its samples that it cannot know left aside.
      const waiting = translator.toV1(body)
      if (!(waiting instanceof Uint8Array)) expect(waiting.status).toBe(status)
      seen.add(status)
      expect([204, 400, 413]).toContain(status)
    }), { numRuns: 2000 })
    expect(seen).toContain(204)
    expect(seen).toContain(400)
  })

  it('refuses what breaks the format, and what would be too large', async () => {
    const { base, appender } = await start()
    const f = async (status: number, text: string, ...request: readonly Uint8Array[]): Promise<void> => {
      const response = await push(base, snappyCompress(Buffer.concat(request)))
      expect([response.status, await response.text(), ...written(response)]).toEqual([status, `${text}\n`, '0', '0', '0'])
    }
    const symbols = ['', '__name__', 'm'].map((text) => field(4, Buffer.from(text)))
    await f(400, 'protobuf: reference to symbol 3 of 3', ...symbols, field(5, field(1, varint(1), varint(3)), sampleV2(1, NOW)))
    await f(400, 'protobuf: labels_refs of 3 symbols: a name lacks its value', ...symbols, field(5, field(1, varint(1), varint(2), varint(1)), sampleV2(1, NOW)))
    await f(400, 'protobuf: field 4 of request has wire type 0, not 2', varint(32), varint(1))
    await f(400, 'protobuf: field 2 of series has wire type 0, not 2', ...symbols, field(5, varint(16), varint(1)))
    await f(400, 'protobuf: field 5 runs past its end', varint(42), varint(100))
    // 64 KiB that a reference of one byte stands for, 2,000 times.
    const large = field(4, Buffer.alloc(65_536, 'x'))
    const rows = Array.from({ length: 2000 }, () => field(5, field(1, varint(1), varint(2)), sampleV2(1, NOW)))
    await f(413, 'exceeds 32 MiB with its symbols in place; send fewer series a request', symbols[0]!, symbols[1]!, large, ...rows)
    expect((await push(base, Buffer.from('x'))).status).toBe(400)
    expect(appender.batches).toEqual([])
  })
})
