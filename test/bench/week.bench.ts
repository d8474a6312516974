// A week of a small fleet, put through the store as scrapes put it: what a larger one takes with the default retentions.
// Days go by on a fake clock; cuts, rows of tiers, compactions and retention happen when they are due.
//
//   node test/bench/week.bench.ts [SERIES] [DAYS]      6,000 series every 10 s for 7 days: some 8 minutes
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { storageStatus } from '../../cmd/storage-status.ts'
import { FakeClock } from '../../lib/std/clock.ts'
import { Random } from '../../lib/std/random.ts'
import { Database } from '../../storage/database.ts'
import { nodeSeries, type NodeSeries } from './node-values.ts'

const DAY_MS = 86_400_000
const STEP_MS = 10_000
/** Retentions by default, days. */
const RAW_DAYS = 7
const MINUTE_DAYS = 30
const HOUR_DAYS = 365
/** The fleet that is asked for, in series. */
const FLEET = 60_000
const UPKEEP_STEPS = 6
const COMMIT_STEPS = 60

const wanted = Number(process.argv[2] ?? 6000)
const days = Number(process.argv[3] ?? RAW_DAYS)
const start = Math.floor(1_700_000_000_000 / DAY_MS) * DAY_MS
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'monitor-bench-'))
process.on('exit', () => fs.rmSync(folder, { recursive: true, force: true }))
const clock = new FakeClock(start)
const db = new Database({ folder, clock, retentionMs: RAW_DAYS * DAY_MS, minuteRetentionMs: MINUTE_DAYS * DAY_MS, hourRetentionMs: HOUR_DAYS * DAY_MS, headBytesMax: 2 ** 30 })

interface Target {
  series: readonly NodeSeries[]
  refs: Uint32Array
  values: Float64Array
  /** Its place in the interval, ms. */
  offsetMs: number
}

function targetsOf(all: readonly NodeSeries[], random: Random): Target[] {
  const byInstance = new Map<string, NodeSeries[]>()
  for (const one of all) {
    const instance = one.labels[one.labels.indexOf('instance') + 1]!
    byInstance.set(instance, [...(byInstance.get(instance) ?? []), one])
  }
  return [...byInstance.values()].map((series) => ({
    series, refs: Uint32Array.from(series, ({ labels }) => db.series(labels)), values: new Float64Array(series.length), offsetMs: random.int(STEP_MS),
  }))
}

const random = new Random(1)
const targets = targetsOf(nodeSeries(wanted, random), random)
const series = targets.reduce((sum, target) => sum + target.series.length, 0)
const verdicts = new Uint8Array(Math.max(...targets.map((target) => target.series.length)))

function scrapeAll(): void {
  const now = clock.now()
  for (const { series: all, refs, values, offsetMs } of targets) {
    for (let i = 0; i < all.length; i++) values[i] = all[i]!.next(random)
    const refused = db.append({ count: refs.length, refs, values, t: now + offsetMs - STEP_MS, times: null, stale: null }, verdicts)
    if (refused > 0) throw new Error(`${refused} samples were refused at ${now}`)
  }
}

async function day(): Promise<void> {
  for (let step = 1; step <= DAY_MS / STEP_MS; step++) {
    clock.jump(STEP_MS)
    scrapeAll()
    if (step % COMMIT_STEPS === 0) await db.commit()
    if (step % UPKEEP_STEPS !== 0) continue
    await db.maintain()
    await db.blocks.idle()
  }
}

/** Bytes below a path. */
function bytesOf(place: string): number {
  const found = fs.statSync(place, { throwIfNoEntry: false })
  if (found === undefined) return 0
  return found.isDirectory() ? fs.readdirSync(place).reduce((sum, name) => sum + bytesOf(path.join(place, name)), 0) : found.size
}

const MB = 1e6
const started = performance.now()
for (let k = 1; k <= days; k++) {
  await day()
  const parts = fs.readdirSync(folder).map((name) => `${name} ${(bytesOf(path.join(folder, name)) / MB).toFixed(1)}`)
  console.log(`day ${k}: ${parts.join(', ')} MB; RSS ${(process.memoryUsage().rss / MB).toFixed(0)} MB, ${((performance.now() - started) / 1000).toFixed(0)} s, CPU ${(process.cpuUsage().user / MB).toFixed(0)} s`)
}

const { tiers, head, log } = storageStatus(db, { currency: '', disk: null, bucket: null })
const kept: Record<string, number> = { raw: RAW_DAYS, '1m': MINUTE_DAYS, '1h': HOUR_DAYS }
const scale = FLEET / series
let sum = 0
for (const { name, blocks, bytes, samples } of tiers) {
  const size = bytes / days * kept[name]! * scale / 1e9
  sum += size
  console.log(`${name}: ${bytes} B in ${blocks} ${name === '1h' ? 'files' : 'blocks'}, ${(bytes / samples).toFixed(3)} B each of ${samples}; ${kept[name]} days of ${FLEET} series: ${size.toFixed(2)} GB`)
}
// These do not grow with time.
const rest = head.segmentBytes + log.bytes + bytesOf(path.join(folder, 'series'))
sum += rest * scale / 1e9
console.log(`head's segments ${head.segmentBytes} B, log ${log.bytes} B, names of series ${bytesOf(path.join(folder, 'series'))} B; of ${FLEET} series: ${(rest * scale / 1e9).toFixed(2)} GB`)
console.log(`${series} series, ${days} days, ${db.samplesAppended} samples; ${FLEET} series with default retentions: ${sum.toFixed(2)} GB`)
await db.close()
