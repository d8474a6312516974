// A year of the 1-hour tier for 100 series, from the folder and from a bucket (OpenStack Swift's S3 API on loopback, where
// python3-swift is there): wall ms, by whether the series are one metric's or any, of the reader alone; then of queries that a
// Monitor is asked by HTTP, the first of its life and one more. node test/bench/archive.bench.ts [SERIES]
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { compareLabels } from '../../lib/model/labels.ts'
import { systemClock } from '../../lib/std/clock.ts'
import { Random } from '../../lib/std/random.ts'
import { FetchThread } from '../../storage/object-store/fetch-thread.ts'
import { fileContent } from '../../storage/object-store/object-store.ts'
import { openStore, type StorePlace } from '../../storage/object-store/open-store.ts'
import { S3Requests } from '../../storage/object-store/s3-request.ts'
import { BucketBuffer } from '../../storage/tier/bucket-buffer.ts'
import type { BucketColumn } from '../../storage/tier/bucket.ts'
import { HourFiles, type HourStore } from '../../storage/tier/hour-files.ts'
import { monthOf } from '../../storage/tier/hour-manifest.ts'
import { selectHours } from '../../storage/tier/hour-reader.ts'
import type { SeriesRows } from '../../storage/tier/parquet-writer.ts'
import { writeArchive } from '../support/hour-archive.ts'
import { MonitorProcess } from '../support/monitor-process.ts'
import { hasSwift, startSwift } from '../support/swift-server.ts'
import { nodeSeries } from './node-values.ts'

const HOUR_MS = 3_600_000
const seriesCount = Number(process.argv[2] ?? 1000)
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'monitor-bench-'))
process.on('exit', () => fs.rmSync(folder, { recursive: true, force: true }))

const random = new Random(1)
const source = nodeSeries(seriesCount, random)
const order = source.keys().toArray().toSorted((a, b) => compareLabels(source[a]!.labels, source[b]!.labels))
const months = Array.from({ length: 12 }, (_, m) => monthOf(Date.UTC(2025, 10 + m)))
const buffer = new BucketBuffer()

/** A month of a series; each value stands for an hour. */
function rowsOf(s: number, from: number, hours: number): SeriesRows {
  const { labels, next } = source[s]!
  buffer.shape(1, hours)
  buffer.reserveSketch(hours * 12)
  const { columns } = buffer
  for (let h = 0; h < hours; h++) {
    const [a, b] = [next(random), next(random)]
    buffer.t[h] = from + h * HOUR_MS
    columns.count[h] = 360
    columns.first[h] = columns.min[h] = Math.min(a, b)
    columns.last[h] = columns.max[h] = Math.max(a, b)
    columns.sum[h] = (a + b) * 180
    columns.m2[h] = (a - b) ** 2 * 90
    columns.correction[h] = 0
    columns.p99[h] = Math.max(a, b) - Math.abs(a - b) * 0.013
    columns.firstT[h] = from + (h - 1) * HOUR_MS + 1 + s % 9000
    columns.lastT[h] = columns.firstT[h]! + 3_590_000
    for (let i = 0; i < 12; i++) buffer.sketches[h * 12 + i] = i * 17 + (h & 3)
    buffer.sketchAt[h + 1] = (h + 1) * 12
  }
  return { ref: s + 1, labels, lacksHistograms: false, n: hours, t: buffer.t, columns, at: 0, sketches: buffer.sketches, sketchAt: buffer.sketchAt }
}

const local = path.join(folder, 'data', 'archive')
fs.mkdirSync(local, { recursive: true })
// Rows are made as they are written: the buffer is used again for each.
const archive = writeArchive(local, months, ({ from, to }) => {
  const hours = (to - from) / HOUR_MS
  return Object.assign([], { [Symbol.iterator]: () => order.values().map((s) => rowsOf(s, from, hours)) }) as SeriesRows[]
})
const rows = archive.files.reduce((sum, file) => sum + file.rows, 0)
console.log(`${source.length} series, a year, ${rows} rows, ${(archive.files.reduce((sum, file) => sum + file.bytes, 0) / rows).toFixed(2)} B a row with sketches`)

const cpus = source.keys().filter((s) => source[s]!.labels.includes('node_cpu_seconds_total')).toArray()
const asked: [string, Uint32Array][] = [
  ['of one metric', Uint32Array.from(cpus.toSorted((a, b) => compareLabels(source[a]!.labels, source[b]!.labels)).slice(0, 100), (s) => s + 1).sort()],
  ['any', Uint32Array.from({ length: 100 }, (_, i) => 1 + Math.floor(i * source.length / 100))],
]
const sets: [string, BucketColumn[]][] = [['avg', ['sum']], ['rate', ['first', 'last', 'correction', 'firstT', 'lastT']]]

function measure(what: string, store: HourStore): void {
  for (const [which, refs] of asked) {
    for (const [name, wanted] of sets) {
      const times = [1, 2, 3].map((round) => {
        // The first of each has nothing cached.
        const files = round < 3 ? new HourFiles(local, store, systemClock) : warm
        const started = performance.now()
        files.begin()
        let found = 0
        const selection = selectHours(files, { refs, byLabels: new Map() }, { mint: months[0]!.from - 1, maxt: months.at(-1)!.to }, wanted)
        for (let batch = selection.next(); batch !== null; batch = selection.next()) found += batch.seriesCount * batch.n
        if (found !== refs.length * 8760 || files.leftOut.size > 0) throw new Error(`${found} rows; ${[...files.leftOut].join('; ')}`)
        warm = files
        return performance.now() - started
      })
      console.log(`${what}, 100 series ${which}, ${name}: ${times.map((ms) => ms.toFixed(0)).join(' / ')} ms (cold, cold, again)`)
    }
  }
}

/** A hundred series of one metric in ten hosts; seven metrics of fourteen hosts, which lie apart; all that two hosts have. */
const CPU = 'node_cpu_seconds_total{instance=~"host-0000.*",cpu=~"[05]"}'
const SEVEN = '{__name__=~"node_load1|node_memory_Mem.*|node_network_receive_.*|node_filesystem_avail_bytes|node_boot_time_seconds",instance=~"host-000(0.|1[0-3]).*"}'
const HOSTS = '{instance=~"host-0000[38].*"}'
const QUERIES = [
  ...['avg_over_time', 'max_over_time', 'stddev_over_time', 'rate'].map((func) => `${func}(${CPU}[1d])`),
  CPU, `sum by (instance) (last_over_time(${SEVEN}[1d]))`, `sum by (instance) (last_over_time(${HOSTS}[1d]))`,
]

/** Each query is asked of a process that was started for it. */
async function measureProgram(what: string, archive: string): Promise<void> {
  const config = `storage:\n  tiers:\n    1h: {retention: 5y}\n${archive}`
  const times = { start: String(months[0]!.from / 1000 + 86_400), end: String(months.at(-1)!.to / 1000), step: '86400' }
  for (const query of QUERIES) {
    const monitor = await MonitorProcess.start(folder, { config })
    try {
      const ms: number[] = []
      let bytes = 0
      for (let k = 0; k < 2; k++) {
        const from = performance.now()
        const { text } = await monitor.get(`/api/v1/query_range?${new URLSearchParams({ query, ...times })}`)
        ms.push(performance.now() - from)
        bytes = text.length
        if (!text.includes('"success"') || text.includes('"result":[]') || text.includes('partial')) throw new Error(`${query}: ${text.slice(0, 300)} … ${text.slice(-300)}`)
      }
      console.log(`${what}, by HTTP, ${query}: ${ms.map((one) => one.toFixed(0)).join(' / ')} ms (first of the process, again), ${bytes} B`)
    } finally {
      await monitor.kill9()
    }
  }
}

let warm = new HourFiles(local, null, systemClock)
measure('folder', null)
await measureProgram('folder', '')

if (hasSwift) {
  fs.mkdirSync(path.join(folder, 'swift'))
  const server = await startSwift(path.join(folder, 'swift'))
  const place: StorePlace = { s3: { endpoint: server.endpoint, bucket: 'archive', region: 'us-east-1', prefix: '', isPathStyle: true, tls: null, accessKey: server.accessKey, secretKey: server.secretKey, secretKeyFile: '' } }
  const patience = { attempts: 2, firstWaitMs: 100, connections: 2 }
  const requests = new S3Requests({ ...place.s3, ...patience, credentials: () => ({ accessKey: server.accessKey, secretKey: server.secretKey, sessionToken: '' }) }, systemClock, random)
  await requests.send({ method: 'PUT', key: '' })
  await requests.close()
  const store = openStore(place, patience, systemClock, random)
  const started = performance.now()
  for (const { name, bytes } of archive.files) {
    await store.put(name, fileContent(path.join(local, name), bytes))
    fs.rmSync(path.join(local, name))
  }
  await store.close()
  console.log(`uploaded and checked in ${((performance.now() - started) / 1000).toFixed(1)} s`)
  const fetcher = new FetchThread(new URL('../../cmd/fetch-worker.ts', import.meta.url), place)
  measure('bucket', fetcher)
  fetcher.close()
  await measureProgram('bucket', `  archive:\n    s3: {endpoint: ${server.endpoint}, bucket: archive, access_key: ${server.accessKey}, secret_key: ${server.secretKey}}\n`)
  await server.stop()
}
