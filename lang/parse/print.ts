// An expression back as text, in Prometheus' canonical form on one line (promql/parser/printer.go): for messages,
// and for running a changed tree again. Parsing the text gives the same tree, places aside.
import type { Matcher } from '../../lib/model/matcher.ts'
import { quote as quoteAsGo } from '../func/go-format.ts'
import type { AggregateExpr, AtModifier, BinaryExpr, Duration, DurationExpr, Expr, NumberLiteral, VectorSelector } from './ast.ts'

/** The expression as Prometheus prints it: `sum by (job) (rate(x[5m] offset 1h))`. */
export function printExpr(expr: Expr): string {
  switch (expr.type) {
    case 'number': return printNumber(expr)
    case 'string': return quote(expr.value)
    case 'vectorSelector': return printSelector(expr, '')
    case 'matrixSelector': return printSelector(expr.selector, `[${printDuration(expr.range)}]`)
    case 'subquery': {
      const step = expr.step ? printDuration(expr.step) : ''
      return `${printExpr(expr.expr)}[${printDuration(expr.range)}:${step}]${printTime(expr.at, expr.offset)}`
    }
    case 'paren': return `(${printExpr(expr.expr)})`
    case 'unary': return `${expr.op}${printExpr(expr.expr)}`
    case 'binary': return printBinary(expr)
    case 'aggregate': return printAggregate(expr)
    case 'call': return `${expr.func}(${expr.args.map(printExpr).join(', ')})`
  }
}

/** Go's %q; but U+FFFD, which stands for bytes that were no text, must be escaped: no string may hold it bare. */
function quote(text: string): string {
  return quoteAsGo(text).replaceAll('\ufffd', '\\ufffd')
}

function printNumber({ value, isDuration }: NumberLiteral): string {
  if (isDuration) return `${value < 0 ? '-' : ''}${printMs(Math.round(Math.abs(value) * 1000))}`
  return printFloat(value)
}

/** Go's FormatFloat(x, 'f', -1): shortest digits, never an exponent. */
function printFloat(value: number): string {
  if (Number.isNaN(value)) return 'NaN'
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf'
  const sign = value < 0 || Object.is(value, -0) ? '-' : ''
  const [mantissa, exponentText] = Math.abs(value).toExponential().split('e') as [string, string]
  const digits = mantissa.replace('.', '')
  const whole = Number(exponentText) + 1
  if (whole <= 0) return `${sign}0.${'0'.repeat(-whole)}${digits}`
  if (digits.length <= whole) return sign + digits.padEnd(whole, '0')
  return `${sign}${digits.slice(0, whole)}.${digits.slice(whole)}`
}

/** Largest unit first; years and weeks only where nothing else is needed (prometheus/common Duration.String). */
const UNITS: readonly (readonly [string, number, boolean])[] = [
  ['y', 31_536_000_000, true], ['w', 604_800_000, true], ['d', 86_400_000, false], ['h', 3_600_000, false],
  ['m', 60_000, false], ['s', 1000, false], ['ms', 1, false],
]

function printMs(ms: number): string {
  if (ms === 0) return '0s'
  let rest = ms
  let text = ''
  for (const [unit, unitMs, isExactOnly] of UNITS) {
    if (isExactOnly && rest % unitMs !== 0) continue
    const count = Math.floor(rest / unitMs)
    if (count > 0) text += `${count}${unit}`
    rest -= count * unitMs
  }
  return text
}

function printDuration(duration: Duration): string {
  if (duration.kind === 'expr') return printDurationExpr(duration.expr)
  return `${duration.ms < 0 ? '-' : ''}${printMs(Math.abs(duration.ms))}`
}

function printDurationExpr(expr: DurationExpr): string {
  const text = printBare(expr)
  return expr.kind !== 'number' && expr.isWrapped ? `(${text})` : text
}

function printBare(expr: DurationExpr): string {
  switch (expr.kind) {
    case 'number': return printNumber({ type: 'number', value: expr.seconds, isDuration: expr.isDuration ?? false, span: expr.span })
    case 'step': case 'range': return `${expr.kind}()`
    case 'unary': return `${expr.op}${printDurationExpr(expr.arg)}`
    case 'binary': {
      // Parentheses around a number leave no trace in the tree, yet (-2)^2 is not -2^2.
      const isNegativeBase = expr.op === '^' && expr.left.kind === 'number' && expr.left.seconds < 0
      const left = isNegativeBase ? `(${printDurationExpr(expr.left)})` : printDurationExpr(expr.left)
      return `${left} ${expr.op} ${printDurationExpr(expr.right)}`
    }
    case 'min_of': case 'max_of': return `${expr.kind}(${printDurationExpr(expr.left)}, ${printDurationExpr(expr.right)})`
  }
}

function printSelector(selector: VectorSelector, range: string): string {
  const { name, isNameInBraces, matchers, isAnchored, isSmoothed, at, offset } = selector
  const bareName = isNameInBraces ? '' : name
  const shown = matchers
    .filter((matcher) => !(bareName !== '' && matcher.name === '__name__' && matcher.op === '=' && matcher.value === bareName))
    .map(printMatcher)
    .toSorted()
  const extended = isAnchored ? ' anchored' : isSmoothed ? ' smoothed' : ''
  return `${bareName}${shown.length > 0 || bareName === '' ? `{${shown.join(',')}}` : ''}${range}${extended}${printTime(at, offset)}`
}

function printMatcher({ name, op, value }: Matcher): string {
  return `${/^[a-zA-Z_][a-zA-Z0-9_]*$/.test(name) ? name : quote(name)}${op}${quote(value)}`
}

function printTime(at: AtModifier | null, offset: Duration | null): string {
  let text = ''
  if (at?.kind === 'time') text += ` @ ${(at.ms / 1000).toFixed(3)}`
  else if (at) text += ` @ ${at.kind}()`
  if (offset && !(offset.kind === 'fixed' && offset.ms === 0)) text += ` offset ${printDuration(offset)}`
  return text
}

function printLabels(labels: readonly string[]): string {
  return `(${labels.map((label) => (/^[a-zA-Z_:][a-zA-Z0-9_:]*$/.test(label) ? label : quote(label))).join(', ')})`
}

function printBinary({ op, left, right, matching, returnBool }: BinaryExpr): string {
  let text = `${op === '^' ? printBase(left) : printExpr(left)} ${op}${returnBool ? ' bool' : ''}`
  if (matching && (matching.isOn || matching.labels.length > 0)) {
    text += ` ${matching.isOn ? 'on' : 'ignoring'} ${printLabels(matching.labels)}`
  } else if (matching && (matching.card === 'many-to-one' || matching.card === 'one-to-many')) {
    text += ' ignoring ()'
  }
  if (matching?.card === 'many-to-one') text += ` group_left ${printLabels(matching.include)}`
  if (matching?.card === 'one-to-many') text += ` group_right ${printLabels(matching.include)}`
  return `${text}${matching ? printFills(matching.fillLeft, matching.fillRight) : ''} ${printExpr(right)}`
}

/** What `^` raises: a sign before it would be read as one before the whole power. */
function printBase(base: Expr): string {
  if (base.type !== 'number') return printExpr(base)
  if (base.value === Infinity) return 'Inf'
  return base.value < 0 || Object.is(base.value, -0) ? `(${printExpr(base)})` : printExpr(base)
}

function printFills(left: number | null, right: number | null): string {
  if (left !== null && right !== null && Object.is(left, right)) return ` fill (${printFloat(left)})`
  return `${left === null ? '' : ` fill_left (${printFloat(left)})`}${right === null ? '' : ` fill_right (${printFloat(right)})`}`
}

function printAggregate({ op, expr, param, grouping, isWithout }: AggregateExpr): string {
  const clause = isWithout ? ` without ${printLabels(grouping)} ` : grouping.length > 0 ? ` by ${printLabels(grouping)} ` : ''
  return `${op}${clause}(${param ? `${printExpr(param)}, ` : ''}${printExpr(expr)})`
}
