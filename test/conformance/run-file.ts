// Runs one `.test` file against an engine over the memory store, and says of each failing case why: a feature that is
// known to be missing, worked out from the case itself, or nothing known, which is a bug.
import type { Expr, VectorSelector } from '../../lang/parse/ast.ts'
import { childrenOf } from '../../lang/plan/tree.ts'
import { METRIC_NAME, getLabel, type Labels } from '../../lib/model/labels.ts'
import { compileMatcher } from '../../lib/model/matcher.ts'
import type { Queryable } from '../../storage/interface.ts'
import type { BatchShape } from '../support/memory-storage.ts'
import type { Answer } from './answer.ts'
import { mismatchOf, type Mismatch } from './compare.ts'
import { TestStore } from './store.ts'
import { parseTestFile, type EvalCommand } from './test-file.ts'

/** What a `.test` file is run against. */
export interface Subject {
  evaluate(command: EvalCommand, queryable: Queryable): Answer
  /** For what a case touches; null where it does not parse. */
  parse(expr: string): Expr | null
}

export interface CaseResult {
  line: number
  expr: string
  mismatch: Mismatch | null
  /** Of a failing case: the missing feature, or 'bug'. Null where it passed. */
  reason: string | null
}

export function runTestFile(source: string, subject: Subject, shape: BatchShape = 'equal'): CaseResult[] {
  const store = new TestStore(shape)
  const results: CaseResult[] = []
  for (const command of parseTestFile(source)) {
    if (command.kind === 'clear') store.clear()
    else if (command.kind === 'load') store.load(command)
    else {
      const answer = subject.evaluate(command, store.storage)
      const mismatch = mismatchOf(command, answer)
      const reason = mismatch === null ? null : reasonOf(command, answer, store, subject)
      results.push({ line: command.line, expr: command.expr, mismatch, reason })
    }
  }
  return results
}

const NOT_YET = /^(.+) is not yet evaluated/

function reasonOf(command: EvalCommand, answer: Answer, store: TestStore, subject: Subject): string {
  if (answer.kind === 'error') {
    const missing = NOT_YET.exec(answer.message)?.[1]
    if (missing !== undefined) return missing.replaceAll('"', '')
  }
  if (command.series.some(({ items }) => items.some(({ kind }) => kind === 'histogram'))) return 'native histograms'
  const expr = subject.parse(command.expr)
  const selectors = expr === null ? [] : selectorsOf(expr)
  const tests = selectors.map(({ matchers }) => matchers.map((matcher) => ({ name: matcher.name, test: compileMatcher(matcher) })))
  const isSelected = (labels: Labels): boolean => tests.some((all) => all.every(({ name, test }) => test(getLabel(labels, name))))
  const [lack] = store.lacksOf(isSelected)
  if (lack !== undefined) return lack
  return isDelayedName(command, answer) ? 'delayed name removal' : 'bug'
}

function selectorsOf(expr: Expr): VectorSelector[] {
  if (expr.type === 'vectorSelector') return [expr]
  return childrenOf(expr).flatMap(selectorsOf)
}

/**
 * With promql-delayed-name-removal (off by default, on in these files) names live until the end of the query: labels
 * that only differ in names, or sets that meet only without their names.
 */
function isDelayedName(command: EvalCommand, answer: Answer): boolean {
  if (answer.kind === 'error') return answer.message === 'vector cannot contain metrics with the same labelset'
  if (answer.kind !== 'vector' && answer.kind !== 'matrix') return false
  const nameless = (labels: Labels): string => labels.filter((_, i) => labels[i - (i % 2)] !== METRIC_NAME).join('\0')
  const wanted = new Set(command.series.map(({ labels }) => nameless(labels)))
  const got = new Set(answer.series.map(({ labels }) => nameless([...labels].flat())))
  const hasOtherNames = command.series.some(({ labels }) => getLabel(labels, METRIC_NAME) !== '')
    !== answer.series.some(({ labels }) => labels.has(METRIC_NAME))
  return hasOtherNames && wanted.size === got.size && [...wanted].every((labels) => got.has(labels))
}
