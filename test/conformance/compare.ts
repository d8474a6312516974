// Compares an answer with what an eval command expects, by promqltest's rules: label sets both ways, values within a
// relative 1e-6, annotations by text or pattern.
import { RE2JS } from 're2js'
import { compareLabels, formatLabels, labelsFromMap, type Labels } from '../../lib/model/labels.ts'
import { formatGeneral } from '../../lang/func/go-format.ts'
import type { Answer, AnswerSeries } from './answer.ts'
import type { AnnotationExpectation, EvalCommand, SeriesLine } from './test-file.ts'

const TOLERANCE = 1e-6
const NORMAL_MIN = 2.2250738585072014e-308

/** promqltest's almost.Equal. */
export function isAlmostEqual(a: number, b: number): boolean {
  if (Number.isNaN(a) || Number.isNaN(b)) return Number.isNaN(a) && Number.isNaN(b)
  if (a === b) return true
  const sum = Math.abs(a) + Math.abs(b)
  const difference = Math.abs(a - b)
  if (a === 0 || b === 0 || sum < NORMAL_MIN) return difference < TOLERANCE * NORMAL_MIN
  return difference / Math.min(sum, Number.MAX_VALUE) < TOLERANCE
}

export interface Mismatch {
  got: string
  want: string
}

/** null where the answer is as expected. */
export function mismatchOf(command: EvalCommand, answer: Answer): Mismatch | null {
  const failures = command.annotations.filter(({ kind }) => kind === 'fail')
  if (answer.kind === 'error') {
    const isWanted = failures.length > 0 && failures.every((failure) => isMatch(failure, answer.message))
    return isWanted ? null : { got: `error: ${answer.message}`, want: wantText(command) }
  }
  if (failures.length > 0) return { got: answerText(answer), want: failures.map(annotationText).join(', ') }
  return mismatchOfAnnotations(command, answer.warnings, answer.infos) ?? mismatchOfValue(command, answer)
}

function isMatch({ match }: AnnotationExpectation, text: string): boolean {
  if (match.kind === 'any') return true
  // The file's lines are trimmed, also where a message ends in a space.
  return match.kind === 'msg' ? text.trimEnd() === match.text : RE2JS.compile(match.text).matcher(text).find()
}

function annotationText({ kind, match }: AnnotationExpectation): string {
  return match.kind === 'any' ? kind : `${kind} ${match.kind}: ${match.text}`
}

function mismatchOfAnnotations(command: EvalCommand, warnings: readonly string[], infos: readonly string[]): Mismatch | null {
  for (const [kind, actual] of [['warn', warnings], ['info', infos]] as const) {
    const wanted = command.annotations.filter((expectation) => expectation.kind === kind)
    const isNoneWanted = command.annotations.some((expectation) => expectation.kind === `no_${kind}`)
    const got = `${kind}: ${actual.length === 0 ? 'none' : actual.join(' | ')}`
    if (isNoneWanted && actual.length > 0) return { got, want: `no ${kind}` }
    if (wanted.length === 0) continue
    const isComplete = wanted.every((expectation) => actual.some((text) => isMatch(expectation, text)))
    const isCovered = actual.every((text) => wanted.some((expectation) => isMatch(expectation, text)))
    if (!isComplete || !isCovered) return { got, want: wanted.map(annotationText).join(' | ') }
  }
  return null
}

interface Point {
  t: number
  /** null: a native histogram. */
  v: number | null
}

interface PlainSeries {
  labels: Labels
  points: Point[]
}

function expectedSeries({ labels, items }: SeriesLine, startMs: number, stepMs: number): PlainSeries {
  const points: Point[] = []
  items.forEach((item, i) => {
    if (item.kind === 'float') points.push({ t: startMs + i * stepMs, v: item.v })
    else if (item.kind !== 'gap') points.push({ t: startMs + i * stepMs, v: null })
  })
  return { labels, points }
}

function gotSeries({ labels, points, hasHistograms }: AnswerSeries): PlainSeries {
  const plain: Point[] = points.map(([t, v]) => ({ t, v }))
  if (hasHistograms) plain.push({ t: NaN, v: null })
  return { labels: labelsFromMap(labels), points: plain }
}

function seriesText({ labels, points }: PlainSeries): string {
  return `${formatLabels(labels)} ${points.map(({ t, v }) => `${v === null ? '{{}}' : formatGeneral(v)}@${t / 1000}`).join(' ')}`
}

function mismatchOfValue(command: EvalCommand, answer: Exclude<Answer, { kind: 'error' }>): Mismatch | null {
  const bad: Mismatch = { got: answerText(answer), want: wantText(command) }
  if (command.text !== null) return answer.kind === 'string' && answer.value === command.text ? null : bad
  if (command.scalar !== null) return answer.kind === 'scalar' && isAlmostEqual(answer.value, command.scalar) ? null : bad
  if (answer.kind !== 'vector' && answer.kind !== 'matrix') return bad
  const times = command.matrixTimes ?? command
  const isMatrix = command.stepMs > 0 || command.matrixTimes !== null
  if ((answer.kind === 'matrix') !== isMatrix) return bad
  const wanted = command.series.map((line) => expectedSeries(line, times.startMs, times.stepMs)).filter(({ points }) => points.length > 0)
  const got = answer.series.map(gotSeries)
  if (got.length !== wanted.length) return bad
  const byLabels = (a: PlainSeries, b: PlainSeries): number => compareLabels(a.labels, b.labels)
  if (command.stepMs > 0 && got.some((series, i) => i > 0 && byLabels(got[i - 1]!, series) >= 0)) return bad
  const gotInOrder = command.isOrdered ? got : got.toSorted(byLabels)
  const wantedInOrder = command.isOrdered ? wanted : wanted.toSorted(byLabels)
  const isEqual = gotInOrder.every((series, i) => isSameSeries(series, wantedInOrder[i]!))
  return isEqual ? null : bad
}

function isSameSeries(a: PlainSeries, b: PlainSeries): boolean {
  if (compareLabels(a.labels, b.labels) !== 0 || a.points.length !== b.points.length) return false
  return a.points.every(({ t, v }, i) => {
    const other = b.points[i]!
    return t === other.t && v !== null && other.v !== null && isAlmostEqual(v, other.v)
  })
}

export function answerText(answer: Answer): string {
  if (answer.kind === 'error') return `error: ${answer.message}`
  if (answer.kind === 'scalar' || answer.kind === 'string') return `${answer.kind} ${answer.value}`
  return answer.series.length === 0 ? `empty ${answer.kind}` : answer.series.map((series) => seriesText(gotSeries(series))).join('; ')
}

export function wantText(command: EvalCommand): string {
  const failures = command.annotations.filter(({ kind }) => kind === 'fail')
  if (failures.length > 0) return failures.map(annotationText).join(', ')
  if (command.text !== null) return `string ${command.text}`
  if (command.scalar !== null) return `scalar ${formatGeneral(command.scalar)}`
  if (command.series.length === 0) return 'empty'
  const times = command.matrixTimes ?? command
  return command.series.map((line) => seriesText(expectedSeries(line, times.startMs, times.stepMs))).join('; ')
}
