// The tree as /api/v1/parse_query shows it (web/api/v1/translate_ast.go of Prometheus 3.14): the words for nodes and
// fields are Prometheus', so that its web page can draw what this server parsed. Keys in the order of Go's encoder.
import type { Matcher } from '../../lib/model/matcher.ts'
import { SIGNATURES } from '../func/signatures.ts'
import type { AtModifier, Duration, DurationExpr, Expr, VectorMatching, VectorSelector } from './ast.ts'
import { formatPlain } from '../reply/number-text.ts'

/** Data that JSON.stringify writes as Prometheus would. */
export type TreeJson = { readonly [key: string]: TreeJson } | readonly TreeJson[] | string | number | boolean | null

/** The tree of an expression, its places left out. */
export function treeJson(expr: Expr): TreeJson {
  switch (expr.type) {
    case 'number': return { type: 'numberLiteral', val: formatPlain(expr.value) }
    case 'string': return { type: 'stringLiteral', val: expr.value.toWellFormed() }
    case 'vectorSelector': return { ...selectorJson(expr), type: 'vectorSelector' }
    case 'matrixSelector': return { ...selectorJson(expr.selector), ...durationJson('range', expr.range), type: 'matrixSelector' }
    case 'subquery': return {
      expr: treeJson(expr.expr),
      ...durationJson('offset', expr.offset), ...durationJson('range', expr.range), ...durationJson('step', expr.step), ...timeJson(expr.at),
      type: 'subquery',
    }
    case 'paren': return { expr: treeJson(expr.expr), type: 'parenExpr' }
    case 'unary': return { expr: treeJson(expr.expr), op: expr.op, type: 'unaryExpr' }
    case 'binary': return {
      bool: expr.returnBool, lhs: treeJson(expr.left), matching: expr.matching && matchingJson(expr.matching), op: expr.op, rhs: treeJson(expr.right),
      type: 'binaryExpr',
    }
    case 'aggregate': return {
      expr: treeJson(expr.expr), grouping: expr.grouping, op: expr.op, param: expr.param && treeJson(expr.param), type: 'aggregation', without: expr.isWithout,
    }
    case 'call': {
      const { name, args, variadic, returns } = SIGNATURES.get(expr.func)!
      return { args: expr.args.map(treeJson), func: { argTypes: args, name, returnType: returns, variadic }, type: 'call' }
    }
  }
}

function selectorJson({ name, isNameInBraces, matchers, offset, at, isAnchored, isSmoothed }: VectorSelector): Record<string, TreeJson> {
  return {
    anchored: isAnchored, matchers: matchers.map(matcherJson), name: isNameInBraces ? '' : name, ...durationJson('offset', offset), smoothed: isSmoothed, ...timeJson(at),
  }
}

function matcherJson({ name, op, value }: Matcher): TreeJson {
  // Bytes that are no UTF-8 show as U+FFFD, as Go's encoder shows them.
  return { name: name.toWellFormed(), type: op, value: value.toWellFormed() }
}

/** A duration under its name in ms, 0 where it is an expression or missing; the expression beside it. */
function durationJson(name: string, duration: Duration | null): Record<string, TreeJson> {
  return {
    [name]: duration?.kind === 'fixed' ? duration.ms : 0,
    [`${name}Expr`]: duration?.kind === 'expr' ? durationExprJson(duration.expr) : null,
  }
}

function durationExprJson(expr: DurationExpr): TreeJson {
  if (expr.kind === 'number') return { duration: expr.isDuration ?? false, type: 'numberLiteral', val: formatPlain(expr.seconds) }
  const wrapped = expr.isWrapped ?? false
  const node = (lhs: DurationExpr | null, op: string, rhs: DurationExpr | null): TreeJson => {
    return { lhs: lhs && durationExprJson(lhs), op, rhs: rhs && durationExprJson(rhs), type: 'durationExpr', wrapped }
  }
  switch (expr.kind) {
    case 'step': case 'range': return node(null, expr.kind, null)
    case 'unary': return node(null, expr.op, expr.arg)
    case 'binary': return node(expr.left, expr.op, expr.right)
    case 'min_of': case 'max_of': return node(expr.left, expr.kind, expr.right)
  }
}

function timeJson(at: AtModifier | null): Record<string, TreeJson> {
  return { startOrEnd: at === null || at.kind === 'time' ? null : at.kind, timestamp: at?.kind === 'time' ? at.ms : null }
}

function matchingJson({ card, labels, isOn, include, fillLeft, fillRight }: VectorMatching): TreeJson {
  return { card, fillValues: { lhs: fillJson(fillLeft), rhs: fillJson(fillRight) }, include, labels, on: isOn }
}

/** JSON has no NaN and no Inf; Prometheus cannot answer at all where one fills in. */
function fillJson(value: number | null): TreeJson {
  return value === null || Number.isFinite(value) ? value : formatPlain(value)
}
