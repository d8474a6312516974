// Typed reading of a YAML tree. Each section of the configuration asks a MapReader for its keys; what it never asked
// for is unknown, and named with the nearest key it did ask for. Faults are collected, not thrown, so that one run
// shows them all. Types are as strict as Go's yaml: a quoted "5" is no number; texts take any scalar.
import { DurationError, parseDuration } from '../model/duration.ts'
import { parseSize, SizeError } from '../model/size.ts'
import { nearestWord } from '../std/nearest-word.ts'
import { isNull, type YamlEntry, type YamlMap, type YamlNode } from './yaml-node.ts'

/** A place in the file, 1-based, and what is wrong there. */
export interface ConfigProblem {
  readonly line: number
  readonly column: number
  readonly message: string
}

/** A configuration that must not be applied; `errors` are all its faults in order of place. */
export class ConfigError extends Error {
  readonly code = 'BAD_CONFIG'
  readonly errors: readonly ConfigProblem[]

  constructor(fileName: string, errors: readonly ConfigProblem[]) {
    super(errors.map((error) => formatProblem(fileName, error)).join('\n'))
    this.errors = errors
  }
}

export function formatProblem(fileName: string, problem: ConfigProblem): string {
  return `${fileName}:${problem.line}:${problem.column}: ${problem.message}`
}

/** Nodes read; aliases of aliases reach this long before memory ends. */
const VISITS_MAX = 2_000_000
/** No one reads more, and a bomb must not fill memory with complaints. */
const PROBLEMS_MAX = 1000

/** Where faults are collected, and whether what is not built yet is one. */
export class Problems {
  readonly #position: (at: number) => { line: number; column: number }
  readonly #isStrict: boolean
  readonly #errors = new Map<string, ConfigProblem>()
  readonly #warnings = new Map<string, ConfigProblem>()
  #visitCount = 0

  constructor(position: (at: number) => { line: number; column: number }, isStrict: boolean) {
    this.#position = position
    this.#isStrict = isStrict
  }

  error(at: number, message: string): void {
    this.#add(this.#errors, at, message)
  }

  /** Takes an error back. */
  withdraw(at: number, message: string): void {
    const { line, column } = this.#position(at)
    this.#errors.delete(`${line}:${column}:${message}`)
  }

  warn(at: number, message: string): void {
    this.#add(this.#warnings, at, message)
  }

  /** A valid Prometheus setting without effect here: an error unless the reader was told to be lenient. */
  notBuilt(at: number, what: string): void {
    if (!this.#isStrict) this.warn(at, `${what} is not built into Monitor yet and is ignored`)
    else {
      const advice = '(--config.strict=false ignores it, --ignore-unbuilt of check config)'
      this.error(at, `${what} is valid in Prometheus but not built into Monitor yet ${advice}`)
    }
  }

  /** Counts nodes; false, with one error, once they are too many. */
  visit(at: number): boolean {
    if (++this.#visitCount === VISITS_MAX) this.error(at, `aliases expand to more than ${VISITS_MAX} values`)
    return this.#visitCount < VISITS_MAX
  }

  errors(): ConfigProblem[] {
    return inOrder(this.#errors)
  }

  warnings(): ConfigProblem[] {
    return inOrder(this.#warnings)
  }

  // One entry each, though an alias may lead to the same place many times.
  #add(list: Map<string, ConfigProblem>, at: number, message: string): void {
    const { line, column } = this.#position(at)
    const key = `${line}:${column}:${message}`
    if (list.size < PROBLEMS_MAX) list.set(key, { line, column, message })
  }
}

function inOrder(problems: ReadonlyMap<string, ConfigProblem>): ConfigProblem[] {
  return [...problems.values()].toSorted((a, b) => a.line - b.line || a.column - b.column)
}

const TRUE = new Set(['y', 'Y', 'yes', 'Yes', 'YES', 'true', 'True', 'TRUE', 'on', 'On', 'ON'])
const FALSE = new Set(['n', 'N', 'no', 'No', 'NO', 'false', 'False', 'FALSE', 'off', 'Off', 'OFF'])

/** What a node is, for messages. */
export function describe(node: YamlNode): string {
  return node.kind === 'scalar' ? JSON.stringify(node.text) : `a ${node.kind}`
}

/** One map of the configuration. Absent and null keys give the fallback. Call `finish` once all keys were asked for. */
export class MapReader {
  readonly problems: Problems
  /** Where the map stands in the configuration: `scrape_configs[0]`; '' for the whole file. */
  readonly path: string
  readonly at: number
  readonly #entries: ReadonlyMap<string, YamlEntry>
  readonly #known = new Set<string>()
  /** What is wrong because a key is not there. */
  readonly #lacks = new Map<string, string>()

  constructor(problems: Problems, map: YamlMap | null, path: string) {
    this.problems = problems
    this.path = path
    this.at = map?.at ?? 0
    this.#entries = map !== null && problems.visit(map.at) ? map.entries : new Map()
  }

  /** Whether the key is there with a value. */
  has(key: string): boolean {
    return this.#value(key) !== null
  }

  /** Place of a key's value, else of its map. */
  valueAt(key: string): number {
    return this.#entries.get(key)?.value.at ?? this.at
  }

  pathOf(key: string): string {
    return this.path === '' ? key : `${this.path}.${key}`
  }

  error(key: string, message: string): void {
    const text = `${this.pathOf(key)}: ${message}`
    this.problems.error(this.valueAt(key), text)
    if (!this.#entries.has(key)) this.#lacks.set(key, text)
  }

  /** Any scalar as it is written. An empty value, and null, is an empty text. */
  text(key: string, fallback: string): string {
    this.#known.add(key)
    const entry = this.#entries.get(key)
    return entry ? (this.#textOf(entry.value, this.pathOf(key)) ?? fallback) : fallback
  }

  bool(key: string, fallback: boolean): boolean {
    const node = this.#value(key)
    if (!node) return fallback
    if (node.kind === 'scalar' && node.isPlain && TRUE.has(node.text)) return true
    if (node.kind === 'scalar' && node.isPlain && FALSE.has(node.text)) return false
    this.error(key, `want true or false, got ${describe(node)}`)
    return fallback
  }

  /** A whole number from 0 on; decimal, 0x, 0o, 0b, with `_` between digits. */
  count(key: string, fallback: number): number {
    const node = this.#value(key)
    if (!node) return fallback
    const number = node.kind === 'scalar' && node.isPlain ? wholeNumber(node.text) : NaN
    if (Number.isSafeInteger(number)) return number
    this.error(key, `want a whole number from 0 on, got ${describe(node)}`)
    return fallback
  }

  /** Any whole number, as Go's yaml takes it for an int: also a float without quotes, cut. */
  integer(key: string, fallback: number): number {
    const node = this.#value(key)
    if (!node) return fallback
    const text = node.kind === 'scalar' && node.isPlain ? node.text : ''
    const number = text.startsWith('-') ? -wholeNumber(text.slice(1)) : wholeNumber(text)
    if (Number.isSafeInteger(number)) return number
    if (/^-?\d+\.\d*$/.test(text)) return Math.trunc(Number(text))
    this.error(key, `want a whole number, got ${describe(node)}`)
    return fallback
  }

  /** A float as Go's yaml takes it: decimal, hexadecimal, `.inf`, `.nan`; never quoted. */
  float(key: string, fallback: number): number {
    const node = this.#value(key)
    if (!node) return fallback
    const text = node.kind === 'scalar' && node.isPlain ? node.text : ''
    if (/^[+-]?\.(inf|Inf|INF)$/.test(text)) return text.startsWith('-') ? -Infinity : Infinity
    if (/^\.(nan|NaN|NAN)$/.test(text)) return NaN
    if (/^[+-]?(?:\d[\d_]*\.?[\d_]*|\.\d[\d_]*)(?:[eE][+-]?\d+)?$/.test(text)) return Number(text.replaceAll('_', ''))
    const whole = text.startsWith('-') ? -wholeNumber(text.slice(1)) : wholeNumber(text)
    if (Number.isFinite(whole)) return whole
    this.error(key, `want a number, got ${describe(node)}`)
    return fallback
  }

  durationMs(key: string, fallbackMs: number): number {
    return this.#parsed(key, fallbackMs, parseDuration, DurationError, ' (for example 30s, 5m, 1h30m; units ms, s, m, h, d, w, y)')
  }

  sizeBytes(key: string, fallbackBytes: number): number {
    return this.#parsed(key, fallbackBytes, parseSize, SizeError)
  }

  oneOf<T extends string>(key: string, choices: readonly T[], fallback: T): T {
    const node = this.#value(key)
    if (!node) return fallback
    const choice = node.kind === 'scalar' ? choices.find((one) => one === node.text) : undefined
    if (choice !== undefined) return choice
    this.error(key, `want one of ${choices.filter((choice) => choice !== '').join(', ')}, got ${describe(node)}${hint(node, choices)}`)
    return fallback
  }

  /** The items of a list with their paths; null if the key is absent. */
  list(key: string): { node: YamlNode; path: string }[] | null {
    const node = this.#value(key)
    if (!node) return null
    if (node.kind !== 'list') {
      this.error(key, `want a list, got ${describe(node)}; ${node.kind === 'scalar' ? `write [${describe(node)}]` : 'each item begins with "- "'}`)
      return null
    }
    const path = this.pathOf(key)
    return node.items
      .filter((item) => this.problems.visit(item.at))
      .map((item, i) => ({ node: item, path: `${path}[${i}]` }))
  }

  texts(key: string): { text: string; at: number; path: string }[] | null {
    return this.list(key)?.flatMap(({ node, path }) => {
      const text = this.#textOf(node, path)
      return text === null ? [] : [{ text, at: node.at, path }]
    }) ?? null
  }

  /** The maps of a list; other items, and empty ones, are errors. */
  maps(key: string): MapReader[] {
    return (this.list(key) ?? []).flatMap(({ node, path }) => {
      const reader = this.#mapOf(node, path)
      if (!reader) this.problems.error(node.at, `${path}: want a map, got ${isNull(node) ? 'nothing' : describe(node)}`)
      return reader ?? []
    })
  }

  /** A section; null if the key is absent or empty. */
  map(key: string): MapReader | null {
    const node = this.#value(key)
    if (!node) return null
    const reader = this.#mapOf(node, this.pathOf(key))
    if (!reader) this.error(key, `want a map, got ${describe(node)}`)
    return reader
  }

  /** All entries, whose keys are the user's; nothing in the map is unknown then. */
  entries(): { key: string; keyAt: number; path: string; value: YamlNode }[] {
    for (const key of this.#entries.keys()) this.#known.add(key)
    return Array.from(this.#entries.values(), ({ key, at, value }) => {
      return { key, keyAt: at, path: this.pathOf(key), value }
    })
  }

  /** Whether nothing stands there, or a list or map of nothing. */
  isEmpty(key: string): boolean {
    const node = this.#value(key)
    return !node || (node.kind === 'list' && node.items.length === 0) || (node.kind === 'map' && node.entries.size === 0)
  }

  /** Whatever stands there; null if the key is absent or empty. */
  anyNode(key: string): YamlNode | null {
    const node = this.#value(key)
    return node && this.problems.visit(node.at) ? node : null
  }

  /** A map of texts under names of the user's choice. */
  textMap(key: string): { name: string; text: string; keyAt: number; at: number }[] {
    return this.map(key)?.entries().flatMap(({ key: name, keyAt, path, value }) => {
      const text = this.problems.visit(value.at) ? this.#textOf(value, path) : null
      return text === null ? [] : [{ name, text, keyAt, at: value.at }]
    }) ?? []
  }

  /** A map of lists of texts under names of the user's choice. */
  textsMap(key: string): Map<string, string[]> {
    const section = this.map(key)
    const textsOf = (name: string): string[] => (section?.texts(name) ?? []).map(({ text }) => text)
    return new Map(section?.entries().map(({ key: name }) => [name, textsOf(name)]))
  }

  /** Refuses (or warns of) valid keys that have no effect here; empty, false and 0 ask for nothing. */
  notBuilt(...keys: readonly string[]): void {
    for (const key of keys) {
      const node = this.#value(key)
      if (!node || isIdle(node)) continue
      this.problems.notBuilt(this.#entries.get(key)!.at, this.pathOf(key))
    }
  }

  /** Warns of valid keys that have no effect here, for the sake of a file that is to be read unchanged. */
  ignored(keys: readonly string[], why: string): void {
    for (const key of keys) {
      const node = this.#value(key)
      if (node && !isIdle(node)) this.problems.warn(this.#entries.get(key)!.at, `${this.pathOf(key)} has no effect: ${why}`)
    }
  }

  /** Reports keys that no one asked for. Where one stands for a key that is missed, that it is missed goes without saying. */
  finish(): void {
    for (const [key, entry] of this.#entries) {
      if (this.#known.has(key)) continue
      const nearest = nearestKey(key, [...this.#known])
      const lack = this.#lacks.get(nearest ?? '')
      if (lack !== undefined) this.problems.withdraw(this.at, lack)
      const where = this.path === '' ? '' : ` in ${this.path}`
      const advice = nearest === null ? '' : `; did you mean ${JSON.stringify(nearest)}?`
      this.problems.error(entry.at, `unknown key ${JSON.stringify(key)}${where}${advice}`)
    }
  }

  #value(key: string): YamlNode | null {
    this.#known.add(key)
    const node = this.#entries.get(key)?.value
    return node && !isNull(node) ? node : null
  }

  #mapOf(node: YamlNode, path: string): MapReader | null {
    return node.kind === 'map' ? new MapReader(this.problems, node, path) : null
  }

  /** `~` and `null` are nothing, as in Go. */
  #textOf(node: YamlNode, path: string): string | null {
    if (node.kind === 'scalar') return isNull(node) ? '' : node.text
    this.problems.error(node.at, `${path}: want a text, got ${describe(node)}`)
    return null
  }

  #parsed(
    key: string, fallback: number, parse: (text: string) => number, failure: new (message: string) => Error, advice = '',
  ): number {
    const node = this.#value(key)
    if (!node) return fallback
    if (node.kind !== 'scalar') {
      this.error(key, `want a text, got ${describe(node)}`)
      return fallback
    }
    try {
      return parse(node.text)
    } catch (error) {
      if (!(error instanceof failure)) throw error
      this.error(key, error.message + advice)
      return fallback
    }
  }
}

function wholeNumber(text: string): number {
  const digits = text.replaceAll('_', '').replace(/^\+/, '')
  if (/^0[0-7]+$/.test(digits)) return Number.parseInt(digits, 8)
  return /^(?:0|[1-9]\d*|0x[\da-fA-F]+|0o[0-7]+|0b[01]+)$/.test(digits) ? Number(digits) : NaN
}

function isIdle(node: YamlNode): boolean {
  switch (node.kind) {
    case 'scalar': return node.text === '0' || node.text === '0s' || (node.isPlain && FALSE.has(node.text))
    case 'list': return node.items.length === 0
    case 'map': return node.entries.size === 0
  }
}

/** Also one that is only said in part: `job` of `job_name`, `interval` of `scrape_interval`. */
function nearestKey(wrong: string, keys: readonly string[]): string | null {
  const nearest = nearestWord(wrong, keys)
  if (nearest !== null || wrong.length < PART_LENGTH_MIN) return nearest
  return keys.find((key) => key.startsWith(wrong)) ?? keys.find((key) => key.endsWith(`_${wrong}`)) ?? null
}

const PART_LENGTH_MIN = 3

function hint(node: YamlNode, choices: readonly string[]): string {
  const nearest = node.kind === 'scalar' ? nearestWord(node.text, choices) : null
  return nearest === null ? '' : `; did you mean ${nearest}?`
}
