// Warnings and infos of one query: data, not logs. They travel in the answer's `warnings` and `infos`
// (prometheus util/annotations). A text ends with the place in the query it speaks of: `… (1:5)`.
//
//   warn, info       a text, known at once                       ignored histogram in min aggregation (1:5)
//   warnMerged,      what equal ones have in common is gathered  … with a max diff of 0.1, over 5 samples … (1:5)
//   infoMerged       and printed at the end
//
// As in Prometheus a text is told once: of several places with the one that is evaluated last, merged texts with the
// one evaluated first.
import type { Span } from '../parse/ast.ts'

/** More of either kind are only counted. */
const SHOWN_MAX = 10

interface Note {
  /** Where it happened, each place once. None for what speaks of the whole answer. */
  readonly places: Span[]
  readonly print: () => string
  /** What merged notes gather; null for plain ones. */
  readonly state: object | null
}

/** The distinct ones of a kind, in order of first appearance, by what makes them equal. */
type Notes = Map<string, Note>

/** A place within an expression that speaks of it: where it starts, and what is evaluated when the note comes up. */
interface Place extends Span {
  readonly callerStart: number
}

/** What a caller says of its argument: the place is the argument's, the time is the caller's. */
export function ofArgument(argument: Span, caller: Span): Place {
  return { start: argument.start, end: caller.end, callerStart: caller.start }
}

function callerStart(place: Span): number {
  return 'callerStart' in place ? (place as Place).callerStart : place.start
}

/** A subtree that stands in the query once more and is evaluated for both. */
interface Copy {
  readonly original: Span
  readonly start: number
}

/** Deduplicated by text. */
export class Annotations {
  readonly #query: string
  readonly #warnings: Notes = new Map()
  readonly #infos: Notes = new Map()
  readonly #copies: Copy[] = []

  constructor(query: string) {
    this.#query = query
  }

  /** `text` without prefix and place; the place is where `at` starts. Spans are of the argument spoken of. */
  warn(text: string, at: Span): void {
    add(this.#warnings, `PromQL warning: ${text}`, at)
  }

  /** As `warn`, for what may be quite right. */
  info(text: string, at: Span): void {
    add(this.#infos, `PromQL info: ${text}`, at)
  }

  /**
   * One warning for all calls of the same `key`: returns what `make` made at the first of them, for the caller to
   * update (counts, extremes), and prints it at the end of the query. `print` gives the text without prefix and place.
   * A `key` names kind and subject, such as `overlap ${metric}`.
   */
  warnMerged<T extends object>(key: string, at: Span, make: () => T, print: (gathered: T) => string): T {
    return gathered(this.#warnings, { key, at, make, print: (state: T) => `PromQL warning: ${print(state)}` })
  }

  /** As `warnMerged`, for infos. */
  infoMerged<T extends object>(key: string, at: Span, make: () => T, print: (gathered: T) => string): T {
    return gathered(this.#infos, { key, at, make, print: (state: T) => `PromQL info: ${print(state)}` })
  }

  /** A warning of the answer rather than of an expression: as it is, without prefix and place. */
  warnPlain(text: string): void {
    this.#warnings.set(text, { places: [], print: () => text, state: null })
  }

  /** What is said of places within `original` also holds at the same places behind `start`. */
  copy(original: Span, start: number): void {
    this.#copies.push({ original, start })
  }

  /** At most 10 texts and, where there were more, one that counts the rest. */
  warnings(): string[] {
    return this.#shown(this.#warnings, 'warning')
  }

  infos(): string[] {
    return this.#shown(this.#infos, 'info')
  }

  #shown(notes: Notes, kind: string): string[] {
    const texts = Array.from(notes.values(), (note) => {
      const ordered = this.#withCopies(note.places).toSorted(compareEvaluation)
      const place = note.state === null ? ordered.at(-1) : ordered[0]
      return place === undefined ? note.print() : `${note.print()} (${this.#lineAndColumn(place.start)})`
    })
    if (texts.length <= SHOWN_MAX) return texts
    return [...texts.slice(0, SHOWN_MAX), `${texts.length - SHOWN_MAX} more ${kind} annotations omitted`]
  }

  /** Places and their counterparts in copies, which may hold copies themselves. */
  #withCopies(places: readonly Span[]): Span[] {
    const all = [...places]
    // The list grows while it is walked; each place comes once for every copy that it is in, and copies do not end up
    // within their originals.
    for (const place of all) {
      for (const { original, start } of this.#copies) {
        if (callerStart(place) < original.start || place.end > original.end) continue
        const shift = start - original.start
        all.push(ofArgument({ start: place.start + shift, end: 0 }, { start: callerStart(place) + shift, end: place.end + shift }))
      }
    }
    return all
  }

  /** `line:column`, both from 1; columns count UTF-8 bytes as Prometheus does. */
  #lineAndColumn(offset: number): string {
    const before = this.#query.slice(0, offset)
    const line = before.split('\n').length
    const column = Buffer.byteLength(before.slice(before.lastIndexOf('\n') + 1)) + 1
    return `${line}:${column}`
  }
}

/** Left before right, inner before outer; what one expression says of its arguments in their order. */
function compareEvaluation(a: Span, b: Span): number {
  return a.end - b.end || callerStart(b) - callerStart(a) || a.start - b.start
}

function add(notes: Notes, text: string, at: Span): void {
  const known = notes.get(text)
  if (known === undefined) notes.set(text, { places: [at], print: () => text, state: null })
  else addPlace(known.places, at)
}

function addPlace(places: Span[], at: Span): void {
  if (!places.some((place) => place.start === at.start && place.end === at.end && callerStart(place) === callerStart(at))) places.push(at)
}

function gathered<T extends object>(
  notes: Notes, { key, at, make, print }: { key: string; at: Span; make: () => T; print: (state: T) => string },
): T {
  // Texts have no line breaks, so that the two kinds of keys cannot meet.
  const name = `\n${key}`
  const known = notes.get(name)
  if (known !== undefined) {
    addPlace(known.places, at)
    // The key names the kind of note, and a kind has one shape of state.
    return known.state as T
  }
  const state = make()
  notes.set(name, { places: [at], print: () => print(state), state })
  return state
}
