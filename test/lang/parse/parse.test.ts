import { existsSync, readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { formatMatcher, type Matcher } from '../../../lib/model/matcher.ts'
import type { Expr } from '../../../lang/parse/ast.ts'
import { ParseError } from '../../../lang/parse/parse-error.ts'
import { NO_FEATURES } from '../../../lang/parse/features.ts'
import { ALL_FEATURES, parseExpr, parseSelector } from '../../../lang/parse/parse.ts'
import { printExpr } from '../../../lang/parse/print.ts'
import { runParserCases } from '../../conformance/parser-cases.ts'
import { fc } from '../../support/property.ts'

const shared = path.resolve(import.meta.dirname, '../../../../shared')
const golden = path.resolve(import.meta.dirname, '../../golden/promql-parse.json')

function errorOf(text: string, features = ALL_FEATURES): ParseError {
  try {
    parseExpr(text, features)
  } catch (error) {
    if (error instanceof ParseError) return error
    throw error
  }
  throw new Error(`${text} was accepted`)
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}

/** The tree without places; matchers in the order in which they are printed. */
function shape(expr: Expr): unknown {
  return JSON.parse(JSON.stringify(expr, (key, value: unknown) => {
    if (key === 'span' || key === 'opSpan') return undefined
    // As in Prometheus, the plus of `offset +step()` is in the tree but not in its print.
    if (isObject(value) && value['kind'] === 'unary' && value['op'] === '+') return value['arg']
    if (key === 'matchers') return (value as Matcher[]).toSorted((a, b) => (formatMatcher(a) < formatMatcher(b) ? -1 : 1))
    return typeof value === 'number' ? `${value}${Object.is(value, -0) ? '-' : ''}` : value
  }))
}

describe('parseExpr', () => {
  it('answers as a Prometheus server did, word for word and place for place', () => {
    const cases = JSON.parse(readFileSync(golden, 'utf8')) as { query: string; error?: string; printed?: string }[]
    expect(cases.length).toBeGreaterThan(300)
    for (const { query, error, printed } of cases) {
      if (error !== undefined) expect([query, errorOf(query).message]).toEqual([query, error])
      else expect([query, printExpr(parseExpr(query, ALL_FEATURES))]).toEqual([query, printed])
    }
  })

  const cases = path.join(shared, 'promql-parser/cases.json')
  it.skipIf(!existsSync(cases))('agrees with the parser table of Prometheus 3.14', () => {
    const lines: string[] = []
    const { passed, failed } = runParserCases(cases, (line) => lines.push(line))
    expect(failed, lines.join('\n')).toBe(0)
    expect(passed).toBeGreaterThan(200)
  })

  it('binds by precedence', () => {
    const f = (text: string, bracketed: string): void => expect(grouped(parseExpr(text, ALL_FEATURES))).toBe(bracketed)
    f('a or b and c', '(a or (b and c))')
    f('a unless b and c', '((a unless b) and c)')
    f('a == b > c', '((a == b) > c)')
    f('a + b - c', '((a + b) - c)')
    f('a - b * c atan2 d', '(a - ((b * c) atan2 d))')
    f('a ^ b ^ c', '(a ^ (b ^ c))')
    f('-a ^ b', '-(a ^ b)')
    f('-a * b', '(-a * b)')
    f('a ^ -b ^ c', '(a ^ -(b ^ c))')
    f('a ^ -b * c', '((a ^ -b) * c)')
    f('a </ b + c', '(a </ (b + c))')
    f('a and b >/ c', '(a and (b >/ c))')
  })

  it('reads what 3.14 added', () => {
    const f = (text: string, want: string): void => expect(printExpr(parseExpr(text, ALL_FEATURES))).toBe(want)
    f('foo[5m] smoothed', 'foo[5m] smoothed')
    f('increase(foo[1m] ANCHORED offset 5m)', 'increase(foo[1m] anchored offset 5m)')
    f('a + fill(0) b', 'a + fill (0) b')
    f('a * on(x) group_left fill_right(-Inf) fill_left(5m) b', 'a * on (x) group_left () fill_left (300) fill_right (-Inf) b')
    f('fill + fill(0) other', 'fill + fill (0) other')
    f('foo offset min_of(step(), 1s)^0', 'foo offset min_of(step(), 1s) ^ 0')
    f('foo[(-2)^2]', 'foo[(-2) ^ 2]')
    f('min_of(1, step())', 'min_of(1, step())')
    f('step + range', 'step + range')
  })

  it('keeps every place, in UTF-16 offsets', () => {
    const text = '# 𝒳\nsum by (a) (rate(foo{b="𝒳"}[5m] offset 1m)) > bool 2'
    const cut = ({ start, end }: { start: number; end: number }): string => text.slice(start, end)
    const comparison = parseExpr(text)
    if (comparison.type !== 'binary' || comparison.left.type !== 'aggregate' || comparison.left.expr.type !== 'call') throw new Error('shape')
    expect(cut(comparison.opSpan)).toBe('>')
    expect(cut(comparison.left.span)).toBe('sum by (a) (rate(foo{b="𝒳"}[5m] offset 1m))')
    expect(cut(comparison.left.expr.span)).toBe('rate(foo{b="𝒳"}[5m] offset 1m)')
    const [matrix] = comparison.left.expr.args
    if (matrix?.type !== 'matrixSelector') throw new Error('shape')
    expect(cut(matrix.span)).toBe('foo{b="𝒳"}[5m] offset 1m')
    expect(cut(matrix.selector.span)).toBe('foo{b="𝒳"}')
    expect(cut(matrix.range.span)).toBe('5m')
  })

  it('gives line and byte column of an error', () => {
    const error = errorOf('foo{a="é"}\n  + "é" x')
    expect({ line: error.line, col: error.col, span: error.span, code: error.code }).toEqual({
      line: 2, col: 10, span: { start: 19, end: 20 }, code: 'PARSE_ERROR',
    })
    expect(error.message).toBe('2:10: parse error: unexpected identifier "x"')
  })

  it('keeps matchers under hostile names', () => {
    const expr = parseExpr('foo{__proto__="a",constructor!="b","to String"=~"c"}')
    expect(expr).toMatchObject({ name: 'foo', matchers: [
      { name: '__proto__', op: '=', value: 'a' }, { name: 'constructor', op: '!=', value: 'b' },
      { name: 'to String', op: '=~', value: 'c' }, { name: '__name__', op: '=', value: 'foo' },
    ] })
    expect(errorOf('constructor(1)').detail).toBe('unknown function with name "constructor"')
    expect(errorOf('__proto__(1)').detail).toBe('unknown function with name "__proto__"')
  })

  it('completes the matching of both kinds of operators', () => {
    expect(parseExpr('a and on(x) b')).toMatchObject({ matching: { card: 'many-to-many', isOn: true, labels: ['x'] } })
    expect(parseExpr('a / ignoring(x) group_right(y) b')).toMatchObject({ matching: { card: 'one-to-many', isOn: false, include: ['y'] } })
    expect(parseExpr('a > bool 1')).toMatchObject({ matching: null, returnBool: true })
  })

  it('reads literals as Go does', () => {
    const f = (text: string, value: number): void => expect(parseExpr(text)).toMatchObject({ type: 'number', value })
    f('010', 8)
    f('08', 8)
    f('0x1F', 31)
    f('1_000', 1000)
    f('9223372036854775808', 2 ** 63)
    f('1h30m', 5400)
    f('-.5e-3', -0.0005)
    f('-inF', -Infinity)
    expect(parseExpr('"\\a\\377\\xe2\\x82\\xac\\u20ac\\U0001f600\\\\"')).toMatchObject({ value: '\u0007\udcff€€😀\\' })
    expect(parseExpr('`\\n`')).toMatchObject({ value: '\\n' })
    expect(parseExpr('foo @ 1.0005')).toMatchObject({ at: { kind: 'time', ms: 1001 } })
    expect(parseExpr('foo[0.3]')).toMatchObject({ range: { kind: 'fixed', ms: 300 } })
  })

  it('lets a colon follow step() and range() once a bracket of the query had a number, as Prometheus 3.14 does', () => {
    const f = (text: string, want: string): void => expect(errorOf(text, ALL_FEATURES).message, text).toBe(want.replace(' ', ' parse error: '))
    f('x[step():1m]', '1:10: unexpected colon before duration in duration expression')
    expect(() => parseExpr('sum_over_time(y[1m]) + sum_over_time(x[step():1m])', ALL_FEATURES)).not.toThrow()
    f('sum_over_time(y[step()]) + sum_over_time(x[step():1m])', '1:51: unexpected colon before duration in duration expression')
    f('max_over_time(y[1m]) + max_over_time(x[step()::1m])', '1:48: unexpected repeated colon in duration expression')
    f('max_over_time(y[1m]) + max_over_time(x[step():1m:1m])', "1:49: unexpected colon ':'")
    f('max_over_time(y[1m]) + x[:1m]', '1:26: unexpected ":" in subquery or range selector, expected number, duration, step(), or range()')
  })

  it('refuses experimental syntax that is switched off, as Prometheus 3.14 does', () => {
    const f = (text: string, want: string): void => expect(errorOf(text, NO_FEATURES).message, text).toBe(want.replace(' ', ' parse error: '))
    f('mad_over_time(foo[5m])', '1:1: function "mad_over_time" is not enabled')
    f('1 + info(foo)', '1:5: function "info" is not enabled')
    f('vector(step())', '1:8: function "step" is not enabled')
    f('start()', '1:1: function "start" is not enabled')
    f('min_of(1, 2)', '1:1: function "min_of" is not enabled')
    f('limitk(1, foo)', '1:1: limitk() is experimental and must be enabled with --enable-feature=promql-experimental-functions')
    f('limit_ratio(0.5, foo) by (x)', '1:1: limit_ratio() is experimental and must be enabled with --enable-feature=promql-experimental-functions')
    f('foo[5m] smoothed', '1:1: smoothed modifier is experimental and not enabled')
    f('rate(foo anchored [5m])', '1:6: anchored modifier is experimental and not enabled')
    f('a + fill(0) b', '1:1: binop fill modifiers are experimental and not enabled')
    f('sum(x) + (a - fill(0) b)', '1:11: binop fill modifiers are experimental and not enabled')
    f('a + on (x) group_left fill_left (1) b', '1:1: binop fill modifiers are experimental and not enabled')
    for (const text of ['foo[step()]', 'foo offset min_of(1m, 2m)', 'fill_left + 1', 'foo[5m * 2]']) expect(() => parseExpr(text)).not.toThrow()
  })
})

describe('parseExpr, bounds', () => {
  const wrap = (n: number, open: string, inner: string, close: string): string => open.repeat(n) + inner + close.repeat(n)
  const f = (text: string, want: string): void => expect(errorOf(text).detail).toBe(want)

  it('names each bound it holds', () => {
    f(Array(30_000).fill('a').join(' or '), 'query is longer than 131072 bytes')
    f(`"${'é'.repeat(65_536)}"`, 'query is longer than 131072 bytes')
    f(Array(5_000).fill('a').join(' or '), 'expression chains more than 500 levels')
    f(`foo[${Array(5_000).fill('1').join('+')}]`, 'expression chains more than 500 levels')
    f(`label_join(a, "b", "c"${', "d"'.repeat(5_000)})`, 'expression has more than 5000 nodes')
    for (const open of ['(', '-', 'abs(', 'sum(', '1^', 'a or (']) f(open.repeat(3_000), 'expression nests deeper than 100')
    f(`foo[${'('.repeat(3_000)}`, 'expression nests deeper than 100')
    f(wrap(50, 'max_over_time(', 'x', '[1m:])'), 'subqueries nest deeper than 5')
    f(`x${'[1m:]'.repeat(3_000)}`, 'subqueries nest deeper than 5')
  })

  it('accepts what lies just within', () => {
    expect(parseExpr(wrap(99, 'sum(', 'x', ')')).type).toBe('aggregate')
    expect(parseExpr(wrap(99, '(', '1', ')')).type).toBe('paren')
    expect(parseExpr(wrap(5, 'max_over_time(', 'x', '[1m:])')).type).toBe('call')
    expect(parseExpr(Array(500).fill('a').join(' or ')).type).toBe('binary')
  })

  it('throws nothing but ParseError, whatever the text', () => {
    const words = ['foo', 'sum', 'by', 'on', '(', ')', '[', ']', '{', '}', '5m', '1', '"a"', '"', '\\', ',', ':', '@', 'offset', '-', '^', '=~', 'bool',
      'group_left', 'step()', 'start(', 'fill(', 'smoothed', 'é', '\ud800', '#', '\n', 'info(', 'rate(', 'label_join(']
    let refused = 0
    fc.assert(fc.property(fc.array(fc.constantFrom(...words), { maxLength: 30 }), (parts) => {
      try {
        parseExpr(parts.join(' '), ALL_FEATURES)
      } catch (error) {
        if (!(error instanceof ParseError)) throw error
        refused++
      }
    }), { numRuns: 2_000, seed: 7 })
    expect(refused).toBeGreaterThan(1000)
  })
})

describe('parseSelector', () => {
  it('gives the matchers of a selector', () => {
    expect(parseSelector('foo{a!~"b|c"}')).toEqual([{ name: 'a', op: '!~', value: 'b|c' }, { name: '__name__', op: '=', value: 'foo' }])
    expect(parseSelector('{"a.b"}')).toEqual([{ name: '__name__', op: '=', value: 'a.b' }])
  })

  it('refuses all else', () => {
    const f = (text: string, want: string): void => expect(() => parseSelector(text), text).toThrow(want)
    for (const [text, want] of [
      ['', 'unknown position: parse error: unexpected end of input'], ['# c\n', '2:1: parse error: unexpected end of input'],
      ['m(', '1:2: parse error: unexpected "("'], ['sum(x)', '1:4: parse error: unexpected "("'], ['by(x)', '1:3: parse error: unexpected "("'],
      ['sum by (x) (y)', '1:5: parse error: unexpected <by>'], ['start()', '1:6: parse error: unexpected "("'],
    ] as const) f(text, want)
    f('{}', '1:1: parse error: match[] must contain at least one non-empty matcher')
    f('{a=~".*"}', 'match[] must contain at least one non-empty matcher')
    f('foo[5m]', '1:4: parse error: unexpected "["')
    f('foo offset 5m', '1:5: parse error: unexpected <offset>')
    f('foo{a=~"("}', 'error parsing regexp: missing closing ): `(`')
  })
})

describe('printExpr', () => {
  const folder = path.join(shared, 'promqltest')
  it.skipIf(!existsSync(folder))('parses every expression of the language tests, and prints it so that it parses to the same tree', () => {
    let count = 0
    for (const file of readdirSync(folder).filter((name) => name.endsWith('.test'))) {
      for (const line of readFileSync(path.join(folder, file), 'utf8').split('\n')) {
        const text = /^\s*eval(?:_\w+)?\s+(?:instant(?:\s+at\s+\S+)?|range\s+from\s+\S+\s+to\s+\S+\s+step\s+\S+)\s+(.*)$/.exec(line)?.[1]
        if (text === undefined) continue
        count++
        const expr = parseExpr(text, ALL_FEATURES)
        expect(shape(parseExpr(printExpr(expr), ALL_FEATURES)), text).toEqual(shape(expr))
      }
    }
    expect(count).toBeGreaterThan(1_000)
  })

  it('prints random expressions so that they parse to the same tree', () => {
    const leaf = fc.constantFrom('foo', '{"a.b",c!~"d"}', 'foo{x="y\\n"} offset -(5m*2)', 'foo @ -1.5', 'sum', '(foo)', 'foo{"é"="\\xff"}', '1e300', '-0', '-Inf', '5m', 'foo smoothed')
    const { tree } = fc.letrec<{ tree: string }>((tie) => ({
      tree: fc.oneof({ maxDepth: 4 }, leaf,
        fc.tuple(tie('tree'), fc.constantFrom('+', '^', 'atan2', '> bool', '/ on(a,"b c") group_left()', '* ignoring() group_right(z)', '- fill_left(1)', '</'), tie('tree')).map((parts) => parts.join(' ')),
        fc.tuple(fc.constantFrom('-', '+', '-(', 'sum by ("x y",b) (', 'abs(', 'topk without () (5,'), tie('tree')).map(([open, inner]) => open + inner + (/[(,]/.test(open) ? ')' : '')),
        fc.tuple(tie('tree'), fc.constantFrom('[5m:]', '[1d:step()/2] @ end() offset 1m', '[(5m+1)*-2^2:1s500ms]')).map(([inner, range]) => `avg_over_time((${inner})${range})`)),
    }))
    let accepted = 0
    fc.assert(fc.property(tree, (text) => {
      let expr: Expr
      try {
        expr = parseExpr(text, ALL_FEATURES)
      } catch (error) {
        if (error instanceof ParseError) return
        throw error
      }
      accepted++
      expect(shape(parseExpr(printExpr(expr), ALL_FEATURES))).toEqual(shape(expr))
    }), { numRuns: 1_500, seed: 11 })
    expect(accepted).toBeGreaterThan(300)
  })
})

/** Every binary expression in brackets. */
function grouped(expr: Expr): string {
  if (expr.type === 'binary') return `(${grouped(expr.left)} ${expr.op} ${grouped(expr.right)})`
  if (expr.type === 'unary') return `${expr.op}${grouped(expr.expr)}`
  return printExpr(expr)
}
