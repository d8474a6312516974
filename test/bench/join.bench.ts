// Memory and time of joins of 10 k series by 1,000 steps, inside the engine, over a real head: of metrics that the same
// targets have, which the store gives in one order, and of metrics that come from elsewhere each in an order of its own.
//
// node --expose-gc test/bench/join.bench.ts [SERIES]
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { Engine } from '../../lang/engine.ts'
import { labelsFromRecord } from '../../lib/model/labels.ts'
import { Random } from '../../lib/std/random.ts'
import { Database } from '../../storage/database.ts'
import { StoreQueryable } from '../../storage/store-querier.ts'

const seriesCount = Number(process.argv[2] ?? 10_000)
const PER_TARGET = 100
const STEPS = 1000
const STEP_MS = 60_000
/** Samples are further apart than steps, so that loading does not take longer than asking. */
const SAMPLE_MS = 4 * STEP_MS
const SAMPLES = 255
const TOGETHER = ['a', 'b', 'c', 'd', 'e', 'f']
const APART = ['p', 'q']

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'monitor-bench-'))
process.on('exit', () => fs.rmSync(folder, { recursive: true, force: true }))
const random = new Random(1)
const db = new Database({ folder, retentionMs: Infinity })
const endMs = Math.floor(Date.now() / STEP_MS) * STEP_MS

const name = (i: number): string => `host-${String(i).padStart(5, '0')}`
const series = (metric: string, i: number): number => db.series(labelsFromRecord({ __name__: metric, instance: name(i), rack: `r${i % 40}` }))
const runs: Uint32Array[] = []
for (let from = 0; from < seriesCount; from += PER_TARGET) {
  runs.push(Uint32Array.from({ length: PER_TARGET * TOGETHER.length }, (_, k) => series(TOGETHER[k % TOGETHER.length]!, from + Math.floor(k / TOGETHER.length))))
}
for (const metric of APART) {
  const order = Array.from({ length: seriesCount }, (_, i) => i)
  for (let i = order.length - 1; i > 0; i--) {
    const j = random.int(i + 1)
    ;[order[i], order[j]] = [order[j]!, order[i]!]
  }
  for (let from = 0; from < seriesCount; from += PER_TARGET) runs.push(Uint32Array.from(order.slice(from, from + PER_TARGET), (i) => series(metric, i)))
}
runs.push(Uint32Array.from({ length: 40 }, (_, i) => db.series(labelsFromRecord({ __name__: 'rack_info', rack: `r${i}`, room: `room-${i % 5}` }))))
for (let k = 0; k < SAMPLES; k++) {
  for (const refs of runs) {
    const values = Float64Array.from(refs, () => random.int(10_000) / 100 + 1)
    db.append({ count: refs.length, refs, values, t: endMs - (SAMPLES - 1 - k) * SAMPLE_MS, times: null, stale: null }, new Uint8Array(refs.length))
  }
  if (k % 50 === 49) await db.commit()
}

const queryable = new StoreQueryable(db.handle(), 1)
const cases: [string, string][] = [
  ['a', 'a'],
  ['a / b', 'a / b'],
  ['a/b + c/d + e/f', 'a/b + c/d + e/f'],
  ['p / q, orders of their own', 'p / q'],
  ['p/q + a/b + q/p', 'p/q + a/b + q/p'],
  ['a / on(instance) group_left b', 'a / on(instance) group_left b'],
  ['a * on(rack) group_left(room) rack_info', 'a * on(rack) group_left(room) rack_info'],
  ['sum by (rack)(a/b + c/d + e/f)', 'sum by (rack)(a/b + c/d + e/f)'],
  ['a and b unless (c > 90)', 'a and b unless (c > 90)'],
]
console.log('| query | ms | peak of arrays MiB | peak RSS above rest MiB | answer MiB |\n|---|---:|---:|---:|---:|')
for (const [title, query] of cases) {
  let best = Infinity
  let line = ''
  for (let i = 0; i < 3; i++) {
    // What the last answer took is given back some time after its collection.
    for (let k = 0; k < 3; k++) {
      globalThis.gc?.()
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
    const restKib = status('VmRSS')
    // The peak begins anew.
    fs.writeFileSync('/proc/self/clear_refs', '5')
    const t0 = performance.now()
    const { status: code, body } = new Engine({ bytesMax: 2 ** 32 }).run({
      kind: 'range', query, startMs: endMs - (STEPS - 1) * STEP_MS, endMs, stepMs: STEP_MS, timeoutMs: 60_000, lookbackMs: 300_000, limit: 0, stats: 'true',
    }, queryable)
    best = Math.min(best, performance.now() - t0)
    const text = Buffer.from(body.subarray(-600)).toString()
    const bytesPeak = Number(/"peakBytes":(\d+)/.exec(text)?.[1])
    line = `${mib(bytesPeak)} | ${mib((status('VmHWM') - restKib) * 1024)} | ${code === 200 ? mib(body.length) : text.slice(0, 200)}`
  }
  console.log(`| ${title} | ${best.toFixed(0)} | ${line} |`)
}
await db.close()

function mib(bytes: number): string {
  return (bytes / 2 ** 20).toFixed(0)
}

/** KiB. */
function status(field: string): number {
  return Number(new RegExp(`${field}:\\s+(\\d+)`).exec(fs.readFileSync('/proc/self/status', 'utf8'))![1])
}
