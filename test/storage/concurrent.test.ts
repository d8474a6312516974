// Query threads read the head in place while main writes, grows tables, flushes and reuses memory.
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { describe, expect, it } from 'vitest'
import { labelsFromRecord } from '../../lib/model/labels.ts'
import { Database } from '../../storage/database.ts'
import { valueAt, type ReaderData, type ReaderReport } from '../support/reader-worker.ts'
import { isHole, sampleOf, type RaceData, type RaceReport } from './race-reader.ts'
import { tempFolder } from '../support/temp-folder.ts'

describe('reading while writing', () => {
  it('shows whole rows only, in every thread, while blocks are encoded, freed and made again', async () => {
    const db = new Database({ folder: tempFolder(), retentionMs: Infinity, headBytesMax: 256 * 2 ** 20 })
    const startMs = Date.now() - 3_600_000
    const stepMs = 100
    const groups = Array.from({ length: 6 }, (_, g) => Uint32Array.from({ length: 50 + g * 30 }, (__, i) => db.series(labelsFromRecord({ __name__: 'm', job: 'steady', g: String(g), i: String(i) }))))
    const data = (slot: number): ReaderData => ({ handle: db.handle(), slot, startMs, stepMs, forMs: 2500 })
    let row = 0
    let churn = 0
    const write = (): void => {
      for (const refs of groups) {
        db.append({ count: refs.length, refs, values: Float64Array.from(refs, (ref) => valueAt(ref, row)), t: startMs + row * stepMs, times: null, stale: null }, new Uint8Array(refs.length))
      }
      // New series all the while: symbols, pairs, postings and page tables grow under the readers.
      const refs = Uint32Array.from({ length: 20 }, () => db.series(labelsFromRecord({ __name__: 'churn', job: 'other', id: String(churn++) })))
      db.append({ count: refs.length, refs, values: new Float64Array(20), t: startMs + row * stepMs, times: null, stale: null }, new Uint8Array(20))
      row++
    }
    write()
    const workers = [1, 2].map((slot) => new Worker(new URL('../support/reader-worker.ts', import.meta.url), { workerData: data(slot) }))
    const reports = Promise.all(workers.map(async (worker) => ((await once(worker, 'message')) as [ReaderReport])[0]))
    let isDone = false
    void reports.finally(() => (isDone = true))
    while (!isDone && row < 20_000) {
      for (let k = 0; k < 5; k++) write()
      await new Promise((resolve) => setImmediate(resolve))
    }
    for (const report of await reports) {
      expect(report.wrong).toEqual([])
      expect(report.reads).toBeGreaterThan(2)
      expect(report.samples).toBeGreaterThan(100_000)
    }
    expect(row).toBeGreaterThan(100)
    await db.close()
  }, 120_000)

  it('shows only what was sent, and loses nothing, while rows gain columns behind holes and series move', async () => {
    const db = new Database({ folder: tempFolder(), retentionMs: Infinity, headBytesMax: 256 * 2 ** 20 })
    const startMs = Date.now() - 3_600_000
    const stepMs = 100
    const count = 60
    const jobs = ['a', 'b', 'c']
    const refs = Array.from({ length: count }, (_, i) => db.series(labelsFromRecord({ __name__: 'm', job: jobs[i % 3]!, i: String(i) })))
    const put = (row: number, which: readonly number[]): void => {
      const sent = which.filter((ref) => !isHole(ref, row))
      const verdicts = new Uint8Array(sent.length)
      expect(db.append({ count: sent.length, refs: Uint32Array.from(sent), values: Float64Array.from(sent, (ref) => sampleOf(ref, row)), t: startMs + row * stepMs, times: null, stale: null }, verdicts)).toBe(0)
    }
    put(0, refs)
    const workers = [1, 2].map((slot) => {
      const data: RaceData = { handle: db.handle(), slot, startMs, stepMs, seriesCount: count, forMs: 2000 }
      return new Worker(new URL('race-reader.ts', import.meta.url), { workerData: data })
    })
    const reports = Promise.all(workers.map(async (worker) => ((await once(worker, 'message')) as [RaceReport])[0]))
    let isDone = false
    void reports.finally(() => (isDone = true))
    let row = 1
    for (; !isDone && row < 6000; row += 2) {
      // The last ten send each row a row later than the others: their group has run ahead, and they leave it.
      put(row, refs.slice(0, 20))
      put(row, refs.slice(30, 50))
      put(row, refs.slice(20, 30))
      put(row + 1, refs.slice(0, 50))
      put(row, refs.slice(50))
      put(row + 1, refs.slice(50))
      if (row % 200 === 1) db.head.breakUp(db.head.groups[db.head.series.groupOf(refs[0]!)]!)
      if (row % 50 === 1) db.series(labelsFromRecord({ __name__: 'm', job: jobs[row % 3]!, new: String(row) }))
      await new Promise((resolve) => setImmediate(resolve))
    }
    for (const report of await reports) {
      expect(report.wrong).toEqual([])
      expect(report.reads).toBeGreaterThan(2)
      expect(report.samples).toBeGreaterThan(1000)
    }
    expect(row).toBeGreaterThan(100)
    expect(db.head.groups.length).toBeGreaterThan(4)
    await db.close()
  }, 120_000)
})
