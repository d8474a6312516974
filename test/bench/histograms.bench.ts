// Native histograms through the store, ns and bytes per histogram: append (log and head, encoding included), reading
// back, reopening. node test/bench/histograms.bench.ts [SERIES] [SAMPLES] [BUCKETS]
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { EMPTY_HISTOGRAM, denseBuckets, type FloatHistogram } from '../../lib/model/histogram.ts'
import { labelsFromRecord } from '../../lib/model/labels.ts'
import { Random } from '../../lib/std/random.ts'
import { Database } from '../../storage/database.ts'
import { StoreQueryable } from '../../storage/store-querier.ts'

const seriesCount = Number(process.argv[2] ?? 500)
const samples = Number(process.argv[3] ?? 400)
const buckets = Number(process.argv[4] ?? 30)
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'monitor-bench-'))
process.on('exit', () => fs.rmSync(folder, { recursive: true, force: true }))

const random = new Random(1)
const db = new Database({ folder, retentionMs: Infinity })
const refs = Uint32Array.from({ length: seriesCount }, (_, i) => db.series(labelsFromRecord({ __name__: 'rpc_seconds', i: String(i) })))
const counts = Array.from(refs, () => Array.from({ length: buckets }, () => 0))
const sums = new Float64Array(seriesCount)

/** One more scrape: some observations around the middle bucket, in a third of the series none. */
function next(i: number): FloatHistogram {
  if (i % 3 !== 0) {
    for (let n = random.int(20); n > 0; n--) counts[i]![Math.floor((random.float() + random.float() + random.float()) * buckets / 3)]!++
    sums[i]! += random.int(1e6) / 1e6
  }
  const count = counts[i]!.reduce((a, b) => a + b, 0)
  return { ...EMPTY_HISTOGRAM, schema: 3, zeroThreshold: 2 ** -128, count, sum: sums[i]!, positive: denseBuckets(-20, counts[i]!) }
}

const total = seriesCount * samples
const start = Date.now() - samples * 10_000
const values = new Float64Array(seriesCount)
const verdicts = new Uint8Array(seriesCount)
let spentUs = 0
for (let k = 0; k < samples; k++) {
  const histograms = Array.from(refs, (_, i) => next(i))
  const before = process.cpuUsage()
  db.append({ count: seriesCount, refs, values, t: start + k * 10_000, times: null, stale: null, histograms }, verdicts)
  const { user, system } = process.cpuUsage(before)
  spentUs += user + system
  if (k % 10 === 9) await db.commit()
}
const size = (dir: string): number => fs.readdirSync(dir).reduce((sum, name) => sum + fs.statSync(`${dir}/${name}`).size, 0)
console.log(`${seriesCount} series × ${samples} samples of up to ${buckets} buckets`)
console.log(`append + encode ${((spentUs * 1000) / total).toFixed(0)} ns CPU a histogram`)
console.log(`segments ${(size(`${folder}/head`) / total).toFixed(1)} B, log ${(db.logBytes / total).toFixed(0)} B a histogram, head ${(db.headBytes / seriesCount).toFixed(0)} B a series`)

const queryable = new StoreQueryable(db.handle(), 1)
for (let round = 0; round < 3; round++) {
  const before = process.cpuUsage()
  const querier = queryable.querier()
  const selection = querier.select([{ name: '__name__', op: '=', value: 'rpc_seconds' }], start, Date.now(), { startMs: 0, endMs: 0, stepMs: 0, rangeMs: 0, func: '' })
  let read = 0
  for (let batch = selection.next(); batch; batch = selection.next()) read += batch.histograms?.length ?? 0
  querier.close()
  const { user, system } = process.cpuUsage(before)
  console.log(`read all        ${(((user + system) * 1000) / read).toFixed(0)} ns CPU a histogram (${read})`)
}
queryable.close()
await db.close()
const t0 = performance.now()
const again = new Database({ folder, retentionMs: Infinity })
console.log(`reopen          ${(performance.now() - t0).toFixed(0)} ms, ${again.recovery.replayedSamples} histograms from the log`)
await again.close()
