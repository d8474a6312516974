// Readers against a writer that moves on between any two of their looks. The interleavings are made, not waited for:
// the reader's atomic load of one word is where the writer is let in, once, on the same thread.
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { labelsFromRecord, type Labels } from '../../lib/model/labels.ts'
import type { Matcher } from '../../lib/model/matcher.ts'
import { STORED } from '../../storage/interface.ts'
import { StoreQueryable } from '../../storage/store-querier.ts'
import { SymbolReader } from '../../storage/head/symbols.ts'
import { tempFolder } from '../support/temp-folder.ts'
import { HINTS, NOW, append, batchOf, drain, keyOf, open, readAll, samplesIn, series, seriesOf } from './store.ts'

/** Lets `write` in right after the n-th load of any of these words; returns how often it was let in (at most once). */
function letIn(words: readonly number[], write: () => void, n = 1): () => number {
  const real = Atomics.load.bind(Atomics)
  let loads = 0
  let times = 0
  const spy = vi.spyOn(Atomics, 'load')
  spy.mockImplementation(((array: Uint32Array, index: number) => {
    const value = real(array, index)
    if (times === 0 && words.includes(index) && ++loads === n) {
      times++
      spy.mockRestore()
      write()
    }
    return value
  }) as typeof Atomics.load)
  onTestFinished(() => spy.mockRestore())
  return () => times
}

const only = (i: number): readonly Matcher[] => [{ name: 'i', op: '=', value: String(i) }]

describe('a reader that the writer overtakes', () => {
  it('sees no sample in a hole of a row that gains columns behind the hole', async () => {
    for (const n of [1, 2]) {
      const db = open(tempFolder())
      const refs = seriesOf(db, 40)
      append(db, batchOf(NOW, refs, refs))
      append(db, batchOf(NOW + 1, refs.slice(0, 10), refs.slice(0, 10)))
      const { layout, block } = db.head.groups[1]!
      // Columns 20..29 come, some stale, after the reader has taken the first, or the second, of width and flags.
      const more = refs.slice(20, 30)
      const wasLetIn = letIn([layout.colsWord(block, 1), layout.flagsWord(block, 1)], () => {
        append(db, batchOf(NOW + 1, more, more, more.map((_, k) => k % 2)))
      }, n)
      const seen = readAll(db)
      expect(wasLetIn()).toBe(1)
      for (const [i, ref] of refs.entries()) {
        const late = seen.get(keyOf(series(i)))!.slice(1)
        if (i < 10) expect(late, `column ${i}`).toEqual([[NOW + 1, ref]])
        else if (i < 20 || i >= 30) expect(late, `column ${i}, a hole`).toEqual([])
        else expect([[], [[NOW + 1, i % 2 === 1 ? 'stale' : ref]]], `column ${i}`).toContainEqual(late)
      }
      await db.close()
    }
  })

  it('reads a series that moves to another group from places that were its own', async () => {
    // Which load of the series' group lets the writer in.
    for (const [moves, n] of [[1, 1], [1, 2], [2, 1], [2, 2]] as const) {
      const db = open(tempFolder())
      const refs = seriesOf(db, 10)
      const [eighth, ninth] = [refs[8]!, refs[9]!]
      const t = NOW - 900_000
      const put = (tt: number, which: readonly number[]): void => expect(append(db, batchOf(tt, which, which.map((ref) => ref * 100 + (tt - t) / 10_000)))).toEqual(which.map(() => STORED))
      const want: number[] = [t]
      put(t, refs)
      for (let k = 1; k < 5; k++) put(t + k * 60_000, refs.slice(0, 8))
      if (moves === 2) {
        // Its next sample is older than its group's newest row: it leaves with another for a group of their own.
        put(t + 10_000, [eighth, ninth])
        put(t + 50_000, [eighth])
        want.push(t + 10_000)
      }
      const wasLetIn = letIn([db.head.heap.paged('seriesGroup').wordOf(ninth)], () => put(t + 30_000, [ninth]), n)
      const seen = readAll(db, -Infinity, Infinity, only(9)).get(keyOf(series(9)))!
      expect(wasLetIn(), `load ${n} after ${moves - 1} moves`).toBe(1)
      const points = [...want, t + 30_000].map((tt) => [tt, ninth * 100 + (tt - t) / 10_000])
      expect([points, points.slice(0, -1)], `load ${n} after ${moves - 1} moves`).toContainEqual(seen)
      expect(readAll(db, -Infinity, Infinity, only(9)).get(keyOf(series(9)))).toEqual(points)
      await db.close()
    }
  })

  it('takes as many postings as it counted', async () => {
    const inJob = (job: string, i: number): Labels => labelsFromRecord({ __name__: 'm', job, i: String(i) })
    for (let n = 1; n <= 3; n++) {
      const db = open(tempFolder())
      const refs = ['a', 'b', 'c'].flatMap((job) => Array.from({ length: 10 }, (_, i) => db.series(inJob(job, i))))
      append(db, batchOf(NOW, refs, refs))
      const { heap } = db.head
      const symbols = new SymbolReader(heap, 0)
      const words = ['a', 'b', 'c'].map((job) => heap.indexTable('pairCount', 0).wordOf(symbols.findPair(symbols.find('job'), symbols.find(job))))
      const wasLetIn = letIn(words, () => {
        for (const job of ['a', 'b', 'c']) {
          const more = Array.from({ length: 5 }, (_, i) => db.series(inJob(job, 100 + i)))
          append(db, batchOf(NOW, more, more))
        }
      }, n)
      const queryable = new StoreQueryable(db.handle(), 2)
      const querier = queryable.querier()
      const selection = querier.select([{ name: 'job', op: '=~', value: 'a|b|c' }], -Infinity, Infinity, HINTS)
      expect(wasLetIn()).toBe(1)
      const found = [...selection.refs]
      expect(found).toEqual([...new Set(found)].toSorted((a, b) => a - b))
      expect(found.filter((ref) => refs.includes(ref))).toEqual(refs.toSorted((a, b) => a - b))
      expect(found.every((ref) => ref > 0 && ref <= db.seriesCount)).toBe(true)
      querier.close()
      queryable.close()
      await db.close()
    }
  })

  it('reads to its end what it began with, while rows are encoded, blocks grow and series move', async () => {
    const db = open(tempFolder())
    const refs = seriesOf(db, 60)
    const put = (k: number): void => void append(db, batchOf(NOW - 1_000_000 + k * 1000, refs, refs.map((ref) => ref * 1000 + k)))
    for (let k = 0; k < 40; k++) put(k)
    const queryable = new StoreQueryable(db.handle(), 3)
    const querier = queryable.querier()
    const want = readAll(db)
    const selection = querier.select([{ name: 'job', op: '=', value: 'test' }], -Infinity, Infinity, HINTS)
    for (let k = 40; k < 300; k++) put(k)
    db.head.breakUp(db.head.groups[1]!)
    for (let k = 300; k < 340; k++) put(k)
    const seen = drain(querier, selection)
    expect(seen.size).toBe(60)
    for (const [key, points] of want) expect(seen.get(key)!.slice(0, points.length)).toEqual(points)
    querier.close()
    queryable.close()
    expect(samplesIn(readAll(db))).toBe(340 * 60)
    await db.close()
  })
})
