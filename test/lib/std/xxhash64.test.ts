import { describe, expect, it } from 'vitest'
import { xxhash64 } from '../../../lib/std/xxhash64.ts'

describe('xxhash64', () => {
  // Of Go's cespare/xxhash, whose hash Prometheus uses; the last is 32 bytes and more, the stripes' case.
  it.each<[string, string]>([
    ['', 'ef46db3751d8e999'], ['a', 'd24ec4f1a98c6e5b'], ['as', '1c330fb2d66be179'], ['asd', '631c37ce72a97393'], ['asdf', '415872f599cea71e'],
    ['Call me Ishmael. Some years ago--never mind how long precisely-', '02a2e85470d6fd96'],
  ])('of %j', (text, want) => {
    const bytes = Buffer.concat([Buffer.from('?'), Buffer.from(text)]).subarray(1)
    expect(xxhash64(bytes).toString(16).padStart(16, '0')).toBe(want)
  })
})
