// `monitor query`: asks a server, prints the answer as promtool does. Flags, defaults and output of promtool 3.14.
import type { HttpClientConfig } from '../../lib/config/http-client.ts'
import { loadHttpClientFile } from '../../lib/config/http-client-file.ts'
import { ConfigError } from '../../lib/config/reader.ts'
import { DurationError, parseDuration } from '../../lib/model/duration.ts'
import { DiskError, readRegularUtf8 } from '../../lib/std/fs.ts'
import { parseTime } from '../../web/api/params.ts'
import { askServer, serverUrl, type ApiAnswer } from './api-client.ts'
import { Arguments, UsageError, type ToolFlag } from './command-line.ts'
import { explainOf, explainText } from './explain-text.ts'
import { goJson, isQueryData, labelSetText, resultJson, resultText, sortedRecord, type LabelRecord } from './query-result.ts'
import { ToolFailure, type ToolIo } from './tool-io.ts'

export const QUERY_HELP = `Usage: monitor query [-o|--format promql|json] COMMAND …

  instant SERVER EXPR   [--time=TIME] [--tier=raw|1m|1h]       values at one time, now by default
  range SERVER EXPR     [--start=TIME] [--end=TIME] [--step=DURATION] [--tier=raw|1m|1h]
                                                               values over the last 5m by default
  series SERVER         --match=SELECTOR … [--start=TIME] [--end=TIME]  label sets of series
  labels SERVER NAME    [--match=SELECTOR …] [--start=TIME] [--end=TIME]   values of a label
  --explain EXPR        [--server=URL]                         what evaluating an expression costs, node by node

SERVER is a URL such as http://localhost:9090; TIME is RFC 3339 or Unix seconds. Every command takes --header=NAME=VALUE,
repeated for more, --timeout=DURATION (2m) and --http.config.file=FILE (basic_auth, authorization, tls_config, … as in a scrape
config); instant and range also take --explain.
Exit codes: 0 answered, 1 not answered, 2 wrong command line.
`

const FLAGS: readonly ToolFlag[] = [
  { name: 'format', short: 'o', kind: 'text' }, { name: 'header', kind: 'list' }, { name: 'http.config.file', kind: 'text' }, { name: 'timeout', kind: 'text' },
  { name: 'time', kind: 'text' }, { name: 'start', kind: 'text' }, { name: 'end', kind: 'text' }, { name: 'step', kind: 'text' },
  { name: 'match', kind: 'list' }, { name: 'explain', kind: 'switch' }, { name: 'server', kind: 'text' },
  { name: 'tier', kind: 'text' },
]
const COMMON_FLAGS: ReadonlySet<string> = new Set(['format', 'header', 'http.config.file', 'timeout'])
const COMMAND_NAMES = ['instant', 'range', 'series', 'labels'] as const
type CommandName = (typeof COMMAND_NAMES)[number]
/** Words behind the command, and the flags it takes beside the common ones. */
const COMMANDS: Readonly<Record<CommandName, { words: readonly string[]; flags: readonly string[] }>> = {
  instant: { words: ['SERVER', 'EXPR'], flags: ['time', 'explain', 'tier'] },
  range: { words: ['SERVER', 'EXPR'], flags: ['start', 'end', 'step', 'explain', 'tier'] },
  series: { words: ['SERVER'], flags: ['match', 'start', 'end'] },
  labels: { words: ['SERVER', 'NAME'], flags: ['match', 'start', 'end'] },
}

const DEFAULT_SERVER = 'http://localhost:9090'
const TIMEOUT_MS = 120_000
/** How far series and labels look around now: promtool's 9,999 hours. */
const REACH_MS = 9_999 * 3_600_000
const RANGE_MS = 300_000
/** A range without a step gets some 250 of them. */
const STEPS = 250

/** Throws UsageError, ToolFailure. */
export async function runQuery(argv: readonly string[], io: ToolIo): Promise<void> {
  const args = new Arguments(argv, FLAGS)
  const format = args.text('format') || 'promql'
  if (format !== 'promql' && format !== 'json') throw new UsageError(`--format wants promql or json, got ${JSON.stringify(format)}`)
  const { name, server, text } = readCommand(args)
  const client = clientOf(args.text('http.config.file'))
  const ask = async (path: string, parameters: URLSearchParams, method: 'GET' | 'POST' = 'POST'): Promise<ApiAnswer> => {
    const answer = await askServer({ server: serverUrl(server), path, parameters, headers: headersOf(args), client, timeoutMs: timeoutOf(args) }, method)
    for (const warning of answer.warnings) io.err(`query warning: ${warning}\n`)
    for (const info of answer.infos) io.err(`query info: ${info}\n`)
    return answer
  }
  switch (name) {
    case 'instant': return printValue(await ask('/api/v1/query', instantParameters(args, text, io)), args, io)
    case 'range': return printValue(await ask('/api/v1/query_range', rangeParameters(args, text, io)), args, io)
    case 'series': {
      if (!args.has('match')) throw new UsageError('query series wants at least one --match=SELECTOR')
      const sets = listOf<LabelRecord>(await ask('/api/v1/series', reachParameters(args, io)))
      return io.out(format === 'json' ? `${goJson(sets.map(sortedRecord))}\n` : sets.map((set) => `${labelSetText(set)}\n`).join(''))
    }
    case 'labels': {
      const values = listOf<string>(await ask(`/api/v1/label/${encodeURIComponent(text)}/values`, reachParameters(args, io), 'GET'))
      return io.out(format === 'json' ? `${goJson(values)}\n` : values.map((value) => `${value}\n`).join(''))
    }
  }
}

interface Command {
  name: CommandName
  server: string
  /** Expression or label name; '' for series. */
  text: string
}

/** `--explain EXPR` alone is an instant query of --server. */
function readCommand(args: Arguments): Command {
  const [word = '', ...words] = args.words
  const name = COMMAND_NAMES.find((one) => one === word)
  if (name === undefined) {
    if (args.has('explain') && args.words.length === 1) return { name: 'instant', server: args.text('server') || DEFAULT_SERVER, text: word }
    throw new UsageError(word === '' ? 'query wants a command: instant, range, series or labels' : `there is no command query ${word}; there are instant, range, series and labels`)
  }
  const { words: wanted, flags } = COMMANDS[name]
  const unused = FLAGS.find((flag) => args.has(flag.name) && !COMMON_FLAGS.has(flag.name) && !flags.includes(flag.name))
  if (unused) throw new UsageError(`query ${name} takes no --${unused.name}`)
  if (words.length < wanted.length) throw new UsageError(`query ${name} wants ${wanted.join(' ')}; ${wanted[words.length]} is missing`)
  if (words.length > wanted.length) throw new UsageError(`query ${name} wants ${wanted.join(' ')}; ${JSON.stringify(words[wanted.length])} is too much: quote the expression`)
  return { name, server: words[0]!, text: words[1] ?? '' }
}

function printValue({ data }: ApiAnswer, args: Arguments, io: ToolIo): void {
  if (!args.has('explain')) {
    if (!isQueryData(data)) throw new ToolFailure('the server answers with data that are no query result')
    return io.out(`${args.text('format') === 'json' ? resultJson(data) : resultText(data)}\n`)
  }
  const tree = explainOf(data)
  if (tree === null) throw new ToolFailure('the server does not explain queries; only Monitor does')
  io.out(`${args.text('format') === 'json' ? JSON.stringify(tree) : explainText(tree)}\n`)
}

/** The API is trusted with what is in a list, not with being the API. */
function listOf<T>({ data }: ApiAnswer): readonly T[] {
  if (Array.isArray(data)) return data as T[]
  throw new ToolFailure('the server answers with data that are no list')
}

/** What Monitor's own API takes beside Prometheus' parameters. */
function ownParameters(args: Arguments): [string, string][] {
  const tier: [string, string][] = args.has('tier') ? [['tier', args.text('tier')]] : []
  return args.has('explain') ? [...tier, ['stats', 'all'], ['explain', '1']] : tier
}

function instantParameters(args: Arguments, query: string, io: ToolIo): URLSearchParams {
  return new URLSearchParams([['query', query], ['time', seconds(timeOf(args, 'time', io.clock.now()))], ...ownParameters(args)])
}

function rangeParameters(args: Arguments, query: string, io: ToolIo): URLSearchParams {
  const endMs = timeOf(args, 'end', io.clock.now())
  const startMs = timeOf(args, 'start', endMs - RANGE_MS)
  if (startMs >= endMs) throw new UsageError('start time is not before end time')
  const stepMs = durationOf(args, 'step', Math.max(1, Math.floor((endMs - startMs) / 1000 / STEPS)) * 1000)
  return new URLSearchParams([['query', query], ['start', seconds(startMs)], ['end', seconds(endMs)], ['step', seconds(stepMs)], ...ownParameters(args)])
}

function reachParameters(args: Arguments, io: ToolIo): URLSearchParams {
  const nowMs = io.clock.now()
  return new URLSearchParams([
    ...args.list('match').map((match): [string, string] => ['match[]', match]),
    ['start', seconds(timeOf(args, 'start', nowMs - REACH_MS))], ['end', seconds(timeOf(args, 'end', nowMs + REACH_MS))],
  ])
}

export function seconds(ms: number): string {
  return String(ms / 1000)
}

export function timeOf(args: Arguments, name: string, fallbackMs: number): number {
  const text = args.text(name)
  if (text === '') return fallbackMs
  const timeMs = parseTime(text)
  if (timeMs === null) throw new UsageError(`--${name}: cannot parse ${JSON.stringify(text)} to a valid timestamp; give RFC 3339 or Unix seconds`)
  return timeMs
}

/** `1m30s`, or seconds as in the API. */
export function durationOf(args: Arguments, name: string, fallbackMs: number): number {
  const text = args.text(name)
  if (text === '') return fallbackMs
  let ms = NaN
  try {
    ms = /^\d+(\.\d+)?$/.test(text) ? Number(text) * 1000 : parseDuration(text)
  } catch (error) {
    if (!(error instanceof DurationError)) throw error
  }
  if (!(ms > 0)) throw new UsageError(`--${name}: ${JSON.stringify(text)} is no duration; give one such as 30s or 1h30m`)
  return ms
}

function timeoutOf(args: Arguments): number {
  return Math.min(durationOf(args, 'timeout', TIMEOUT_MS), 2 ** 31 - 1)
}

/** What the file says of how to ask; '' for none. Throws ToolFailure. */
export function clientOf(file: string): HttpClientConfig {
  try {
    return loadHttpClientFile(file === '' ? '' : readRegularUtf8(file), file)
  } catch (error) {
    if (error instanceof ConfigError || error instanceof DiskError) throw new ToolFailure(error.message, { cause: error })
    throw error
  }
}

function headersOf(args: Arguments): Headers {
  const headers = new Headers()
  for (const header of args.list('header')) {
    const parts = /^([^=:]+)[=:](.*)$/s.exec(header)
    try {
      if (parts === null) throw new TypeError('no separator')
      headers.append(parts[1]!.trim(), parts[2]!.trim())
    } catch (error) {
      if (!(error instanceof TypeError)) throw error
      throw new UsageError(`--header wants NAME=VALUE, got ${JSON.stringify(header)}`)
    }
  }
  return headers
}
