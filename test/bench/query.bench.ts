// Query latency of a whole Monitor over HTTP, to the last byte, and what the main thread felt of it.
//
//   sum by (region)(rate(x[5m])) over 10 k series of 1,440 samples at 10 s, step 60 s × 240 steps, and smaller ones;
//   then how cost grows from 100 to 100 k series and from 10 to 10,000 steps: the exponent e of cost ~ size^e, over all
//   and over the last tenfold alone, where what a query costs anyway no longer hides it
//
// node test/bench/query.bench.ts [SERIES]
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { Random } from '../../lib/std/random.ts'
import { MonitorProcess } from '../support/monitor-process.ts'
import { writeBody, type BodySeries } from '../support/remote-write-body.ts'

const SAMPLES = 1440
const STEP_MS = 10_000
const PER_REQUEST = 1000
const PER_SERIES = 40
const REGIONS = ['us-east', 'us-west', 'eu-west', 'eu-north', 'ap-south', 'ap-east', 'sa-east', 'af-south']
/** Series of the growth measurement: label `decade` is the power of ten below which a series' number lies. */
const DECADES = [2, 3, 4, 5]

const seriesCount = Number(process.argv[2] ?? 10_000)
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'monitor-bench-'))
process.on('exit', () => fs.rmSync(folder, { recursive: true, force: true }))
const monitor = await MonitorProcess.start(folder, { config: 'scrape_configs: []\n' })
process.on('exit', () => monitor.child.kill('SIGKILL'))

const endMs = Math.floor(Date.now() / 60_000) * 60_000
const startMs = endMs - SAMPLES * STEP_MS
await load()
await loadDecades()
// The stall metric looks back a minute: what loading did must be out of it.
await new Promise((resolve) => setTimeout(resolve, 71_000))

interface Case {
  name: string
  path: string
  params: Record<string, string>
  /** What the client accepts; nothing packed where it is not said, as the comparison with other servers asks. */
  encoding?: 'gzip'
}
const range = (name: string, query: string, minutes = 240): Case => ({
  name, path: 'query_range', params: { query, start: String((endMs - minutes * 60_000) / 1000 + 60), end: String(endMs / 1000), step: '60' },
})
const cases: Case[] = [
  range(`sum by (region)(rate(x[5m])), ${seriesCount} series × 240 steps`, 'sum by (region)(rate(x_total[5m]))'),
  range('rate(x[5m]), 1000 series × 240 steps, JSON', 'rate(x_total{rack=~"r0[0-4]|r0[5-9]"}[5m])'),
  { ...range('the same, gzip', 'rate(x_total{rack=~"r0[0-4]|r0[5-9]"}[5m])'), encoding: 'gzip' },
  range(`avg by (region)(x), ${seriesCount} series × 240 steps`, 'avg by (region)(x_total)'),
  range('rate(x[5m]), 1 series × 240 steps', 'rate(x_total{instance="host-00042"}[5m])'),
  { name: 'instant, 1 series', path: 'query', params: { query: 'x_total{instance="host-00042"}', time: String(endMs / 1000 - 10) } },
  { name: `instant, sum by (region)(rate(x[5m])), ${seriesCount} series`, path: 'query', params: { query: 'sum by (region)(rate(x_total[5m]))', time: String(endMs / 1000 - 10) } },
  { name: `instant, topk(10, x), ${seriesCount} series`, path: 'query', params: { query: 'topk(10, x_total)', time: String(endMs / 1000 - 10) } },
]
console.log('| query | p50 ms | min ms | max ms | bytes |\n|---|---:|---:|---:|---:|')
for (const one of cases) {
  const { ms, bytes } = await measure(one, 12, 500)
  console.log(`| ${one.name} | ${ms[ms.length >> 1]!.toFixed(1)} | ${ms[0]!.toFixed(1)} | ${ms.at(-1)!.toFixed(1)} | ${bytes} |`)
}
const metrics = await (await fetch(`${monitor.base}/metrics`)).text()
console.log(`longest stall of the main thread in the last minute: ${(Number(/^monitor_event_loop_stall_seconds (\S+)/m.exec(metrics)?.[1]) * 1000).toFixed(1)} ms`)
await reportGrowth('series, 31 steps', DECADES.map((decade) => ({
  size: 10 ** decade, query: `sum by (region)(rate(n_total{decade=~"[2-${decade}]"}[5m]))`, spanMs: 30 * 60_000, stepMs: 60_000,
})))
await reportGrowth('steps, 100 series', [10, 100, 1000, 10_000].map((steps) => ({
  size: steps, query: 'sum by (region)(rate(x_total{rack="r00"}[5m]))', spanMs: 200 * 60_000, stepMs: (200 * 60_000) / steps,
})))
await monitor.stop()

/** Milliseconds of the later requests, ascending: of `times` at least, and for `lastMs` at least, so that those of short queries are not the first few that a thread compiles. */
async function measure(one: Case, times: number, lastMs = 0): Promise<{ ms: number[]; bytes: number }> {
  const ms: number[] = []
  let bytes = 0
  const began = performance.now()
  for (let i = 0; i < times || performance.now() - began < lastMs; i++) {
    const t0 = performance.now()
    const reply = await fetch(`${monitor.base}/api/v1/${one.path}?${new URLSearchParams(one.params)}`, { headers: { 'accept-encoding': one.encoding ?? 'identity' } })
    const body = await reply.arrayBuffer()
    if (reply.status !== 200) throw new Error(`${one.name}: ${reply.status} ${Buffer.from(body).toString().slice(0, 300)}`)
    bytes = body.byteLength
    if (i >= 2) ms.push(performance.now() - t0)
  }
  return { ms: ms.toSorted((a, b) => a - b), bytes }
}

/** Prints the least time of each size and the exponents. */
async function reportGrowth(of: string, sizes: readonly { size: number; query: string; spanMs: number; stepMs: number }[]): Promise<void> {
  const points: { size: number; ms: number }[] = []
  for (const { size, query, spanMs, stepMs } of sizes) {
    const params = { query, start: String((endMs - spanMs) / 1000), end: String((endMs - stepMs) / 1000), step: String(stepMs / 1000) }
    const { ms } = await measure({ name: `${size} ${of}`, path: 'query_range', params }, 20)
    points.push({ size, ms: ms[0]! })
  }
  const exponent = (from: number): string => {
    const [a, b] = [points.at(from)!, points.at(-1)!]
    return (Math.log(b.ms / a.ms) / Math.log(b.size / a.size)).toFixed(2)
  }
  console.log(`growth with ${of}: ${points.map(({ size, ms }) => `${size}: ${ms.toFixed(1)} ms`).join(', ')}; exponent ${exponent(0)}, of the last tenfold ${exponent(-2)}`)
}

/** Every series' samples, PER_SERIES at a time, by remote write. */
async function load(): Promise<void> {
  const random = new Random(1)
  const state = new Float64Array(seriesCount)
  const t0 = performance.now()
  for (let k = 0; k < SAMPLES; k += PER_SERIES) {
    await send(seriesCount, (i) => ({
      labels: [
        ['__name__', 'x_total'], ['instance', `host-${String(i).padStart(5, '0')}`], ['job', 'node'],
        ['rack', `r${String(Math.floor(i / 100)).padStart(2, '0')}`], ['region', REGIONS[i % REGIONS.length]!],
      ],
      samples: Array.from({ length: PER_SERIES }, (_, s) => [(state[i]! += random.int(1000)), startMs + (k + s + 1) * STEP_MS] as const),
    }))
  }
  console.log(`loaded ${seriesCount * SAMPLES} samples in ${((performance.now() - t0) / 1000).toFixed(1)} s (most of it building the bodies)`)
}

/** The last PER_SERIES minutes of as many series as the largest decade has. */
async function loadDecades(): Promise<void> {
  const random = new Random(2)
  await send(10 ** DECADES.at(-1)!, (i) => ({
    labels: [['__name__', 'n_total'], ['decade', String(Math.max(2, String(i).length))], ['id', String(i)], ['region', REGIONS[i % REGIONS.length]!]],
    samples: Array.from({ length: PER_SERIES }, (_, s) => [s * 1000 + random.int(1000), endMs - (PER_SERIES - s) * 60_000] as const),
  }))
}

async function send(count: number, seriesOf: (i: number) => BodySeries): Promise<void> {
  for (let from = 0; from < count; from += PER_REQUEST) {
    const series = Array.from({ length: Math.min(PER_REQUEST, count - from) }, (_, j) => seriesOf(from + j))
    const reply = await fetch(`${monitor.base}/api/v1/write`, {
      method: 'POST', body: new Uint8Array(writeBody(series)), headers: { 'content-type': 'application/x-protobuf', 'content-encoding': 'snappy' },
    })
    if (reply.status !== 204) throw new Error(`write: ${reply.status} ${await reply.text()}`)
  }
}
