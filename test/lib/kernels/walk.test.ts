// Known series of remote write by the kernel and by its twin: the same samples of the same series, the same words, whatever is sent.
import { describe, expect, it } from 'vitest'
import { RemoteWriteReceiver, type RemoteWriteResult } from '../../../lib/ingest/remote-write.ts'
import { SeriesCache } from '../../../lib/ingest/series-cache.ts'
import { SnappyDecoder, snappyLiteral } from '../../../lib/kernels/snappy.ts'
import { WalkKernel, walkKernel } from '../../../lib/kernels/walk.ts'
import { kernels, type KernelMode } from '../../../lib/kernels/module.ts'
import { Metrics } from '../../../lib/std/metrics.ts'
import { Random } from '../../../lib/std/random.ts'
import type { SampleBatch } from '../../../storage/interface.ts'
import { KERNEL_MODES, withKernels } from '../../support/kernels.ts'
import { MemoryStorage } from '../../support/memory-storage.ts'
import { fc } from '../../support/property.ts'
import { randomHistogram } from '../../support/random-histogram.ts'
import { STALE_NAN, field, label, nodeLabels, sample, writeRequest } from '../../support/remote-write-body.ts'
import { histogramField } from '../../support/remote-write-histogram.ts'
import { Symbols, requestV2, sampleV2 } from '../../support/remote-write-v2-body.ts'
import { snappyCompress } from '../../support/snappy-compress.ts'

const T = 1_700_000_000_000

/** Keeps what it is given, sample by sample, as well. */
class Recorder extends MemoryStorage {
  readonly given: unknown[] = []

  override append(batch: SampleBatch, verdicts: Uint8Array): number {
    const { count, refs, values, times, stale } = batch
    this.given.push(Array.from({ length: count }, (_, i) => [refs[i], values[i], times?.[i], stale?.[i] ?? 0]))
    return super.append(batch, verdicts)
  }
}

class Sender {
  readonly storage = new Recorder()
  readonly receiver: RemoteWriteReceiver
  readonly #mode: KernelMode

  constructor(mode: KernelMode) {
    this.#mode = mode
    this.receiver = withKernels(mode, () => new RemoteWriteReceiver(this.storage, new Metrics(), 42))
  }

  /** How far the kernel came is its own to know: it reads before anything is waited for. */
  async push(request: Uint8Array, version: 1 | 2 = 1): Promise<{ result: RemoteWriteResult; walked: number }> {
    const body = snappyCompress(request)
    const [answer, walked] = withKernels(this.#mode, () => {
      const kernel = walkKernel()
      if (kernel !== null) kernel.at[0] = 0
      return [this.receiver.write(body, version), kernel?.at[0] ?? 0] as const
    })
    return { result: await answer, walked }
  }
}

/** Sends all to both and holds them against each other; returns how far the kernel came in each. */
async function sendAll(requests: readonly Uint8Array[], version: 1 | 2 = 1): Promise<number[]> {
  const [twin, kernel] = KERNEL_MODES.map((mode) => new Sender(mode)) as [Sender, Sender]
  const walked: number[] = []
  for (const request of requests) {
    const want = await twin.push(request, version)
    const got = await kernel.push(request, version)
    expect(got.result).toEqual(want.result)
    walked.push(got.walked)
  }
  expect(kernel.storage.given).toEqual(twin.storage.given)
  expect(kernel.storage.dump()).toEqual(twin.storage.dump())
  return walked
}

const named = (k: number): [string, string][] => [['__name__', `m${'m'.repeat(k * 7)}`], ['k', String(k)]]
const value = fc.oneof(fc.double(), fc.constant(STALE_NAN), fc.constant(Uint8Array.of(1, 0, 0, 0, 0, 0, 0xf8, 0xff)), fc.constantFrom(0, -0, 1))
const time = fc.oneof(fc.nat(50).map((t) => T + t), fc.constantFrom(0, 1, 2 ** 35, 2 ** 42, -1))
const odd = histogramField(randomHistogram(new Random(3)), T)
const series = fc.record({ k: fc.nat(9), samples: fc.array(fc.tuple(value, time), { maxLength: 3 }), odd: fc.nat(20) }).map(({ k, samples, odd: which }) => {
  const fields = samples.map(([v, t]) => sample(v, t))
  if (which === 0) fields.push(odd)
  if (which === 1) fields.push(label('late', 'x'))
  if (which === 2) fields.push(field(3, field(1, field(1, Buffer.from('id')), field(2, Buffer.from('1')))))
  return field(1, ...named(k).map(([name, text]) => label(name, text)), ...fields)
})
/** Bodies with the same series in the same order, as senders send them, and others between them. */
const requests = fc.array(series, { minLength: 1, maxLength: 20 }).chain((first) => fc.array(
  fc.oneof({ weight: 3, arbitrary: fc.constant(first) }, fc.shuffledSubarray(first), fc.array(series, { maxLength: 20 })), { minLength: 2, maxLength: 5 },
)).map((bodies) => bodies.map((body) => Buffer.concat(body)))

describe('known series of remote write', () => {
  it('are stored alike by the kernel and its twin, in whatever order they come and whatever else is between them', async () => {
    await fc.assert(fc.asyncProperty(requests, async (all) => void await sendAll(all)), { numRuns: 40 })
  })

  it('are stored or refused alike, whatever was done to the bytes', async () => {
    const edit = fc.record({ at: fc.nat(), byte: fc.oneof(fc.nat(255), fc.constantFrom(0, 1, 127, 128, 255, 0x0a, 0x12, 0x1a, 0x22, 0x10, 0x09)) })
    await fc.assert(fc.asyncProperty(requests, fc.array(edit, { minLength: 1, maxLength: 4 }), fc.nat(), async (all, edits, cut) => {
      const bad = Buffer.from(all[0]!)
      for (const { at, byte } of edits) bad[at % bad.length] = byte
      await sendAll([all[0]!, cut % 3 === 0 ? bad.subarray(0, cut % (bad.length + 1)) : bad, ...all])
    }), { numRuns: 80 })
  })

  it('are walked to the end, by the kernel, where a body goes on as the last one did', async () => {
    const labels = nodeLabels(3000)
    const f = (samples: number): Uint8Array => writeRequest(labels.map((one, i) => ({
      labels: one, samples: Array.from({ length: samples }, (_, k) => [i % 7 === 0 ? STALE_NAN : i + k, T + k] as const),
    })))
    const [all, threes] = [f(1), f(3)]
    // 9,000 samples are more than are read at once.
    expect((await sendAll([all, all, threes])).slice(1)).toEqual([all.length, threes.length])
    const request = requestV2(new Symbols(), labels.map((one, i) => ({ labels: one, fields: [sampleV2(i, T)] })))
    expect((await sendAll([request, request], 2))[1]).toBeGreaterThan(all.length)
    // Behind a series that has changed a few are the twin's.
    const changed = writeRequest(labels.map((one, i) => ({ labels: i === 500 ? named(1) : one, samples: [[i, T]] })))
    expect((await sendAll([all, changed])).at(-1)).toBe(changed.length)
  })

  it('are put together where they stand twice in a body, or their times run backwards', async () => {
    const f = (rows: readonly (readonly [k: number, ...times: number[]])[]): Uint8Array => writeRequest(rows.map(([k, ...times]) => ({ labels: named(k), samples: times.map((t) => [t, T + t]) })))
    const twice = f([[0, 1], [1, 1], [0, 2], [1, 2]])
    expect((await sendAll([twice, twice, twice, twice])).at(-1)).toBe(twice.length)
    const backwards = f([[0, 1], [1, 3, 2], [2, 1]])
    expect((await sendAll([backwards, backwards, backwards, backwards])).at(-1)).toBe(backwards.length)
  })

  it('are those of the receiver that is asked, though there is one memory for all of a thread', async () => {
    const senders = [new Sender('wasm'), new Sender('wasm')]
    for (let round = 0; round < 3; round++) {
      for (const [i, { receiver }] of senders.entries()) {
        const body = snappyCompress(writeRequest([0, 1, 2].map((k) => ({ labels: named((k + i) % 3), samples: [[10 * i + k, T + round]] }))))
        expect((await withKernels('wasm', () => receiver.write(body))).status).toBe(204)
      }
    }
    for (const [i, { storage }] of senders.entries()) {
      const stored = Object.fromEntries(storage.dump().map(({ labels, samples }) => [labels[labels.indexOf('k') + 1], samples.map(({ v }) => v)]))
      expect(stored).toEqual(Object.fromEntries([0, 1, 2].map((k) => [String((k + i) % 3), Array.from({ length: 3 }, () => 10 * i + k)])))
    }
  })
})

describe('the kernel\'s memory of series', () => {
  const inKernel = (maxBytes = 1 << 30, limits = {}): { cache: SeriesCache; kernel: WalkKernel } => {
    const kernel = withKernels('wasm', () => walkKernel() && new WalkKernel(kernels()!, limits))!
    const cache = new SeriesCache(1, maxBytes)
    expect(cache.takeKernel(kernel)).toBe(true)
    expect(cache.takeKernel(kernel)).toBe(false)
    return { cache, kernel }
  }
  const add = (cache: SeriesCache, bytes: Uint8Array, ref: number): number => cache.add(new DataView(bytes.buffer, bytes.byteOffset, bytes.length), 0, bytes.length, ref, ref)
  /** How many series of a body are walked, each known to follow the one before. */
  const walk = (kernel: WalkKernel, from: number, body: readonly Uint8Array[]): number => withKernels('wasm', () => {
    const request = Buffer.concat(body)
    const decoder = new SnappyDecoder(32 << 20)
    const length = decoder.decode(snappyLiteral(request))
    expect(kernel.canRead(decoder.bytes)).toBe(true)
    kernel.at.set([0, from])
    return kernel.walk(decoder.bytes, length)
  })

  it('reaches to its last page, 512 MiB of labels', () => {
    const { kernel } = inKernel()
    const [run, page] = [named(1).map(([name, text]) => label(name, text)), 511]
    const labels = Buffer.concat(run)
    new Uint8Array(kernel.page(page)!.buffer, kernel.page(page)!.byteOffset).set(labels)
    expect(kernel.page(page + 1)).toBe(null)
    kernel.known.set([1, 0, 0, 0, 0, 7, page << 20, labels.length])
    expect(walk(kernel, 0, [field(1, labels, sample(1, T))])).toBe(1)
    expect(kernel.refs[0]).toBe(7)
    kernel.known.fill(0, 0, 8)
  })

  it('ends after its last page of labels, and has none longer than a page', () => {
    const { cache, kernel } = inKernel(1 << 30, { pages: 6 })
    const wide = (i: number, n: number): Uint8Array => label(`n${String(i).padStart(4, '0')}`, 'x'.repeat(n))
    const labels = Array.from({ length: 8 }, (_, i) => wide(i, i === 3 ? 1 << 20 : 600_000))
    const entries = labels.map((run, i) => add(cache, run, i + 1))
    entries.forEach((entry, i) => cache.link(i === 0 ? 0 : entries[i - 1]!, entry))
    const one = (i: number): Uint8Array => field(1, labels[i]!, sample(1, T))
    expect(walk(kernel, 0, [0, 1, 2].map(one))).toBe(3)
    expect(walk(kernel, entries[1]!, [2, 3, 4].map(one))).toBe(1)
    expect(walk(kernel, entries[3]!, [4, 5, 6].map(one))).toBe(2)
    expect([3, 5, 7].map((i) => cache.find(new DataView(Uint8Array.from(labels[i]!).buffer), 0, labels[i]!.length, i + 1))).toEqual([3, 5, 7].map((i) => entries[i]))
  })

  it('is left by more series than it holds, which are found all the same', () => {
    const { cache, kernel } = inKernel(1 << 30, { entries: 100_000 })
    const key = Buffer.alloc(8)
    for (let i = 1; i <= kernel.known.length / 4 + 1; i++) {
      key.writeUint32LE(i)
      add(cache, key, i)
    }
    expect(cache.kernel).toBe(null)
    for (const i of [1, 70_000, kernel.known.length / 4 + 1]) {
      key.writeUint32LE(i)
      expect(cache.ref(cache.find(new DataView(key.buffer, key.byteOffset, 8), 0, 8, i))).toBe(i)
    }
  })

  it('forgets what was in it when the budget is spent', () => {
    const { cache, kernel } = inKernel(110)
    const runs = [0, 1, 2, 3].map((k) => label('k', `${k}`.repeat(20)))
    const entries = runs.map((run, k) => add(cache, run, k + 1))
    entries.forEach((entry, k) => cache.link(k === 0 ? 0 : entries[k - 1]!, entry))
    const body = runs.map((run) => field(1, run, sample(1, T)))
    expect(walk(kernel, 0, body)).toBe(4)
    add(cache, runs[0]!, 1)
    expect(cache.overflowCount).toBe(1)
    expect(walk(kernel, 0, body)).toBe(0)
    // An entry that is held yet leads nowhere, though the labels still lie there.
    expect(walk(kernel, entries[2]!, [body[3]!])).toBe(0)
  })
})
