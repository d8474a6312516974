// What the parts of the query generator share: vectors as text, and who makes them.
import type { Random } from '../../lib/std/random.ts'
import type { Metric, Nature } from './catalog.ts'

/** An expression and what is known of its value. */
export interface Vector {
  text: string
  /** Label names its series may have, without the metric name. */
  labels: readonly string[]
  metric: Metric
}

/** Makes instant vectors. */
export interface VectorSource {
  readonly random: Random
  readonly metrics: readonly Metric[]
  metric(natures?: readonly Nature[]): Metric
  /** A metric's selector, modifiers included, with `range` between. */
  selector(metric: Metric, range?: string): Vector
  vector(depth: number): Vector
}

const LABEL_IDENTIFIER = /^[a-zA-Z_][a-zA-Z0-9_]*$/

/** Quoted where it is no plain identifier. */
export function quotedLabel(name: string): string {
  return LABEL_IDENTIFIER.test(name) ? name : JSON.stringify(name)
}

/** In parentheses where an operator could tear it apart. */
export function parenthesised(text: string): string {
  return /^[\w:]+$|^[\w:]+\([^()]*\)$|^[\w:]*\{[^{}]*\}$/.test(text) ? text : `(${text})`
}
