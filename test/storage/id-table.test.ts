import { expect, it } from 'vitest'
import { Arena } from '../../storage/head/arena.ts'
import { IdTable } from '../../storage/head/id-table.ts'
import { IndexMemory } from '../../storage/head/index-memory.ts'
import { SharedHeap, sideWord } from '../../storage/head/shared-heap.ts'

const WORD = sideWord(0)
/** Many ids share a hash, and the last slots run over into the first. */
const hashOf = (id: number): number => (id % 3 === 0 ? 0xffffffff : Math.imul(id, 0x9e3779b1) >>> 0) & ~3

it.each([[1, 10], [10, 4]])('shows every id at every moment of its growth, and moves on by few slots at a time (growth %i)', (growth, tables) => {
  const heap = SharedHeap.make(64 * 2 ** 20)
  let hashes = 0
  const table = new IdTable(heap, new IndexMemory(new Arena(heap)), WORD, 16, (id) => {
    hashes++
    return hashOf(id)
  })
  table.growth = growth
  const isThere = (id: number): boolean => {
    const at = heap.u32[WORD]! * 2
    const mask = heap.u32[at]!
    let slot = hashOf(id) & mask
    while (heap.u32[at + 2 + slot] !== id && heap.u32[at + 2 + slot] !== 0) slot = (slot + 1) & mask
    return heap.u32[at + 2 + slot] === id
  }
  const places = new Set<number>()
  for (let id = 1; id <= 3000; id++) {
    table.reserve()
    hashes = 0
    table.insert(id, hashOf(id))
    expect(hashes).toBeLessThanOrEqual(32)
    places.add(heap.u32[WORD]!)
    expect(isThere(id)).toBe(true)
    if (id % 7 !== 0) continue
    for (let other = 1; other <= id; other++) if (!isThere(other)) expect.fail(`${other} is not there after ${id}`)
  }
  // 16, 32, … 8192 slots; 16, 256, … 65536.
  expect(places.size).toBe(tables)
  const at = heap.u32[WORD]! * 2
  const slots = Array.from(heap.u32.subarray(at + 2, at + 2 + heap.u32[at]! + 1)).filter((id) => id !== 0)
  expect(slots.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 3000 }, (_, i) => i + 1))
})
