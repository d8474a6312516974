// The syntax tree of PromQL, as data: plain objects that survive structured clone, each with its place in the
// query text. Names follow Prometheus' promql/parser/ast.go.
import type { Matcher } from '../../lib/model/matcher.ts'

/** Half-open range of UTF-16 offsets into the query text. */
export interface Span {
  start: number
  end: number
}

export type ValueType = 'vector' | 'scalar' | 'matrix' | 'string'

export type BinaryOp =
  | '+' | '-' | '*' | '/' | '%' | '^' | 'atan2'
  | '==' | '!=' | '<' | '<=' | '>' | '>='
  | 'and' | 'or' | 'unless'
  | '</' | '>/'

/** Operators that compare: without `bool` they filter. */
export const COMPARISONS: ReadonlySet<BinaryOp> = new Set<BinaryOp>(['==', '!=', '<', '<=', '>', '>='])

export type AggregateOp =
  | 'sum' | 'avg' | 'count' | 'min' | 'max' | 'group' | 'stddev' | 'stdvar'
  | 'topk' | 'bottomk' | 'count_values' | 'quantile' | 'limitk' | 'limit_ratio'

/** A duration as written: fixed, or an expression (`5m * 2`, `step()`) that is folded when start, end and step are known. */
/** `isBelowMs`: longer than nothing, though not by a whole millisecond, of which `ms` keeps the sign. */
export type Duration =
  | { kind: 'fixed'; ms: number; isBelowMs?: true; span: Span }
  | { kind: 'expr'; expr: DurationExpr; span: Span }

/** `isWrapped`: written in parentheses; `isDuration`: written as a duration (`5m`). Printing keeps both. */
export type DurationExpr =
  | { kind: 'number'; seconds: number; isDuration?: boolean; span: Span }
  | { kind: 'step'; isWrapped?: boolean; span: Span }
  | { kind: 'range'; isWrapped?: boolean; span: Span }
  | { kind: 'unary'; op: '+' | '-'; arg: DurationExpr; isWrapped?: boolean; span: Span }
  | { kind: 'binary'; op: '+' | '-' | '*' | '/' | '%' | '^'; left: DurationExpr; right: DurationExpr; isWrapped?: boolean; span: Span }
  | { kind: 'min_of' | 'max_of'; left: DurationExpr; right: DurationExpr; isWrapped?: boolean; span: Span }

/** `@ 1234` (ms), `@ start()`, `@ end()`. */
export type AtModifier = { kind: 'time'; ms: number } | { kind: 'start' } | { kind: 'end' }

export interface NumberLiteral {
  type: 'number'
  value: number
  /** Written as a duration (`5m`); printing keeps it. */
  isDuration: boolean
  span: Span
}

export interface StringLiteral {
  type: 'string'
  value: string
  span: Span
}

export interface VectorSelector {
  type: 'vectorSelector'
  /** Metric name as written before the braces or quoted inside them, '' if none. `matchers` holds it too. */
  name: string
  /** The name is written inside the braces: `{"foo"}`, `{__name__="foo"}`. Printing keeps it there. */
  isNameInBraces?: boolean
  matchers: Matcher[]
  offset: Duration | null
  at: AtModifier | null
  isAnchored: boolean
  isSmoothed: boolean
  /** Of native histograms only count and sum are wanted; known after planning (plan/counts-only.ts). */
  isCountsOnly?: boolean
  span: Span
}

export interface MatrixSelector {
  type: 'matrixSelector'
  selector: VectorSelector
  range: Duration
  span: Span
}

export interface SubqueryExpr {
  type: 'subquery'
  expr: Expr
  range: Duration
  /** null: the default resolution. */
  step: Duration | null
  offset: Duration | null
  at: AtModifier | null
  span: Span
}

export interface ParenExpr {
  type: 'paren'
  expr: Expr
  span: Span
}

export interface UnaryExpr {
  type: 'unary'
  op: '+' | '-'
  expr: Expr
  span: Span
}

export interface VectorMatching {
  card: 'one-to-one' | 'many-to-one' | 'one-to-many' | 'many-to-many'
  /** on(…) or ignoring(…) labels. */
  labels: string[]
  isOn: boolean
  /** Labels of group_left(…) or group_right(…). */
  include: string[]
  fillLeft: number | null
  fillRight: number | null
}

export interface BinaryExpr {
  type: 'binary'
  op: BinaryOp
  left: Expr
  right: Expr
  /** null when either side is a scalar. */
  matching: VectorMatching | null
  returnBool: boolean
  span: Span
  opSpan: Span
}

export interface AggregateExpr {
  type: 'aggregate'
  op: AggregateOp
  expr: Expr
  param: Expr | null
  grouping: string[]
  isWithout: boolean
  span: Span
}

export interface Call {
  type: 'call'
  func: string
  args: Expr[]
  span: Span
}

export type Expr =
  | NumberLiteral | StringLiteral | VectorSelector | MatrixSelector | SubqueryExpr | ParenExpr
  | UnaryExpr | BinaryExpr | AggregateExpr | Call

/** Experimental syntax, off unless switched on, as Prometheus' `--enable-feature`. */
export interface ParserFeatures {
  /** promql-experimental-functions: functions and aggregators marked experimental. */
  experimentalFunctions: boolean
  /** promql-extended-range-selectors: `anchored`, `smoothed`. */
  extendedRangeSelectors: boolean
  /** promql-binop-fill-modifiers: `fill`, `fill_left`, `fill_right`. */
  fillModifiers: boolean
}

/** All that `--enable-feature` and `features:` can switch of the language; each off unless named, as in Prometheus. */
export interface EngineFeatures extends ParserFeatures {
  /** promql-delayed-name-removal: metric names are dropped at the end of a query, not by each operation. */
  delayedNameRemoval: boolean
  /** type-and-unit-labels: `__type__` and `__unit__` are dropped where the name is. */
  typeAndUnitLabels: boolean
  /** use-start-timestamps: rate and its kin see resets by the time at which a counter began. */
  startTimestamps: boolean
  /** promql-per-step-stats: `stats=all` tells the samples read for each step. */
  perStepStats: boolean
}
