// What a query did, node by node: the tree behind `explain=1`. Only queries that ask for it pay for it.
import { assert } from '../../lib/std/assert.ts'
import type { Clock } from '../../lib/std/clock.ts'
import type { Expr, ValueType } from '../parse/ast.ts'
import { printExpr } from '../parse/print.ts'
import { typeOf } from '../parse/value-type.ts'
import type { Budget } from './budget.ts'
import type { Operator } from './operator.ts'
import { addCounts, type TierCount, type TierUse } from './tier-use.ts'

/** Longer expressions are cut. */
const TEXT_MAX = 200

/** One evaluated node, as it stands in the answer. Samples and milliseconds are those of its children, too. */
export interface ExplainNode {
  node: string
  type: ValueType
  /** Series it handed up; 0 until asked. */
  series: number
  /** Samples read or made. */
  samples: number
  ms: number
  /** An equal part of the query was evaluated for this one, too: it has the children, and most of the time. */
  shared?: true
  /** What it and its children took from which tier; absent in a store without tiers. */
  tiers?: TierCount[]
  children: ExplainNode[]
}

interface Place {
  expr: Expr
  node: ExplainNode
}

/** One per query. */
export class Explainer {
  readonly #clock: Clock
  readonly #budget: Budget
  readonly #tierUse: TierUse | null
  readonly #roots: ExplainNode[] = []
  /** The nodes at work, outermost first. */
  readonly #path: Place[] = []

  constructor(clock: Clock, budget: Budget, tierUse: TierUse | null) {
    this.#clock = clock
    this.#budget = budget
    this.#tierUse = tierUse
  }

  /** Compiles a node and measures that and all that is then asked of its operator. */
  compile(expr: Expr, compile: () => Operator): Operator {
    const above = this.#path.at(-1)
    // What is evaluated once for all steps is compiled twice; parentheses do nothing.
    if (expr.type === 'paren' || above?.expr === expr) return compile()
    const node: ExplainNode = { node: textOf(expr), type: typeOf(expr), series: 0, samples: 0, ms: 0, children: [] }
    ;(above?.node.children ?? this.#roots).push(node)
    const place = { expr, node }
    const input = this.#measured(place, compile)
    return {
      series: () => {
        const series = this.#measured(place, () => input.series())
        node.series = series.length
        return series
      },
      next: () => this.#measured(place, () => input.next()),
    }
  }

  /**
   * For the subtree at work, if it is evaluated for several places: to be called at each that begins to read, with whether
   * it is the one that evaluates, which need not be where the subtree was compiled.
   */
  sharing(): (isEvaluating: boolean) => void {
    const home = this.#here()
    return (isEvaluating) => {
      const node = this.#here()
      if (!isEvaluating) node.shared = true
      else if (node !== home) moveWork(home, node)
    }
  }

  #here(): ExplainNode {
    const place = this.#path.at(-1)
    assert(place !== undefined, 'no node is at work')
    return place.node
  }

  /** The tree of a query whose expression is `expr`. Milliseconds are rounded to a thousandth. */
  tree(expr: Expr): ExplainNode {
    const [root, ...more] = this.#roots.map(rounded)
    if (root !== undefined && more.length === 0) return root
    // A string or the samples of a selector: nothing was compiled.
    return { node: textOf(expr), type: typeOf(expr), series: 0, samples: this.#budget.samplesTotal, ms: 0, children: this.#roots.map(rounded) }
  }

  #measured<T>(place: Place, work: () => T): T {
    const { node } = place
    this.#path.push(place)
    const startedMs = this.#clock.monotonic()
    const samples = this.#budget.samplesTotal
    const tiers = this.#tierUse?.counts()
    try {
      return work()
    } finally {
      node.ms += this.#clock.monotonic() - startedMs
      node.samples += this.#budget.samplesTotal - samples
      if (this.#tierUse !== null) node.tiers = addCounts(node.tiers ?? [], this.#tierUse.counts(tiers))
      this.#path.pop()
    }
  }
}

/** What was compiled below `from` belongs to `to`, which evaluates it. */
function moveWork(from: ExplainNode, to: ExplainNode): void {
  [to.children, from.children] = [from.children, []]
  to.ms += from.ms
  to.samples += from.samples
  from.ms = from.samples = 0
  if (from.tiers === undefined) return
  to.tiers = addCounts(to.tiers ?? [], from.tiers)
  from.tiers = []
}

function textOf(expr: Expr): string {
  const text = printExpr(expr)
  return text.length <= TEXT_MAX ? text : `${text.slice(0, TEXT_MAX - 1)}…`
}

function rounded(node: ExplainNode): ExplainNode {
  return { ...node, ms: Math.round(node.ms * 1000) / 1000, children: node.children.map(rounded) }
}
