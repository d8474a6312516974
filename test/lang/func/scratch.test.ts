import { describe, expect, it } from 'vitest'
import { KEPT_MAX, ScratchColumn } from '../../../lang/func/scratch.ts'

describe('a scratch column', () => {
  it('is the same one for small windows, grown as they grow', () => {
    const scratch = new ScratchColumn()
    const first = scratch.of(10)
    expect(scratch.of(1000)).toBe(first)
    const larger = scratch.of(KEPT_MAX)
    expect(larger.length).toBe(KEPT_MAX)
    expect(scratch.of(10)).toBe(larger)
  })

  it('that is large is nobody\'s but the caller\'s', () => {
    const scratch = new ScratchColumn()
    const large = scratch.of(KEPT_MAX + 1)
    expect(large.length).toBe(KEPT_MAX + 1)
    expect(scratch.of(KEPT_MAX + 1)).not.toBe(large)
    expect(scratch.of(10).length).toBe(1024)
  })
})
