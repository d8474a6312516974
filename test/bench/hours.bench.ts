// The 1-hour tier's Parquet: bytes a row by column, sketches apart, and CPU a row to write.
// node test/bench/hours.bench.ts [SERIES] [DAYS]
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { compareLabels } from '../../lib/model/labels.ts'
import { Random } from '../../lib/std/random.ts'
import { BatchBuffer } from '../../storage/head/batch-buffer.ts'
import { aggregate } from '../../storage/tier/aggregate.ts'
import { BucketBuffer } from '../../storage/tier/bucket-buffer.ts'
import { HourIndex } from '../../storage/tier/hour-index.ts'
import { PARQUET_COLUMNS, SKETCH_COLUMN } from '../../storage/tier/parquet-schema.ts'
import { HourFileWriter } from '../../storage/tier/parquet-writer.ts'
import { nodeSeries } from './node-values.ts'

const seriesCount = Number(process.argv[2] ?? 500)
const days = Number(process.argv[3] ?? 3)
const stepMs = 10_000
const n = days * 8640
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'monitor-bench-'))
process.on('exit', () => fs.rmSync(folder, { recursive: true, force: true }))

const random = new Random(1)
const source = nodeSeries(seriesCount, random).toSorted((a, b) => compareLabels(a.labels, b.labels))
const batch = new BatchBuffer()
const rows = new BucketBuffer()
const file = path.join(folder, '1h.parquet')
const writer = new HourFileWriter(file)
const t0 = Date.parse('2026-10-01T00:00:00Z')
let cpuMs = 0
source.forEach(({ labels, next }, i) => {
  batch.shape(1, n)
  for (let k = 0; k < n; k++) {
    batch.t[k] = t0 + 1 + (i * 131) % 9000 + k * stepMs
    batch.v[k] = next(random)
  }
  aggregate(batch, 3_600_000, rows, 0)
  const started = process.threadCpuUsage()
  writer.add({ ref: i + 1, labels, lacksHistograms: false, n: rows.n, t: rows.t, columns: rows.columns, at: 0, sketches: rows.sketches, sketchAt: rows.sketchAt })
  cpuMs += (({ user, system }) => (user + system) / 1000)(process.threadCpuUsage(started))
})
const written = writer.finish([])!
const index = new HourIndex(`${file}.index`, false)
const bytes = PARQUET_COLUMNS.map(() => 0)
for (let g = 0, row = 0; row < written.rows; g++) {
  const group = index.group(g)
  group.chunks.forEach((chunk, c) => (bytes[c]! += chunk.bytes))
  row += group.rows
}
const each = (of: number): string => (of / written.rows).toFixed(2)
console.log(`${source.length} series, ${days} days, ${written.rows} rows: ${each(written.bytes - bytes[SKETCH_COLUMN]!)} B a row, sketch ${each(bytes[SKETCH_COLUMN]!)} B, sidecar ${each(fs.statSync(`${file}.index`).size)} B, ${(cpuMs * 1000 / written.rows).toFixed(1)} us CPU a row to write`)
console.log(PARQUET_COLUMNS.map(({ path: name }, c) => `${name.at(-1)} ${each(bytes[c]!)}`).join('  '))
