// A query thread that reads the head over and over while main makes holes, fills them later, and moves series between
// groups; it checks that every sample is one that was sent, that none goes missing again, and that no series is lost.
import { parentPort, workerData } from 'node:worker_threads'
import { StoreQueryable, type StoreHandle } from '../../storage/store-querier.ts'

export interface RaceData {
  handle: StoreHandle
  slot: number
  startMs: number
  stepMs: number
  /** Series that were there before the thread began; each has its sample at startMs. */
  seriesCount: number
  forMs: number
}

export interface RaceReport {
  reads: number
  samples: number
  wrong: string[]
}

/** Value of a series' sample in a row. */
export const sampleOf = (ref: number, row: number): number => ref * 65_536 + row

/** Rows that a series has no sample in: a hole, filled by nobody. */
export const isHole = (ref: number, row: number): boolean => row > 0 && (row + ref) % 5 === 0

function read(data: RaceData, queryable: StoreQueryable, report: RaceReport, seen: Map<number, number>): void {
  const querier = queryable.querier()
  const selection = querier.select([{ name: 'job', op: '=~', value: 'a|b|c' }], -Infinity, Infinity, { startMs: 0, endMs: 0, stepMs: 0, rangeMs: 0, func: '' })
  for (let i = 1; i < selection.refs.length; i++) if (selection.refs[i]! <= selection.refs[i - 1]!) report.wrong.push(`refs ${selection.refs[i - 1]} ${selection.refs[i]}`)
  const found = new Set<number>()
  for (let batch = selection.next(); batch; batch = selection.next()) {
    const { n, t, v } = batch
    const words = (n + 31) >>> 5
    for (let s = 0; s < batch.seriesCount; s++) {
      const ref = selection.refs[batch.index[s]!]!
      let count = 0
      for (let i = 0; i < n; i++) {
        if (batch.hasGaps[s] === 1 && ((batch.present[s * words + (i >>> 5)]! >>> (i & 31)) & 1) === 0) continue
        const row = (t[i]! - data.startMs) / data.stepMs
        if (isHole(ref, row) || v[s * n + i] !== sampleOf(ref, row)) report.wrong.push(`series ${ref} row ${row}: ${v[s * n + i]}`)
        count++
      }
      if (count < (seen.get(ref) ?? 0)) report.wrong.push(`series ${ref}: ${count} samples, before ${seen.get(ref)}`)
      seen.set(ref, count)
      if (count > 0) found.add(ref)
      report.samples += count
    }
  }
  for (let ref = 1; ref <= data.seriesCount; ref++) if (!found.has(ref)) report.wrong.push(`series ${ref} is lost`)
  querier.close()
  report.reads++
}

if (parentPort) {
  const data = workerData as RaceData
  const queryable = new StoreQueryable(data.handle, data.slot)
  const report: RaceReport = { reads: 0, samples: 0, wrong: [] }
  const seen = new Map<number, number>()
  const until = performance.now() + data.forMs
  while (performance.now() < until && report.wrong.length === 0) read(data, queryable, report, seen)
  queryable.close()
  parentPort.postMessage({ ...report, wrong: report.wrong.slice(0, 10) })
}
