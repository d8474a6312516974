// Reads the fields of a JSON object, and collects what is wrong with them: each fault names the field, says why, and what to do.
import { DurationError, formatDuration, parseDuration } from '../../model/duration.ts'
import { nearestWord } from '../../std/nearest-word.ts'

export interface Fault {
  /** As in `condition.threshold`; '' for the body as a whole. */
  field: string
  reason: string
  fix: string
}

/** A rule that was refused; the message has all faults. */
export class RuleBodyError extends Error {
  readonly code = 'BAD_RULE'
  readonly faults: readonly Fault[]

  constructor(faults: readonly Fault[]) {
    super(faults.map(({ field, reason, fix }) => `${field === '' ? '' : `${field}: `}${reason}; ${fix}`).join('\n'))
    this.faults = faults
  }
}

type JsonObject = Readonly<Record<string, unknown>>

const ECHO_CHARS = 60
/** What other systems call the words that are known here. */
const SYNONYMS: ReadonlyMap<string, string> = new Map([
  ['>', 'gt'], ['>=', 'gte'], ['ge', 'gte'], ['<', 'lt'], ['<=', 'lte'], ['le', 'lte'], ['=', 'eq'], ['==', 'eq'],
  ['mean', 'avg'], ['average', 'avg'], ['minimum', 'min'], ['maximum', 'max'], ['rate', 'rate_of_change'], ['change', 'rate_of_change'], ['absent', 'absence'],
  ['and', 'all'], ['or', 'any'], ['%', 'percent'], ['relative', 'percent'], ['up', 'above'], ['down', 'below'], ['weekly', 'hour_of_week'], ['daily', 'hour_of_day'],
  ['error', 'critical'], ['fatal', 'critical'], ['page', 'critical'], ['high', 'critical'], ['medium', 'warning'], ['low', 'info'],
])

/** A value as it is shown in a message. */
export function shown(value: unknown): string {
  // 1e999 is JSON, and no number that JSON could show.
  const text = typeof value === 'number' ? String(value) : JSON.stringify(value) ?? String(value)
  return text.length > ECHO_CHARS ? `${text.slice(0, ECHO_CHARS)}…` : text
}

function kindOf(value: unknown): string {
  return value === null ? 'null' : Array.isArray(value) ? 'a list' : typeof value === 'object' ? 'an object' : `the ${typeof value} ${shown(value)}`
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export class Fields {
  readonly #object: JsonObject
  readonly #path: string
  readonly #faults: Fault[]
  readonly #asked = new Set<string>()

  /** `path`: where the object stands, '' for the body. */
  constructor(object: JsonObject, path: string, faults: Fault[]) {
    this.#object = object
    this.#path = path
    this.#faults = faults
  }

  fault(name: string, reason: string, fix: string): void {
    this.#faults.push({ field: this.#path + name, reason, fix })
  }

  has(name: string): boolean {
    this.#asked.add(name)
    return Object.hasOwn(this.#object, name) && this.#object[name] !== null
  }

  /** `fallback` null: it must be there. */
  text(name: string, fallback: string | null, charsMax: number): string {
    if (!this.has(name)) return this.#missing(name, fallback, 'a text') ?? ''
    const value = this.#object[name]
    if (typeof value !== 'string') this.fault(name, `is ${kindOf(value)}`, 'give a text')
    else if (value === '' && fallback !== '') this.fault(name, 'is empty', 'give a text')
    else if (value.length > charsMax) this.fault(name, `has ${value.length} characters`, `give at most ${charsMax}`)
    else if (!value.isWellFormed()) this.fault(name, 'is not valid Unicode', 'send the body as UTF-8')
    else return value
    return fallback ?? ''
  }

  /** `fallback` null: it must be there. */
  number(name: string, fallback: number | null, [min, max]: readonly [number, number]): number {
    if (!this.has(name)) return this.#missing(name, fallback, 'a number') ?? 0
    const value = this.#object[name]
    if (typeof value !== 'number' || !Number.isFinite(value)) this.fault(name, `is ${kindOf(value)}`, 'give a finite number, without quotes')
    else if (value < min || value > max) this.fault(name, `is ${value}`, `give a number from ${min} to ${max}`)
    else return value
    return fallback ?? 0
  }

  /** In ms. `fallbackMs` null: it must be there. */
  duration(name: string, fallbackMs: number | null, [minMs, maxMs]: readonly [number, number]): number {
    if (!this.has(name)) return this.#missing(name, fallbackMs, 'a duration such as "5m"') ?? 0
    const value = this.#object[name]
    const ms = typeof value === 'string' ? durationOf(value) : null
    if (ms === null) this.fault(name, `${shown(value)} is no duration`, 'write it like "90s", "5m" or "1h30m"')
    else if (ms < minMs || ms > maxMs) this.fault(name, `is ${shown(value)}`, `give a duration from ${formatDuration(minMs)} to ${formatDuration(maxMs)}`)
    else return ms
    return fallbackMs ?? minMs
  }

  /** `fallback` null: it must be there. */
  oneOf<T extends string>(name: string, words: readonly T[], fallback: T | null): T {
    if (!this.has(name)) return this.#missing(name, fallback, `one of ${words.join(', ')}`) ?? words[0]!
    const value = this.#object[name]
    const known = words.find((word) => word === value)
    if (known !== undefined) return known
    const near = typeof value === 'string' ? words.find((word) => word === SYNONYMS.get(value.toLowerCase())) ?? nearestWord(value, words) : null
    this.fault(name, `is ${shown(value)}`, `give one of ${words.join(', ')}${near === null ? '' : ` (did you mean ${near}?)`}`)
    return fallback ?? words[0]!
  }

  /** Texts of a list; none where it is absent. */
  texts(name: string, [countMax, charsMax]: readonly [number, number]): string[] {
    if (!this.has(name)) return []
    const value = this.#object[name]
    if (!Array.isArray(value)) {
      this.fault(name, `is ${kindOf(value)}`, 'give a list of texts')
      return []
    }
    if (value.length > countMax) this.fault(name, `has ${value.length} entries`, `give at most ${countMax}`)
    return value.slice(0, countMax).flatMap((entry: unknown, i) => {
      if (typeof entry === 'string' && entry !== '' && entry.length <= charsMax && entry.isWellFormed()) return [entry]
      this.fault(`${name}[${i}]`, `is ${typeof entry === 'string' ? shown(entry) : kindOf(entry)}`, `give a text of 1 to ${charsMax} characters`)
      return []
    })
  }

  /** The object under a name; an empty one where it is absent or none, and `isNeeded` says that this is a fault. */
  object(name: string, isNeeded: boolean): Fields {
    const value = this.has(name) ? this.#object[name] : undefined
    if (value === undefined && isNeeded) this.#missing(name, null, 'an object')
    if (value !== undefined && !isObject(value)) this.fault(name, `is ${kindOf(value)}`, 'give an object')
    return new Fields(isObject(value) ? value : {}, `${this.#path}${name}.`, this.#faults)
  }

  /** The objects of a list, each with its fields. */
  objects(name: string, [min, max]: readonly [number, number]): Fields[] {
    const value = this.has(name) ? this.#object[name] : undefined
    const isList = Array.isArray(value)
    if (!isList || value.length < min || value.length > max) {
      this.fault(name, isList ? `has ${value.length} entries` : value === undefined ? 'is missing' : `is ${kindOf(value)}`, `give a list of ${min} to ${max} objects`)
    }
    // Of a list that is too short or too long the entries are looked at, too, so that all faults are told at once.
    return (isList ? value.slice(0, max) : []).map((entry: unknown, i) => {
      if (!isObject(entry)) this.fault(`${name}[${i}]`, `is ${kindOf(entry)}`, 'give an object')
      return new Fields(isObject(entry) ? entry : {}, `${this.#path}${name}[${i}].`, this.#faults)
    })
  }

  /** Names of all fields, for objects whose names are the user's. */
  names(): string[] {
    return Object.keys(this.#object)
  }

  value(name: string): unknown {
    this.#asked.add(name)
    return this.#object[name]
  }

  /** Faults for what nobody asked for: a typing error must not pass for a default. */
  finish(): void {
    for (const name of this.names()) {
      if (this.#asked.has(name)) continue
      const near = nearestWord(name, [...this.#asked])
      this.fault(name, 'is unknown here', near === null ? `leave it out; known are ${[...this.#asked].join(', ')}` : `did you mean ${near}?`)
    }
  }

  #missing<T>(name: string, fallback: T | null, what: string): T | null {
    if (fallback === null) this.fault(name, 'is missing', `give ${what}`)
    return fallback
  }
}

function durationOf(text: string): number | null {
  try {
    return parseDuration(text)
  } catch (error) {
    if (error instanceof DurationError) return null
    throw error
  }
}
