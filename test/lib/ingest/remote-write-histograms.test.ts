// Native histograms through the receiver: which series and place in the batch they get, and what is refused.
import { describe, expect, it } from 'vitest'
import { RemoteWriteReceiver } from '../../../lib/ingest/remote-write.ts'
import { HINT_GAUGE, HINT_NOT_RESET, HINT_RESET, HINT_UNKNOWN, isSameHistogram, type FloatHistogram } from '../../../lib/model/histogram.ts'
import { withHint } from '../../../lib/model/histogram-arithmetic.ts'
import { labelsFromRecord } from '../../../lib/model/labels.ts'
import { Metrics } from '../../../lib/std/metrics.ts'
import { Random } from '../../../lib/std/random.ts'
import { snappyCompress } from '../../support/snappy-compress.ts'
import { MemoryStorage, type MemorySample } from '../../support/memory-storage.ts'
import { randomHistogram } from '../../support/random-histogram.ts'
import { STALE_NAN, field, label, sample, varint } from '../../support/remote-write-body.ts'
import { histogramField } from '../../support/remote-write-histogram.ts'

const T = 1_700_000_000_000

function setup(): { storage: MemoryStorage; write: (...series: Uint8Array[]) => ReturnType<RemoteWriteReceiver['write']> } {
  const storage = new MemoryStorage()
  const receiver = new RemoteWriteReceiver(storage, new Metrics(), 42)
  return { storage, write: (...series) => receiver.write(snappyCompress(Buffer.concat(series))) }
}

const series = (name: string, ...fields: Uint8Array[]): Uint8Array => field(1, label('__name__', name), label('job', 'a'), ...fields)
const marker = (t: number): Uint8Array => field(4, Uint8Array.of(0x19), STALE_NAN, Uint8Array.of(0x78), varint(t))

/** Good for the door: no negative counts, no odd bounds. */
function anyHistogram(random: Random): FloatHistogram {
  for (;;) {
    const h = randomHistogram(random, 12)
    const counts = [h.count, h.zeroCount, ...h.positive.count, ...h.negative.count]
    const bounds = h.schema === -53 ? h.customValues.length : Infinity
    const last = h.positive.index.at(-1) ?? 0
    if (counts.every((count) => count >= 0) && (h.schema !== -53 || (h.positive.index[0] ?? 0) >= 0) && last <= bounds && !Number.isNaN(h.sum)) {
      return h.hint === HINT_GAUGE ? h : withHint(h, HINT_UNKNOWN)
    }
  }
}

function samplesOf(storage: MemoryStorage, name: string): MemorySample[] {
  return storage.dump().find(({ labels }) => labels[1] === name)!.samples
}

describe('native histograms pushed', () => {
  it('lie between floats and markers of known and new series, whatever their order in the body', async () => {
    const { storage, write } = setup()
    const random = new Random(1)
    const [a, b, c] = [anyHistogram(random), anyHistogram(random), anyHistogram(random)]
    const result = await write(
      series('h', histogramField(b, T + 2), sample(5, T + 1), histogramField(a, T), marker(T + 3)), series('f', sample(1, T)),
      series('g', histogramField(c, T)), series('h', sample(7, T + 4)),
    )
    expect(result).toEqual({ status: 204, message: '', samplesWritten: 3, histogramsWritten: 4, exemplarsWritten: 0 })
    const shape = samplesOf(storage, 'h').map(({ t, v, h, isStale }) => [t - T, isStale ? 'stale' : h ?? v])
    expect(shape).toEqual([[0, a], [1, 5], [2, b], [3, 'stale'], [4, 7]])
    expect(samplesOf(storage, 'g')[0]!.h).toEqual(c)
    await write(series('h', histogramField(c, T + 5)), series('f', sample(2, T + 5)))
    expect(samplesOf(storage, 'h').at(-1)!.h).toEqual(c)
    expect(samplesOf(storage, 'f').map(({ v, h }) => [v, h])).toEqual([[1, null], [2, null]])
  })

  it('are those that were sent', async () => {
    const { storage, write } = setup()
    const random = new Random(2)
    const sent = Array.from({ length: 500 }, () => anyHistogram(random))
    expect(await write(...sent.map((h, i) => series(`h${i}`, histogramField(h, T))))).toMatchObject({ status: 204, histogramsWritten: 500 })
    sent.forEach((h, i) => {
      const [stored] = samplesOf(storage, `h${i}`)
      if (!isSameHistogram(stored!.h!, h)) expect(stored!.h).toEqual(h)
    })
  })

  it('leave out what the sender says of resets, as Prometheus 3.5.3 shows: they are found in the counts', async () => {
    const { storage, write } = setup()
    const h = anyHistogram(new Random(3))
    await write(series('h', histogramField(withHint(h, HINT_NOT_RESET), T), histogramField(withHint(h, HINT_RESET), T + 1), histogramField(withHint(h, HINT_GAUGE), T + 2)))
    expect(samplesOf(storage, 'h').map((stored) => stored.h!.hint)).toEqual([HINT_UNKNOWN, HINT_UNKNOWN, HINT_GAUGE])
  })

  it('that are bad are named, and the good ones beside them kept', async () => {
    const { storage, write } = setup()
    const good = anyHistogram(new Random(4))
    const bad = { ...good, schema: -7, customValues: new Float64Array(0) }
    const result = await write(series('h', histogramField(bad, T), histogramField(good, T + 1)), series('only', histogramField(bad, T)), series('f', sample(1, T)))
    const why = 'histogram has an invalid schema, which must be between -4 and 8 for exponential buckets, or -53 for custom buckets, got schema -7'
    expect(result).toEqual({
      status: 400, samplesWritten: 1, histogramsWritten: 1, exemplarsWritten: 0,
      message: `2 of 4 samples refused (2 invalid_histogram), 2 stored; first: ${why}, at ${T}, of h{job="a"}; ${why}, at ${T}, of only{job="a"}`,
    })
    expect(storage.dump().map(({ labels, samples }) => [labels, samples.length])).toEqual([
      [labelsFromRecord({ __name__: 'h', job: 'a' }), 1], [labelsFromRecord({ __name__: 'f', job: 'a' }), 1],
    ])
  })

  it('are too many for one request beyond two million buckets', async () => {
    const { write } = setup()
    const wide = field(4, Uint8Array.of(0x08, 0), field(12, new Uint8Array(1 << 20)), Uint8Array.of(0x78, 1))
    expect(await write(series('h', wide, wide))).toMatchObject({ status: 400 })
    expect(await write(series('h', wide, wide, wide))).toMatchObject({ status: 413, message: 'more than 2097152 native histogram buckets in one request' })
  })
})
