// What a case of a `.test` file shows of each construct in it: what kind of input it met, which edge, and which labels. Read off
// the tree, the series that were loaded for its selectors, and what is expected; no engine is asked.
import type { Expr, VectorSelector } from '../../lang/parse/ast.ts'
import { typeOf } from '../../lang/parse/value-type.ts'
import { childrenOf, unwrapParens } from '../../lang/plan/tree.ts'
import { compileMatcher } from '../../lib/model/matcher.ts'
import { getLabel, METRIC_NAME } from '../../lib/model/labels.ts'
import type { SeriesItem, SeriesLine } from './series-line.ts'
import type { EvalCommand } from './test-file.ts'

/** How one case meets one construct. */
export interface CaseClass {
  /** float, histogram, mixed, reset (floats that fall), made (a vector of no series), number, computed; of both sides of an operator. */
  type: string
  /** plain, or what is out of the ordinary, joined. */
  edge: string
  /** How many series, how they are grouped or matched, whether the name is kept. */
  shape: string
}

/** The series loaded so far. */
export type Loaded = readonly SeriesLine[]

/** The class of a node of a case's tree. */
export function classOf(node: Expr, command: EvalCommand, loaded: Loaded): CaseClass {
  const operands = operandsOf(node)
  const inputs = operands.map((operand) => inputOf(operand, loaded))
  return {
    type: inputs.length === 0 ? 'none' : inputs.map(({ type }) => type).join(' '),
    edge: edgeOf(inputs, command, operands),
    shape: `${inputs.map(({ count }) => count).join(' ')} ${relationOf(node)} ${resultShape(command)}`,
  }
}

interface Input {
  type: string
  count: 'none' | 'one' | 'many' | 'scalar'
  items: readonly (readonly SeriesItem[])[]
}

/** What a node works on: parameters that are literals say nothing of its input. */
function operandsOf(node: Expr): readonly Expr[] {
  if (node.type === 'binary') return [node.left, node.right]
  if (node.type === 'aggregate') return [node.expr]
  if (node.type === 'vectorSelector' || node.type === 'matrixSelector') return [node]
  const children = childrenOf(node)
  const vectors = children.filter((child) => typeOf(child) === 'vector' || typeOf(child) === 'matrix')
  return vectors.length > 0 ? vectors : children.filter((child) => typeOf(child) === 'scalar')
}

function inputOf(operand: Expr, loaded: Loaded): Input {
  const type = typeOf(operand)
  if (type === 'scalar') return { type: unwrapParens(operand).type === 'number' ? 'number' : 'computed', count: 'scalar', items: [] }
  const selectors = selectorsOf(operand)
  if (selectors.length === 0) return { type: 'made', count: 'one', items: [] }
  const found = selectors.flatMap((selector) => loaded.filter((series) => isSelected(series, selector)))
  const items = found.map((series) => series.items)
  const kinds = kindsOf(operand, loaded)
  const [hasFloats, hasHistograms] = [kinds.has('float'), kinds.has('histogram')]
  const falls = type === 'matrix' && items.some(hasFall)
  return {
    type: hasFloats && hasHistograms ? 'mixed' : hasHistograms ? 'histogram' : !hasFloats ? 'empty' : falls ? 'reset' : 'float',
    count: found.length === 0 ? 'none' : found.length === 1 ? 'one' : 'many', items,
  }
}

function selectorsOf(expr: Expr): VectorSelector[] {
  return expr.type === 'vectorSelector' ? [expr] : childrenOf(expr).flatMap(selectorsOf)
}

function isSelected({ labels }: SeriesLine, { matchers }: VectorSelector): boolean {
  return matchers.every((matcher) => compileMatcher(matcher)(getLabel(labels, matcher.name)))
}

/** Functions that hand native histograms on; all others give floats. */
const KEEPING: ReadonlySet<string> = new Set([
  'rate', 'increase', 'delta', 'irate', 'idelta', 'sum_over_time', 'avg_over_time', 'last_over_time', 'first_over_time',
  'label_replace', 'label_join', 'sort_by_label', 'sort_by_label_desc', 'info', 'sum', 'avg', 'limitk', 'limit_ratio',
])

/** The kinds of samples that an expression can have, by those of the series it selects. */
function kindsOf(expr: Expr, loaded: Loaded): ReadonlySet<SeriesItem['kind']> {
  if (expr.type === 'vectorSelector') {
    return new Set(loaded.flatMap((series) => (isSelected(series, expr) ? series.items.map(({ kind }) => kind) : [])))
  }
  const kinds = new Set(childrenOf(expr).flatMap((child) => [...kindsOf(child, loaded)]))
  const name = expr.type === 'call' ? expr.func : expr.type === 'aggregate' ? expr.op : ''
  const isToFloats = (name !== '' && !KEEPING.has(name)) || (expr.type === 'binary' && expr.returnBool)
  if (isToFloats && kinds.delete('histogram')) kinds.add('float')
  return kinds
}

function hasFall(items: readonly SeriesItem[]): boolean {
  const values = items.flatMap((item) => (item.kind === 'float' ? [item.v] : []))
  return values.some((v, i) => i > 0 && v < values[i - 1]!)
}

function edgeOf(inputs: readonly Input[], command: EvalCommand, operands: readonly Expr[]): string {
  const edges = new Set<string>()
  const items = inputs.flatMap((input) => input.items.flat())
  const numbers = [...operands.flatMap(numbersOf), ...floatsOf(items), ...floatsOf(command.series.flatMap((series) => series.items))]
  if (command.scalar !== null) numbers.push(command.scalar)
  const kinds = new Set(command.annotations.map(({ kind }) => kind))
  if (kinds.has('fail')) edges.add('fails')
  if (kinds.has('warn') || kinds.has('info')) edges.add('noted')
  if (inputs.some(({ count }) => count === 'none')) edges.add('no input')
  if (!kinds.has('fail') && command.scalar === null && command.text === null && command.series.length === 0) edges.add('no result')
  if (numbers.some(Number.isNaN)) edges.add('NaN')
  if (numbers.some((x) => Math.abs(x) === Infinity)) edges.add('Inf')
  if (numbers.some((x) => x < 0 && x > -Infinity)) edges.add('negative')
  if (numbers.includes(0)) edges.add('zero')
  if (items.some(({ kind }) => kind === 'stale')) edges.add('stale')
  if (items.some(({ kind }) => kind === 'gap')) edges.add('gap')
  if (inputs.some((input) => input.items.length > 0 && input.items.every((list) => list.length === 1))) edges.add('single sample')
  if (inputs.length === 0) edges.add(command.stepMs > 0 ? 'range' : 'instant').add(command.startMs < 0 ? 'before 1970' : command.startMs % 1000 === 0 ? 'seconds' : 'milliseconds')
  return edges.size === 0 ? 'plain' : [...edges].join(', ')
}

function floatsOf(items: readonly SeriesItem[]): number[] {
  return items.flatMap((item) => (item.kind === 'float' ? [item.v] : []))
}

function numbersOf(expr: Expr): number[] {
  return expr.type === 'number' ? [expr.value] : childrenOf(expr).flatMap(numbersOf)
}

/** How the operands are brought together. */
function relationOf(node: Expr): string {
  if (node.type === 'aggregate') return node.isWithout ? `without ${node.grouping.length}` : node.grouping.length > 0 ? `by ${node.grouping.length}` : 'all'
  if (node.type !== 'binary' || node.matching === null) return ''
  const { isOn, labels, card, include } = node.matching
  return `${isOn ? `on ${labels.length}` : labels.length > 0 ? 'ignoring' : 'all labels'} ${card}${include.length > 0 ? ' include' : ''}`
}

function resultShape({ series }: EvalCommand): string {
  if (series.length === 0) return 'nothing'
  const names = series.some(({ labels }) => getLabel(labels, METRIC_NAME) !== '') ? 'named' : 'nameless'
  return `${series.length === 1 ? 'one' : 'many'} ${names} ${series.every(({ labels }) => labels.length === 0) ? 'bare' : 'labelled'}`
}
