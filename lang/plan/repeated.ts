// Subtrees that stand in a query more than once, letter by letter, and cost enough to be evaluated once for all:
// vectors with a selector and something done to it.
//
//   sum(rate(a[5m])) / count(rate(a[5m]))     rate(a[5m]) is repeated
//   sum(a) / sum(a)                           sum(a) is; a within it stands but once, since the second copy is not looked into
import type { Expr } from '../parse/ast.ts'
import { marksOf } from './counts-only.ts'
import { childrenOf } from './tree.ts'
import { typeOf } from '../parse/value-type.ts'

/** The text of each expression of a query that is repeated. `query` is what spans speak of. */
export function findRepeated(expr: Expr, query: string): ReadonlyMap<Expr, string> {
  const seen = new Map<string, Expr[]>()
  const visit = (node: Expr): void => {
    if (isWorthSharing(node)) {
      const text = `${marksOf(node)} ${query.slice(node.span.start, node.span.end)}`
      const known = seen.get(text)
      if (known !== undefined) {
        known.push(node)
        return
      }
      seen.set(text, [node])
    }
    for (const child of childrenOf(node)) visit(child)
  }
  visit(expr)
  const repeated = new Map<Expr, string>()
  for (const [text, nodes] of seen) if (nodes.length > 1) for (const node of nodes) repeated.set(node, text)
  return repeated
}

/** Their notes count how often something happened, which is as often as they stand there. */
const COUNTING: ReadonlySet<string> = new Set(['histogram_quantile', 'histogram_quantiles'])

function isWorthSharing(node: Expr): boolean {
  const isOperation = node.type === 'call' || node.type === 'aggregate' || node.type === 'binary'
  return isOperation && typeOf(node) === 'vector' && hasSelector(node) && !isCounting(node)
}

function isCounting(node: Expr): boolean {
  return (node.type === 'call' && COUNTING.has(node.func)) || childrenOf(node).some(isCounting)
}

function hasSelector(node: Expr): boolean {
  return node.type === 'vectorSelector' || childrenOf(node).some(hasSelector)
}
