// Trees of the queries asked last: dashboards ask the same ones at other times, rules the same ones for ever. Trees are
// never written to, so those of an engine may share one.
import { LruMap } from '../lib/std/lru-map.ts'
import type { Expr, ParserFeatures } from './parse/ast.ts'
import { parseExpr } from './parse/parse.ts'

/** Trees kept, and the characters they may have been written with: a tree takes some 100 B for each. */
const TREES_MAX = 500
const CHARS_MAX = 64 << 10

export class ParsedQueries {
  readonly #features: ParserFeatures
  readonly #trees = new LruMap<{ text: string; expr: Expr }>(TREES_MAX)
  #chars = 0

  constructor(features: ParserFeatures) {
    this.#features = features
  }

  /** The tree of a query; not to be written to. Throws ParseError. */
  parse(text: string): Expr {
    const known = this.#trees.get(text)
    if (known !== undefined) return known.expr
    const expr = parseExpr(text, this.#features)
    if (text.length <= CHARS_MAX / 4) this.#keep(text, expr)
    return expr
  }

  #keep(text: string, expr: Expr): void {
    this.#chars += text.length - (this.#trees.set(text, { text, expr })?.text.length ?? 0)
    while (this.#chars > CHARS_MAX) this.#chars -= this.#trees.dropOldest()!.text.length
  }
}
