// The nodes of expressions other than selectors, with the checks that Prometheus makes while it still reads
// (promql/parser/parse.go: newBinaryExpression, newAggregateExpr; function_call in generated_parser.y). Types and
// arity of calls come later, in check.ts.
import type { IToken } from 'chevrotain'
import { quote } from '../../lib/std/go-format.ts'
import { AGGREGATORS, SIGNATURES } from '../func/signatures.ts'
import type { AggregateExpr, AggregateOp, BinaryOp, Call, Expr, NumberLiteral, ParserFeatures, VectorMatching } from './ast.ts'
import { literalValue } from './build-duration.ts'
import type { Binder } from './chain.ts'
import { unquote } from './literals.ts'
import { Fault } from './parse-error.ts'
import { DurationText, spanOf, StringText } from './tokens.ts'

/** What stands between an operator and its right side. */
export interface BinaryModifiers {
  returnBool: boolean
  matching: VectorMatching
}

export function noModifiers(): BinaryModifiers {
  return {
    returnBool: false,
    matching: { card: 'one-to-one', labels: [], isOn: false, include: [], fillLeft: null, fillRight: null },
  }
}

export const exprBinder: Binder<Expr, BinaryModifiers> = {
  sign(sign, expr) {
    const span = { start: sign.startOffset, end: expr.span.end }
    const op = sign.image as '+' | '-'
    if (expr.type === 'number') return { ...expr, value: op === '-' ? -expr.value : expr.value, span }
    return { type: 'unary', op, expr, span }
  },
  binary(operator, modifiers, left, right) {
    const { returnBool, matching } = modifiers ?? noModifiers()
    return {
      type: 'binary', op: operator.image.toLowerCase() as BinaryOp, left, right, matching, returnBool,
      span: { start: left.span.start, end: right.span.end }, opSpan: spanOf(operator),
    }
  },
}

export function buildNumber(token: IToken): NumberLiteral {
  return { type: 'number', value: literalValue(token), isDuration: token.tokenType === DurationText, span: spanOf(token) }
}

/** A name in on (…), by (…) and the like. */
export function groupingLabel(token: IToken): string {
  const name = token.tokenType === StringText ? unquote(token.image) : token.image
  if (name === '' || !name.isWellFormed()) throw new Fault(spanOf(token), `invalid label name for grouping: ${quote(name)}`)
  return name
}

/** `end` is the place behind the closing parenthesis. */
export function buildCall(nameToken: IToken, args: Expr[], end: number, features: ParserFeatures): Call {
  const func = nameToken.image
  const signature = SIGNATURES.get(func)
  if (signature === undefined) throw new Fault(spanOf(nameToken), `unknown function with name "${func}"`)
  if (signature.isExperimental && !features.experimentalFunctions) {
    throw new Fault(spanOf(nameToken), `function "${func}" is not enabled`)
  }
  return { type: 'call', func, args, span: { start: nameToken.startOffset, end } }
}

export interface GroupingClause {
  isWithout: boolean
  grouping: string[]
  /** The place behind it. */
  end: number
}

export function buildAggregate(
  opToken: IToken, clause: GroupingClause | undefined, args: Expr[], end: number, features: ParserFeatures,
): AggregateExpr {
  const op = opToken.image.toLowerCase() as AggregateOp
  const span = { start: opToken.startOffset, end }
  const { param, isExperimental } = AGGREGATORS[op]
  if (args.length === 0) throw new Fault(span, 'no arguments for aggregate expression provided')
  if (isExperimental && !features.experimentalFunctions) {
    throw new Fault(span, `${op}() is experimental and must be enabled with --enable-feature=promql-experimental-functions`)
  }
  const wanted = param === null ? 1 : 2
  if (args.length !== wanted) {
    throw new Fault(span, `wrong number of arguments for aggregate expression provided, expected ${wanted}, got ${args.length}`)
  }
  return {
    type: 'aggregate', op, expr: args[wanted - 1]!, param: param === null ? null : args[0]!,
    grouping: clause?.grouping ?? [], isWithout: clause?.isWithout ?? false, span,
  }
}

