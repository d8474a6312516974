// What grammar alone cannot say: types of operands and arguments, arity, vector matching, empty selectors
// (promql/parser/parse.go, checkAST, in its order of checks, since only the first error is reported). Also completes
// the matching of binary expressions, and holds the bounds on the size of the tree.
import { matcherRegex } from '../../lib/std/regex.ts'
import type { Matcher } from '../../lib/model/matcher.ts'
import { quote } from '../../lib/std/go-format.ts'
import { AGGREGATORS, SIGNATURES } from '../func/signatures.ts'
import {
  COMPARISONS, type AggregateExpr, type BinaryExpr, type BinaryOp, type Call, type Duration, type DurationExpr, type Expr, type Span,
  type SubqueryExpr, type ValueType, type VectorSelector,
} from './ast.ts'
import { NESTED_SUBQUERIES_MAX, NODE_COUNT_MAX, TREE_HEIGHT_MAX } from './limits.ts'
import { Fault } from './parse-error.ts'
import { typeName, typeOf } from './value-type.ts'

const SET_OPERATORS: ReadonlySet<BinaryOp> = new Set(['and', 'or', 'unless'])

/** Checks a whole tree. Throws Fault for the first error. */
export function checkExpr(expr: Expr): void {
  new Checker().check(expr)
}

/** Whether some matcher refuses the empty value, so that the selector cannot mean "everything". */
export function hasNonEmptyMatcher(matchers: readonly Matcher[]): boolean {
  return matchers.some(({ op, value }) => {
    if (op === '=') return value !== ''
    if (op === '!=') return value === ''
    return matcherRegex(value).test('') !== (op === '=~')
  })
}

class Checker {
  #nodes = 0
  #height = 0
  #subqueries = 0

  check(expr: Expr): ValueType {
    this.#count(expr.span)
    this.#height++
    const type = this.#checkNode(expr)
    this.#height--
    return type
  }

  #count(span: Span): void {
    if (++this.#nodes > NODE_COUNT_MAX) throw new Fault(span, `expression has more than ${NODE_COUNT_MAX} nodes`)
    if (this.#height >= TREE_HEIGHT_MAX) throw new Fault(span, `expression chains more than ${TREE_HEIGHT_MAX} levels`)
  }

  #checkNode(expr: Expr): ValueType {
    switch (expr.type) {
      case 'number': case 'string': return typeOf(expr)
      case 'vectorSelector': return this.#selector(expr, false)
      case 'matrixSelector':
        this.#duration(expr.range)
        this.check(expr.selector)
        return 'matrix'
      case 'subquery': return this.#subquery(expr)
      case 'paren': return this.check(expr.expr)
      case 'unary': {
        const type = this.check(expr.expr)
        if (type !== 'scalar' && type !== 'vector') {
          throw new Fault(expr.span, `unary expression only allowed on expressions of type scalar or instant vector, got "${typeName(type)}"`)
        }
        return type
      }
      case 'binary': return this.#binary(expr)
      case 'aggregate': return this.#aggregate(expr)
      case 'call': return this.#call(expr)
    }
  }

  #expect(expr: Expr, wanted: ValueType, where: string): void {
    const type = this.check(expr)
    if (type !== wanted) throw new Fault(expr.span, `expected type ${typeName(wanted)} in ${where}, got ${typeName(type)}`)
  }

  #selector(selector: VectorSelector, mayBeEmpty: boolean): ValueType {
    if (selector.offset) this.#duration(selector.offset)
    if (selector.name !== '' && !selector.isNameInBraces) {
      for (const matcher of selector.matchers.slice(0, -1)) {
        if (matcher.name !== '__name__') continue
        throw new Fault(selector.span, `metric name must not be set twice: ${quote(selector.name)} or ${quote(matcher.value)}`)
      }
    } else if (!mayBeEmpty && !hasNonEmptyMatcher(selector.matchers)) {
      throw new Fault(selector.span, 'vector selector must contain at least one non-empty matcher')
    }
    return 'vector'
  }

  #subquery(expr: SubqueryExpr): ValueType {
    if (++this.#subqueries > NESTED_SUBQUERIES_MAX) {
      throw new Fault(expr.span, `subqueries nest deeper than ${NESTED_SUBQUERIES_MAX}`)
    }
    for (const duration of [expr.range, expr.step, expr.offset]) if (duration) this.#duration(duration)
    const type = this.check(expr.expr)
    if (type !== 'vector') throw new Fault(expr.span, `subquery is only allowed on instant vector, got ${type} instead`)
    this.#subqueries--
    return 'matrix'
  }

  #aggregate(expr: AggregateExpr): ValueType {
    this.#expect(expr.expr, 'vector', 'aggregation expression')
    if (expr.param) this.#expect(expr.param, AGGREGATORS[expr.op].param!, 'aggregation parameter')
    return 'vector'
  }

  #binary(expr: BinaryExpr): ValueType {
    const { op, opSpan, span } = expr
    const left = this.check(expr.left)
    const right = this.check(expr.right)
    const matching = expr.matching!
    const isComparison = COMPARISONS.has(op)
    const isSetOperator = SET_OPERATORS.has(op)
    if (expr.returnBool && !isComparison) throw new Fault(opSpan, 'bool modifier can only be used on comparison operators')
    if (isComparison && !expr.returnBool && left === 'scalar' && right === 'scalar') {
      throw new Fault(opSpan, 'comparisons between scalars must use BOOL modifier')
    }
    if (isSetOperator && matching.card === 'one-to-one') matching.card = 'many-to-many'
    const twice = matching.isOn ? matching.labels.find((label) => matching.include.includes(label)) : undefined
    if (twice !== undefined) throw new Fault(opSpan, `label ${quote(twice)} must not occur in ON and GROUP clause at once`)
    for (const [side, type] of [[expr.left, left], [expr.right, right]] as const) {
      if (type !== 'scalar' && type !== 'vector') {
        throw new Fault(side.span, 'binary expression must contain only scalar and instant vector types')
      }
    }
    const hasFill = matching.fillLeft !== null || matching.fillRight !== null
    if (left === 'scalar' || right === 'scalar') {
      if (matching.labels.length > 0) throw new Fault(span, 'vector matching only allowed between instant vectors')
      if (hasFill) throw new Fault(span, 'filling in missing series only allowed between instant vectors')
      if (isSetOperator) throw new Fault(span, `set operator "${op}" not allowed in binary scalar expression`)
      expr.matching = null
    } else if (isSetOperator) {
      if (matching.card !== 'many-to-many') throw new Fault(span, `no grouping allowed for "${op}" operation`)
      if (hasFill) throw new Fault(span, 'filling in missing series not allowed for set operators')
    }
    return left === 'scalar' && right === 'scalar' ? 'scalar' : 'vector'
  }

  #call(expr: Call): ValueType {
    const { func, args, span } = expr
    const { args: wanted, variadic, returns } = SIGNATURES.get(func)!
    const least = variadic === 0 ? wanted.length : wanted.length - 1
    if (variadic === 0 && args.length !== least) {
      throw new Fault(span, `expected ${least} argument(s) in call to "${func}", got ${args.length}`)
    }
    if (args.length < least) throw new Fault(span, `expected at least ${least} argument(s) in call to "${func}", got ${args.length}`)
    if (variadic > 0 && args.length > least + variadic) {
      throw new Fault(span, `expected at most ${least + variadic} argument(s) in call to "${func}", got ${args.length}`)
    }
    const data = func === 'info' ? args[1] : undefined
    if (data) this.#infoSelector(expr, data)
    args.forEach((arg, i) => {
      if (arg !== data) this.#expect(arg, wanted[Math.min(i, wanted.length - 1)]!, `call to function "${func}"`)
    })
    return returns
  }

  /** info's second argument is a selector without metric name that may match everything. */
  #infoSelector(call: Call, arg: Expr): void {
    if (arg.type !== 'vectorSelector') {
      const type = this.check(arg)
      if (type !== 'vector') throw new Fault(call.span, `expected type instant vector in call to function "info", got ${typeName(type)}`)
    }
    if (arg.type !== 'vectorSelector' || (arg.name !== '' && !arg.isNameInBraces)) {
      throw new Fault(arg.span, 'expected label selectors only, got vector selector instead')
    }
    this.#count(arg.span)
    this.#selector(arg, true)
  }

  #duration(duration: Duration): void {
    if (duration.kind === 'expr') this.#durationExpr(duration.expr)
  }

  #durationExpr(expr: DurationExpr): void {
    this.#count(expr.span)
    this.#height++
    if (expr.kind === 'unary') this.#durationExpr(expr.arg)
    else if ('left' in expr) {
      this.#durationExpr(expr.left)
      this.#durationExpr(expr.right)
    }
    this.#height--
  }
}
