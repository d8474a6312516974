// PromQL by example: the project's own `.test` files, whose values come from Prometheus 3.5.3 or are derived by hand
// in a comment, and the shared part of Prometheus' own, where it lies beside the checkout.
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { AGGREGATORS, SIGNATURES } from '../../lang/func/signatures.ts'
import type { Duration, DurationExpr, Expr } from '../../lang/parse/ast.ts'
import { childrenOf } from '../../lang/plan/tree.ts'
import { engineSubject } from '../conformance/engine-subject.ts'
import { runStored, runTestFile, type CaseResult } from '../conformance/run-file.ts'
import { parseTestFile } from '../conformance/test-file.ts'
import type { BatchShape } from '../support/memory-storage.ts'

const own = path.join(import.meta.dirname, 'promql')
const shared = path.resolve(import.meta.dirname, '../../../shared/promqltest')

function filesIn(folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder).filter((file) => file.endsWith('.test')) : []
}

function read(folder: string, file: string): string {
  return readFileSync(path.join(folder, file), 'utf8')
}

function failuresOf(results: readonly CaseResult[]): string[] {
  return results.flatMap(({ line, expr, mismatch, rerun }) => (
    mismatch === null ? [] : [`line ${line}: ${rerun ?? expr}\n  got  ${mismatch.got}\n  want ${mismatch.want}`]
  ))
}

const OPERATORS = ['+', '-', '*', '/', '%', '^', 'atan2', '==', '!=', '<', '<=', '>', '>=', 'and', 'or', 'unless', '</', '>/']

/** What an expression calls, and how: matchings, modifiers and the like count as constructs too. */
function constructsOf(expr: Expr): string[] {
  const own: string[] = []
  if (expr.type === 'call') own.push(expr.func)
  if (expr.type === 'aggregate') own.push(expr.op, ...(expr.grouping.length > 0 ? [expr.isWithout ? 'without' : 'by'] : []))
  if (expr.type === 'unary') own.push(`unary ${expr.op}`)
  if (expr.type === 'subquery') own.push('subquery')
  if (expr.type === 'binary') {
    own.push(expr.op)
    const { matching } = expr
    if (matching?.isOn) own.push('on')
    if (matching !== null && !matching.isOn && matching.labels.length > 0) own.push('ignoring')
    if (matching?.card === 'many-to-one') own.push('group_left')
    if (matching?.card === 'one-to-many') own.push('group_right')
    if (matching?.fillLeft != null) own.push('fill on the left')
    if (matching?.fillRight != null) own.push('fill on the right')
    if (expr.returnBool) own.push('bool')
  }
  const selector = expr.type === 'matrixSelector' ? expr.selector : expr
  if (selector.type === 'vectorSelector' || selector.type === 'subquery') {
    if (selector.offset !== null) own.push('offset', ...durationsOf(selector.offset))
    if (selector.offset?.kind === 'fixed' && selector.offset.ms < 0) own.push('offset ahead')
    if (selector.at !== null) own.push('@', `@ ${selector.at.kind}`)
    if (selector.type === 'subquery' && selector.step === null) own.push('default step')
  }
  if (expr.type === 'matrixSelector' || expr.type === 'subquery') own.push(...durationsOf(expr.range))
  if (expr.type === 'subquery' && expr.step !== null) own.push(...durationsOf(expr.step))
  if (selector.type === 'vectorSelector' && selector.isNameInBraces === true && !/^[\w:]+$/.test(selector.name)) own.push('name in quotes')
  if (selector.type === 'vectorSelector' && selector.isAnchored) own.push('anchored')
  if (selector.type === 'vectorSelector' && selector.isSmoothed) own.push('smoothed')
  return [...own, ...(expr.type === 'matrixSelector' ? [] : childrenOf(expr).flatMap(constructsOf))]
}

/** What a duration is worked out of. */
function durationsOf(duration: Duration): string[] {
  const parts = (expr: DurationExpr): string[] => {
    switch (expr.kind) {
      case 'number': case 'step': case 'range': return [`${expr.kind} in a duration`]
      case 'unary': return [`unary ${expr.op} in a duration`, ...parts(expr.arg)]
      case 'binary': return [`${expr.op} in a duration`, ...parts(expr.left), ...parts(expr.right)]
      case 'min_of': case 'max_of': return [`${expr.kind} in a duration`, ...parts(expr.left), ...parts(expr.right)]
    }
  }
  return duration.kind === 'expr' ? parts(duration.expr) : []
}

describe('PromQL', () => {
  const shapes: BatchShape[] = ['equal', 'each', 'union']
  describe.each(shapes)('over batches of shape %s', (shape) => {
    it.each(filesIn(own))('answers %s', (file) => {
      const results = runTestFile(read(own, file), engineSubject(), { shape })
      expect(results.length).toBeGreaterThan(10)
      expect(failuresOf(results)).toEqual([])
    })
  })

  it('has at least three cases of every function, operator, aggregation and modifier', () => {
    const seen = new Map<string, number>()
    for (const file of filesIn(own)) {
      for (const command of parseTestFile(read(own, file))) {
        if (command.kind !== 'eval') continue
        for (const construct of new Set(constructsOf(engineSubject().parse(command.expr)))) seen.set(construct, (seen.get(construct) ?? 0) + 1)
      }
    }
    const modifiers = [
      'unary -', 'unary +', 'subquery', 'on', 'ignoring', 'group_left', 'group_right', 'fill on the left', 'fill on the right', 'bool', 'by', 'without', 'offset',
      'offset ahead', '@', '@ time', '@ start', '@ end', 'anchored', 'smoothed', 'default step', 'name in quotes',
      ...['step', 'range', 'min_of', 'max_of', '+', '-', '*', '/', '%', '^', 'unary -'].map((name) => `${name} in a duration`),
    ]
    const wanted = [...SIGNATURES.keys(), ...Object.keys(AGGREGATORS), ...OPERATORS, ...modifiers]
    expect(SIGNATURES.size).toBeGreaterThanOrEqual(90)
    expect(wanted.filter((name) => (seen.get(name) ?? 0) < 3).map((name) => `${name}: ${seen.get(name) ?? 0}`)).toEqual([])
  })

  const sharedFiles = filesIn(shared)
  it.skipIf(sharedFiles.length === 0).each(sharedFiles)('answers the shared %s, pinned and in ranges too', (file) => {
    expect(failuresOf(runTestFile(read(shared, file), engineSubject(), { isStrict: true }))).toEqual([])
  })
  const storedFiles = [...filesIn(own).map((file) => ({ folder: own, file })), ...sharedFiles.map((file) => ({ folder: shared, file }))]
  it.each(storedFiles.filter(({ file }) => /histogram|start/.test(file)))('answers the same from the real store after a restart: $file', async ({ folder, file }) => {
    const results = await runStored(read(folder, file), engineSubject())
    expect(results.length).toBeGreaterThan(10)
    expect(failuresOf(results)).toEqual([])
  }, 60_000)
  if (sharedFiles.length === 0) it.skip('shared conformance files: ../shared/promqltest is absent')
})
