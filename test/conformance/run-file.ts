// Runs one `.test` file against an engine over the memory store. Strictly: every instant case also with `@` on all its
// selectors at other times of evaluation, and each of these as the middle of a range query (pin.ts).
import { ParseError } from '../../lang/parse/parse-error.ts'
import type { Queryable } from '../../storage/interface.ts'
import type { BatchShape } from '../support/memory-storage.ts'
import type { Answer } from './answer.ts'
import { mismatchOf, type Mismatch } from './compare.ts'
import type { Subject } from './engine-subject.ts'
import type { Question } from './histogram-answer.ts'
import { fitsRange, pinned } from './pin.ts'
import { RealStore } from './real-store.ts'
import { TestStore } from './store.ts'
import { parseTestFile, type EvalCommand, type UnreadableCommand } from './test-file.ts'

export interface CaseResult {
  line: number
  expr: string
  /** null where the case passed, in all its runs. */
  mismatch: Mismatch | null
  /** What was asked in the run that failed, where it was not the case itself. */
  rerun: string | null
  /** How often the engine was asked. */
  runs: number
}

export interface RunOptions {
  shape?: BatchShape
  isStrict?: boolean
}

/** As runTestFile, each question asked of the real store after a restart. */
export async function runStored(source: string, subject: Subject): Promise<CaseResult[]> {
  const store = new TestStore()
  const real = new RealStore()
  const results: CaseResult[] = []
  let copy: Queryable | null = null
  try {
    for (const command of parseTestFile(source)) {
      if (command.kind === 'clear') store.clear()
      else if (command.kind === 'load') store.load(command)
      else if (command.kind === 'unreadable') results.push(unreadable(command))
      else {
        copy ??= await real.copyOf(store.storage)
        results.push(runCase(command, subject, copy, false))
        continue
      }
      copy = null
    }
  } finally {
    await real.close()
  }
  return results
}

export function runTestFile(source: string, subject: Subject, { shape = 'equal', isStrict = false }: RunOptions = {}): CaseResult[] {
  const store = new TestStore(shape)
  const results: CaseResult[] = []
  for (const command of parseTestFile(source)) {
    if (command.kind === 'clear') store.clear()
    else if (command.kind === 'load') store.load(command)
    else if (command.kind === 'unreadable') results.push(unreadable(command))
    else results.push(runCase(command, subject, store.storage, isStrict))
  }
  return results
}

function unreadable({ line, text, reason }: UnreadableCommand): CaseResult {
  return { line, expr: text, mismatch: { got: `cannot read the command: ${reason}`, want: 'a command of .test files' }, rerun: null, runs: 0 }
}

function runCase(command: EvalCommand, subject: Subject, storage: Queryable, isStrict: boolean): CaseResult {
  const { line, expr, startMs, stepMs } = command
  const result: CaseResult = { line, expr, mismatch: null, rerun: null, runs: 0 }
  const run = (question: Question, isRerun: boolean): boolean => {
    result.runs++
    const answer = subject.evaluate(question, storage)
    result.mismatch = mismatchOf(command, answer, isRerun)
    if (result.mismatch !== null && isRerun) result.rerun = `${question.expr} at ${question.startMs / 1000}`
    if (result.mismatch === null && isStrict && stepMs === 0) runAsRange(command, question, { subject, storage, result })
    return result.mismatch === null
  }
  const isFailure = command.annotations.some(({ kind }) => kind === 'fail')
  if (!run(command, false) || !isStrict || stepMs > 0 || (isFailure && !canParse(subject, expr))) return result
  const variants = pinned(subject.parse(expr), startMs)
  if (variants === null) return result
  for (const timeMs of variants.timesMs) {
    if (!run({ expr: variants.text, startMs: timeMs, endMs: timeMs, stepMs: 0 }, true)) return result
  }
  return result
}

/** Whether a failure that was expected is not one of the parser. */
function canParse(subject: Subject, expr: string): boolean {
  try {
    subject.parse(expr)
    return true
  } catch (error) {
    if (error instanceof ParseError) return false
    throw error
  }
}

const MINUTE_MS = 60_000

/** The question as the middle of a range of three steps. */
function runAsRange(
  command: EvalCommand, { expr, startMs }: Question, { subject, storage, result }: { subject: Subject; storage: Queryable; result: CaseResult },
): void {
  const isFailure = command.annotations.some(({ kind }) => kind === 'fail')
  if (command.isOrdered || command.text !== null || command.matrixTimes !== null || isFailure || !fitsRange(subject.parse(expr))) return
  result.runs++
  const answer = subject.evaluate({ expr, startMs: startMs - MINUTE_MS, endMs: startMs + MINUTE_MS, stepMs: MINUTE_MS }, storage)
  const values = { ...command, annotations: [] }
  result.mismatch = mismatchOf(values, middleOf(answer, startMs, command.scalar !== null), true)
  if (result.mismatch !== null) result.rerun = `${expr} from ${(startMs - MINUTE_MS) / 1000} to ${(startMs + MINUTE_MS) / 1000} step 60`
}

/** What an instant query at `timeMs` would have answered. */
function middleOf(answer: Answer, timeMs: number, isScalar: boolean): Answer {
  if (answer.kind !== 'matrix') return answer
  const { warnings, infos } = answer
  const series = answer.series
    .map(({ labels, points }) => ({ labels, points: points.filter(({ t }) => t === timeMs) }))
    .filter(({ points }) => points.length > 0)
  const scalar = series[0]?.points[0]?.v
  if (isScalar && typeof scalar === 'number') return { kind: 'scalar', value: scalar, warnings, infos }
  return { kind: 'vector', series, warnings, infos }
}
