// Blocks: bytes a sample by what takes them, and CPU ns a sample to write, to read back and to compact.
// node test/bench/block.bench.ts [SERIES] [ROWS]
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { Random } from '../../lib/std/random.ts'
import { GroupBlockBuilder } from '../../storage/block/block-builder.ts'
import { BlockReader } from '../../storage/block/block-reader.ts'
import { compactBlocks } from '../../storage/block/compact.ts'
import { PageCache } from '../../storage/block/page-cache.ts'
import { BatchBuffer } from '../../storage/head/batch-buffer.ts'
import { ORIGIN, TestLabels } from '../storage/block/block-data.ts'
import { nodeSeries } from './node-values.ts'

const seriesCount = Number(process.argv[2] ?? 5000)
const rows = Number(process.argv[3] ?? 1140)
const step = 10_000
const t0 = 1_700_000_000_000 - 1_700_000_000_000 % 7_200_000
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'monitor-bench-'))
process.on('exit', () => fs.rmSync(folder, { recursive: true, force: true }))

/** CPU of this thread: other work on the machine does not count. */
function cpuMs(): number {
  const { user, system } = process.threadCpuUsage()
  return (user + system) / 1000
}

const random = new Random(1)
const source = nodeSeries(seriesCount, random)
const n = source.length
const values = Array.from({ length: n }, () => new Float64Array(rows))
for (let r = 0; r < rows; r++) source.forEach(({ next }, i) => { values[i]![r] = next(random) })
const total = n * rows
const labels = new TestLabels()
source.forEach((series, i) => labels.add(i + 1, series.labels))

const times = Float64Array.from({ length: rows }, (_, r) => t0 + r * step)
const batch = new BatchBuffer()
async function write(number: number, isCompressed: boolean): Promise<string> {
  const started = cpuMs()
  const builder = new GroupBlockBuilder({ folder, number, isCompressed }, labels)
  let spent = 0
  for (let from = 0; from < n; from += 1000) {
    const count = Math.min(1000, n - from)
    batch.shape(count, rows)
    const copying = cpuMs()
    for (let s = 0; s < count; s++) batch.v.set(values[from + s]!, s * rows)
    spent += cpuMs() - copying
    builder.beginGroup(times, rows)
    for (let s = 0; s < count; s++) builder.addSeries(from + s + 1, batch, s)
  }
  const { name, meta } = (await builder.finish(ORIGIN))!
  const ns = (cpuMs() - started - spent) * 1e6 / total
  const size = (file: string): number => fs.statSync(path.join(folder, name, file)).size
  console.log(`${isCompressed ? 'compressed' : 'plain     '} ${(meta.bytes / total).toFixed(4)} B/sample (chunks ${(size('chunks') / total).toFixed(4)}, index ${(size('index') / total).toFixed(4)}: ${(size('index') / n).toFixed(1)} B/series), written at ${ns.toFixed(1)} ns/sample`)
  return name
}

function sections(reader: BlockReader): void {
  const bySection = new Map<number, number>()
  const bytes = fs.readFileSync(path.join(reader.folder, 'index'))
  for (let at = 8; bytes.readUInt32LE(at) === 0x45474150;) {
    const section = bytes.readUInt32LE(at + 4)
    const stored = 32 + bytes.readUInt32LE(at + 16)
    bySection.set(section, (bySection.get(section) ?? 0) + stored)
    at += stored
    if (at > bytes.length - 60) break
  }
  console.log('  index by section, B/series:', [...bySection].map(([section, size]) => `${section}: ${(size / n).toFixed(2)}`).join('  '))
}

function read(name: string): void {
  const reader = new BlockReader(path.join(folder, name), new PageCache())
  sections(reader)
  const all = Uint32Array.from({ length: n }, (_, i) => i + 1)
  const numbers = new Uint32Array(n)
  const out = new BatchBuffer()
  const readRun = (series: Uint32Array): number => {
    const started = cpuMs()
    for (const s of series) {
      reader.seekRows(reader.groupOf(s), -Infinity, Infinity)
      out.shape(1, reader.to)
      reader.readTimes(reader.groupOf(s), 0, reader.to, out.t, 0)
      reader.readSeries(s, 0, reader.to, out, { s: 0, base: 0 })
    }
    return (cpuMs() - started) * 1e6 / (series.length * rows)
  }
  for (let round = 0; round < 3; round++) {
    let started = cpuMs()
    reader.find(all, numbers)
    const find = (cpuMs() - started) * 1e6 / n
    const inOrder = readRun(numbers.toSorted())
    started = cpuMs()
    const chosen = reader.select([{ name: '__name__', op: '=', value: 'node_cpu_seconds_total' }])!
    const select = cpuMs() - started
    const metric = readRun(chosen)
    // Far apart, so that each lies in a page of its own.
    const apart = Uint32Array.from({ length: 500 }, (_, i) => (i * 7919 + round) % n)
    const one = readRun(apart) * rows / 1000
    console.log(`  find ${find.toFixed(0)} ns/series; all in block order ${inOrder.toFixed(2)} ns/sample; one metric (${chosen.length} series, selected in ${select.toFixed(1)} ms) ${metric.toFixed(2)}; one series here and there ${one.toFixed(0)} µs`)
  }
  reader.close()
}
const plain = await write(1, false)
read(plain)
read(await write(2, true))
const started = cpuMs()
const compacted = (await compactBlocks([path.join(folder, plain)], { folder, number: 3, isCompressed: true }))!
console.log(`compacted ${(compacted.meta.bytes / total).toFixed(4)} B/sample at ${((cpuMs() - started) * 1e6 / total).toFixed(1)} ns/sample`)
