// Memory of the head: what readers may still see is not used again, what nobody can see is; also when epochs go round,
// and without work that grows with all there is.
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { Random } from '../../lib/std/random.ts'
import { Arena, closeSlot, openSlot } from '../../storage/head/arena.ts'
import { StoreQueryable } from '../../storage/store-querier.ts'
import { ROOT_EPOCH, SharedHeap } from '../../storage/head/shared-heap.ts'
import { testSeed } from '../support/seed.ts'
import { tempFolder } from '../support/temp-folder.ts'
import type { PinningData } from './pinning-worker.ts'
import { HINTS, NOW, append, batchOf, drain, keyOf, open, series, seriesOf } from './store.ts'

const UNITS = 24

describe('Arena', () => {
  it('gives back what a reader may see when that reader has closed, and not before', () => {
    const heap = SharedHeap.make(4 * 2 ** 20)
    const arena = new Arena(heap)
    const [a, b] = [arena.allocate(UNITS), arena.allocate(UNITS)]
    openSlot(heap, 1)
    arena.retire(a, UNITS)
    openSlot(heap, 2)
    arena.retire(b, UNITS)
    expect([a, b]).not.toContain(arena.allocate(UNITS))
    closeSlot(heap, 1)
    arena.reclaim()
    expect(arena.allocate(UNITS)).toBe(a)
    expect(arena.allocate(UNITS)).not.toBe(b)
    closeSlot(heap, 2)
    arena.reclaim()
    heap.f64.fill(7, b, b + UNITS)
    expect(arena.allocate(UNITS)).toBe(b)
    expect([...heap.f64.subarray(b, b + UNITS)]).toEqual(Array.from({ length: UNITS }, () => 0))
  })

  it('pins for a reader whatever epoch it begins in', () => {
    const heap = SharedHeap.make(4 * 2 ** 20)
    heap.u32[ROOT_EPOCH] = 0xfffffff5
    const arena = new Arena(heap)
    for (let round = 0; round < 20; round++) {
      const at = arena.allocate(UNITS)
      openSlot(heap, 1)
      arena.retire(at, UNITS)
      const other = arena.allocate(UNITS)
      expect(other, `round ${round}, epoch ${heap.u32[ROOT_EPOCH]}`).not.toBe(at)
      // A reader that begins now holds nothing that was retired before, also when the first one has closed.
      openSlot(heap, 2)
      closeSlot(heap, 1)
      arena.reclaim()
      expect(arena.retiredCount, `round ${round}, epoch ${heap.u32[ROOT_EPOCH]}`).toBe(0)
      closeSlot(heap, 2)
      arena.free(other, UNITS)
    }
  })

  it('keeps that promise over random readers, from the first epoch and where epochs go round', () => {
    const seed = testSeed()
    for (const [round, epoch] of [1, 0xffffff01, 0xfffffff9, 0xffffffff].entries()) {
      const random = new Random(seed + round)
      const heap = SharedHeap.make(8 * 2 ** 20)
      heap.u32[ROOT_EPOCH] = epoch
      const arena = new Arena(heap)
      const held: number[] = []
      const openSlots = new Set<number>()
      /** Readers that were open when a place was retired and have not closed since. */
      const seenBy = new Map<number, Set<number>>()
      for (let step = 0; step < 3000; step++) {
        const slot = 1 + random.int(5)
        const action = random.int(8)
        if (action === 0 && !openSlots.has(slot)) {
          openSlot(heap, slot)
          openSlots.add(slot)
        } else if (action === 1) {
          closeSlot(heap, slot)
          openSlots.delete(slot)
          for (const readers of seenBy.values()) readers.delete(slot)
        } else if (action < 5 || held.length === 0) {
          const at = arena.allocate(UNITS)
          expect([...(seenBy.get(at) ?? [])], `seed ${seed} epoch ${epoch} step ${step}: readers of a place given again`).toEqual([])
          seenBy.delete(at)
          held.push(at)
        } else {
          const [at] = held.splice(random.int(held.length), 1)
          seenBy.set(at!, new Set(openSlots))
          arena.retire(at!, UNITS)
        }
      }
      for (const slot of openSlots) closeSlot(heap, slot)
      arena.reclaim()
      expect(arena.retiredCount).toBe(0)
      expect(heap.u32[ROOT_EPOCH]).not.toBe(0)
    }
  })

  it('uses no more memory however often blocks are encoded and made again', async () => {
    const db = open(tempFolder())
    const refs = seriesOf(db, 50)
    const put = (k: number): void => void append(db, batchOf(NOW - 10_000_000 + k * 1000, refs, refs))
    for (let k = 0; k < 500; k++) put(k)
    const before = db.headBytes
    for (let k = 500; k < 3000; k++) put(k)
    // 78 segments have their descriptors, and no block is new.
    expect(db.headBytes - before).toBeLessThan(80 * 8 * 8)
    await db.close()
  })

  it('pins what an open query reads, for as long as it is open', async () => {
    const db = open(tempFolder())
    const refs = seriesOf(db, 50)
    const put = (k: number): void => void append(db, batchOf(NOW - 10_000_000 + k * 1000, refs, refs.map((ref) => ref + k)))
    for (let k = 0; k < 20; k++) put(k)
    const queryable = new StoreQueryable(db.handle(), 4)
    const querier = queryable.querier()
    const selection = querier.select([{ name: 'job', op: '=', value: 'test' }], -Infinity, Infinity, HINTS)
    for (let k = 20; k < 400; k++) put(k)
    expect(db.head.arena.retiredCount).toBeGreaterThan(10)
    expect(drain(querier, selection).get(keyOf(series(7)))!.slice(0, 20)).toEqual(Array.from({ length: 20 }, (_, k) => [NOW - 10_000_000 + k * 1000, refs[7]! + k]))
    querier.close()
    db.head.arena.reclaim()
    expect(db.head.arena.retiredCount).toBe(0)
    queryable.close()
    await db.close()
  })

  it('is free again of what a terminated thread had pinned once its slot is released', async () => {
    const db = open(tempFolder())
    const refs = seriesOf(db, 50)
    const put = (k: number): void => void append(db, batchOf(NOW - 10_000_000 + k * 1000, refs, refs))
    for (let k = 0; k < 20; k++) put(k)
    const data: PinningData = { handle: db.handle(), slot: 9 }
    const worker = new Worker(new URL('pinning-worker.ts', import.meta.url), { workerData: data })
    await once(worker, 'message')
    await worker.terminate()
    for (let k = 20; k < 400; k++) put(k)
    expect(db.head.arena.retiredCount).toBeGreaterThan(10)
    db.releaseSlot(9)
    expect(db.head.arena.retiredCount).toBe(0)
    await db.close()
  })
})

describe('work per late batch', () => {
  /** Bytes of typed arrays made, and array elements pushed, by `f`. */
  function countWork(f: () => void): { bytes: number; pushes: number; loads: number } {
    const work = { bytes: 0, pushes: 0, loads: 0 }
    const names = ['Uint8Array', 'Uint32Array', 'Float64Array'] as const
    for (const name of names) {
      const real = globalThis[name]
      vi.stubGlobal(name, new Proxy(real, {
        construct(target, args: [number], newTarget) {
          const made = Reflect.construct(target, args, newTarget) as Uint8Array
          if (typeof args[0] === 'number') work.bytes += made.byteLength
          return made
        },
      }))
    }
    const push = Array.prototype.push
    const load = Atomics.load.bind(Atomics)
    const spies = [
      vi.spyOn(Array.prototype, 'push').mockImplementation(function (this: unknown[], ...items: unknown[]) {
        work.pushes += items.length
        return push.apply(this, items)
      }),
      vi.spyOn(Atomics, 'load').mockImplementation(((array: Uint32Array, index: number) => {
        work.loads++
        return load(array, index)
      }) as typeof Atomics.load),
    ]
    try {
      f()
    } finally {
      for (const spy of spies) spy.mockRestore()
      vi.unstubAllGlobals()
    }
    return work
  }

  it('grows with the batch, not with its place in the batch, its group or what waits for readers', async () => {
    onTestFinished(() => void vi.unstubAllGlobals())
    const perSample: { bytes: number; pushes: number; loads: number }[] = []
    for (const count of [500, 4000]) {
      const db = open(tempFolder())
      const refs = seriesOf(db, count)
      const put = (t: number): void => void append(db, batchOf(t, refs, refs))
      put(NOW - 5000)
      put(NOW)
      put(NOW - 4000)
      const queryable = new StoreQueryable(db.handle(), 4)
      const querier = queryable.querier()
      // Blocks of the late groups grow and are retired, all while a query is open.
      const work = countWork(() => {
        for (let k = 1; k < 8; k++) put(NOW - 4000 + k)
      })
      expect(db.head.arena.retiredCount).toBeGreaterThanOrEqual(count)
      querier.close()
      queryable.close()
      await db.close()
      perSample.push({ bytes: work.bytes / count / 7, pushes: work.pushes / count / 7, loads: work.loads / count / 7 })
    }
    const [few, many] = perSample
    expect(many!.bytes).toBeLessThan(few!.bytes * 1.5 + 16)
    expect(many!.pushes).toBeLessThan(few!.pushes * 1.5 + 4)
    expect(many!.loads).toBeLessThan(few!.loads * 1.5 + 16)
  })
})
