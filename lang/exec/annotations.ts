// Warnings and infos of one query: data, not logs. They travel in the answer's `warnings` and `infos`
// (prometheus util/annotations). A text ends with the place in the query it speaks of: `… (1:5)`.
//
//   warn, info       a text, known at once                       ignored histogram in min aggregation (1:5)
//   warnMerged,      what equal ones have in common is gathered  … with a max diff of 0.1, over 5 samples … (1:5)
//   infoMerged       and printed at the end
import type { Span } from '../parse/ast.ts'

/** More of either kind are only counted. */
const SHOWN_MAX = 10

/** The distinct ones of a kind, in order of first appearance: their texts by the key that makes them equal. */
type Notes = Map<string, Note>

interface Note {
  /** Offset of the place in the query, -1 for none. */
  at: number
  print: () => string
  /** What merged notes gather; null for plain ones. */
  state: object | null
}

/** A subtree that stands in the query more than once and is evaluated for all its copies at once. */
interface Copies {
  original: Span
  starts: readonly number[]
}

/** Deduplicated by text and place. */
export class Annotations {
  readonly #query: string
  readonly #warnings: Notes = new Map()
  readonly #infos: Notes = new Map()
  readonly #copies: Copies[] = []

  constructor(query: string) {
    this.#query = query
  }

  /** `text` without prefix and place; the place is where `at` starts. Spans are of the argument spoken of. */
  warn(text: string, at: Span): void {
    add(this.#warnings, `PromQL warning: ${text}`, at.start)
  }

  /** As `warn`, for what may be quite right. */
  info(text: string, at: Span): void {
    add(this.#infos, `PromQL info: ${text}`, at.start)
  }

  /**
   * One warning for all calls of the same `key` and place: returns what `make` made at the first of them, for the
   * caller to update (counts, extremes), and prints it at the end of the query. `print` gives the text without prefix
   * and place. A `key` names kind and subject, such as `overlap ${metric}`.
   */
  warnMerged<T extends object>(key: string, at: Span, make: () => T, print: (gathered: T) => string): T {
    return gathered(this.#warnings, { key, at: at.start, make, print: (state: T) => `PromQL warning: ${print(state)}` })
  }

  /** As `warnMerged`, for infos. */
  infoMerged<T extends object>(key: string, at: Span, make: () => T, print: (gathered: T) => string): T {
    return gathered(this.#infos, { key, at: at.start, make, print: (state: T) => `PromQL info: ${print(state)}` })
  }

  /** As `warn`, but said once however often it happened, with the number of times where that is more than one. */
  warnCounted(text: string, at: Span, count: number): void {
    const tally = this.warnMerged(text, at, () => ({ count: 0 }), ({ count: total }) => {
      return `${text}${total > 1 ? ` (${total} occurrences)` : ''}`
    })
    tally.count += count
  }

  /** A warning of the answer rather than of an expression: as it is, without prefix and place. */
  warnPlain(text: string): void {
    add(this.#warnings, text, -1)
  }

  /** What is said of places within `original` also holds at the same places behind each of `starts`. */
  copy(original: Span, starts: readonly number[]): void {
    this.#copies.push({ original, starts })
  }

  /** At most 10 texts and, where there were more, one that counts the rest. */
  warnings(): string[] {
    return this.#shown(this.#warnings, 'warning')
  }

  infos(): string[] {
    return this.#shown(this.#infos, 'info')
  }

  #shown(notes: Notes, kind: string): string[] {
    const list = new Set<string>()
    for (const { at, print } of notes.values()) {
      const text = print()
      if (at < 0) list.add(text)
      else for (const place of this.#placesOf(at)) list.add(`${text} (${this.#lineAndColumn(place)})`)
    }
    const shown = [...list]
    if (shown.length <= SHOWN_MAX) return shown
    return [...shown.slice(0, SHOWN_MAX), `${shown.length - SHOWN_MAX} more ${kind} annotations omitted`]
  }

  /** An offset and its counterparts in copies, which may hold copies themselves. */
  #placesOf(at: number): ReadonlySet<number> {
    const places = new Set([at])
    for (const place of places) {
      for (const { original, starts } of this.#copies) {
        if (place < original.start || place >= original.end) continue
        for (const start of starts) places.add(start + place - original.start)
      }
    }
    return places
  }

  /** `line:column`, both from 1; columns count UTF-8 bytes as Prometheus does. */
  #lineAndColumn(offset: number): string {
    const before = this.#query.slice(0, offset)
    const line = before.split('\n').length
    const column = Buffer.byteLength(before.slice(before.lastIndexOf('\n') + 1)) + 1
    return `${line}:${column}`
  }
}

function add(notes: Notes, text: string, at: number): void {
  const key = `${at} ${text}`
  if (!notes.has(key)) notes.set(key, { at, print: () => text, state: null })
}

function gathered<T extends object>(
  notes: Notes, { key, at, make, print }: { key: string; at: number; make: () => T; print: (state: T) => string },
): T {
  // No plain text starts with a digit and a line break, so that the two kinds of keys cannot meet.
  const name = `${at}\n${key}`
  const known = notes.get(name)
  // The key names the kind of note, and a kind has one shape of state.
  if (known !== undefined) return known.state as T
  const state = make()
  notes.set(name, { at, print: () => print(state), state })
  return state
}
