import { describe, expect, it } from 'vitest'
import { SeriesCache } from '../../../lib/ingest/series-cache.ts'

const view = (text: string): DataView => {
  const bytes = Buffer.from(text)
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
}
const add = (cache: SeriesCache, text: string, ref: number): number => {
  const bytes = Buffer.byteLength(text)
  return cache.add(view(text), 0, bytes, cache.hash(view(text), 0, bytes), ref)
}
const refOf = (cache: SeriesCache, text: string): number => {
  const entry = cache.find(view(text), 0, Buffer.byteLength(text), cache.hash(view(text), 0, Buffer.byteLength(text)))
  return entry === 0 ? 0 : cache.ref(entry)
}

describe('SeriesCache', () => {
  it('finds each of many keys, through every growth, and nothing else', () => {
    const cache = new SeriesCache(1, 1 << 30)
    for (let i = 1; i <= 40_000; i++) add(cache, `series number ${i}`, i)
    for (let i = 1; i <= 40_000; i += 7) expect(refOf(cache, `series number ${i}`)).toBe(i)
    expect(refOf(cache, 'series number 40001')).toBe(0)
    expect(refOf(cache, 'series number')).toBe(0)
  })

  it('keeps keys longer than a page', () => {
    const cache = new SeriesCache(1, 1 << 30)
    const long = 'x'.repeat(3 << 20)
    add(cache, 'a', 1)
    add(cache, long, 2)
    add(cache, 'b', 3)
    expect([refOf(cache, 'a'), refOf(cache, long), refOf(cache, 'b')]).toEqual([1, 2, 3])
  })

  it('follows a link only where the very bytes stand and no label field goes on', () => {
    const cache = new SeriesCache(1, 1 << 30)
    const a = add(cache, 'aaaaaaaaaaaa', 1)
    const b = add(cache, 'bbbbbbbbbbbb', 2)
    const f = (text: string, want: number): void => expect(cache.follows(a, view(text), 1, Buffer.byteLength(text))).toBe(want)
    f('-bbbbbbbbbbbb', 0)
    cache.link(a, b)
    f('-bbbbbbbbbbbb', b)
    f('-bbbbbbbbbbbb\x12', b)
    f('-bbbbbbbbbbbb\x0a', 0)
    f('-bbbbbbbbbbbc', 0)
    f('-cbbbbbbbbbbb', 0)
    f('-bbbbbbbbbbb', 0)
  })

  it('starts empty again when the budget is spent', () => {
    const cache = new SeriesCache(1, 1000)
    for (let i = 1; i <= 150; i++) add(cache, `key${String(i).padStart(7, '0')}`, i)
    expect(cache.overflowCount).toBe(1)
    expect(cache.size - 1).toBe(50)
    expect(refOf(cache, 'key0000100')).toBe(0)
    expect(refOf(cache, 'key0000150')).toBe(150)
  })
})
