import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { RE2JS } from 're2js'
import { describe, expect, it } from 'vitest'
import { compileMatcher, type MatchOp } from '../../../lib/model/matcher.ts'
import { compileRegex, compileWrapped, RegexError, type Regex } from '../../../lib/std/regex.ts'
import { requiredLiteral } from '../../../lib/std/regex-literal.ts'
import { readShape } from '../../../lib/std/regex-shape.ts'
import { fc } from '../../support/property.ts'

const oracle = (source: string): RE2JS => RE2JS.compile(`^(?s:${source})$`)

/** What Prometheus makes of a pattern: record-regex.go. */
interface GoAnswer {
  Source: string
  Template: string
  Texts: string[]
  Error: string
  WrappedError: string
  Matches: boolean[] | null
  WrappedMatch: boolean[] | null
  Replaced: string[] | null
}

const goAnswers = JSON.parse(gunzipSync(readFileSync(new URL('../../golden/regex.json.gz', import.meta.url))).toString()) as GoAnswer[]

function compiled(compile: (source: string) => Regex, source: string): Regex | string {
  try {
    return compile(source)
  } catch (error) {
    if (error instanceof RegexError) return error.message
    throw error
  }
}

/** Re2js refuses what Go takes: a name given twice, a quotation without end. Go's answers to these are golden. */
const GO_ONLY = /\\Q|\(\?P<n>.*\(\?P<n>/s

describe('compileRegex', () => {
  it('answers as Prometheus does, be it for a matcher or for label_replace', () => {
    for (const want of goAnswers) {
      const regex = compiled(compileRegex, want.Source)
      const wrapped = compiled(compileWrapped, want.Source)
      if (typeof regex === 'string') expect(regex, want.Source).toBe(want.Error)
      else {
        expect('', want.Source).toBe(want.Error)
        expect(want.Texts.map((text) => regex.test(text)), want.Source).toEqual(want.Matches)
        for (const [i, text] of want.Texts.entries()) {
          if (want.Matches![i]) expect(text.startsWith(regex.prefix), JSON.stringify({ source: want.Source, text })).toBe(true)
          if (regex.setMatches) expect(regex.setMatches.includes(text), JSON.stringify({ source: want.Source, text })).toBe(want.Matches![i])
        }
      }
      expect(typeof wrapped === 'string', want.Source).toBe(want.WrappedError !== '')
      if (typeof wrapped === 'string') continue
      expect(want.Texts.map((text) => wrapped.test(text)), want.Source).toEqual(want.WrappedMatch)
      expect(want.Texts.map((text) => wrapped.replaceAnchored(text, want.Template) ?? ''), want.Source).toEqual(want.Replaced)
    }
    expect(goAnswers).toHaveLength(4000)
  })

  it('matches the whole text, and only that', () => {
    const f = (source: string, yes: readonly string[], no: readonly string[]): void => {
      const regex = compileRegex(source)
      for (const text of yes) expect(regex.test(text), `${source} on ${text}`).toBe(true)
      for (const text of no) expect(regex.test(text), `${source} on ${text}`).toBe(false)
    }
    f('', [''], ['a'])
    f('abc', ['abc'], ['abcd', 'xabc', 'ABC', ''])
    f('a|b|', ['a', 'b', ''], ['ab', '|'])
    f('node_.*', ['node_', 'node_cpu', 'node_\n'], ['node', 'xnode_'])
    f('node_.+', ['node_x'], ['node_'])
    f('.*_total', ['_total', 'a_total'], ['_totals'])
    f('.*err.*', ['err', 'an error'], ['er'])
    f('.*', ['', 'x\ny'], [])
    f('.+', ['x', '\n', '😀'], [''])
    f('a.*a', ['aa', 'aba'], ['a'])
    f('a.*b.*c', ['abc', 'a1b2c', 'abbcc'], ['acb', 'ab'])
    f('(?:a|b)c?', ['a', 'ac', 'b', 'bc'], ['c', 'abc'])
    f('prod-(eu|us)-[1-3]', ['prod-eu-1', 'prod-us-3'], ['prod-us-4'])
    f('10\\.0\\.0\\.1:9100', ['10.0.0.1:9100'], ['10x0.0.1:9100'])
    f('^a|b$', ['a', 'b'], ['ab'])
    f('(?i)abc', ['ABC', 'abc'], ['ab'])
    f('a{2,3}', ['aa', 'aaa'], ['a', 'aaaa'])
    f('\\d+', ['123'], ['12a'])
    f('.', ['\n', '😀'], ['', 'ab'])
    f('.+.+', ['ab'], ['😀', 'a'])
    f('[^a]b|c', ['xb', 'c'], ['ab'])
    f('a(?m:$)', ['a'], ['a\nb'])
  })

  it('tells the finite set and the common prefix of what can match', () => {
    const f = (source: string, texts: readonly string[] | null, prefix: string): void => {
      const regex = compileRegex(source)
      expect(regex.setMatches, source).toEqual(texts)
      expect(regex.prefix, source).toBe(prefix)
    }
    f('abc', ['abc'], 'abc')
    f('ab|ac', ['ab', 'ac'], 'a')
    f('a|a', ['a'], 'a')
    f('a|', ['a', ''], '')
    f('x(a|b)[12]', ['xa1', 'xa2', 'xb1', 'xb2'], 'x')
    f('abc.*', null, 'abc')
    f('abc.*|abd', null, 'ab')
    f('.*abc', null, '')
    f('abc[^d]', null, 'abc')
    f('abc*', null, 'ab')
    f('ab+c', null, 'ab')
    f('ab(c|d)*', null, 'ab')
    f('ab\\d|cd', null, '')
    f('ab\\Q|\\E\\d', null, '')
    f('ab(?m)*', null, 'a')
    for (const source of ['ab+(?m)*', 'ab+?(?i)?', 'ab+(?i)(?m){0,1}', 'ab+(?i)']) f(source, null, 'a')
    f('ab+(?:c)*', null, 'ab')
    f('😀|😁', ['😀', '😁'], '')
  })

  it('tells what every match contains', () => {
    const f = (source: string, literal: string): void => expect(requiredLiteral(source), source).toBe(literal)
    f('web-[0-9]+\\.prod\\..*:9100', '.prod.')
    f('(eu|us)-west-\\d', '-west-')
    f('ab?cde*f', 'cd')
    f('abc{2}d', 'ab')
    f('é(?:x(y)[)])*long', 'long')
    // In doubt there is none.
    for (const source of ['abc|def', 'ab(?i)cd', 'ab{c', 'a\\Qbc', '[]abc', 'ab\\pLcd', 'ab)c', 'ab(c', '(?P<n>a)bcd']) f(source, '')
  })

  it('lets pass what is made of what the pattern is made of', () => {
    const parts = fc.constantFrom(
      ['a', 'a'], ['b-', 'b-'], ['\\.', '.'], ['é', 'é'], ['😀', '😀'], ['\\d', '7'], ['[^x]', 'b'], ['(?:x|yz)', 'yz'], ['(a(b)[)])', 'ab)'], ['c?', ''], ['ac*', 'a'], ['cd+', 'cdd'],
      ['.+', 'q.'], ['.*', ''], ['ab{2}', 'abb'], ['ab{0,}', 'a'], ['\\w*?', ''], ['\\b', ''], ['^', ''], ['\\n', '\n'], ['\\x41', 'A'], ['[[:digit:]]', '1'],
    )
    fc.assert(
      fc.property(fc.array(parts, { minLength: 1, maxLength: 8 }), (list) => {
        const [source, text] = [0, 1].map((k) => list.map((part) => part[k]!).join('')) as [string, string]
        expect(compileRegex(source).test(text), JSON.stringify({ source, text })).toBe(oracle(source).test(text))
      }),
      { numRuns: 4000 },
    )
  })

  it('answers as re2js does, whatever the way it takes', () => {
    const piece = fc.constantFrom(
      'a', 'b', 'ab', 'ba', '\\.', '\\n', '.', '.*', '.+', '.*?', '|', '(', ')', '(?:', '?', '*', '+', '{2}', '[ab]', '[a-c]', '[^a]', '[-a]',
      '[a\\-b]', '\\d', '\\w', '^', '$', '-', '😀', '(?i)', '(?P<n>', 'A', '\\Q', '\\E', '\n', ']', '}', '_', '\\_', '\\b', '(?m)', ' ', 'é', '[[:alpha:]]', '[+--]',
    )
    const pattern = fc.array(piece, { maxLength: 9 }).map((pieces) => pieces.join('')).filter((source) => !GO_ONLY.test(source))
    const text = fc.array(fc.constantFrom('a', 'b', 'c', '.', '\n', '😀', 'A', '-', '1', '_', 'é', '|'), { maxLength: 7 }).map((parts) => parts.join(''))
    let shapes = 0
    fc.assert(
      fc.property(pattern, fc.array(text, { minLength: 8, maxLength: 8 }), (source, texts) => {
        let isValid = true
        try {
          RE2JS.compile(source)
          oracle(source)
        } catch {
          isValid = false
        }
        if (!isValid) {
          expect(() => compileRegex(source)).toThrow(RegexError)
          return
        }
        const regex = compileRegex(source)
        const automaton = oracle(source)
        if (readShape(source)) shapes++
        const matched = [...texts, ...(regex.setMatches ?? [])].filter((candidate) => automaton.test(candidate))
        for (const candidate of texts) {
          expect(regex.test(candidate), JSON.stringify({ source, candidate })).toBe(automaton.test(candidate))
          if (regex.setMatches) expect(regex.setMatches.includes(candidate)).toBe(automaton.test(candidate))
        }
        for (const candidate of matched) expect(candidate.startsWith(regex.prefix), JSON.stringify({ source, candidate })).toBe(true)
        if (regex.setMatches) expect(regex.setMatches.every((one) => automaton.test(one))).toBe(true)
      }),
      { numRuns: 6000 },
    )
    expect(shapes).toBeGreaterThan(500)
  })

  it('refuses what RE2 refuses, in its words', () => {
    const f = (source: string, want: string): void => {
      expect(() => compileRegex(source)).toThrow(new RegexError(want))
    }
    f('(a', 'error parsing regexp: missing closing ): `(a`')
    f('a)', 'error parsing regexp: unexpected ): `a)`')
    f('a)(b', 'error parsing regexp: unexpected ): `a)(b`')
    f('[a', 'error parsing regexp: missing closing ]: `[a`')
    f('[\udcff]', 'error parsing regexp: invalid UTF-8: `\udcff]`')
    f('(a\udcffb', 'error parsing regexp: invalid UTF-8: `\udcffb`')
    f('a{2,1}\udcff', 'error parsing regexp: invalid repeat count: `{2,1}`')
    expect(compileRegex('a\udcff|b').test('b')).toBe(true)
    f('*a', 'error parsing regexp: missing argument to repetition operator: `*`')
    f('a**', 'error parsing regexp: invalid nested repetition operator: `**`')
    f('(?=a)', 'error parsing regexp: invalid or unsupported Perl syntax: `(?=`')
    f('[z-a]', 'error parsing regexp: invalid character class range: `z-a`')
    f('a{1001}', 'error parsing regexp: invalid repeat count: `{1001}`')
    f('a\\', 'error parsing regexp: trailing backslash at end of expression: ``')
  })

  it('takes time linear in the text where backtracking would not end', () => {
    const text = `${'a'.repeat(100_000)}b`
    for (const source of ['(a+)+', '(a|a)*', '(a*)*c', '(.*)(.*)(.*)(.*)x', '.*.*.*.*=.*']) {
      const startMs = performance.now()
      expect(compileRegex(source).test(text)).toBe(false)
      expect(performance.now() - startMs).toBeLessThan(2000)
    }
  })

  it('bounds the work of spelling out a pattern', () => {
    const source = '(a|b|c|d)'.repeat(12)
    const regex = compileRegex(source)
    expect(regex.setMatches).toBeNull()
    expect(regex.test('abcdabcdabcd')).toBe(true)
    expect(compileRegex(Array.from({ length: 5000 }, (_, i) => `host-${i}`).join('|')).setMatches).toHaveLength(5000)
  })
})

describe('replaceAnchored', () => {
  it('expands templates by the rules of Go', () => {
    const f = (source: string, text: string, template: string, want: string | null): void => {
      expect(compileRegex(source).replaceAnchored(text, template), `${source} ${template}`).toBe(want)
    }
    f('(.*)', 'abc', '$1', 'abc')
    f('(.*)', 'abc', '$1x', '')
    f('(.*)', 'abc', '${1}x', 'abcx')
    f('(.*)', 'abc', '$0-$$1', 'abc-$1')
    f('([^:]+):(\\d+)', 'host:9100', '$2/$1', '9100/host')
    f('([^:]+):(\\d+)', 'host', '$1', null)
    f('(?P<host>.+):(?P<port>.+)', 'h:1', '${port}@$host', '1@h')
    f('(?P<host>.+):.+', 'h:1', '$hostx.$host', '.h')
    f('(a)|(b)', 'b', '[$1][$2][$3]', '[][b][]')
    f('a', 'a', '$', '$')
    f('a', 'a', '${', '${')
    f('a', 'a', '${1', '${1')
    f('a', 'a', '$-x', '$-x')
    f('(a)', 'a', '$01', '')
    f('(a)', 'a', '${constructor}$__proto__', '')
    f('(a)', 'a', '$999999999999', '')
    f('(?P<e>a)', 'a', 'x$éx', 'x')
    f('a|b', 'b', 'fixed', 'fixed')
    f('foo.*', 'foobar', '$0', 'foobar')
    f('(a.*)(\n.*)', 'ab\nc', '$2', '\nc')
    f('', '', 'x', 'x')
  })
})

describe('compileMatcher', () => {
  it('applies the operator to the value, absent being empty', () => {
    const f = (op: MatchOp, value: string, text: string, want: boolean): void => {
      expect(compileMatcher({ name: 'a', op, value })(text), `${op}${value} on ${text}`).toBe(want)
    }
    f('=', 'x', 'x', true)
    f('=', 'x', 'y', false)
    f('!=', 'x', 'y', true)
    f('!=', '', '', false)
    f('=~', 'x|y', 'y', true)
    f('=~', 'x', 'xx', false)
    f('!~', 'x.+', 'x', true)
    f('!~', 'x.+', 'xy', false)
    f('=~', '.*', '', true)
    f('!~', '.+', '', true)
    expect(() => compileMatcher({ name: 'a', op: '=~', value: '(' })).toThrow(RegexError)
  })
})
