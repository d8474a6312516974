// What a query did, node by node: the tree behind `explain=1`. Only queries that ask for it pay for it.
import type { Clock } from '../../lib/std/clock.ts'
import type { Expr, ValueType } from '../parse/ast.ts'
import { printExpr } from '../parse/print.ts'
import { typeOf } from '../plan/value-type.ts'
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

function textOf(expr: Expr): string {
  const text = printExpr(expr)
  return text.length <= TEXT_MAX ? text : `${text.slice(0, TEXT_MAX - 1)}…`
}

function rounded(node: ExplainNode): ExplainNode {
  return { ...node, ms: Math.round(node.ms * 1000) / 1000, children: node.children.map(rounded) }
}
