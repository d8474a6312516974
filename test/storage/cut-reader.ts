// A query thread that reads a store over and over while it is cut and compacted: each series has all rows from the first
// to the last, once, each with its value, and no fewer than before.
import { parentPort, workerData } from 'node:worker_threads'
import { readPublished } from '../../storage/head/published.ts'
import { SharedHeap } from '../../storage/head/shared-heap.ts'
import { StoreQueryable, type StoreHandle } from '../../storage/store-querier.ts'

export interface CutReaderData {
  handle: StoreHandle
  slot: number
  startMs: number
  stepMs: number
  /** Not 0: enough. */
  stop: Int32Array
}

/** Of one look at everything. */
export interface CutReaderReport {
  samples: number
  blocks: number
  wrong: string[]
}

function read(data: CutReaderData, queryable: StoreQueryable, report: CutReaderReport, seen: Map<number, number>): void {
  const querier = queryable.querier()
  const selection = querier.select([{ name: 'job', op: '=', value: 'test' }], -Infinity, Infinity, { startMs: 0, endMs: 0, stepMs: 0, rangeMs: 0, func: '' })
  for (let batch = selection.next(); batch; batch = selection.next()) {
    const { n, t, v } = batch
    const words = (n + 31) >>> 5
    for (let s = 0; s < batch.seriesCount; s++) {
      const ref = selection.refs[batch.index[s]!]!
      let row = 0
      for (let i = 0; i < n; i++) {
        if (batch.hasGaps[s] === 1 && ((batch.present[s * words + (i >>> 5)]! >>> (i & 31)) & 1) === 0) continue
        const want = row === 0 ? ref : ref * 65_536 + row
        if (t[i] !== data.startMs + row * data.stepMs || v[s * n + i] !== want) report.wrong.push(`series ${ref} row ${row}: ${v[s * n + i]} at ${t[i]! - data.startMs}`)
        row++
      }
      if (row < (seen.get(ref) ?? 0)) report.wrong.push(`series ${ref}: ${row} samples, before ${seen.get(ref)}`)
      seen.set(ref, row)
      report.samples += row
    }
  }
  querier.close()
}

if (parentPort) {
  const data = workerData as CutReaderData
  const queryable = new StoreQueryable(data.handle, data.slot)
  const heap = new SharedHeap(data.handle.memory)
  const seen = new Map<number, number>()
  let isLast = false
  while (!isLast) {
    isLast = Atomics.load(data.stop, 0) !== 0
    const report: CutReaderReport = { samples: 0, blocks: readPublished(heap).blocks.length, wrong: [] }
    read(data, queryable, report, seen)
    parentPort.postMessage({ ...report, wrong: report.wrong.slice(0, 10) })
  }
  queryable.close()
}
