// Where a parse error is underlined. The server texts were recorded from Prometheus 3.5.3.
import { describe, expect, it } from 'vitest'
import { placeError } from '../../../web/ui/query/error-position.ts'

/** The underlined text. */
function f(expr: string, server: string, want: string, at: number = expr.indexOf(want)): void {
  const placed = placeError(server, expr)
  expect(placed && [expr.slice(placed.start, placed.end), placed.start], expr).toEqual([want, at])
}

describe('placeError', () => {
  it('underlines the token Prometheus points at', () => {
    f('rate(up)', 'invalid parameter "query": 1:6: parse error: expected type range vector in call to function "rate", got instant vector', 'up')
    f('nosuch(up)', 'invalid parameter "query": 1:1: parse error: unknown function with name "nosuch"', 'nosuch')
    f('up{job="a" or job="b"', 'invalid parameter "query": 1:12: parse error: unexpected identifier "or" in label matching, expected "," or "}"', 'or')
  })

  it('takes the last character where the error is at the end', () => {
    f('sum(', 'invalid parameter "query": 1:5: parse error: unclosed left parenthesis', '(')
    f('sum(  \n', 'invalid parameter "query": 1:5: parse error: unclosed left parenthesis', '(')
  })

  it('steps back from a blank: the lexer reports a stray bracket one place too far', () => {
    f('label_replace(up,"é","é","a","b") +\n  foo ) x', `invalid parameter "query": 2:8: parse error: unexpected right parenthesis ')'`, ')', 42)
  })

  it('counts the column in UTF-8 bytes', () => {
    f('foo{a="é"}}', `invalid parameter "query": 1:12: parse error: unexpected character: '}'`, '}', 10)
    f('"😀" + rate(up)', 'invalid parameter "query": 1:15: parse error: expected type range vector', 'up')
  })

  it('finds the line', () => f('up\n+ nosuch(up)', 'invalid parameter "query": 2:3: parse error: unknown function', 'nosuch'))

  it('takes a whole string', () => f('up + "a b\\"c"', '1:6: parse error: binary expression must contain only scalar and instant vector types', '"a b\\"c"'))

  it('keeps the words from "parse error" on', () => {
    expect(placeError('invalid parameter "query": 1:1: parse error: no expression found in input', '')).toEqual({
      message: 'parse error: no expression found in input', start: 0, end: 0,
    })
  })

  it('stays inside the text whatever the server says', () => {
    for (const place of ['9:9', '1:999', '0:0']) {
      const placed = placeError(`${place}: parse error: x`, 'up')!
      expect([placed.start >= 0, placed.end <= 2, placed.start < placed.end]).toEqual([true, true, true])
    }
  })

  it('finds no place in other errors', () => {
    expect(placeError('query processing would load too many samples into memory in query execution', 'up')).toBeUndefined()
    expect(placeError('1:2 is a ratio', 'up')).toBeUndefined()
  })
})
