// From body to log and head, without HTTP: CPU per new series and per sample of known ones, from 10 k to 1 M series.
// Each count in a process of its own, so that one does not warm or fill another's memory.
//   node test/bench/ingest.bench.ts [SERIES…]
import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { snappyCompress } from '../support/snappy-compress.ts'
import { Metrics } from '../../lib/std/metrics.ts'
import { Random } from '../../lib/std/random.ts'
import { RemoteWriteReceiver } from '../../lib/ingest/remote-write.ts'
import { ScrapeCache } from '../../lib/scrape/cache.ts'
import { ScrapeMetrics } from '../../lib/scrape/scrape-metrics.ts'
import { ScrapeWriter } from '../../lib/scrape/scrape-writer.ts'
import { SeriesOwners } from '../../lib/scrape/series-owners.ts'
import { Database } from '../../storage/database.ts'
import { nodeLabelsAt, writeRequest } from '../support/remote-write-body.ts'
import { CLASSIC_ONLY, scrapeConfig } from '../support/scrape-fixture.ts'

const COUNTS = [10_000, 100_000, 1_000_000]
const PER_BODY = 5000
const PER_TARGET = 1000
/** Samples of known series at the least, and rounds over all series: more than a row block holds. */
const SAMPLES_MIN = 8_000_000
const ROUNDS_MIN = 34
const STEP_MS = 10_000

interface Figures {
  newSeriesUs: number
  sampleNs: number
  headPerSeries: number
}

/** One round over all series at t; returns the CPU it took, µs, what made the bodies left out. */
type Round = (t: number) => Promise<number>

async function cpuUs(f: () => unknown): Promise<number> {
  const before = process.cpuUsage()
  await f()
  const used = process.cpuUsage(before)
  return used.user + used.system
}

/** Values move as counters and gauges do: a third each stands still, counts and wanders. */
function nextValue(random: Random, i: number, value: number): number {
  return i % 3 === 0 ? value : i % 3 === 1 ? value + random.int(1000) : random.int(100_000) / 100
}

function remoteWriteRounds(db: Database, count: number): Round {
  const receiver = new RemoteWriteReceiver(db, new Metrics(), 7)
  const random = new Random(1)
  const values = new Float64Array(count)
  // Raw requests whose samples, of 18 bytes, are patched in place for each round.
  const raws: { bytes: Buffer; at: number[]; from: number }[] = []
  for (let from = 0; from < count; from += PER_BODY) {
    const series = Array.from({ length: Math.min(PER_BODY, count - from) }, (_, k) => ({ labels: nodeLabelsAt(from + k), samples: [[0.5, 1_700_000_000_000]] as [number, number][] }))
    const bytes = Buffer.from(writeRequest(series))
    const sample = bytes.subarray(bytes.length - 18)
    const at: number[] = []
    for (let p = bytes.indexOf(sample); p >= 0; p = bytes.indexOf(sample, p + 18)) at.push(p)
    raws.push({ bytes, at, from })
  }
  return async (t) => {
    let spent = 0
    for (const { bytes, at, from } of raws) {
      at.forEach((p, k) => {
        values[from + k] = nextValue(random, from + k, values[from + k]!)
        bytes.writeDoubleLE(values[from + k]!, p + 3)
        let rest = t
        for (let b = 0; b < 6; b++, rest = Math.floor(rest / 128)) bytes[p + 12 + b] = (rest % 128) | (b < 5 ? 128 : 0)
      })
      const body = snappyCompress(bytes)
      spent += await cpuUs(() => receiver.write(body))
    }
    return spent
  }
}

function scrapeRounds(db: Database, count: number): Round {
  const owners = new SeriesOwners()
  const writer = new ScrapeWriter(db, owners, new ScrapeMetrics(new Metrics()), 7, { readsStartTimes: false, labelsFamilies: false })
  const random = new Random(1)
  const config = scrapeConfig()
  const targets = Array.from({ length: Math.ceil(count / PER_TARGET) }, (_, i) => ({
    cache: new ScrapeCache(i + 1), rules: { targetLabels: ['instance', `host-${i}:9100`, 'job', 'node'], config, histograms: CLASSIC_ONLY },
    ...pageOf(Math.min(PER_TARGET, count - i * PER_TARGET)),
  }))
  return async (t) => {
    let spent = 0
    for (const { cache, rules, body, ends, values } of targets) {
      // In place: what V8 has to collect of texts would be counted for whoever is measured.
      ends.forEach((end, i) => {
        if (i % 3 === 0) return
        values[i] = i % 3 === 1 ? values[i]! + random.int(1000) : 100_000 + random.int(900_000)
        writeDigits(body, end, values[i]!, i % 3 === 1 ? 0 : 2)
      })
      spent += await cpuUs(() => {
        const error = writer.write({ cache, rules, t, format: 'text', timeoutMs: 5000, body, error: null, durationSeconds: () => 0.001 })
        if (error !== null) throw error
      })
    }
    // Rows reach the disk as they do between scrapes: a sync a round.
    return spent + await cpuUs(() => db.commit())
  }
}

interface Page {
  body: Buffer
  /** Where the value of each series ends. */
  ends: number[]
  values: Float64Array
}

/** Numbers of as many digits ever after: a third each stands still, counts, and wanders with two decimals. */
function pageOf(series: number): Page {
  let text = ''
  const ends: number[] = []
  const values = Float64Array.from({ length: series }, (_, i) => (i % 3 === 1 ? 1e9 + i : 100_000))
  for (let i = 0; i < series; i++) {
    if (i % 10 === 0) text += `# HELP node_metric_${i / 10}_total What it counts.\n# TYPE node_metric_${i / 10}_total counter\n`
    text += `node_metric_${Math.floor(i / 10)}_total{device="nvme${i % 10}n1p1",fstype="ext4",mountpoint="/data/${i % 10}"} ${i % 3 === 1 ? values[i]! : '1000.00'}`
    ends.push(text.length)
    text += '\n'
  }
  return { body: Buffer.from(text, 'latin1'), ends, values }
}

/** Writes the digits of `units` up to `end`, the last so many of them behind a point. */
function writeDigits(out: Buffer, end: number, units: number, decimals: number): void {
  let at = end - 1
  for (let rest = units, k = 0; rest > 0; k++, rest = Math.floor(rest / 10)) {
    if (k === decimals && k > 0) at--
    out[at--] = 48 + rest % 10
  }
}

async function measure(kind: string, count: number): Promise<Figures> {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'monitor-bench-'))
  process.on('exit', () => fs.rmSync(folder, { recursive: true, force: true }))
  const db = new Database({ folder, retentionMs: Infinity })
  const round = kind === 'scrape' ? scrapeRounds(db, count) : remoteWriteRounds(db, count)
  const rounds = Math.max(ROUNDS_MIN, Math.ceil(SAMPLES_MIN / count))
  const start = Math.floor(Date.now() / STEP_MS) * STEP_MS - rounds * STEP_MS
  const newSeriesUs = await round(start) / count
  let spent = 0
  for (let k = 1; k < rounds; k++) spent += await round(start + k * STEP_MS)
  if (db.seriesCount < count || db.samplesAppended < count * rounds) throw new Error(`${db.samplesAppended} samples of ${db.seriesCount} series`)
  const headPerSeries = db.headBytes / count
  await db.close()
  return { newSeriesUs, sampleNs: spent * 1000 / (count * (rounds - 1)), headPerSeries }
}

if (process.argv[2] === 'one') {
  console.log(JSON.stringify(await measure(process.argv[3]!, Number(process.argv[4]))))
} else {
  const counts = process.argv.length > 2 ? process.argv.slice(2).map(Number) : COUNTS
  for (const kind of ['remote-write', 'scrape']) {
    let first = 0
    for (const count of counts) {
      const { status, stdout, stderr } = spawnSync(process.execPath, ['--semi-space-growth-factor=1', '--heap-growing-percent=50', import.meta.filename, 'one', kind, String(count)], { encoding: 'utf8' })
      if (status !== 0) throw new Error(stderr)
      const figures = JSON.parse(stdout) as Figures
      first ||= figures.sampleNs
      console.log(`${kind.padEnd(12)} ${String(count).padStart(8)} series: new ${figures.newSeriesUs.toFixed(1).padStart(5)} µs, ${figures.sampleNs.toFixed(0).padStart(4)} ns/sample (${(figures.sampleNs / first).toFixed(2)} x), head ${figures.headPerSeries.toFixed(0).padStart(4)} B/series`)
    }
  }
}
