import { readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { formatMatcher, type Matcher } from '../../../lib/model/matcher.ts'
import type { Expr } from '../../../lang/parse/ast.ts'
import { ParseError } from '../../../lang/parse/parse-error.ts'
import { ALL_FEATURES, parseExpr } from '../../../lang/parse/parse.ts'
import { prettifyExpr } from '../../../lang/parse/prettify.ts'
import { printExpr } from '../../../lang/parse/print.ts'
import { treeJson } from '../../../lang/parse/tree-json.ts'
import { fc } from '../../support/property.ts'
import { randomExpr } from '../../support/random-expr.ts'

const golden = path.resolve(import.meta.dirname, '../../golden')

interface Recorded {
  query: string
  data?: unknown
  error?: string
}

/** Where Prometheus' text means something else when it is read again; here it does not. */
const PRINTED_OTHERWISE: ReadonlyMap<string, string> = new Map([
  // Prometheus: foo[-2 ^ 2], which is -(2 ^ 2).
  ['foo[(-2)^2]', 'foo[(-2) ^ 2]'], ['foo[(-2) ^ 2]', 'foo[(-2) ^ 2]'],
  // Prometheus: foo offset 5m - 8, which subtracts from foo; 1m * 2 and 5m ^ 2 likewise.
  ['foo offset (5m) - 8', 'foo offset (5m) - 8'], ['foo offset --1m*2', 'foo offset (1m) * 2'], ['foo offset ++5m ^ 2', 'foo offset (5m) ^ 2'],
])
/** JSON cannot hold them as numbers, and Prometheus answers 500. */
const UNSPEAKABLE = /fill\S* \((NaN|[+-]?Inf)\)/

function recorded(file: string): Recorded[] {
  return JSON.parse(readFileSync(path.join(golden, file), 'utf8')) as Recorded[]
}

function answer(query: string, make: (expr: Expr) => unknown): Recorded {
  try {
    return { query, data: make(parseExpr(query, ALL_FEATURES)) }
  } catch (error) {
    if (error instanceof ParseError) return { query, error: `invalid parameter "query": ${error.message}` }
    throw error
  }
}

/** The tree without places; matchers by text; without the plus of `offset +step()`, which Prometheus does not print. */
function shape(expr: Expr): unknown {
  return JSON.parse(JSON.stringify(expr, (key, value: unknown) => {
    if (key === 'span' || key === 'opSpan') return undefined
    if (key === 'offset' && value !== null) {
      const { expr: inner } = value as { expr?: { kind: string; op?: string; arg?: unknown } }
      return inner?.kind === 'unary' && inner.op === '+' ? { ...(value as object), expr: inner.arg } : value
    }
    if (key === 'matchers') return (value as Matcher[]).toSorted((a, b) => (formatMatcher(a) < formatMatcher(b) ? -1 : 1))
    return typeof value === 'number' ? `${value}${Object.is(value, -0) ? '-' : ''}` : value
  }))
}

describe('prettifyExpr', () => {
  it('lays expressions out as Prometheus 3.14 did', () => {
    const rows = recorded('promql-format.json')
    expect(rows.length).toBeGreaterThan(600)
    for (const row of rows) {
      const own = PRINTED_OTHERWISE.get(row.query)
      expect(answer(row.query, prettifyExpr)).toEqual(own === undefined ? row : { query: row.query, data: own })
    }
  })

  it('keeps what tells an operator of a duration from one of the expression', () => {
    const f = (text: string): void => {
      expect(printExpr(parseExpr(text, ALL_FEATURES))).toBe(text)
      expect(prettifyExpr(parseExpr(text, ALL_FEATURES))).toBe(text)
    }
    f('foo offset +(step()) * 2')
    f('-foo @ 5.000 offset +(5m + 1m) - bar')
    f('a ^ foo offset +(step()) / on (x) b')
    f('foo offset (step()) == 2')
    f('foo offset (step()) and bar')
    f('foo offset (step()) * 2')
    f('foo offset (5m) - 8')
    f('foo offset ++step() * 2')
    f('foo offset +-step() * 2')
    f('foo offset +-5m ^ 2')
    f('foo offset --5m ^ 2')
    f('foo offset +-(5m + 1m) ^ 2')
    f('foo[(-2) ^ 2]')
    f('Inf ^ foo')
  })

  it('changes nothing but blanks of the print on one line', () => {
    let accepted = 0
    fc.assert(fc.property(randomExpr, (text) => {
      const expr = parsed(text)
      if (expr === null) return
      accepted++
      const bare = (printed: string): string => printed.replaceAll(/\s/g, '')
      const lines = prettifyExpr(expr)
      expect(bare(lines)).toBe(bare(printExpr(expr)))
      expect(shape(parseExpr(lines, ALL_FEATURES))).toEqual(shape(parseExpr(printExpr(expr), ALL_FEATURES)))
    }), { numRuns: 400, seed: 5 })
    expect(accepted).toBeGreaterThan(350)
  })
})

describe('treeJson', () => {
  it('shows trees as Prometheus 3.14 did', () => {
    const rows = recorded('promql-parse-query.json')
    expect(rows.length).toBeGreaterThan(500)
    let compared = 0
    for (const row of rows) {
      if (UNSPEAKABLE.test(row.query)) continue
      compared++
      expect(JSON.parse(JSON.stringify(answer(row.query, treeJson)))).toEqual(row)
    }
    expect(compared).toBeGreaterThan(500)
  })

  it('writes what JSON has no number for as text', () => {
    const fills = (text: string): unknown => treeJson(parseExpr(text, ALL_FEATURES))
    expect(fills('a / fill_left (NaN) fill_right (-Inf) b')).toMatchObject({ matching: { fillValues: { lhs: 'NaN', rhs: '-Inf' } } })
    expect(fills('a / fill_left (2) b')).toMatchObject({ matching: { fillValues: { lhs: 2, rhs: null } } })
  })
})

describe('printExpr', () => {
  it('prints random expressions of every type so that they parse to the same tree', () => {
    let accepted = 0
    const used = new Set<string>()
    fc.assert(fc.property(randomExpr, (text) => {
      const expr = parsed(text)
      if (expr === null) return
      accepted++
      const printed = printExpr(expr)
      expect(shape(parseExpr(printed, ALL_FEATURES)), printed).toEqual(shape(expr))
      expect(printExpr(parseExpr(printed, ALL_FEATURES))).toBe(printed)
      for (const [, type] of JSON.stringify(expr).matchAll(/"(?:type|kind)":"(\w+)"/g)) used.add(type!)
    }), { numRuns: 2_000, seed: 3 })
    expect(accepted).toBeGreaterThan(1_800)
    expect([...used].toSorted()).toEqual([
      'aggregate', 'binary', 'call', 'end', 'expr', 'fixed', 'matrixSelector', 'max_of', 'min_of', 'number', 'paren', 'range', 'start', 'step', 'string',
      'subquery', 'time', 'unary', 'vectorSelector',
    ])
  })
})

/** null where the parser refuses: the generator does not know every rule. */
function parsed(text: string): Expr | null {
  try {
    return parseExpr(text, ALL_FEATURES)
  } catch (error) {
    if (error instanceof ParseError) return null
    throw error
  }
}
