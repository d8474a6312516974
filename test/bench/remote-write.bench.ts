// Remote write without the store: snappy, protobuf and look-up, ns per sample. Run: node test/bench/remote-write.bench.ts
// The appender only counts, so what is measured is lib/ingest. Orders: as sent before (prediction holds), a shuffled
// one that stays (it holds, memory is jumped over), the two in turn (it fails, every series is hashed), and series
// never seen (labels become strings).
import { uncompressSync } from 'snappy'
import { RemoteWriteReceiver } from '../../lib/ingest/remote-write.ts'
import { Metrics } from '../../lib/std/metrics.ts'
import { Random } from '../../lib/std/random.ts'
import { SnappyDecoder } from '../../lib/kernels/snappy.ts'
import type { Appender } from '../../storage/interface.ts'
import { nodeLabels, writeBody } from '../support/remote-write-body.ts'
import { Symbols, bodyV2, sampleV2 } from '../support/remote-write-v2-body.ts'

const SERIES = 100_000
const PER_BODY = 5000
const ROUNDS = 12

class CountingAppender implements Appender {
  count = 0
  readonly exemplars = null
  #ref = 0
  series(): number {
    return ++this.#ref
  }

  append(batch: { count: number }, verdicts: Uint8Array): number {
    verdicts.fill(0, 0, batch.count)
    this.count += batch.count
    return 0
  }

  commit(): Promise<void> {
    return Promise.resolve()
  }
}

const random = new Random(1)
const labels = nodeLabels(SERIES)

function bodies(order: readonly [string, string][][], timeMs: number): Uint8Array[] {
  return batches(order).map((batch) => writeBody(batch.map((labels) => ({ labels, samples: [[random.int(1e9) / 100, timeMs]] }))))
}

/** The same as remote write 2.0. */
function bodies2(order: readonly [string, string][][], timeMs: number): Uint8Array[] {
  return batches(order).map((batch) => bodyV2(new Symbols(), batch.map((labels) => ({ labels, fields: [sampleV2(random.int(1e9) / 100, timeMs)] }))))
}

function batches(order: readonly [string, string][][]): [string, string][][][] {
  return Array.from({ length: Math.ceil(order.length / PER_BODY) }, (_, i) => order.slice(i * PER_BODY, (i + 1) * PER_BODY))
}

/** Median over rounds of CPU ns per sample. */
async function measure(name: string, samples: number, f: () => Promise<void> | void): Promise<void> {
  const rounds: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    const before = process.cpuUsage()
    await f()
    const used = process.cpuUsage(before)
    rounds.push(((used.user + used.system) * 1000) / samples)
  }
  rounds.sort((a, b) => a - b)
  console.log(`${name.padEnd(44)} ${rounds[ROUNDS >> 1]!.toFixed(0).padStart(6)} ns/sample  (min ${rounds[0]!.toFixed(0)})`)
}

const ordered = bodies(labels, 1_700_000_000_000)
const shuffled = bodies(labels.map((one) => [random.u32(), one] as const).toSorted((a, b) => a[0] - b[0]).map(([, one]) => one), 1_700_000_000_000)
const decoder = new SnappyDecoder(32 << 20)
const rawBytes = ordered.reduce((sum, body) => sum + decoder.decode(body), 0)
console.log(`${SERIES} series, ${PER_BODY} a body, ${(rawBytes / SERIES).toFixed(0)} raw B/sample`)

await measure('snappy, native package', SERIES, () => {
  for (const body of ordered) uncompressSync(body)
})
await measure('snappy, own', SERIES, () => {
  for (const body of ordered) decoder.decode(body)
})
const metrics = new Metrics()
const appender = new CountingAppender()
const receiver = new RemoteWriteReceiver(appender, metrics, 7)
const write = async (list: readonly Uint8Array[], to = receiver): Promise<void> => {
  for (const body of list) await to.write(body)
}
await measure('known series, usual order', SERIES, () => write(ordered))
const ordered2 = bodies2(labels, 1_700_000_000_000)
await measure('known series, remote write 2.0', SERIES, async () => {
  for (const body of ordered2) await receiver.write(body, 2)
})
await measure('known series, shuffled but steady', SERIES, async () => {
  await write(shuffled)
})
await measure('the two orders in turn (prediction fails)', 2 * SERIES, async () => {
  await write(ordered)
  await write(shuffled)
})
await measure('new series', SERIES, () => write(ordered, new RemoteWriteReceiver(new CountingAppender(), new Metrics(), 7)))
const bytes = (await metrics.registry.getSingleMetric('monitor_remote_write_cache_bytes')!.get()).values[0]!.value
console.log(`cache: ${(bytes / SERIES).toFixed(0)} B per series`)
