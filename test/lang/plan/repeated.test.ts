import { describe, expect, it } from 'vitest'
import { ALL_FEATURES, parseExpr } from '../../../lang/parse/parse.ts'
import { findRepeated } from '../../../lang/plan/repeated.ts'

describe('repeated subtrees', () => {
  it.each<[string, string[]]>([
    ['rate(a[5m]) / rate(a[5m])', ['rate(a[5m])', 'rate(a[5m])']],
    ['sum(rate(a[5m])) / count(rate(a[5m]))', ['rate(a[5m])', 'rate(a[5m])']],
    // Of the second copy of a sum only the sum is looked at.
    ['sum(rate(a[5m])) + sum(rate(a[5m]))', ['sum(rate(a[5m]))', 'sum(rate(a[5m]))']],
    ['sum(rate(a[5m])) + sum(rate(a[5m])) + rate(a[5m])', ['rate(a[5m])', 'rate(a[5m])', 'sum(rate(a[5m]))', 'sum(rate(a[5m]))']],
    ['(a + b) > 1 and (a + b) < 2', ['a + b', 'a + b']],
    // Not worth it: nothing is done to the selector, or there is none.
    ['a / a', []],
    ['vector(1) + vector(1)', []],
    ['scalar(a) + scalar(a)', []],
    ['rate(a[5m]) / rate(a[6m])', []],
    // Notes of this one count.
    ['histogram_quantile(0.5, a) + histogram_quantile(0.5, a)', []],
  ])('%s', (query, want) => {
    const found = findRepeated(parseExpr(query, ALL_FEATURES), query)
    expect(Array.from(found.keys(), ({ span }) => query.slice(span.start, span.end)).toSorted()).toEqual(want)
  })
})
