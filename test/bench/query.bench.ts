// Query latency of a whole Monitor over HTTP, to the last byte, and what the main thread felt of it.
//
//   sum by (region)(rate(x[5m])) over 10 k series of 1,440 samples at 10 s, step 60 s × 240 steps, and smaller ones
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

const seriesCount = Number(process.argv[2] ?? 10_000)
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'monitor-bench-'))
process.on('exit', () => fs.rmSync(folder, { recursive: true, force: true }))
const monitor = await MonitorProcess.start(folder, { config: 'scrape_configs: []\n' })
process.on('exit', () => monitor.child.kill('SIGKILL'))

const endMs = Math.floor(Date.now() / 60_000) * 60_000
const startMs = endMs - SAMPLES * STEP_MS
await load()
// The stall metric looks back a minute: what loading did must be out of it.
await new Promise((resolve) => setTimeout(resolve, 71_000))

interface Case {
  name: string
  path: string
  params: Record<string, string>
}
const range = (name: string, query: string, minutes = 240): Case => ({
  name, path: 'query_range', params: { query, start: String((endMs - minutes * 60_000) / 1000 + 60), end: String(endMs / 1000), step: '60' },
})
const cases: Case[] = [
  range(`sum by (region)(rate(x[5m])), ${seriesCount} series × 240 steps`, 'sum by (region)(rate(x_total[5m]))'),
  range('rate(x[5m]), 1000 series × 240 steps, JSON', 'rate(x_total{rack=~"r0[0-4]|r0[5-9]"}[5m])'),
  range(`avg by (region)(x), ${seriesCount} series × 240 steps`, 'avg by (region)(x_total)'),
  range('rate(x[5m]), 1 series × 240 steps', 'rate(x_total{instance="host-00042"}[5m])'),
  { name: 'instant, 1 series', path: 'query', params: { query: 'x_total{instance="host-00042"}', time: String(endMs / 1000 - 10) } },
  { name: `instant, sum by (region)(rate(x[5m])), ${seriesCount} series`, path: 'query', params: { query: 'sum by (region)(rate(x_total[5m]))', time: String(endMs / 1000 - 10) } },
  { name: `instant, topk(10, x), ${seriesCount} series`, path: 'query', params: { query: 'topk(10, x_total)', time: String(endMs / 1000 - 10) } },
]
console.log('| query | p50 ms | min ms | max ms | bytes |\n|---|---:|---:|---:|---:|')
for (const one of cases) {
  const ms: number[] = []
  let bytes = 0
  for (let i = 0; i < 12; i++) {
    const t0 = performance.now()
    const reply = await fetch(`${monitor.base}/api/v1/${one.path}?${new URLSearchParams(one.params)}`)
    const body = await reply.arrayBuffer()
    if (reply.status !== 200) throw new Error(`${one.name}: ${reply.status} ${Buffer.from(body).toString().slice(0, 300)}`)
    bytes = body.byteLength
    if (i >= 2) ms.push(performance.now() - t0)
  }
  ms.sort((a, b) => a - b)
  console.log(`| ${one.name} | ${ms[5]!.toFixed(1)} | ${ms[0]!.toFixed(1)} | ${ms.at(-1)!.toFixed(1)} | ${bytes} |`)
}
const metrics = await (await fetch(`${monitor.base}/metrics`)).text()
console.log(`longest stall of the main thread in the last minute: ${(Number(/^monitor_event_loop_stall_seconds (\S+)/m.exec(metrics)?.[1]) * 1000).toFixed(1)} ms`)
await monitor.stop()

/** Every series' samples, PER_SERIES at a time, by remote write. */
async function load(): Promise<void> {
  const random = new Random(1)
  const state = new Float64Array(seriesCount)
  const regions = ['us-east', 'us-west', 'eu-west', 'eu-north', 'ap-south', 'ap-east', 'sa-east', 'af-south']
  const t0 = performance.now()
  for (let k = 0; k < SAMPLES; k += PER_SERIES) {
    for (let from = 0; from < seriesCount; from += PER_REQUEST) {
      const series = Array.from({ length: Math.min(PER_REQUEST, seriesCount - from) }, (_, j): BodySeries => {
        const i = from + j
        return {
          labels: [
            ['__name__', 'x_total'], ['instance', `host-${String(i).padStart(5, '0')}`], ['job', 'node'],
            ['rack', `r${String(Math.floor(i / 100)).padStart(2, '0')}`], ['region', regions[i % regions.length]!],
          ],
          samples: Array.from({ length: PER_SERIES }, (__, s) => [(state[i]! += random.int(1000)), startMs + (k + s + 1) * STEP_MS] as const),
        }
      })
      const reply = await fetch(`${monitor.base}/api/v1/write`, {
        method: 'POST', body: new Uint8Array(writeBody(series)), headers: { 'content-type': 'application/x-protobuf', 'content-encoding': 'snappy' },
      })
      if (reply.status !== 204) throw new Error(`write: ${reply.status} ${await reply.text()}`)
    }
  }
  console.log(`loaded ${seriesCount * SAMPLES} samples in ${((performance.now() - t0) / 1000).toFixed(1)} s (most of it building the bodies)`)
}
