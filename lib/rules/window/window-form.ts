// Which windows of single series can be kept: those of some functions, and not too long ago. And which expressions of rules are
// nothing but such windows compared with a number, and need no engine at all:
//
//   avg_over_time(cpu{env="prod"}[5m]) > 80        up == 0        0.2 <= rate(errors_total[1m] offset 5m)
import type { WindowAsk } from '../../../lang/exec/window-contract.ts'
import type { Call, Expr, ParserFeatures, VectorSelector } from '../../../lang/parse/ast.ts'
import { parseExpr } from '../../../lang/parse/parse.ts'
import { childrenOf } from '../../../lang/plan/tree.ts'
import { METRIC_NAME } from '../../model/labels.ts'
import { formatMatcher, type Matcher } from '../../model/matcher.ts'

export type Comparison = '==' | '!=' | '<' | '<=' | '>' | '>='

/** '' is the newest sample of an instant selector. */
export type WindowFunc =
  | '' | 'avg_over_time' | 'sum_over_time' | 'min_over_time' | 'max_over_time' | 'count_over_time' | 'last_over_time' | 'present_over_time'
  | 'stddev_over_time' | 'stdvar_over_time' | 'quantile_over_time' | 'changes' | 'resets' | 'rate' | 'increase' | 'delta' | 'irate' | 'idelta' | 'deriv' | 'predict_linear'

const FUNCS: ReadonlySet<string> = new Set<WindowFunc>([
  'avg_over_time', 'sum_over_time', 'min_over_time', 'max_over_time', 'count_over_time', 'last_over_time', 'present_over_time',
  'stddev_over_time', 'stdvar_over_time', 'quantile_over_time', 'changes', 'resets', 'rate', 'increase', 'delta', 'irate', 'idelta', 'deriv', 'predict_linear',
])
/** The same comparison with its sides exchanged. */
const MIRRORED: Readonly<Record<Comparison, Comparison>> = { '==': '==', '!=': '!=', '<': '>', '<=': '>=', '>': '<', '>=': '<=' }
/** Longer windows are the engine's: their samples need not lie in memory for the sake of a rule. */
const WINDOW_MS_MAX = 3_600_000

/** Longer ago the head need not hold all samples. */
const OFFSET_MS_MAX = 3_600_000

/** Windows of one function over the series of a selector. */
export interface WindowSpec {
  func: WindowFunc
  matchers: readonly Matcher[]
  /** 0: the lookback of instant selectors. */
  windowMs: number
  offsetMs: number
  /** The function's number: of quantile_over_time and predict_linear; 0 of others. */
  arg: number
  /** Equal for equal selectors. */
  selector: string
}

/** Windows compared with a number. */
export interface WindowForm extends WindowSpec {
  comparison: Comparison
  threshold: number
}

/** What the engine asks for; null: it is not kept. */
export function windowSpec({ func, arg, matchers, windowMs, offsetMs }: WindowAsk): WindowSpec | null {
  if ((func !== '' && !isWindowFunc(func)) || !(windowMs > 0) || !isNear(windowMs, offsetMs)) return null
  return { func, matchers, windowMs, offsetMs, arg, selector: selectorKey(matchers) }
}

/** null: the engine's. Throws ParseError. */
export function windowForm(text: string, features: Partial<ParserFeatures>): WindowForm | null {
  const expr = bare(parseExpr(text, features))
  if (expr.type !== 'binary' || expr.returnBool || !isComparison(expr.op)) return null
  const right = numberOf(expr.right)
  const left = numberOf(expr.left)
  if (right !== null && left === null) return formOf(bare(expr.left), expr.op, right)
  if (left !== null && right === null) return formOf(bare(expr.right), MIRRORED[expr.op], left)
  return null
}

/** How far back a selector is looked at. */
export type WindowReach = Pick<WindowSpec, 'selector' | 'offsetMs' | 'windowMs'>

/** The windows that an expression may ask for, but for those of subqueries. Throws ParseError. */
export function windowsIn(text: string, features: Partial<ParserFeatures>): WindowReach[] {
  return reachesOf(parseExpr(text, features))
}

function reachesOf(expr: Expr): WindowReach[] {
  if (expr.type === 'subquery' || expr.type === 'matrixSelector') return []
  if (expr.type === 'vectorSelector') return reachOf(expr, 0)
  const range = expr.type === 'call' && isWindowFunc(expr.func) ? expr.args.map(bare).find(({ type }) => type === 'matrixSelector') : undefined
  const own = range?.type === 'matrixSelector' && range.range.kind === 'fixed' ? reachOf(range.selector, range.range.ms) : []
  return [...own, ...childrenOf(expr).flatMap(reachesOf)]
}

function reachOf({ matchers, offset }: VectorSelector, windowMs: number): WindowReach[] {
  if (offset !== null && offset.kind !== 'fixed') return []
  const offsetMs = offset === null ? 0 : offset.ms
  return isNear(windowMs, offsetMs) ? [{ selector: selectorKey(matchers), offsetMs, windowMs }] : []
}

function formOf(expr: Expr, comparison: Comparison, threshold: number): WindowForm | null {
  if (expr.type === 'vectorSelector') return withSelector(expr, { func: '', windowMs: 0, arg: 0, comparison, threshold })
  if (expr.type !== 'call' || !isWindowFunc(expr.func)) return null
  const args = expr.args.map(bare)
  const range = args.find(({ type }) => type === 'matrixSelector')
  const arg = argOf(expr, args)
  if (range?.type !== 'matrixSelector' || range.range.kind !== 'fixed' || arg === null) return null
  const windowMs = range.range.ms
  if (!(windowMs > 0)) return null
  return withSelector(range.selector, { func: expr.func, windowMs, arg, comparison, threshold })
}

/** A selector must name its metric: else dropping the name may make two series one, and that is an error to be told. */
function withSelector({ matchers, offset, at, isAnchored, isSmoothed }: VectorSelector, form: Omit<WindowForm, 'matchers' | 'selector' | 'offsetMs'>): WindowForm | null {
  const isNamed = matchers.some(({ name, op, value }) => name === METRIC_NAME && op === '=' && value !== '')
  if (at !== null || isAnchored || isSmoothed || !isNamed || (offset !== null && offset.kind !== 'fixed')) return null
  const offsetMs = offset === null ? 0 : offset.ms
  return isNear(form.windowMs, offsetMs) ? { ...form, matchers, offsetMs, selector: selectorKey(matchers) } : null
}

function isNear(windowMs: number, offsetMs: number): boolean {
  return windowMs <= WINDOW_MS_MAX && offsetMs >= 0 && offsetMs <= OFFSET_MS_MAX
}

function selectorKey(matchers: readonly Matcher[]): string {
  return matchers.map(formatMatcher).toSorted(compareCodes).join(',')
}

function compareCodes(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

function isComparison(op: string): op is Comparison {
  return op in MIRRORED
}

function isWindowFunc(func: string): func is WindowFunc {
  return FUNCS.has(func)
}

function argOf({ func }: Call, args: readonly Expr[]): number | null {
  if (func === 'predict_linear') return numberOf(args[1]!)
  if (func !== 'quantile_over_time') return 0
  const quantile = numberOf(args[0]!)
  // Others are warned of.
  return quantile !== null && quantile >= 0 && quantile <= 1 ? quantile : null
}

/** Without parentheses. */
function bare(expr: Expr): Expr {
  return expr.type === 'paren' ? bare(expr.expr) : expr
}

function numberOf(expr: Expr): number | null {
  const inner = bare(expr)
  if (inner.type === 'number') return inner.value
  if (inner.type !== 'unary') return null
  const value = numberOf(inner.expr)
  return value === null ? null : inner.op === '-' ? -value : value
}
