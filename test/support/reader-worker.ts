// A query thread that reads a head over and over while main writes, and checks all it sees: every series has every
// row from the first on without a hole, and values are the function of (ref, time) that the writer uses.
import { parentPort, workerData } from 'node:worker_threads'
import { StoreQueryable, type StoreHandle } from '../../storage/store-querier.ts'

export interface ReaderData {
  handle: StoreHandle
  slot: number
  startMs: number
  stepMs: number
  forMs: number
}

export interface ReaderReport {
  reads: number
  samples: number
  wrong: string[]
}

export function valueAt(ref: number, row: number): number {
  return ref * 4096 + (row % 7 === 0 ? row / 4 : row)
}

function read(data: ReaderData, queryable: StoreQueryable, report: ReaderReport): void {
  const querier = queryable.querier()
  const selection = querier.select([{ name: 'job', op: '=', value: 'steady' }], -Infinity, Infinity, { startMs: 0, endMs: 0, stepMs: 0, rangeMs: 0, func: '' })
  for (let batch = selection.next(); batch; batch = selection.next()) {
    const { n, t, v } = batch
    for (let i = 0; i < n; i++) if (t[i] !== data.startMs + i * data.stepMs) report.wrong.push(`row ${i} of ${n} at ${t[i]! - data.startMs}`)
    for (let s = 0; s < batch.seriesCount; s++) {
      const ref = selection.refs[batch.index[s]!]!
      if (batch.hasGaps[s] === 1) report.wrong.push(`series ${ref} has gaps in ${n} rows`)
      for (let i = 0; i < n; i++) if (v[s * n + i] !== valueAt(ref, i)) report.wrong.push(`series ${ref} row ${i} of ${n}: ${v[s * n + i]}`)
    }
    report.samples += n * batch.seriesCount
    if (report.wrong.length > 10) break
  }
  querier.close()
  report.reads++
}

if (parentPort) {
  const data = workerData as ReaderData
  const queryable = new StoreQueryable(data.handle, data.slot)
  const report: ReaderReport = { reads: 0, samples: 0, wrong: [] }
  const until = performance.now() + data.forMs
  while (performance.now() < until && report.wrong.length === 0) read(data, queryable, report)
  queryable.close()
  parentPort.postMessage(report)
}
