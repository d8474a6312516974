// Reads Prometheus' `.test` files (promql/promqltest) into commands: load, clear, eval.
//
//   load 5m
//     http_requests{path="/foo"}  1 2 3 0+10x5 _ stale
//   eval instant at 50m resets(http_requests[10m])
//     {path="/foo"} 0
import { unquote } from '../../lang/parse/literals.ts'
import { isNumber, parseDurationMs, parseNumber } from './numbers.ts'
import { parseItems, parseMetric, parseStartOffsets, type SeriesLine } from './series-line.ts'

export interface LoadCommand {
  kind: 'load'
  line: number
  stepMs: number
  /** Collate classic histograms into native ones with custom buckets besides. */
  withNhcb: boolean
  series: SeriesLine[]
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

/** What cannot be read, and why. */
export interface UnreadableCommand {
  kind: 'unreadable'
  line: number
  text: string
  reason: string
}

export type Command = LoadCommand | { kind: 'clear'; line: number } | EvalCommand | UnreadableCommand

/** All commands of a file. A block that cannot be read does not keep the others from it. */
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
      commands.push({ kind: 'unreadable', line: i + 1, text: lines[i]!, reason: (error as Error).message })
      i = end
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
    return parseEval(head, line, body, commands)
  }
  throw new Error(`no command: ${head}`)
}

function parseLoad(head: string, line: number, body: readonly Line[]): LoadCommand {
  const match = /^(load(?:_with_nhcb)?)\s+(\S+)$/i.exec(head)
  if (match === null) throw new Error(`no load: ${head}`)
  const command: LoadCommand = {
    kind: 'load', line, stepMs: parseDurationMs(match[2]!), withNhcb: match[1]!.toLowerCase() !== 'load', series: [],
  }
  let starts: { offsets: (number | null)[]; metric: string } | null = null
  for (const { text, line: at } of body) {
    const [labels, rest] = parseMetric(text)
    if (rest.startsWith('@st')) {
      if (starts !== null) throw new Error('an @st line without its samples')
      starts = { offsets: parseStartOffsets(rest.slice('@st'.length)), metric: JSON.stringify(labels) }
      continue
    }
    const items = parseItems(rest)
    if (starts !== null && starts.metric !== JSON.stringify(labels)) throw new Error('an @st line of another series')
    if (starts !== null && starts.offsets.length !== items.length) throw new Error(`${starts.offsets.length} start times for ${items.length} samples`)
    command.series.push({ line: at, labels, items, startOffsets: starts?.offsets ?? null })
    starts = null
  }
  if (starts !== null) throw new Error('an @st line without its samples')
  return command
}

const INSTANT = /^eval(?:_(fail|warn|ordered|info))?\s+instant\s+(?:at\s+(.+?))?\s+(.+)$/i
const RANGE = /^eval(?:_(fail|warn|info))?\s+range\s+from\s+(.+)\s+to\s+(.+)\s+step\s+(.+?)\s+(.+)$/i

/** Returns how many lines of `body` are the command's: a scalar ends it, and another command may follow at once. */
function parseEval(head: string, line: number, body: readonly Line[], commands: Command[]): number {
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
  let used = 0
  while (used < body.length && command.scalar === null) {
    const { text, line: at } = body[used++]!
    parseExpectation(command, text, at)
  }
  commands.push(command)
  return used
}

const STRING = /^(["'`]).*\1$/s

function raise(message: string): never {
  throw new Error(message)
}

function parseExpectation(command: EvalCommand, text: string, line: number): void {
  const expected = /^expect\s+(ordered|fail|warn|info|no_warn|no_info|string|range vector)\b\s*(.*)$/.exec(text)
  if (expected !== null) {
    const [, kind = '', rest = ''] = expected
    if (kind === 'ordered') command.isOrdered = true
    else if (kind === 'string') command.text = unquote(STRING.test(rest) ? rest : raise(`no string: ${text}`))
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
  if (isNumber(text)) {
    command.scalar = parseNumber(text)
    return
  }
  const [labels, rest] = parseMetric(text)
  command.series.push({ line, labels, items: parseItems(rest), startOffsets: null })
}
