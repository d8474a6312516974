// The 1-minute tier: bytes of rows against bytes of the raw samples they are made of, CPU to make, merge and read them.
// node test/bench/tier.bench.ts [SERIES] [STEP_MS]
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { Random } from '../../lib/std/random.ts'
import { GroupBlockBuilder } from '../../storage/block/block-builder.ts'
import { compactBlocks } from '../../storage/block/compact.ts'
import { NO_SERIES } from '../../storage/block/block.ts'
import { PageCache } from '../../storage/block/page-cache.ts'
import { BatchBuffer } from '../../storage/head/batch-buffer.ts'
import { aggregate } from '../../storage/tier/aggregate.ts'
import type { BucketColumn } from '../../storage/tier/bucket.ts'
import { BucketBuffer } from '../../storage/tier/bucket-buffer.ts'
import { wantedOf } from '../../storage/tier/row-item.ts'
import { SAMPLES_MAX } from '../../storage/tier/row-shape.ts'
import { TierBlockBuilder } from '../../storage/tier/tier-builder.ts'
import { mergeTierBlocks, type TierSource } from '../../storage/tier/tier-merge.ts'
import { TierReader } from '../../storage/tier/tier-reader.ts'
import { TierSelection } from '../../storage/tier/tier-select.ts'
import { ORIGIN, TestLabels } from '../storage/block/block-data.ts'
import { nodeSeries } from './node-values.ts'

const seriesCount = Number(process.argv[2] ?? 5000)
const stepMs = Number(process.argv[3] ?? 10_000)
const HOUR_MS = 3_600_000
const MINUTE_MS = 60_000
const STRETCHES = 9
const t0 = 1_700_000_000_000 - 1_700_000_000_000 % (18 * HOUR_MS)
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'monitor-bench-'))
process.on('exit', () => fs.rmSync(folder, { recursive: true, force: true }))

/** CPU of this thread: other work on the machine does not count. */
function cpuMs(): number {
  const { user, system } = process.threadCpuUsage()
  return (user + system) / 1000
}

const random = new Random(1)
const source = nodeSeries(seriesCount, random)
const labels = new TestLabels()
source.forEach((series, i) => labels.add(i + 1, series.labels))
const rows = 2 * HOUR_MS / stepMs
const refs = Uint32Array.from({ length: source.length }, (_, i) => i + 1)
const total = source.length * rows * STRETCHES
let number = 1
let rawMs = 0
let tierMs = 0
let rawBytes = 0
let tierBytes = 0
let tierRows = 0
const raws: string[] = []
const tiers: TierSource[] = []

async function stretch(k: number): Promise<void> {
  const start = t0 + k * 2 * HOUR_MS
  const batch = new BatchBuffer()
  const raw = new GroupBlockBuilder({ folder, number: number++, isCompressed: false }, labels)
  const tier = new TierBlockBuilder({ folder, number: number++, isCompressed: false }, labels)
  const buffer = new BucketBuffer()
  for (let from = 0; from < source.length; from += 49) {
    const count = Math.min(49, source.length - from)
    batch.shape(count, rows)
    // Scraped at a time of its own, the group's.
    for (let r = 0; r < rows; r++) batch.t[r] = start + r * stepMs + from % stepMs
    for (let r = 0; r < rows; r++) for (let s = 0; s < count; s++) batch.v[s * rows + r] = source[from + s]!.next(random)
    for (let s = 0; s < count; s++) batch.index[s] = from + s
    let started = cpuMs()
    raw.beginGroup(batch.t, rows)
    for (let s = 0; s < count; s++) raw.addSeries(from + s + 1, batch, s)
    rawMs += cpuMs() - started
    started = cpuMs()
    aggregate(batch, MINUTE_MS, buffer, SAMPLES_MAX)
    tier.add(buffer, batch, refs)
    tierMs += cpuMs() - started
  }
  let started = cpuMs()
  const rawBlock = (await raw.finish(ORIGIN))!
  rawMs += cpuMs() - started
  started = cpuMs()
  const range = { minT: start, maxT: start + 2 * HOUR_MS }
  const tierBlock = await tier.finish(range, '')
  tierMs += cpuMs() - started
  rawBytes += rawBlock.meta.bytes
  tierBytes += tierBlock.meta.bytes
  tierRows += tierBlock.meta.samples
  raws.push(path.join(folder, rawBlock.name))
  tiers.push({ ...range, folder: path.join(folder, tierBlock.name) })
}

function report(what: string, raw: { bytes: number; ms: number }, tier: { bytes: number; ms: number }): void {
  console.log(`${what}: raw ${(raw.bytes / total).toFixed(4)} B/sample, ${(raw.ms * 1e6 / total).toFixed(1)} ns; tier ${(tier.bytes / tierRows).toFixed(3)} B/row, `
    + `${(tier.ms * 1e6 / total).toFixed(1)} ns/sample; tier/raw ${(tier.bytes / raw.bytes).toFixed(3)}`)
}

for (let k = 0; k < STRETCHES; k++) await stretch(k)
report('2 h   ', { bytes: rawBytes, ms: rawMs }, { bytes: tierBytes, ms: tierMs })
let started = cpuMs()
const raw = (await compactBlocks(raws, { folder, number: number++, isCompressed: true }))!
const compactMs = cpuMs() - started
started = cpuMs()
const range = { minT: t0, maxT: t0 + STRETCHES * 2 * HOUR_MS }
const tier = await mergeTierBlocks(tiers, range, { folder, number: number++, isCompressed: true }, null)
report('18 h  ', { bytes: raw.meta.bytes, ms: compactMs }, { bytes: tier.meta.bytes, ms: cpuMs() - started })

const reader = new TierReader(path.join(folder, tier.name), new PageCache())
const wants: [string, BucketColumn[]][] = [['count', ['count']], ['avg', ['count', 'sum']], ['max', ['max']], ['rate', ['first', 'last', 'correction', 'firstT', 'lastT']], ['all', ['sum', 'm2', 'min', 'max', 'first', 'last', 'correction', 'p99', 'firstT', 'lastT']]]
/** Of the metric that has most series, none of which is constant. */
const chosen = refs.filter((ref) => /cpu_seconds.*(idle|user|system)/.test(source[ref - 1]!.labels.join())).slice(0, 100)
for (let round = 0; round < 3; round++) {
  const times = wants.map(([name, columns]) => {
    const numbers = new Uint32Array(chosen.length).fill(NO_SERIES)
    const from = cpuMs()
    reader.find(chosen, numbers)
    const selection = new TierSelection([{ ...range, block: reader }], { refs: chosen, numbers: [numbers] }, { mint: range.minT, maxt: range.maxT }, wantedOf(columns))
    let read = 0
    for (let batch = selection.next(); batch !== null; batch = selection.next()) read += batch.n * batch.seriesCount
    return `${name} ${((cpuMs() - from) * 1e6 / read).toFixed(0)}`
  })
  console.log(`read ${chosen.length} changing series, ns/row: ${times.join(', ')}; 30 days of 100 series are 4.32 M rows`)
}
reader.close()
