import { describe, expect, it } from 'vitest'
import { NO_FEATURES } from '../../lang/parse/features.ts'
import { ParsedQueries } from '../../lang/parsed-queries.ts'

describe('trees of queries', () => {
  it('are parsed once while they are asked for', () => {
    const parsed = new ParsedQueries(NO_FEATURES)
    const tree = parsed.parse('sum(a)')
    for (let i = 0; i < 499; i++) parsed.parse(`a${i}`)
    expect(parsed.parse('sum(a)')).toBe(tree)
    for (let i = 0; i < 500; i++) parsed.parse(`b${i}`)
    expect(parsed.parse('sum(a)')).not.toBe(tree)
    expect(parsed.parse('sum(a)')).toEqual(tree)
  })

  it('are kept up to 64 Ki characters in all, long ones not at all', () => {
    const parsed = new ParsedQueries(NO_FEATURES)
    const ofLength = (length: number, name: string): string => name.padEnd(length, 'x')
    const first = parsed.parse(ofLength(16_000, 'a'))
    for (const name of ['b', 'c', 'd']) parsed.parse(ofLength(16_000, name))
    expect(parsed.parse(ofLength(16_000, 'a'))).toBe(first)
    parsed.parse(ofLength(16_000, 'e'))
    const long = ofLength(16_385, 'f')
    expect(parsed.parse(long)).not.toBe(parsed.parse(long))
    // `b` was the one asked for longest ago, and had to go.
    expect(parsed.parse(ofLength(16_000, 'a'))).toBe(first)
  })

  it('are told anew each time what is wrong with them', () => {
    const parsed = new ParsedQueries(NO_FEATURES)
    for (let i = 0; i < 2; i++) expect(() => parsed.parse('sum(')).toThrow('unclosed left parenthesis')
  })
})
