import { describe, expect, it } from 'vitest'
import { formatBlockName, formatMeta, LEVELS, levelAbove, parseBlockName, parseMeta, type BlockMeta } from '../../../storage/block/block-meta.ts'
import { BlockError } from '../../../storage/errors.ts'

const meta: BlockMeta = {
  minT: 1_700_000_000_000, maxT: 1_700_007_199_999, level: 1, sources: [], series: 3, samples: 9, groups: 1, bytes: 500,
  coveredGeneration: 2, coveredT: 1_700_007_200_000,
}

describe('block names', () => {
  it('sort by time and come back', () => {
    const names = [{ minT: 2e12, maxT: 3e12, level: 1, number: 7 }, { minT: 1e12, maxT: 3e12, level: 2, number: 8 }, { minT: 0, maxT: 5, level: 12, number: 1 }]
    expect(names.map(formatBlockName)).toEqual(['2000000000000-3000000000000-1-00000007', '1000000000000-3000000000000-2-00000008', '0000000000000-0000000000005-12-00000001'])
    expect(names.map(formatBlockName).map(parseBlockName)).toEqual(names)
  })

  it('come back after as many rewrites as there are levels', () => {
    const level = levelAbove([{ level: LEVELS - 2 }, { level: 3 }])
    expect([level, levelAbove([{ level }])]).toEqual([LEVELS - 1, LEVELS - 1])
    const name = { minT: 1e12, maxT: 2e12, level, number: 7 }
    expect(parseBlockName(formatBlockName(name))).toEqual(name)
  })

  it('are made of no times that they would not come back with', () => {
    for (const [minT, maxT] of [[-1, 5], [5, 4], [0, 1e16]] as const) expect(() => formatBlockName({ minT, maxT, level: 1, number: 1 })).toThrow(/cannot be named/)
  })

  it('are not those of folders being written', () => {
    expect(parseBlockName('.tmp-2000000000000-3000000000000-1-00000007')).toBe(null)
    expect(parseBlockName('quarantine')).toBe(null)
  })
})

describe('meta.json', () => {
  it('comes back', () => {
    expect(parseMeta(formatMeta(meta), 'meta.json')).toEqual(meta)
  })

  it('says what is wrong with it', () => {
    const f = (text: string, message: string): void => {
      expect(() => parseMeta(text, 'b/meta.json')).toThrow(BlockError)
      expect(() => parseMeta(text, 'b/meta.json')).toThrow(message)
    }
    f('{', 'cannot read b/meta.json: no JSON')
    f('3', 'no block\'s description')
    f(formatMeta(meta).replace('"version": 1', '"version": 2'), 'version 2, this Monitor knows 1')
    f(formatMeta(meta).replace('"level": 1', '"level": "a"'), 'level is no number')
    f(formatMeta(meta).replace('"series": 3', '"series": 7'), 'do not match their checksum')
    f(formatMeta(meta).replace('"sources": []', '"sources": ["x"]'), 'do not match their checksum')
  })
})
