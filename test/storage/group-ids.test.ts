// Ids of groups that were let go of are given again once neither readers nor definitions, log or segments name them.
import { expect, it } from 'vitest'
import { Arena, closeSlot, openSlot } from '../../storage/head/arena.ts'
import { GroupIds } from '../../storage/head/group-ids.ts'
import { SharedHeap } from '../../storage/head/shared-heap.ts'

const THEN = { lsn: 1000, segmentFile: 5 }
/** The first that hold neither rows nor segments of then. */
const GONE = { lsn: 1000, segmentFile: 6 }

it('gives an id again when its last reader has closed, definitions were written without it, and log and segments begin behind it', () => {
  const heap = SharedHeap.make(4 * 2 ** 20)
  const arena = new Arena(heap)
  const ids = new GroupIds(arena)
  const next = (oldest: typeof GONE): number => {
    ids.release(oldest)
    return ids.next
  }
  ids.end(7)
  expect([next(GONE), ids.waiting]).toEqual([0, 1])
  openSlot(heap, 1)
  ids.unplaced(THEN)
  ids.definitionsBegin()
  ids.definitionsEnd(true)
  expect(next(GONE), 'a reader is open').toBe(0)
  closeSlot(heap, 1)
  arena.reclaim()
  expect(next({ ...GONE, lsn: THEN.lsn - 1 }), 'the log has rows of then').toBe(0)
  expect(next({ ...GONE, segmentFile: THEN.segmentFile }), 'segments of then are there').toBe(0)
  expect([next(GONE), ids.waiting]).toEqual([7, 0])
  ids.take()
  expect([ids.next, ids.again]).toEqual([0, 1])
})

it('waits for definitions that were begun after it had ended, and were done', () => {
  const ids = new GroupIds(new Arena(SharedHeap.make(4 * 2 ** 20)))
  const next = (): number => {
    ids.release(GONE)
    return ids.next
  }
  ids.end(1)
  ids.unplaced(THEN)
  expect(next(), 'definitions name it').toBe(0)
  ids.definitionsBegin()
  expect(next(), 'they are being written').toBe(0)
  ids.definitionsEnd(false)
  expect(next(), 'the disk refused them').toBe(0)
  ids.definitionsBegin()
  ids.end(2)
  ids.unplaced(THEN)
  ids.definitionsEnd(true)
  expect(next()).toBe(1)
  ids.take()
  expect([next(), ids.waiting], 'the other ended while they were written').toEqual([0, 1])
})

it('takes an id that a start found for free as far as nothing that it read names it', () => {
  const ids = new GroupIds(new Arena(SharedHeap.make(4 * 2 ** 20)))
  ids.inDefinitions.add(1)
  ids.inFiles.add(2)
  ids.found([1, 2, 3], THEN)
  ids.release({ lsn: 0, segmentFile: 1 })
  expect([ids.next, ids.waiting]).toEqual([3, 2])
  ids.take()
  ids.release(GONE)
  expect([ids.next, ids.waiting]).toEqual([2, 1])
  ids.take()
  ids.definitionsBegin()
  ids.definitionsEnd(true)
  ids.release(GONE)
  expect([ids.next, ids.waiting]).toEqual([1, 0])
})
