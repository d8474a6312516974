// Compares an answer with what an eval command expects, by promqltest's rules: label sets both ways, values within a
// relative 1e-6, annotations by text or pattern.
import { RE2JS } from 're2js'
import { compacted, isSameArray, type Buckets, type FloatHistogram } from '../../lib/model/histogram.ts'
import { compareLabels, formatLabels, type Labels } from '../../lib/model/labels.ts'
import { formatGeneral } from '../../lib/std/go-format.ts'
import type { Answer, AnswerPoint } from './answer.ts'
import { histogramText, type HistogramItem } from './histogram-text.ts'
import type { SeriesLine } from './series-line.ts'
import type { AnnotationExpectation, EvalCommand } from './test-file.ts'

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

/** null where the answer is as expected. `isRerun`: of a changed expression, whose places are others. */
export function mismatchOf(command: EvalCommand, answer: Answer, isRerun = false): Mismatch | null {
  const failures = command.annotations.filter(({ kind }) => kind === 'fail')
  if (answer.kind === 'error') {
    const isWanted = failures.length > 0 && failures.every((failure) => isMatch(failure, answer.message))
    return isWanted ? null : { got: `error: ${answer.message}`, want: wantText(command) }
  }
  if (failures.length > 0) return { got: answerText(answer), want: failures.map(annotationText).join(', ') }
  if (!isRerun) return mismatchOfAnnotations(command, answer.warnings, answer.infos) ?? mismatchOfValue(command, answer)
  const elsewhere = { ...command, annotations: command.annotations.map(atAnyPlace) }
  return mismatchOfAnnotations(elsewhere, answer.warnings, answer.infos) ?? mismatchOfValue(command, atTime(answer, command.startMs))
}

/** An instant answer as if it had been asked for at `timeMs`. */
function atTime(answer: Exclude<Answer, { kind: 'error' }>, timeMs: number): Exclude<Answer, { kind: 'error' }> {
  if (answer.kind !== 'vector') return answer
  return { ...answer, series: answer.series.map(({ labels, points }) => ({ labels, points: points.map(({ v }) => ({ t: timeMs, v })) })) }
}

const PLACE = / \(\d+:\d+\)$/
const ANY_PLACE = String.raw`\(\d+:\d+\)`

/** The expectation with no regard to where in the query a text points. */
function atAnyPlace(expectation: AnnotationExpectation): AnnotationExpectation {
  const { kind, match } = expectation
  if (match.kind === 'any') return expectation
  const text = match.kind === 'msg'
    ? `^${RE2JS.quote(match.text.replace(PLACE, ''))}(?: ${ANY_PLACE})?$`
    : match.text.replace(/\\\(\d+:\d+\\\)/, () => ANY_PLACE)
  return { kind, match: { kind: 'regex', text } }
}

function isMatch({ match }: AnnotationExpectation, text: string): boolean {
  if (match.kind === 'any') return true
  // The file's lines are trimmed, also where a message ends in a space. A text without a place speaks of any place.
  if (match.kind === 'msg') return text.trimEnd() === match.text || (!PLACE.test(match.text) && text.replace(PLACE, '') === match.text)
  return RE2JS.compile(match.text).matcher(text).find()
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

interface WantedPoint {
  t: number
  v: number | HistogramItem
}

interface WantedSeries {
  labels: Labels
  points: WantedPoint[]
}

function expectedSeries({ labels, items }: SeriesLine, startMs: number, stepMs: number): WantedSeries {
  const points: WantedPoint[] = []
  items.forEach((item, i) => {
    const t = startMs + i * stepMs
    if (item.kind === 'float') points.push({ t, v: item.v })
    else if (item.kind === 'histogram') points.push({ t, v: item })
  })
  return { labels, points }
}

function seriesText(labels: Labels, points: readonly AnswerPoint[]): string {
  const shown = points.map(({ t, v }) => `${typeof v === 'number' ? formatGeneral(v) : histogramText(v)}@${t / 1000}`)
  return `${formatLabels(labels)} ${shown.join(' ')}`
}

function wantedText({ labels, points }: WantedSeries): string {
  return seriesText(labels, points.map(({ t, v }) => ({ t, v: typeof v === 'number' ? v : v.h })))
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
  const got = answer.series
  if (got.length !== wanted.length) return bad
  const byLabels = (a: { labels: Labels }, b: { labels: Labels }): number => compareLabels(a.labels, b.labels)
  if (command.stepMs > 0 && got.some((series, i) => i > 0 && byLabels(got[i - 1]!, series) >= 0)) return bad
  const gotInOrder = command.isOrdered ? got : got.toSorted(byLabels)
  const wantedInOrder = command.isOrdered ? wanted : wanted.toSorted(byLabels)
  const isEqual = gotInOrder.every(({ labels, points }, i) => {
    const want = wantedInOrder[i]!
    return compareLabels(labels, want.labels) === 0 && points.length === want.points.length &&
      points.every((point, k) => isSamePoint(point, want.points[k]!))
  })
  return isEqual ? null : bad
}

function isSamePoint(got: AnswerPoint, want: WantedPoint): boolean {
  if (got.t !== want.t) return false
  if (typeof got.v === 'number' || typeof want.v === 'number') {
    return typeof got.v === 'number' && typeof want.v === 'number' && isAlmostEqual(got.v, want.v)
  }
  return isAlmostSameHistogram(got.v, want.v)
}

/** Layouts exactly but for empty buckets, counts nearly; the hint where it was written. */
function isAlmostSameHistogram(answered: FloatHistogram, { h: wanted, isHintWritten }: HistogramItem): boolean {
  const [got, h] = [compacted(answered), compacted(wanted)]
  return got.schema === h.schema && got.zeroThreshold === h.zeroThreshold && isSameArray(got.customValues, h.customValues) &&
    (!isHintWritten || got.hint === h.hint) &&
    isAlmostEqual(got.count, h.count) && isAlmostEqual(got.sum, h.sum) && isAlmostEqual(got.zeroCount, h.zeroCount) &&
    isAlmostSameSide(got.positive, h.positive) && isAlmostSameSide(got.negative, h.negative)
}

function isAlmostSameSide(got: Buckets, want: Buckets): boolean {
  return isSameArray(got.index, want.index) && want.count.every((count, k) => isAlmostEqual(got.count[k]!, count))
}

function answerText(answer: Answer): string {
  if (answer.kind === 'error') return `error: ${answer.message}`
  if (answer.kind === 'scalar' || answer.kind === 'string') return `${answer.kind} ${answer.value}`
  return answer.series.length === 0 ? `empty ${answer.kind}` : answer.series.map(({ labels, points }) => seriesText(labels, points)).join('; ')
}

function wantText(command: EvalCommand): string {
  const failures = command.annotations.filter(({ kind }) => kind === 'fail')
  if (failures.length > 0) return failures.map(annotationText).join(', ')
  if (command.text !== null) return `string ${command.text}`
  if (command.scalar !== null) return `scalar ${formatGeneral(command.scalar)}`
  if (command.series.length === 0) return 'empty'
  const times = command.matrixTimes ?? command
  return command.series.map((line) => wantedText(expectedSeries(line, times.startMs, times.stepMs))).join('; ')
}
