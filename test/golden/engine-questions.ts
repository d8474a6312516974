// The questions whose answers by the engine of Prometheus 3.14.0 are recorded (record-engine.ts), each asked at several
// times and in both modes of name removal, and the form in which answers are kept: lines, sorted, a point or note each.
import { readFileSync } from 'node:fs'
import path from 'node:path'

/** Unix ms; stepMs 0 for an instant query. */
export interface Asked {
  query: string
  startMs: number
  endMs: number
  stepMs: number
  isDelayed: boolean
  /** With type-and-unit-labels. */
  isTyped: boolean
}

export interface QuestionSet {
  /** Lines of a `.test` file that fill the store. */
  load: string
  asked: Asked[]
}

/** Seconds. Without times a question is asked at 1 and 4 minutes and over the first ten. */
interface Question {
  query: string
  at?: number
  range?: [number, number, number]
}

export const ANSWERS_FILE: string = path.join(import.meta.dirname, 'engine-3.14.json.gz')

export function readQuestions(): QuestionSet[] {
  const text = readFileSync(path.join(import.meta.dirname, 'engine-questions.json'), 'utf8')
  const sets = JSON.parse(text) as { load: string[]; isTyped?: boolean; questions: Question[] }[]
  return sets.map(({ load, isTyped = false, questions }) => ({ load: load.join('\n'), asked: questions.flatMap((one) => timesOf(one, isTyped)) }))
}

function timesOf({ query, at, range }: Question, isTyped: boolean): Asked[] {
  const instant = (second: number): [number, number, number] => [second, second, 0]
  const times = range !== undefined ? [range] : at !== undefined ? [instant(at)] : [instant(60), instant(240), [0, 600, 60] as const]
  return times.flatMap(([start, end, step]) => [false, true].map((isDelayed) => (
    { query, startMs: start * 1000, endMs: end * 1000, stepMs: step * 1000, isDelayed, isTyped }
  )))
}

/** `host="a",job="b" 1.5@60000` */
export function pointLine(labels: Readonly<Record<string, string>>, value: string, timeMs: number): string {
  const names = Object.keys(labels).toSorted()
  return `${names.map((name) => `${name}=${JSON.stringify(labels[name])}`).join(',')} ${value.split(' ').map(shortened).join(' ')}@${timeMs}`
}

/** Thirteen digits: what is behind them is the order of summation. */
function shortened(text: string): string {
  const x = text === '+Inf' ? Infinity : text === '-Inf' ? -Infinity : Number(text)
  return Object.is(x, -0) ? '-0' : String(Number(x.toPrecision(13)))
}

/** An error as a line; which of two series came first in the store is left out, and what the API puts before it. */
export function errorLine(message: string): string {
  return `error: ${message.replace(/^invalid parameter "query": /, '').replace(/: \[\{.*\}\];|: existing .*/, '')}`
}
