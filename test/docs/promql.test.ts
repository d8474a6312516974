// The manual speaks of the language as it is: every example is answered, every function, aggregation and operator is
// listed once, with its arguments and its flag.
import { readFileSync, readdirSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { Engine } from '../../lang/engine.ts'
import { AGGREGATORS, SIGNATURES, type Signature } from '../../lang/func/signatures.ts'
import type { ValueType } from '../../lang/parse/ast.ts'
import { ENGINE_FEATURE_NAMES } from '../../lang/parse/features.ts'
import { NESTED_SUBQUERIES_MAX, NESTING_MAX, NODE_COUNT_MAX, QUERY_BYTES_MAX, TREE_HEIGHT_MAX } from '../../lang/parse/limits.ts'
import { NO_FEATURES } from '../../lang/parse/features.ts'
import { ALL_FEATURES, parseExpr } from '../../lang/parse/parse.ts'
import { MemoryStorage } from '../support/memory-storage.ts'

const ROOT = path.resolve(import.meta.dirname, '../..')
const PAGES = ['README.md', ...readdirSync(path.join(ROOT, 'docs')).filter((file) => file.endsWith('.md')).map((file) => `docs/${file}`)]
const manual = readFileSync(path.join(ROOT, 'docs/promql.md'), 'utf8')

/** Expressions of the blocks marked promql, one between empty lines. */
function examplesIn(page: string): string[] {
  const text = readFileSync(path.join(ROOT, page), 'utf8')
  return [...text.matchAll(/```promql\n(.*?)```/gs)].flatMap(([, block = '']) => block.trim().split(/\n\n+/))
}

/** The text below a heading. */
function section(title: string): string {
  const [, text] = new RegExp(`^## ${title}\n(.*?)(?=^## |$(?![^]))`, 'ms').exec(manual) ?? []
  if (text === undefined) throw new Error(`no section ${title}`)
  return text
}

/** What stands between backticks in the tables of a section. */
function listedIn(title: string): string[] {
  return section(title).split('\n').filter((line) => line.startsWith('|')).flatMap((line) => [...line.matchAll(/`([^`]+)`(\*?)/g)].map(([, word = '', star = '']) => word + star))
}

const LETTERS: Readonly<Record<ValueType, string>> = { vector: 'v', matrix: 'm', scalar: 's', string: 't' }

/** `round(v, [s])`, `mad_over_time(m)*`. */
function written({ name, args, variadic, isExperimental }: Signature): string {
  const letters = args.map((type) => LETTERS[type])
  const last = letters.at(-1)
  if (variadic === 1) letters.splice(-1, 1, `[${last}]`)
  else if (variadic < 0) letters.splice(-1, 1, `[${last}…]`)
  else if (variadic > 1) letters.splice(-1, 1, `[${last}…${variadic}]`)
  return `${name}(${letters.join(', ')})${isExperimental ? '*' : ''}`
}

describe('the manual of PromQL', () => {
  const examples = PAGES.flatMap((page) => examplesIn(page).map((query): [string, string] => [page, query]))

  it('has examples', () => expect(examples.length).toBeGreaterThan(20))

  it.each(examples)('%s: is answered %s', (_, query) => {
    const engine = new Engine({ features: ALL_FEATURES })
    const common = { query, timeoutMs: 5000, limit: 0, lookbackMs: 300_000, stats: '' } as const
    const replies = [
      engine.run({ ...common, kind: 'instant', timeMs: 1_795_480_000_000 }, new MemoryStorage()),
      engine.run({ ...common, kind: 'range', startMs: 0, endMs: 3_600_000, stepMs: 60_000 }, new MemoryStorage()),
    ]
    for (const { status, body } of replies) expect(status, new TextDecoder().decode(body)).toBe(200)
  })

  it('lists every function once, with its arguments', () => {
    const calls = listedIn('Functions').filter((word) => word.includes('('))
    expect(calls.toSorted()).toEqual([...SIGNATURES.values()].map(written).toSorted())
  })

  it('lists every aggregation once, with its arguments', () => {
    const calls = section('Aggregations').split('\n').filter((line) => line.startsWith('|')).flatMap((line): string[] => {
      const cell = line.split('|')[1]!
      const needsFlag = line.includes('promql-experimental-functions')
      return [...cell.matchAll(/`([^`]+)`/g)].map(([, call = '']) => (needsFlag ? `${call}*` : call))
    })
    const wanted = Object.entries(AGGREGATORS).map(([op, { param, isExperimental }]) => (
      `${op}(${param === null ? '' : `${LETTERS[param]}, `}v)${isExperimental ? '*' : ''}`
    ))
    expect(calls.toSorted()).toEqual(wanted.toSorted())
  })

  it('lists every binary operator once, in the order in which they bind', () => {
    const rows = section('Operators').split('\n').filter((line) => line.startsWith('| `') && !line.includes('as signs'))
    const levels = rows.map((line) => [...line.split('|')[1]!.matchAll(/`([^`]+)`/g)].map(([, op]) => op!))
    expect(levels.flat().toSorted()).toEqual(['!=', '%', '*', '+', '-', '/', '<', '</', '<=', '==', '>', '>/', '>=', '^', 'and', 'atan2', 'or', 'unless'])
    const binds = (first: string, second: string): boolean => {
      const expr = parseExpr(`a ${first} b ${second} c`)
      return expr.type === 'binary' && expr.op === second
    }
    levels.forEach((ops, i) => {
      const next = levels.slice(i + 1).flat()
      for (const op of ops) for (const looser of next) if (!isSameLevel(op, looser)) expect([op, looser, binds(op, looser)]).toEqual([op, looser, true])
    })
  })

  it('names the flags that syntax needs', () => {
    const named = [...manual.matchAll(/`(promql-[a-z-]+|use-start-timestamps)`/g)].map(([, name]) => name!)
    for (const name of named) expect(ENGINE_FEATURE_NAMES.has(name), name).toBe(true)
    for (const query of ['rate(m[5m] anchored)', 'm smoothed', 'a / fill (0) b', 'mad_over_time(m[5m])', 'limitk(1, m)']) {
      expect(() => parseExpr(query, NO_FEATURES), query).toThrow()
    }
  })

  it('names the limits as they are', () => {
    const numbers = `${QUERY_BYTES_MAX / 1024} KiB, ${NODE_COUNT_MAX.toLocaleString('en')} nodes, nesting of ${NESTING_MAX}, chains of ${TREE_HEIGHT_MAX} operators, ${NESTED_SUBQUERIES_MAX} subqueries in each other`
    expect(section('Limits')).toContain(numbers)
  })
})

/** Trims stand in a row of their own, but bind as comparisons do. */
function isSameLevel(a: string, b: string): boolean {
  return /^[=!<>]/.test(a) && /^[=!<>]/.test(b)
}
