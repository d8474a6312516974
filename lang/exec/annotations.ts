// Warnings and infos of one query: data, not logs. They travel in the answer's `warnings` and `infos`
// (prometheus util/annotations). A text ends with the place in the query it speaks of: `… (1:5)`.
import type { Span } from '../parse/ast.ts'

/** More of either kind are only counted. */
const SHOWN_MAX = 10

/** Deduplicated by the whole text, in order of first appearance. */
export class Annotations {
  readonly #query: string
  readonly #warnings = new Set<string>()
  readonly #infos = new Set<string>()
  readonly #counted = new Map<string, number>()

  constructor(query: string) {
    this.#query = query
  }

  /** `text` without prefix and place; the place is where `at` starts. Spans are of the argument spoken of. */
  warn(text: string, at: Span): void {
    this.#warnings.add(`PromQL warning: ${text} (${this.#place(at.start)})`)
  }

  /** As `warn`, for what may be quite right. */
  info(text: string, at: Span): void {
    this.#infos.add(`PromQL info: ${text} (${this.#place(at.start)})`)
  }

  /** As `warn`, but said once however often it happened, with the number of times where that is more than one. */
  warnCounted(text: string, at: Span, count: number): void {
    const key = JSON.stringify([text, this.#place(at.start)])
    this.#counted.set(key, (this.#counted.get(key) ?? 0) + count)
  }

  /** A warning of the answer rather than of an expression: as it is, without prefix and place. */
  warnPlain(text: string): void {
    this.#warnings.add(text)
  }

  /** At most 10 texts and, where there were more, one that counts the rest. */
  warnings(): string[] {
    const counted = Array.from(this.#counted, ([key, count]) => {
      const [text, place] = JSON.parse(key) as [string, string]
      return `PromQL warning: ${text}${count > 1 ? ` (${count} occurrences)` : ''} (${place})`
    })
    return shown(new Set([...this.#warnings, ...counted]), 'warning')
  }

  infos(): string[] {
    return shown(this.#infos, 'info')
  }

  /** `line:column`, both from 1; columns count UTF-8 bytes as Prometheus does. */
  #place(offset: number): string {
    const before = this.#query.slice(0, offset)
    const line = before.split('\n').length
    const column = Buffer.byteLength(before.slice(before.lastIndexOf('\n') + 1)) + 1
    return `${line}:${column}`
  }
}

function shown(texts: ReadonlySet<string>, kind: string): string[] {
  const list = [...texts]
  if (list.length <= SHOWN_MAX) return list
  return [...list.slice(0, SHOWN_MAX), `${list.length - SHOWN_MAX} more ${kind} annotations omitted`]
}
