import { expect, it } from 'vitest'
import { Arena } from '../../storage/head/arena.ts'
import { ID_MASK, IdTable, isTagOf } from '../../storage/head/id-table.ts'
import { IndexMemory } from '../../storage/head/index-memory.ts'
import { SharedHeap, sideWord } from '../../storage/head/shared-heap.ts'

const WORD = sideWord(0)
/** Many ids share a hash, and the last slots run over into the first. */
const hashOf = (id: number): number => (id % 3 === 0 ? 0xffffffff : Math.imul(id, 0x9e3779b1) >>> 0) & ~3

it.each([[1, 10, false], [10, 4, false], [1, 10, true]])('shows every id at every moment of its growth, and moves on by few slots at a time (growth %i)', (growth, tables, isTagged) => {
  const heap = SharedHeap.make(64 * 2 ** 20)
  let hashes = 0
  const table = new IdTable(heap, new IndexMemory(new Arena(heap)), WORD, { slots: 16, isTagged }, (id) => {
    hashes++
    return hashOf(id)
  })
  table.growth = growth
  const isThere = (id: number): boolean => {
    const at = heap.u32[WORD]! * 2
    const mask = heap.u32[at]!
    const value = isTagged ? (id | (hashOf(id) & ~ID_MASK)) >>> 0 : id
    let slot = hashOf(id) & mask
    while (heap.u32[at + 2 + slot] !== value && heap.u32[at + 2 + slot] !== 0) slot = (slot + 1) & mask
    return heap.u32[at + 2 + slot] === value && (!isTagged || isTagOf(value, hashOf(id)))
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
  const slots = Array.from(heap.u32.subarray(at + 2, at + 2 + heap.u32[at]! + 1), (slot) => (isTagged ? slot & ID_MASK : slot)).filter((id) => id !== 0)
  expect(slots.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 3000 }, (_, i) => i + 1))
})

it('makes room at once for as many as are expected', () => {
  const heap = SharedHeap.make(64 * 2 ** 20)
  const table = new IdTable(heap, new IndexMemory(new Arena(heap)), WORD, { slots: 16, isTagged: false }, hashOf)
  for (let id = 1; id <= 5; id++) table.insert(id, hashOf(id))
  table.expect(1000)
  const place = heap.u32[WORD]!
  for (let id = 6; id <= 1000; id++) {
    table.reserve()
    table.insert(id, hashOf(id))
  }
  expect(heap.u32[WORD]).toBe(place)
  expect(heap.u32.subarray(place * 2 + 2, place * 2 + 2 + 2048).filter((slot) => slot !== 0).toSorted()).toEqual(Uint32Array.from({ length: 1000 }, (_, i) => i + 1))
  // Fewer change nothing.
  table.expect(10)
  expect(heap.u32[WORD]).toBe(place)
})
