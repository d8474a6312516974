import { describe, expect, it } from 'vitest'
import { ALL_FEATURES, parseExpr } from '../../../lang/parse/parse.ts'
import { findStepInvariant } from '../../../lang/plan/step-invariant.ts'

function invariantParts(text: string): string[] {
  const found = findStepInvariant(parseExpr(text, ALL_FEATURES))
  return Array.from(found, ({ span }) => text.slice(span.start, span.end))
}

describe('subtrees evaluated once', () => {
  // By the rules of prometheus promql/engine.go, PreprocessExpr.
  it.each<[string, string[]]>([
    ['m', []],
    ['m @ 20', ['m @ 20']],
    ['m @ 20 + n @ 10', ['m @ 20 + n @ 10']],
    ['m @ 20 + n', ['m @ 20']],
    ['1 + 2', ['1 + 2']],
    ['5', []],
    ['sum by(a)(m @ 20)', ['sum by(a)(m @ 20)']],
    ['rate(m[1m] @ 20)', ['rate(m[1m] @ 20)']],
    ['rate(m[1m])', []],
    ['sum_over_time(m[1h:1m] @ 20)', ['sum_over_time(m[1h:1m] @ 20)']],
    ['sum_over_time((m @ 20)[1h:1m])', ['(m @ 20)']],
    ['predict_linear(m[1m] @ 20, 5)', ['m[1m] @ 20']],
    ['time()', []],
    ['timestamp(m @ 20)', ['timestamp(m @ 20)']], ['timestamp(-m @ 20)', ['-m @ 20']],
    ['hour(m @ 20)', ['m @ 20']],
    ['topk(3, m @ 20)', ['topk(3, m @ 20)']],
    ['topk(scalar(n), m @ 20)', ['topk(scalar(n), m @ 20)']],
    ['topk(scalar(n @ 10), m)', []],
    ['-(m @ 20)', ['-(m @ 20)']],
  ])('%s', (text, parts) => expect(invariantParts(text)).toEqual(parts))
})
