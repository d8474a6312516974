import { describe, expect, it } from 'vitest'
import { QueryError } from '../../../lang/exec/query-error.ts'
import type { Expr, MatrixSelector, SubqueryExpr, VectorSelector } from '../../../lang/parse/ast.ts'
import { ALL_FEATURES, parseExpr } from '../../../lang/parse/parse.ts'
import { durationMs, foldDurations } from '../../../lang/plan/fold-durations.ts'

const TIMES = { startMs: 100_000, endMs: 700_000, stepMs: 30_000 }

function fold<T extends Expr>(text: string, type: T['type']): T {
  const expr = foldDurations(parseExpr(text, ALL_FEATURES), text, TIMES)
  if (expr.type !== type) throw new Error(`${text} is a ${expr.type}`)
  return expr as T
}

describe('durations', () => {
  it.each<[string, number]>([
    ['m[5m]', 300_000], ['m[5m * 2 + 1]', 601_000], ['m[step() * 3]', 90_000], ['m[range() / 2]', 300_000], ['m[2 ^ 3]', 8000],
    ['m[7 % 4]', 3000], ['m[min_of(step(), 10s)]', 10_000], ['m[max_of(step(), 10s)]', 30_000], ['m[-(-5)]', 5000], ['m[1.0009]', 1000],
  ])('%s', (text, ms) => expect(durationMs(fold<MatrixSelector>(text, 'matrixSelector').range)).toBe(ms))

  it('of offsets may be negative', () => {
    expect(durationMs(fold<VectorSelector>('m offset (step() - 1m)', 'vectorSelector').offset!)).toBe(-30_000)
  })

  it('of subqueries fold in every place, with the times of the whole query', () => {
    const outer = fold<SubqueryExpr>('rate(m[step()])[range() * 1:step()] offset step()', 'subquery')
    expect([durationMs(outer.range), durationMs(outer.step!), durationMs(outer.offset!)]).toEqual([600_000, 30_000, 30_000])
    expect(outer.expr).toMatchObject({ type: 'call', args: [{ range: { kind: 'fixed', ms: 30_000 } }] })
  })

  // The first three recorded from Prometheus 3.5.3 with promql-duration-expr: offsets, not line and column.
  it.each<[string, string]>([
    ['m[5m - 5m]', '2:9: duration must be greater than 0'], ['m[2 ^ 100]', '2:9: duration is out of range'],
    ['rate(m[3m] offset (0 / (1 - 1)))', '19:29: division by zero'], ['m[1m % (step() - step())]', '2:23: modulo by zero'],
    // From 3.14: places are in bytes, of the arguments of min_of and max_of, of the outermost that is wrong: offset, step, range.
    ['{"grüße"}[-step()]', '12:19: duration must be greater than 0'], ['m[min_of(1m, -range())]', '9:21: duration must be greater than 0'],
    ['sum_over_time(m[-step()])[5m:-range()]', '29:37: duration must be greater than 0'], ['m[1m-2m:-range()] offset (1 / (step() - step()))', '26:46: division by zero'],
  ])('%s is refused', (text, message) => {
    let caught: unknown
    try {
      foldDurations(parseExpr(text, ALL_FEATURES), text, TIMES)
    } catch (error) {
      caught = error
    }
    expect(caught).toBeInstanceOf(QueryError)
    expect(caught).toMatchObject({ code: 'bad_data', message: `invalid parameter "query": ${message}` })
  })
})

describe('times of the query', () => {
  it('start() and end() pin selectors and subqueries', () => {
    expect(fold<VectorSelector>('m @ start()', 'vectorSelector').at).toEqual({ kind: 'time', ms: 100_000 })
    expect(fold<SubqueryExpr>('m[5m:1m] @ end()', 'subquery').at).toEqual({ kind: 'time', ms: 700_000 })
    expect(fold<VectorSelector>('m @ 1.5', 'vectorSelector').at).toEqual({ kind: 'time', ms: 1500 })
  })

  it.each<[string, number]>([['start()', 100], ['end()', 700], ['range()', 600], ['step()', 30]])('%s is a number', (text, value) => {
    expect(fold(text, 'number')).toMatchObject({ value })
  })
})
