// Expectations are Go's path/filepath match_test.go.
import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { glob, GlobError, matchesGlob } from '../../../lib/std/glob.ts'
import { tempFolder } from '../../support/temp-folder.ts'

describe('globs', () => {
  it.each<[string, string, boolean]>([
    ['abc', 'abc', true], ['*', 'abc', true], ['*c', 'abc', true], ['a*', 'a', true], ['a*', 'abc', true], ['a*b*c*d*e*', 'axbxcxdxe', true], ['a*b?c*x', 'abxbbxdbxebxczzx', true],
    ['a*b?c*x', 'abxbbxdbxebxczzy', false], ['ab[c]', 'abc', true], ['ab[b-d]', 'abc', true], ['ab[e-g]', 'abc', false], ['ab[^c]', 'abc', false], ['ab[^b-d]', 'abc', false],
    ['ab[^e-g]', 'abc', true], ['a\\*b', 'a*b', true], ['a\\*b', 'ab', false], ['a[^a]b', 'axb', true], ['[a-ζ]*', 'α', true], ['[\\]a]', ']', true], ['[\\-]', '-', true], ['[x\\-]', '-', true],
    ['[x\\-]', 'z', false], ['[\\-x]', 'a', false], ['*x', 'xxx', true], ['a?', 'a', false], ['', '', true], ['', 'x', false], ['**', 'x', true],
  ])('%s and %s: %s', (pattern, name, want) => expect(matchesGlob(pattern, name)).toBe(want))

  it('find files in folders that match, too', () => {
    const folder = tempFolder()
    for (const name of ['a1/x.yml', 'a1/y.txt', 'a2/x.yml', 'b/x.yml']) {
      mkdirSync(path.dirname(path.join(folder, name)), { recursive: true })
      writeFileSync(path.join(folder, name), '')
    }
    const found = (pattern: string): string[] => glob(path.join(folder, pattern)).map((file) => path.relative(folder, file))
    expect(found('a1/*.yml')).toEqual(['a1/x.yml'])
    expect(found('a*/x.yml')).toEqual(['a1/x.yml', 'a2/x.yml'])
    expect(found('[ab]*/*.yml')).toEqual(['a1/x.yml', 'a2/x.yml', 'b/x.yml'])
    expect(found('b/x.yml')).toEqual(['b/x.yml'])
    expect(found('none/*.yml')).toEqual([])
    expect(found('none.yml')).toEqual([])
  })

  it.each(['[', '[^', '[]a', 'a[', 'a\\', '[a', '[a\\'])('%s is no pattern', (pattern) => expect(() => glob(pattern)).toThrow(GlobError))
})
