import { describe, expect, it } from 'vitest'
import { RemoteWriteReceiver } from '../../../lib/ingest/remote-write.ts'
import { Metrics } from '../../../lib/std/metrics.ts'
import { Random } from '../../../lib/std/random.ts'
import { snappyCompress } from '../../support/snappy-compress.ts'
import { LogError } from '../../../storage/errors.ts'
import { MemoryAppender } from '../../support/memory-appender.ts'
import { STALE_NAN, field, label, nodeLabels, sample, writeBody, type BodySeries } from '../../support/remote-write-body.ts'

const T = 1_700_000_000_000
const one = (name: string, value: number, t = T, ...labels: [string, string][]): BodySeries => ({ labels: [['__name__', name], ...labels], samples: [[value, t]] })

function setup(appender = new MemoryAppender(T)): { appender: MemoryAppender; receiver: RemoteWriteReceiver; metrics: Metrics; metric: (text: string) => Promise<number> } {
  const metrics = new Metrics()
  const receiver = new RemoteWriteReceiver(appender, metrics, 42)
  const metric = async (text: string): Promise<number> => Number((await metrics.registry.metrics()).split('\n').find((line) => line.startsWith(`${text} `))?.split(' ').at(-1))
  return { appender, receiver, metrics, metric }
}

describe('RemoteWriteReceiver', () => {
  it('stores samples and stale markers, answers when they are committed', async () => {
    const { appender, receiver } = setup()
    const body = writeBody([one('up', 1, T, ['job', 'a']), { labels: [['__name__', 'down']], samples: [[2, T], [STALE_NAN, T + 1]] }])
    expect(await receiver.write(body)).toEqual({ status: 204, message: '', samplesWritten: 3, histogramsWritten: 0, exemplarsWritten: 0 })
    expect(appender.commits).toBe(1)
    expect(appender.dump()).toEqual({
      'up{job="a"}': [{ t: T, v: 1, stale: false }],
      down: [{ t: T, v: 2, stale: false }, { t: T + 1, v: 0, stale: true }],
    })
  })

  it('keeps every value under its own series, whatever order the sender takes', async () => {
    const { appender, receiver } = setup()
    const labels = nodeLabels(3000)
    const random = new Random(8)
    for (let round = 0; round < 6; round++) {
      const order = labels.map((_, i) => i)
      if (round >= 2) order.sort(() => random.float() - 0.5)
      if (round === 4) order.length = 700
      expect((await receiver.write(writeBody(order.map((i) => ({ labels: labels[i]!, samples: [[i + round * 10_000, T + round]] }))))).status).toBe(204)
      // The batch keeps the sender's order.
      expect(appender.batches.at(-1)).toEqual(order.map((i) => i + 1))
    }
    for (const [i, series] of appender.stored.entries()) {
      expect(series.labels).toEqual(labels[i]!.flat())
      for (const { t, v } of series.samples) expect(v).toBe(i + (t - T) * 10_000)
      expect(series.samples.length).toBeGreaterThanOrEqual(5)
    }
    expect(appender.stored.length).toBe(3000)
  })

  it('does not take a series for one whose labels it begins with', async () => {
    const { appender, receiver } = setup()
    const a: [string, string][] = [['__name__', 'm'], ['a', '1']]
    const ab: [string, string][] = [...a, ['b', '2']]
    await receiver.write(writeBody([one('first', 0), { labels: a, samples: [[1, T]] }]))
    await receiver.write(writeBody([one('first', 0), { labels: ab, samples: [[2, T]] }]))
    await receiver.write(writeBody([one('first', 0), { labels: a, samples: [[3, T + 1]] }]))
    expect(appender.dump()).toEqual({
      first: [{ t: T, v: 0, stale: false }],
      'm{a="1"}': [{ t: T, v: 1, stale: false }, { t: T + 1, v: 3, stale: false }],
      'm{a="1", b="2"}': [{ t: T, v: 2, stale: false }],
    })
  })

  it('takes labels in any order, split by samples, and with empty values, as one series', async () => {
    const { appender, receiver } = setup()
    const scattered = (t: number): Uint8Array => field(1, label('job', 'x'), sample(1, t), label('__name__', 'm'), label('empty', ''))
    for (const t of [T, T + 1]) expect((await receiver.write(snappyCompress(scattered(t)))).status).toBe(204)
    await receiver.write(writeBody([{ labels: [['job', 'x'], ['__name__', 'm']], samples: [[3, T + 2]] }]))
    await receiver.write(writeBody([one('m', 4, T + 3, ['job', 'x'])]))
    expect(Object.entries(appender.dump()).map(([name, samples]) => [name, samples.map(({ v }) => v)])).toEqual([['m{job="x"}', [1, 1, 3, 4]]])
  })

  it('groups a series that stands twice, and times that run backwards, before it appends', async () => {
    const { appender, receiver } = setup()
    const rows = [T, T + 1, T + 2].flatMap((t) => [one('a', t - T, t), one('b', 10 + t - T, t)])
    expect((await receiver.write(writeBody(rows))).status).toBe(204)
    expect((await receiver.write(writeBody([{ labels: [['__name__', 'c']], samples: [[3, T + 3], [1, T + 1], [2, T + 2]] }]))).status).toBe(204)
    expect(appender.batches).toEqual([[1, 1, 1, 2, 2, 2], [3, 3, 3]])
    expect(Object.values(appender.dump()).map((samples) => samples.map(({ v }) => v))).toEqual([[0, 1, 2], [10, 11, 12], [1, 2, 3]])
  })

  it('keeps the good samples of a request beside the bad, and names the bad', async () => {
    const { appender, receiver, metric } = setup()
    await receiver.write(writeBody([one('a', 1), one('b', 1)]))
    const result = await receiver.write(writeBody([
      one('a', 2, T + 1), one('b', 9, T), one('late', 1), { labels: [['job', 'x']], samples: [[1, T], [2, T + 1]] },
      one('c', 1, T + 3_600_000), one('d', 4), { labels: [['__name__', 'e'], ['x', '1'], ['x', '2']], samples: [[1, T]] },
    ]))
    expect(result.status).toBe(400)
    expect(result.samplesWritten).toBe(3)
    expect(result.message).toBe('5 of 8 samples refused (3 invalid_labels, 1 duplicate, 1 future), 3 stored; ' +
      `first: no metric name (__name__) in {job="x"}; label name "x" is not unique in e{x="1", x="2"}; duplicate sample of b at ${T}; future is more than 10 minutes ahead of this server's clock`)
    expect(Object.entries(appender.dump()).map(([name, samples]) => [name, samples.map(({ v }) => v)])).toEqual([['a', [1, 2]], ['b', [1]], ['late', [1]], ['c', []], ['d', [4]]])
    expect(appender.commits).toBe(2)
    expect(await metric('monitor_remote_write_refused_samples_total{reason="invalid_labels"}')).toBe(3)
    expect(await metric('monitor_remote_write_samples_total')).toBe(5)
    expect((await receiver.write(writeBody([one('a', 0, T - 1)]))).message).toBe(`1 of 1 samples refused (1 out_of_order), 0 stored; first: out_of_order sample of a at ${T - 1}`)
  })

  it('refuses each kind of bad label with its reason', async () => {
    const { appender, receiver } = setup()
    const f = async (labels: BodySeries['labels'], want: string): Promise<void> => {
      const result = await receiver.write(writeBody([{ labels, samples: [[1, T]] }, one('good', 1)]))
      expect(result).toEqual({ status: 400, message: `1 of 2 samples refused (1 invalid_labels), 1 stored; first: ${want}`, samplesWritten: 1, histogramsWritten: 0, exemplarsWritten: 0 })
    }
    await f([], 'no metric name (__name__) in {}')
    await f([['__name__', '']], 'no metric name (__name__) in {}')
    await f([['__name__', 'm'], ['', 'x']], 'empty label name')
    await f([['__name__', 'm'], ['a', Uint8Array.of(0xc3, 0x28)]], 'label is not valid UTF-8')
    await f([['__name__', 'm'], ['n'.repeat(1024), 'x']], 'label name of 1024 bytes exceeds 256 (global.label_name_length_limit)')
    await f([['__name__', 'm'], ['a', 'x'.repeat(1 << 20)]], 'label value of 1048576 bytes exceeds 65536 (global.label_value_length_limit)')
    await f([['__name__', 'm'], ...Array.from({ length: 200 }, (_, i) => [`l${i}`, 'x'] as const)], 'more than 64 labels')
    await f([['a', '1'], ['__name__', 'm'], ['a', '1']], 'label name "a" is not unique in m{a="1", a="1"}')
    expect(Object.keys(appender.dump())).toEqual(['good'])
  })

  it('stores labels whose names mean something to JavaScript', async () => {
    const { appender, receiver } = setup()
    await receiver.write(writeBody([one('m', 1, T, ['__proto__', 'p'], ['constructor', 'c'])]))
    expect(appender.stored[0]!.labels).toEqual(['__name__', 'm', '__proto__', 'p', 'constructor', 'c'])
  })

  it('leaves no trace of a malformed body', async () => {
    const { appender, receiver } = setup()
    const good = Buffer.from(writeBody([one('a', 1)]))
    const f = async (body: Uint8Array, status: number, message: RegExp): Promise<void> => {
      const result = await receiver.write(body)
      expect(result.status).toBe(status)
      expect(result.message).toMatch(message)
    }
    await f(new Uint8Array(0), 400, /^snappy: bad length header$/)
    await f(Buffer.from('not snappy'), 400, /^snappy: /)
    await f(Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0x0f), 413, /^decoded size exceeds 32 MiB$/)
    await f(good.subarray(0, good.length - 1), 400, /^snappy: /)
    await f(writeBody([one('a', 1)], Uint8Array.of(0x0b)), 400, /^protobuf: field 1 of timeseries has wire type 3/)
    await f(writeBody([one('a', 1), one('b', 1)], field(1, label('__name__', 'c'), field(2, Uint8Array.of(0x0a, 0)))), 400, /^protobuf: field 1 of sample/)
    await f(writeBody([one('a', 1)], field(1, field(1, Uint8Array.of(0x08, 1)), sample(1, T))), 400, /^protobuf: field 1 of label/)
    expect(appender.stored).toEqual([])
    expect([appender.batches.length, appender.commits]).toEqual([0, 0])
    await f(good, 204, /^$/)
  })

  it('answers 503 when the disk refuses, and is well again after', async () => {
    const { appender, receiver } = setup()
    appender.commitError = new LogError('cannot sync log: ENOSPC', 'disk_error')
    expect(await receiver.write(writeBody([one('a', 1)]))).toEqual({ status: 503, message: 'cannot sync log: ENOSPC', samplesWritten: 0, histogramsWritten: 0, exemplarsWritten: 0 })
    appender.commitError = null
    expect((await receiver.write(writeBody([one('a', 1)]))).status).toBe(204)
  })

  it('lets a bug of ours through as what it is', async () => {
    const { appender, receiver } = setup()
    appender.commitError = new RangeError('bug')
    await expect(receiver.write(writeBody([one('a', 1)]))).rejects.toThrow(RangeError)
  })

  it('refuses new series at the limit, not the known ones', async () => {
    const { appender, receiver } = setup(new MemoryAppender(T, 2))
    await receiver.write(writeBody([one('a', 1), one('b', 1)]))
    const result = await receiver.write(writeBody([one('a', 2, T + 1), one('c', 1), one('b', 2, T + 1)]))
    expect(result).toEqual({ status: 400, message: '1 of 3 samples refused (1 series_limit), 2 stored; first: over storage.limits.active_series at c', samplesWritten: 2, histogramsWritten: 0, exemplarsWritten: 0 })
    expect(appender.stored.map(({ samples }) => samples.length)).toEqual([2, 2])
  })

  it('refuses bad native histograms by name, and keeps metadata', async () => {
    const { receiver, metric, appender } = setup()
    const body = Buffer.concat([
      field(1, label('__name__', 'm'), sample(1, T)),
      field(1, label('__name__', 'h'), field(4, Uint8Array.of(0x08, 3, 0x78, 7))),
      field(3, Uint8Array.of(0x08, 2), field(2, Buffer.from('m')), field(4, Buffer.from('Help.'))),
    ])
    expect(await receiver.write(snappyCompress(body))).toEqual({
      status: 400, samplesWritten: 1, histogramsWritten: 0, exemplarsWritten: 0,
      message: '1 of 2 samples refused (1 invalid_histogram), 1 stored; first: 0 observations found in buckets, but the Count field is 3: '
        + "histogram's observation count should equal the number of observations found in the buckets (in absence of NaN), at 7, of h",
    })
    expect(Object.keys(appender.dump())).toEqual(['m'])
    expect([...receiver.metadata]).toEqual([['m', { type: 'gauge', help: 'Help.', unit: '' }]])
    expect(await metric('monitor_remote_write_refused_samples_total{reason="invalid_histogram"}')).toBe(1)
  })

  it('answers an empty request with 204 and no commit', async () => {
    const { appender, receiver } = setup()
    expect(await receiver.write(snappyCompress(new Uint8Array(0)))).toEqual({ status: 204, message: '', samplesWritten: 0, histogramsWritten: 0, exemplarsWritten: 0 })
    expect(appender.commits).toBe(0)
  })

  it('holds a known series in some 300 bytes', async () => {
    const { receiver, metric } = setup()
    const labels = nodeLabels(50_000)
    for (let i = 0; i < labels.length; i += 5000) await receiver.write(writeBody(labels.slice(i, i + 5000).map((one) => ({ labels: one, samples: [[1, T]] }))))
    expect(await metric('monitor_remote_write_known_series')).toBe(50_000)
    expect(await metric('monitor_remote_write_cache_bytes') / 50_000).toBeLessThan(300)
  })
})
