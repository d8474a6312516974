import { describe, expect, it } from 'vitest'
import { LruMap } from '../../../lib/std/lru-map.ts'

describe('an LruMap', () => {
  it('lets go what was not asked for longest', () => {
    const map = new LruMap<number>(2)
    map.set('a', 1)
    map.set('b', 2)
    expect(map.get('a')).toBe(1)
    expect(map.set('c', 3)).toBe(2)
    expect([map.get('a'), map.get('b'), map.get('c')]).toEqual([1, undefined, 3])
  })

  it('forgets what it is told to', () => {
    const map = new LruMap<number>(2)
    map.set('a', 1)
    expect([map.delete('a'), map.delete('a'), map.get('a')]).toEqual([true, false, undefined])
  })

  it('counts a key once, however often it is set', () => {
    const map = new LruMap<number>(2)
    map.set('a', 1)
    map.set('b', 2)
    expect(map.set('a', 3)).toBeUndefined()
    expect(map.dropOldest()).toBe(2)
    expect([map.dropOldest(), map.dropOldest()]).toEqual([3, undefined])
  })
})
