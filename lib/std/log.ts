// Leveled key=value lines on stderr, in Prometheus' two formats (logfmt and json) with its keys:
// time level source msg component err.
import { systemClock, type Clock } from './clock.ts'
import { RepeatedLines } from './repeated-lines.ts'

export type LogLevel = 'debug' | 'info' | 'warn' | 'error'
export type LogFormat = 'logfmt' | 'json'
export type LogFields = Readonly<Record<string, string | number | boolean | Error | undefined>>

const ORDER: Readonly<Record<LogLevel, number>> = { debug: 0, info: 1, warn: 2, error: 3 }

export interface LogOptions {
  level: LogLevel
  format: LogFormat
  clock?: Clock
  write?: (line: string) => void
}

/** Cheap to pass around; `with` binds a component name. User text is always quoted, never a line of its own. */
export class Logger {
  readonly #options: LogOptions
  readonly #component: string
  readonly #repeated: RepeatedLines

  constructor(options: LogOptions, component = '', repeated: RepeatedLines = new RepeatedLines()) {
    this.#options = options
    this.#component = component
    this.#repeated = repeated
  }

  with(component: string): Logger {
    return new Logger(this.#options, component, this.#repeated)
  }

  debug(msg: string, fields: LogFields = {}): void {
    this.#emit('debug', msg, fields)
  }

  info(msg: string, fields: LogFields = {}): void {
    this.#emit('info', msg, fields)
  }

  warn(msg: string, fields: LogFields = {}): void {
    this.#emit('warn', msg, fields)
  }

  error(msg: string, fields: LogFields = {}): void {
    this.#emit('error', msg, fields)
  }

  /**
   * Of what comes with each tick, request or message as long as its cause (`msg` with `err` or `why`) lasts: the first line, and then fewer and
   * fewer, of which `times` says how many they stand for. `of`: whose causes are its own, such as a receiver.
   */
  repeated(level: 'warn' | 'error', msg: string, fields: LogFields, of = ''): void {
    const why = fields['err'] ?? fields['why'] ?? ''
    const times = this.#repeated.take(of, `${this.#component} ${msg} ${why instanceof Error ? why.message : why}`, this.#clock.monotonic())
    if (times > 0) this.#emit(level, msg, times === 1 ? fields : { ...fields, times })
  }

  get #clock(): Clock {
    return this.#options.clock ?? systemClock
  }

  #emit(level: LogLevel, msg: string, fields: LogFields): void {
    if (ORDER[level] < ORDER[this.#options.level]) return
    const time = new Date(this.#clock.now()).toISOString()
    const pairs: [string, string | number | boolean][] = [['time', time], ['level', level.toUpperCase()], ['msg', msg]]
    if (this.#component !== '') pairs.push(['component', this.#component])
    for (const [key, value] of Object.entries(fields)) {
      if (value !== undefined) pairs.push([key, value instanceof Error ? value.message : value])
    }
    const line = this.#options.format === 'json' ? JSON.stringify(Object.fromEntries(pairs)) : pairs.map(logfmtPair).join(' ')
    if (this.#options.write) this.#options.write(`${line}\n`)
    else process.stderr.write(`${line}\n`)
  }
}

function logfmtPair([key, value]: [string, string | number | boolean]): string {
  const text = String(value)
  return /^[\w.:/+@%-]+$/.test(text) ? `${key}=${text}` : `${key}=${JSON.stringify(text)}`
}

/** For tests and tools that have nothing to say. */
export const silentLogger: Logger = new Logger({ level: 'error', format: 'logfmt', write: () => {} })
