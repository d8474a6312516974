// ns per sample of the store's hot paths: append (log and head), encoding, reading back.
// node test/bench/storage.bench.ts [SERIES] [SAMPLES]
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { Random } from '../../lib/std/random.ts'
import { labelsFromRecord } from '../../lib/model/labels.ts'
import { Database } from '../../storage/database.ts'
import { StoreQueryable } from '../../storage/store-querier.ts'

const seriesCount = Number(process.argv[2] ?? 10_000)
const samples = Number(process.argv[3] ?? 1440)
const perTarget = 1000
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'monitor-bench-'))
process.on('exit', () => fs.rmSync(folder, { recursive: true, force: true }))

const random = new Random(1)
const rss0 = process.memoryUsage().rss
const db = new Database({ folder, retentionMs: Infinity })
let t0 = performance.now()
const refs = Uint32Array.from({ length: seriesCount }, (_, i) => db.series(labelsFromRecord({
  __name__: `metric_${i % perTarget}_total`, job: 'node', instance: `host-${Math.floor(i / perTarget)}:9100`, mode: `m${i % 8}`, cpu: String(i % 64),
})))
console.log(`new series      ${((performance.now() - t0) * 1000 / seriesCount).toFixed(2)} µs`)

const values = new Float64Array(seriesCount)
const kind = Uint8Array.from(refs, () => random.int(4))
const verdicts = new Uint8Array(seriesCount)
const start = Date.now() - samples * 10_000
let spent = 0
for (let k = 0; k < samples; k++) {
  for (let i = 0; i < seriesCount; i++) {
    if (kind[i] === 0) values[i]! += random.int(1000)
    else if (kind[i] === 1) values[i] = random.int(10_000) / 100
    else if (kind[i] === 2 && random.int(10) === 0) values[i]! += 4096
  }
  t0 = performance.now()
  for (let at = 0; at < seriesCount; at += perTarget) {
    const n = Math.min(perTarget, seriesCount - at)
    db.append({ count: n, refs: refs.subarray(at, at + n), values: values.subarray(at, at + n), t: start + k * 10_000 + at / perTarget, times: null, stale: null }, verdicts)
  }
  spent += performance.now() - t0
  t0 = performance.now()
  if (k % 10 === 9) await db.commit()
}
const total = seriesCount * samples
console.log(`append + encode ${(spent * 1e6 / total).toFixed(1)} ns/sample, ${db.head.flushedSegments} segments`)
const size = (dir: string): number => fs.readdirSync(dir).reduce((sum, name) => sum + fs.statSync(`${dir}/${name}`).size, 0)
console.log(`segments ${(size(`${folder}/head`) / total).toFixed(3)} B/sample, log ${(db.logBytes / total).toFixed(2)} B/sample, head ${(db.headBytes / seriesCount).toFixed(0)} B/series, RSS ${((process.memoryUsage().rss - rss0) / seriesCount).toFixed(0)} B/series`)

const queryable = new StoreQueryable(db.handle(), 1)
for (let round = 0; round < 3; round++) {
  t0 = performance.now()
  const querier = queryable.querier()
  const selection = querier.select([{ name: 'job', op: '=', value: 'node' }], start, Date.now() + 1e6, { startMs: 0, endMs: 0, stepMs: 0, rangeMs: 0, func: '' })
  let read = 0
  for (let batch = selection.next(); batch; batch = selection.next()) read += batch.n * batch.seriesCount
  querier.close()
  console.log(`read all        ${((performance.now() - t0) * 1e6 / read).toFixed(1)} ns/sample (${read} samples, ${(performance.now() - t0).toFixed(0)} ms)`)
}
t0 = performance.now()
let n = 0
for (; performance.now() - t0 < 500; n++) {
  const querier = queryable.querier()
  const selection = querier.select([{ name: '__name__', op: '=', value: `metric_${n % perTarget}_total` }, { name: 'instance', op: '=', value: 'host-0:9100' }], Date.now() - 3_600_000, Date.now(), { startMs: 0, endMs: 0, stepMs: 0, rangeMs: 0, func: '' })
  for (let batch = selection.next(); batch; batch = selection.next());
  querier.close()
}
console.log(`one series, 1 h ${((performance.now() - t0) * 1000 / n).toFixed(0)} µs`)
await db.close()
t0 = performance.now()
const again = new Database({ folder, retentionMs: Infinity })
console.log(`reopen          ${(performance.now() - t0).toFixed(0)} ms, ${again.recovery.replayedSamples} samples from the log`)
await again.close()
