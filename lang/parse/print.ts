// An expression back as text, in Prometheus' canonical form on one line (promql/parser/printer.go): for messages,
// and for running a changed tree again. Parsing the text gives the same tree, places aside.
import { formatDuration } from '../../lib/model/duration.ts'
import { isLegacyLabelName } from '../../lib/model/labels.ts'
import type { Matcher } from '../../lib/model/matcher.ts'
import { formatGeneral, quote as quoteAsGo } from '../../lib/std/go-format.ts'
import { formatPlain } from '../reply/number-text.ts'
import type { AggregateExpr, AtModifier, BinaryExpr, Duration, DurationExpr, Expr, NumberLiteral, SubqueryExpr, VectorSelector } from './ast.ts'

/** The expression as Prometheus prints it: `sum by (job) (rate(x[5m] offset 1h))`. */
export function printExpr(expr: Expr): string {
  switch (expr.type) {
    case 'number': return printNumber(expr)
    case 'string': return quote(expr.value)
    case 'vectorSelector': return `${printSelector(expr)}${printAt(expr.at)}${printExtended(expr)}${printOffset(expr.offset)}`
    case 'matrixSelector': {
      const { selector, range } = expr
      return `${printSelector(selector)}[${printDuration(range)}]${printExtended(selector)}${printAt(selector.at)}${printOffset(selector.offset)}`
    }
    case 'subquery': return printExpr(expr.expr) + printSubqueryRange(expr)
    case 'paren': return `(${printExpr(expr.expr)})`
    case 'unary': return `${expr.op}${printExpr(expr.expr)}`
    case 'binary': return printBinary(expr)
    case 'aggregate': return `${printAggregation(expr)}(${expr.param ? `${printExpr(expr.param)}, ` : ''}${printExpr(expr.expr)})`
    case 'call': return `${expr.func}(${expr.args.map(printExpr).join(', ')})`
  }
}

/** Go's %q; but with U+FFFD escaped, which the lexer refuses bare. */
function quote(text: string): string {
  return quoteAsGo(text).replaceAll('\ufffd', '\\ufffd')
}

function printNumber({ value, isDuration }: NumberLiteral): string {
  if (isDuration) return `${value < 0 ? '-' : ''}${formatDuration(Math.round(Math.abs(value) * 1000))}`
  return formatPlain(value)
}

function printDuration(duration: Duration): string {
  if (duration.kind === 'expr') return printDurationExpr(duration.expr)
  return `${duration.ms < 0 ? '-' : ''}${formatDuration(Math.abs(duration.ms))}`
}

function printDurationExpr(expr: DurationExpr): string {
  const text = printBare(expr)
  return expr.kind !== 'number' && expr.isWrapped ? `(${text})` : text
}

function printBare(expr: DurationExpr): string {
  switch (expr.kind) {
    case 'number': return printNumber({ type: 'number', value: expr.seconds, isDuration: expr.isDuration ?? false, span: expr.span })
    case 'step': case 'range': return `${expr.kind}()`
    case 'unary': return `${expr.op === '-' ? '-' : ''}${printDurationExpr(expr.arg)}`
    case 'binary': {
      // Parentheses around a number leave no trace in the tree, yet (-2)^2 is not -2^2.
      const isNegativeBase = expr.op === '^' && expr.left.kind === 'number' && expr.left.seconds < 0
      const left = isNegativeBase ? `(${printDurationExpr(expr.left)})` : printDurationExpr(expr.left)
      return `${left} ${expr.op} ${printDurationExpr(expr.right)}`
    }
    case 'min_of': case 'max_of': return `${expr.kind}(${printDurationExpr(expr.left)}, ${printDurationExpr(expr.right)})`
  }
}

function printSelector({ name, isNameInBraces, matchers }: VectorSelector): string {
  const bareName = isNameInBraces ? '' : name
  const shown = matchers
    .filter((matcher) => !(bareName !== '' && matcher.name === '__name__' && matcher.op === '=' && matcher.value === bareName))
    .map(printMatcher)
    .toSorted()
  return `${bareName}${shown.length > 0 || bareName === '' ? `{${shown.join(',')}}` : ''}`
}

function printMatcher({ name, op, value }: Matcher): string {
  return `${printLabelName(name)}${op}${quote(value)}`
}

function printLabelName(name: string): string {
  return isLegacyLabelName(name) ? name : quote(name)
}

/** Before `@` on a range, behind it on an instant selector: so Prometheus prints them, and reads either. */
function printExtended({ isAnchored, isSmoothed }: VectorSelector): string {
  if (isAnchored) return ' anchored'
  return isSmoothed ? ' smoothed' : ''
}

function printAt(at: AtModifier | null): string {
  if (at === null) return ''
  return at.kind === 'time' ? ` @ ${(at.ms / 1000).toFixed(3)}` : ` @ ${at.kind}()`
}

function printOffset(offset: Duration | null): string {
  if (offset === null) return ''
  if (offset.kind === 'fixed' && offset.ms === 0) return offset.isBelowMs === true ? ` offset ${Object.is(offset.ms, -0) ? '-' : ''}0s` : ''
  const text = printDuration(offset)
  return ` offset ${offset.kind === 'expr' && isBareOperation(offset.expr) ? printOffsetOperation(offset.expr, text) : text}`
}

/** `5m - 8` and `-5m ^ 2`, not in parentheses. */
function isBareOperation(expr: DurationExpr): boolean {
  if (expr.kind === 'unary') return !expr.isWrapped && expr.arg.kind === 'binary' && !expr.arg.isWrapped
  return expr.kind === 'binary' && !expr.isWrapped
}

/**
 * `foo offset (5m) - 8` subtracts from the duration, `foo offset 5m - 8` from foo, and parentheses around a number leave
 * no trace in the tree. Prometheus prints the second for the first; here its start says what it is.
 */
function printOffsetOperation(expr: DurationExpr, text: string): string {
  if (/^(?:\(|--)/.test(text)) return text
  let first = expr
  while (first.kind === 'binary' && !first.isWrapped) first = first.left
  if (first.kind !== 'number') return `${text.startsWith('-') ? '+' : '++'}${text}`
  const number = printDurationExpr(first)
  return `(${number})${text.slice(number.length)}`
}

function printLabels(labels: readonly string[]): string {
  return `(${labels.map(printLabelName).join(', ')})`
}

/** What follows the inner expression of a subquery: `[1h:5m] @ 60.000 offset 1d`. */
export function printSubqueryRange({ range, step, at, offset }: SubqueryExpr): string {
  return `[${printDuration(range)}:${step ? printDuration(step) : ''}]${printAt(at)}${printOffset(offset)}`
}

function printBinary(expr: BinaryExpr): string {
  const { op, left, right } = expr
  return `${endOffset(op === '^' ? printBase(left) : printExpr(left), expr)} ${printOperator(expr)} ${printExpr(right)}`
}

const DURATION_OPERATORS: ReadonlySet<string> = new Set(['+', '-', '*', '/', '%', '^'])

/**
 * `foo offset (step()) * 2` doubles the duration, `foo offset +(step()) * 2` foo, and the plus leaves no trace in the
 * tree: where `text`, the print of the left side of `binary`, ends in such an offset, it gets the plus that Prometheus
 * leaves out.
 */
export function endOffset(text: string, { op, left }: BinaryExpr): string {
  if (!DURATION_OPERATORS.has(op)) return text
  let last = left
  while (last.type === 'unary' || last.type === 'binary') last = last.type === 'unary' ? last.expr : last.right
  const offset = last.type === 'matrixSelector' ? last.selector.offset : 'offset' in last ? last.offset : null
  const end = printOffset(offset)
  return end.startsWith(' offset (') ? `${text.slice(0, -end.length)} offset +${end.slice(' offset '.length)}` : text
}

/** What stands between the sides of a binary expression: `/ on (job) group_left (node)`. */
export function printOperator({ op, matching, returnBool }: BinaryExpr): string {
  let text = `${op}${returnBool ? ' bool' : ''}`
  if (matching && (matching.isOn || matching.labels.length > 0)) {
    text += ` ${matching.isOn ? 'on' : 'ignoring'} ${printLabels(matching.labels)}`
  } else if (matching && (matching.card === 'many-to-one' || matching.card === 'one-to-many')) {
    text += ' ignoring ()'
  }
  if (matching?.card === 'many-to-one') text += ` group_left ${printLabels(matching.include)}`
  if (matching?.card === 'one-to-many') text += ` group_right ${printLabels(matching.include)}`
  return `${text}${matching ? printFills(matching.fillLeft, matching.fillRight) : ''}`
}

/** What `^` raises: a sign before it would be read as one before the whole power. */
export function printBase(base: Expr): string {
  if (base.type !== 'number') return printExpr(base)
  if (base.value === Infinity) return 'Inf'
  return base.value < 0 || Object.is(base.value, -0) ? `(${printExpr(base)})` : printExpr(base)
}

function printFills(left: number | null, right: number | null): string {
  // fill of NaN or of both zeros sets the two sides apart, as Go compares them; parsing gives the same pair again.
  if (left !== null && left === right) return ` fill (${formatGeneral(left)})`
  return `${left === null ? '' : ` fill_left (${formatGeneral(left)})`}${right === null ? '' : ` fill_right (${formatGeneral(right)})`}`
}

/** What stands before the parenthesis of an aggregation: `sum by (job) `, `topk`. */
export function printAggregation({ op, grouping, isWithout }: AggregateExpr): string {
  if (isWithout) return `${op} without ${printLabels(grouping)} `
  return grouping.length > 0 ? `${op} by ${printLabels(grouping)} ` : op
}
