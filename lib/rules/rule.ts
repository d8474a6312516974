// What recording and alerting rules have in common: what they were configured as, how their last evaluation went, and the
// rows that an evaluation gives.
import { printExpr } from '../../lang/parse/print.ts'
import { parseExpr } from '../../lang/parse/parse.ts'
import type { ParserFeatures } from '../../lang/parse/ast.ts'
import type { RuleConfig } from '../config/rule-config.ts'
import type { FloatHistogram } from '../model/histogram.ts'
import { labelsFromMap, type Labels } from '../model/labels.ts'

/** A sample that an evaluation gives, all at one time. */
export interface RuleRow {
  labels: Labels
  value: number
  histogram: FloatHistogram | null
}

/** An evaluation that failed as a whole; the message is for people, in Prometheus' words. */
export class RuleError extends Error {
  readonly code = 'RULE_FAILED'
}

/** How the last evaluation went. */
export class RuleHealth {
  state: 'unknown' | 'ok' | 'err' = 'unknown'
  /** '' where it is well. */
  error = ''
  evaluationSeconds = 0
  /** Unix ms, 0 before the first. */
  evaluatedAtMs = 0

  good(): void {
    this.state = 'ok'
    this.error = ''
  }

  /** Before its first evaluation, or between two. */
  waits(why: string): void {
    if (this.state === 'unknown') this.error = why
  }

  bad(error: string): void {
    this.state = 'err'
    this.error = error
  }
}

/** An expression as Prometheus prints it. Throws ParseError. */
export function printedExpr(text: string, features: Partial<ParserFeatures>): string {
  return printExpr(parseExpr(text, features))
}

/** Texts of equal sets are equal, of different ones different. */
export function labelsKey(labels: Labels): string {
  return JSON.stringify(labels)
}

/** What tells a rule from others of its group, over changes of the rest of it. */
export function ruleIdentity({ name, labels }: RuleConfig): string {
  return JSON.stringify([name, labelsFromMap(labels)])
}
