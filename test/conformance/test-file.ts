// Reads Prometheus' `.test` files (promql/promqltest) into commands: load, clear, eval.
//
//   load 5m
//     http_requests{path="/foo"}  1 2 3 0+10x5 _ stale
//   eval instant at 50m resets(http_requests[10m])
//     {path="/foo"} 0
//
// Native histograms ({{…}}) are kept as text: where they count, the runner says so.
import { labelsFromMap, type Labels } from '../../lib/model/labels.ts'

export type SeriesItem =
  | { kind: 'float'; v: number }
  | { kind: 'histogram'; text: string }
  | { kind: 'stale' }
  | { kind: 'gap' }

export interface SeriesLine {
  line: number
  labels: Labels
  items: SeriesItem[]
}

export interface LoadCommand {
  kind: 'load'
  line: number
  stepMs: number
  /** Collate classic histograms into native ones with custom buckets besides. */
  withNhcb: boolean
  series: SeriesLine[]
  /** Label sets which have a line of start timestamps. */
  withStartTimestamps: Labels[]
}

export type AnnotationKind = 'fail' | 'warn' | 'info' | 'no_warn' | 'no_info'

export interface AnnotationExpectation {
  kind: AnnotationKind
  match: { kind: 'any' } | { kind: 'msg' | 'regex'; text: string }
}

export interface EvalCommand {
  kind: 'eval'
  line: number
  expr: string
  /** Instant: startMs is the time, stepMs 0. */
  startMs: number
  endMs: number
  stepMs: number
  isOrdered: boolean
  annotations: AnnotationExpectation[]
  /** null where none is expected. */
  scalar: number | null
  text: string | null
  /** `expect range vector from … to … step …`: the times of a matrix that an instant query returns. */
  matrixTimes: { startMs: number; stepMs: number } | null
  series: SeriesLine[]
}

export type Command = LoadCommand | { kind: 'clear'; line: number } | EvalCommand

const DURATION = String.raw`(?:\d+(?:ms|[ywdhms]))+`
const NUMBER = String.raw`(?:inf|nan|${DURATION}|(?:\d[\d_]*\.?\d*|\.\d+)(?:e[+-]?\d+)?)`
const NUMERIC_ITEM = new RegExp(String.raw`^([+-]?${NUMBER})(?:([+-]${NUMBER}))?(?:x(\d+))?$`, 'i')
const UNIT_MS: ReadonlyMap<string, number> = new Map([
  ['ms', 1], ['s', 1000], ['m', 60_000], ['h', 3_600_000], ['d', 86_400_000], ['w', 604_800_000], ['y', 31_536_000_000],
])

/** `1h30m`, `-5m`, or a number of seconds, to ms. */
export function parseDurationMs(text: string): number {
  const isNegative = text.startsWith('-')
  const body = isNegative ? text.slice(1) : text
  if (/^[\d.]+$/.test(body)) return Math.round(Number(body) * 1000) * (isNegative ? -1 : 1)
  if (!new RegExp(`^${DURATION}$`).test(body)) throw new Error(`no duration: ${text}`)
  let ms = 0
  for (const [, n, unit] of body.matchAll(/(\d+)(ms|[ywdhms])/g)) ms += Number(n) * UNIT_MS.get(unit!)!
  return isNegative ? -ms : ms
}

/** A float as promqltest writes it: Go syntax, durations in seconds. */
export function parseNumber(text: string): number {
  const match = new RegExp(`^([+-]?)(${NUMBER})$`, 'i').exec(text)
  if (match === null) throw new Error(`no number: ${text}`)
  const [, signText = '', body = ''] = match
  const sign = signText === '-' ? -1 : 1
  if (/^inf$/i.test(body)) return sign * Infinity
  if (/^nan$/i.test(body)) return NaN
  return sign * (new RegExp(`^${DURATION}$`).test(body) ? parseDurationMs(body) / 1000 : Number(body.replaceAll('_', '')))
}

/** All commands of a file; throws with the line where it cannot be read. */
export function parseTestFile(source: string): Command[] {
  const lines = source.split('\n').map((line) => (line.trim().startsWith('#') ? '' : line.trim()))
  const commands: Command[] = []
  for (let i = 0; i < lines.length;) {
    if (lines[i] === '') {
      i++
      continue
    }
    let end = i + 1
    while (end < lines.length && lines[end] !== '') end++
    const body = lines.slice(i + 1, end).map((text, k) => ({ text, line: i + 2 + k }))
    try {
      const used = parseCommand(lines[i]!, i + 1, body, commands)
      i += 1 + used
    } catch (error) {
      throw new Error(`line ${i + 1}: ${(error as Error).message}`, { cause: error })
    }
  }
  return commands
}

interface Line {
  text: string
  line: number
}

function parseCommand(head: string, line: number, body: readonly Line[], commands: Command[]): number {
  const word = head.split(/\s+/, 1)[0]!.toLowerCase()
  if (word === 'clear') {
    commands.push({ kind: 'clear', line })
    return 0
  }
  if (word === 'load' || word === 'load_with_nhcb') {
    commands.push(parseLoad(head, line, body))
    return body.length
  }
  if (word.startsWith('eval')) {
    commands.push(parseEval(head, line, body))
    return body.length
  }
  throw new Error(`no command: ${head}`)
}

function parseLoad(head: string, line: number, body: readonly Line[]): LoadCommand {
  const match = /^(load(?:_with_nhcb)?)\s+(\S+)$/i.exec(head)
  if (match === null) throw new Error(`no load: ${head}`)
  const command: LoadCommand = {
    kind: 'load', line, stepMs: parseDurationMs(match[2]!), withNhcb: match[1]!.toLowerCase() !== 'load', series: [], withStartTimestamps: [],
  }
  for (const { text, line: at } of body) {
    const [labels, rest] = parseMetric(text)
    if (rest.startsWith('@st')) command.withStartTimestamps.push(labels)
    else command.series.push({ line: at, labels, items: parseItems(rest) })
  }
  return command
}

const INSTANT = /^eval(?:_(fail|warn|ordered|info))?\s+instant\s+(?:at\s+(.+?))?\s+(.+)$/i
const RANGE = /^eval(?:_(fail|warn|info))?\s+range\s+from\s+(.+)\s+to\s+(.+)\s+step\s+(.+?)\s+(.+)$/i

function parseEval(head: string, line: number, body: readonly Line[]): EvalCommand {
  const instant = INSTANT.exec(head)
  const range = instant ? null : RANGE.exec(head)
  const [legacy, startMs, endMs, stepMs, expr] = instant
    ? [instant[1], parseDurationMs(instant[2] ?? '0'), parseDurationMs(instant[2] ?? '0'), 0, instant[3]!]
    : range
      ? [range[1], parseDurationMs(range[2]!), parseDurationMs(range[3]!), parseDurationMs(range[4]!), range[5]!]
      : raise(`no eval: ${head}`)
  const command: EvalCommand = {
    kind: 'eval', line, expr, startMs, endMs, stepMs, isOrdered: legacy === 'ordered',
    annotations: [], scalar: null, text: null, matrixTimes: null, series: [],
  }
  if (legacy === 'fail' || legacy === 'warn' || legacy === 'info') command.annotations.push({ kind: legacy, match: { kind: 'any' } })
  for (const { text, line: at } of body) parseExpectation(command, text, at)
  return command
}

function raise(message: string): never {
  throw new Error(message)
}

function parseExpectation(command: EvalCommand, text: string, line: number): void {
  const expected = /^expect\s+(ordered|fail|warn|info|no_warn|no_info|string|range vector)\b\s*(.*)$/.exec(text)
  if (expected !== null) {
    const [, kind = '', rest = ''] = expected
    if (kind === 'ordered') command.isOrdered = true
    else if (kind === 'string') command.text = JSON.parse(rest.startsWith('`') ? JSON.stringify(rest.slice(1, -1)) : rest) as string
    else if (kind === 'range vector') {
      const times = /^from\s+(\S+)\s+to\s+(\S+)\s+step\s+(\S+)$/.exec(rest) ?? raise(`no range vector: ${text}`)
      command.matrixTimes = { startMs: parseDurationMs(times[1]!), stepMs: parseDurationMs(times[3]!) }
    } else {
      const match = /^(msg|regex):\s?(.*)$/.exec(rest)
      const annotation = match === null ? { kind: 'any' as const } : { kind: match[1] as 'msg' | 'regex', text: match[2]!.trim() }
      command.annotations.push({ kind: kind as AnnotationKind, match: annotation })
    }
    return
  }
  const items = /^expect_fail_(message|regexp)\s+(.*)$/.exec(text)
  if (items !== null) {
    command.annotations.push({ kind: 'fail', match: { kind: items[1] === 'message' ? 'msg' : 'regex', text: items[2]! } })
    return
  }
  if (new RegExp(`^[+-]?${NUMBER}$`, 'i').test(text)) {
    command.scalar = parseNumber(text)
    return
  }
  const [labels, rest] = parseMetric(text)
  command.series.push({ line, labels, items: parseItems(rest) })
}

/** `name{l="v", …}` or `{"utf8.name", l="v"}` at the head of a text; returns the labels and the text after them. */
export function parseMetric(text: string): [Labels, string] {
  const map = new Map<string, string>()
  const name = /^[a-zA-Z_:][a-zA-Z0-9_:]*/.exec(text)?.[0] ?? ''
  if (name !== '') map.set('__name__', name)
  let at = name.length
  const skip = (pattern: RegExp): string => {
    pattern.lastIndex = at
    const found = pattern.exec(text)?.[0] ?? ''
    at += found.length
    return found
  }
  const word = (): string => {
    const quoted = skip(/"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`[^`]*`/y)
    if (quoted === '') return skip(/[^\s=,{}"'`]+/y)
    return quoted.startsWith('"') ? (JSON.parse(quoted) as string) : quoted.slice(1, -1)
  }
  if (text[at] === '{') {
    at++
    for (skip(/[\s,]*/y); text[at] !== '}'; skip(/[\s,]*/y)) {
      if (at >= text.length) throw new Error(`open brace in: ${text}`)
      const key = word()
      skip(/\s*/y)
      if (text[at] !== '=') {
        map.set('__name__', key)
        continue
      }
      at++
      skip(/\s*/y)
      map.set(key, word())
    }
    at++
  }
  return [labelsFromMap(map), text.slice(at).trim()]
}

function parseItems(text: string): SeriesItem[] {
  const items: SeriesItem[] = []
  const tokens = text.match(/\{\{.*?\}\}(?:[+-]\{\{.*?\}\})?(?:x\d+)?|\S+/g) ?? []
  for (const token of tokens) {
    const gap = /^_(?:x(\d+))?$/.exec(token)
    if (gap !== null) {
      for (let i = 0; i < Number(gap[1] ?? 1); i++) items.push({ kind: 'gap' })
    } else if (token === 'stale') {
      items.push({ kind: 'stale' })
    } else if (token.startsWith('{{')) {
      const times = /x(\d+)$/.exec(token)
      for (let i = 0; i < (times === null ? 1 : Number(times[1]) + 1); i++) items.push({ kind: 'histogram', text: token })
    } else {
      items.push(...parseNumeric(token))
    }
  }
  return items
}

function parseNumeric(token: string): SeriesItem[] {
  const match = NUMERIC_ITEM.exec(token)
  if (match === null) throw new Error(`no value: ${token}`)
  const increment = match[2] === undefined ? 0 : parseNumber(match[2])
  const items: SeriesItem[] = []
  let v = parseNumber(match[1]!)
  // `axn` and `a+bxn` have a value for time 0 besides the n; sums accumulate, as upstream's do.
  for (let i = 0; i < (match[3] === undefined ? 1 : Number(match[3]) + 1); i++) {
    items.push({ kind: 'float', v })
    v += increment
  }
  return items
}
