// Milliseconds inside the engine, without HTTP and threads: dashboards' queries over a real head, each another minute
// or host, so that what remains is selection, labels, decoding, evaluation and the reply.
//
// node test/bench/engine.bench.ts [NAME-PART]
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { Random } from '../../lib/std/random.ts'
import { labelsFromRecord } from '../../lib/model/labels.ts'
import { Engine } from '../../lang/engine.ts'
import { Database } from '../../storage/database.ts'
import { StoreQueryable } from '../../storage/store-querier.ts'

const HOSTS = 10_000
const SERVICES = 10
const ENDPOINTS = 50
const LE = ['0.005', '0.01', '0.025', '0.05', '0.1', '0.25', '0.5', '1', '2.5', '5', '+Inf']
const STEP_MS = 60_000
const SAMPLES = 390
const PER_REQUEST = 1000
const only = process.argv[2] ?? ''

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'monitor-bench-'))
process.on('exit', () => fs.rmSync(folder, { recursive: true, force: true }))
const random = new Random(1)
const db = new Database({ folder, retentionMs: Infinity })
const endMs = Math.floor(Date.now() / STEP_MS) * STEP_MS
const regions = ['us-east', 'us-west', 'eu-west', 'eu-north', 'ap-south', 'ap-east', 'sa-east', 'af-south']
const host = (i: number): string => `host-${String(i).padStart(5, '0')}.example.com`

interface Set {
  refs: Uint32Array
  isCounter: boolean
  count: number
  stepMs: number
}
const node = (metric: string, job: string, hosts: number): Uint32Array => Uint32Array.from({ length: hosts }, (_, i) => db.series(labelsFromRecord({
  __name__: metric, instance: host(i), job, rack: `r${Math.floor(i / 40)}`, region: regions[i % 8]!,
})))
const buckets = Uint32Array.from({ length: SERVICES * ENDPOINTS * LE.length }, (_, i) => db.series(labelsFromRecord({
  __name__: 'http_request_duration_seconds_bucket', job: 'node-app', le: LE[i % LE.length]!,
  service: `service-${Math.floor(i / LE.length / ENDPOINTS)}`, handler: `/api/${Math.floor(i / LE.length) % ENDPOINTS}`,
})))
const sets: Set[] = [
  { refs: node('node_load1', 'node', HOSTS), isCounter: false, count: SAMPLES, stepMs: STEP_MS },
  { refs: node('node_network_receive_bytes_total', 'node', HOSTS), isCounter: true, count: SAMPLES, stepMs: STEP_MS },
  { refs: buckets, isCounter: true, count: SAMPLES, stepMs: STEP_MS },
  { refs: node('node_load1', 'long', 100), isCounter: false, count: 1500, stepMs: STEP_MS },
  { refs: node('node_network_receive_bytes_total', 'long', 100), isCounter: true, count: 1500, stepMs: STEP_MS },
  { refs: node('dense_total', 'dense', 1000), isCounter: true, count: 1440, stepMs: 10_000 },
]
const verdicts = new Uint8Array(PER_REQUEST)
for (const { refs, isCounter, count, stepMs } of sets) {
  const values = new Float64Array(refs.length)
  for (let k = 0; k < count; k++) {
    for (let i = 0; i < refs.length; i++) values[i] = isCounter ? values[i]! + random.int(1000) : random.int(10_000) / 100
    for (let at = 0; at < refs.length; at += PER_REQUEST) {
      const n = Math.min(PER_REQUEST, refs.length - at)
      db.append({
        count: n, refs: refs.subarray(at, at + n), values: values.subarray(at, at + n), t: endMs - (count - 1 - k) * stepMs, times: null, stale: null,
      }, verdicts)
    }
    if (k % 50 === 49) await db.commit()
  }
}

const queryable = new StoreQueryable(db.handle(), 1)
const engine = new Engine()
const common = { timeoutMs: 60_000, lookbackMs: 300_000, limit: 0, stats: '' } as const
const rx = 'node_network_receive_bytes_total'
type Case = [name: string, query: () => string, hours: number, stepMs: number]
const cases: Case[] = [
  ['instant 1 series', () => `node_load1{job="node",instance="${host(random.int(HOSTS))}"}`, 0, 0],
  ['instant sum by rate 10k', () => `sum by (region)(rate(${rx}{job="node"}[5m]))`, 0, 0],
  ['range 1h/15s rate 1 series', () => `rate(${rx}{job="node",instance="${host(random.int(HOSTS))}"}[5m])`, 1, 15_000],
  ['range 6h/60s avg by 10k', () => 'avg by (region)(node_load1{job="node"})', 6, 60_000],
  ['instant topk 10k', () => 'topk(10, node_load1{job="node"})', 0, 0],
  ['instant histogram_quantile', () => 'histogram_quantile(0.99, sum by (le, service)(rate(http_request_duration_seconds_bucket{job="node-app"}[5m])))', 0, 0],
  ['range 1h/60s histogram_quantile', () => 'histogram_quantile(0.99, sum by (le, service)(rate(http_request_duration_seconds_bucket{job="node-app"}[5m])))', 1, 60_000],
  ['instant regex', () => `count(node_load1{job="node",instance=~"host-0[0-4][0-9]+${random.int(10)}\\\\..*"})`, 0, 0],
  ['range 24h/5m max_over_time[1h] 1 series', () => `max_over_time(node_load1{job="long",instance="${host(random.int(100))}"}[1h])`, 24, 300_000],
  ['range 24h/5m max_over_time[1h] 100 series', () => 'max_over_time(node_load1{job="long",instance=~"host-000[0-9][0-9]\\\\..*"}[1h])', 24, 300_000],
  ['range 24h/5m avg by rate[10m] long', () => `avg by (region)(rate(${rx}{job="long"}[10m]))`, 24, 300_000],
  ['range 23h/300 avg by rate[1h] long', () => `avg by (region)(rate(${rx}{job="long"}[1h]))`, 23, 276_000],
  ['range 4h/60s rate[5m] 1000, JSON', () => 'rate(dense_total[5m])', 4, 60_000],
  ['range 4h/60s sum by rate[5m] 1000', () => 'sum by (region)(rate(dense_total[5m]))', 4, 60_000],
]
console.log('| query | p50 ms | min ms |\n|---|---:|---:|')
for (const [name, query, hours, stepMs] of cases) {
  if (!name.includes(only)) continue
  const ms: number[] = []
  const until = performance.now() + 3000
  while (ms.length < 10 || (ms.length < 60 && performance.now() < until)) {
    const timeMs = endMs - 8 * STEP_MS - random.int(300) * 1000
    const job = stepMs === 0
      ? { ...common, kind: 'instant' as const, query: query(), timeMs }
      : { ...common, kind: 'range' as const, query: query(), startMs: timeMs - hours * 3_600_000, endMs: timeMs, stepMs }
    const t0 = performance.now()
    const { status, body } = engine.run(job, queryable)
    ms.push(performance.now() - t0)
    if (status !== 200) throw new Error(`${name}: ${status} ${Buffer.from(body).toString().slice(0, 300)}`)
  }
  ms.sort((a, b) => a - b)
  console.log(`| ${name} | ${ms[ms.length >> 1]!.toFixed(2)} | ${ms[0]!.toFixed(2)} |`)
}
await db.close()
