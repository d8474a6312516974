// The parser's door: PromQL text in, checked tree out.
//
//   text ─▶ lexer ─▶ grammar (Chevrotain) ─▶ check ─▶ Expr
//
// Language: Prometheus 3.14 (docs/querying, promql/parser), duration expressions included. Errors carry Prometheus'
// words; the bounds of limits.ts are our own.
import type { IToken } from 'chevrotain'
import { EMPTY_LABELS, labelsFromMap, type Labels } from '../../lib/model/labels.ts'
import type { Matcher } from '../../lib/model/matcher.ts'
import type { Expr, ParserFeatures } from './ast.ts'
import { checkExpr, hasNonEmptyMatcher } from './check.ts'
import { NO_FEATURES } from './features.ts'
import { readExpr, readSelector } from './grammar.ts'
import { lex } from './lexer.ts'
import { QUERY_BYTES_MAX } from './limits.ts'
import { Fault, ParseError } from './parse-error.ts'
import { End } from './tokens.ts'

/** All experimental syntax switched on. */
export const ALL_FEATURES: ParserFeatures = { experimentalFunctions: true, extendedRangeSelectors: true, fillModifiers: true }

/**
 * The tree of a PromQL expression, types and arity checked; the caller owns it. `features` left out are off.
 * Throws ParseError, for the first error only.
 */
export function parseExpr(text: string, features: Partial<ParserFeatures> = NO_FEATURES): Expr {
  return parse(text, (tokens) => {
    if (tokens[0]!.tokenType === End) throw new Fault({ start: 0, end: 0 }, 'no expression found in input')
    const expr = readExpr(tokens, { ...NO_FEATURES, ...features })
    checkExpr(expr)
    return expr
  })
}

/**
 * The matchers of a selector text as in `match[]`: `foo`, `foo{a="b"}`, `{a=~"b.+"}`; the name among them. Throws
 * ParseError for all else, also where every matcher accepts the empty value.
 */
export function parseSelector(text: string): Matcher[] {
  return parse(text, (tokens) => {
    const { matchers, span } = readSelector(tokens)
    if (!hasNonEmptyMatcher(matchers)) throw new Fault(span, 'match[] must contain at least one non-empty matcher')
    return matchers
  })
}

/** The same where every matcher may accept the empty value. Throws ParseError. */
export function parseAnySelector(text: string): Matcher[] {
  return parse(text, (tokens) => readSelector(tokens).matchers)
}

/**
 * The labels of a series: `foo{a="b"}`, `{a="b"}`, `{}`; the name among them, none twice. Throws ParseError.
 */
export function parseMetric(text: string): Labels {
  if (text.trim() === '') return EMPTY_LABELS
  return parse(text, (tokens) => {
    const { matchers, span } = readSelector(tokens)
    const wrong = matchers.find(({ op }) => op !== '=')
    if (wrong !== undefined) throw new Fault(span, `unexpected "${wrong.op}" in label set, expected "="`)
    const labels = new Map(matchers.map(({ name, value }) => [name, value]))
    const repeated = matchers.find(({ name }, i) => matchers.findIndex((one) => one.name === name) < i)
    if (repeated !== undefined) throw new Fault(span, `label name ${JSON.stringify(repeated.name)} is not unique`)
    return labelsFromMap(labels)
  })
}

function parse<T>(text: string, read: (tokens: IToken[]) => T): T {
  if (text.length > QUERY_BYTES_MAX || Buffer.byteLength(text) > QUERY_BYTES_MAX) {
    throw new ParseError(text, { start: 0, end: 0 }, `query is longer than ${QUERY_BYTES_MAX} bytes`)
  }
  const tokens = lex(text)
  try {
    return read(tokens)
  } catch (error) {
    if (error instanceof Fault) throw new ParseError(text, error.span, error.message, text === '' ? 'unknown position' : undefined)
    throw error
  }
}
