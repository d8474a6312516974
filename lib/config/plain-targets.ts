// The short way through target files in YAML as programs write them, many times as fast as a whole YAML parser: blocks
// of `targets` and `labels` with one scalar per line, nothing that YAML could mean otherwise.
//
//   - targets:            - labels:            - targets: ['a:1', "b:2"]
//       - a:1                 env: prod          labels:
//     labels:               targets:               env: 'prod'
//       env: prod           - a:1
//
// What is not exactly this is left to the parser: there is no fault to report here. The tree is the one that parseYaml
// makes of the same text, positions included; a test compares them.
import type { YamlEntry, YamlNode, YamlScalar } from './yaml-node.ts'

// A scalar (the same in all three) means itself in every place: no blanks, no `#`, `:` only before more of it; or it is
// quoted, without escapes.
const ELEMENT = /( {2,})- ([A-Za-z0-9_/.](?:[A-Za-z0-9_/.@%+=~-]|:(?=[A-Za-z0-9_/.@%+=~-]))*|"[^"\\\n]*"|'[^'\n]*') *\n/y
const PAIR =
  /( {3,})([A-Za-z_][A-Za-z0-9_]*): ([A-Za-z0-9_/.](?:[A-Za-z0-9_/.@%+=~-]|:(?=[A-Za-z0-9_/.@%+=~-]))*|"[^"\\\n]*"|'[^'\n]*') *\n/y
const FLOW_ELEMENT =
  / *([A-Za-z0-9_/.](?:[A-Za-z0-9_/.@%+=~-]|:(?=[A-Za-z0-9_/.@%+=~-]))*|"[^"\\\n]*"|'[^'\n]*') *([,\]])/y
const SECTION = /(- | {2})(targets|labels):(?: *| (\[[^\]\n]*\]) *)\n/y

/** The list of maps in `text`, which begins at offset `base` of its file; null where it is not plain to the end. */
export function plainTargets(text: string, base: number): YamlNode | null {
  const reader = new PlainReader(text.endsWith('\n') ? text : `${text}\n`, base)
  return reader.list()
}

class PlainReader {
  readonly #text: string
  readonly #base: number
  #pos = 0

  constructor(text: string, base: number) {
    this.#text = text
    this.#base = base
  }

  list(): YamlNode | null {
    const items: YamlNode[] = []
    while (this.#pos < this.#text.length) {
      const at = this.#base + this.#pos + 2
      const entries = new Map<string, YamlEntry>()
      do {
        if (!this.#section(entries)) return null
      } while (this.#pos < this.#text.length && !this.#text.startsWith('-', this.#pos))
      items.push({ kind: 'map', at, entries })
    }
    return items.length === 0 ? null : { kind: 'list', at: this.#base, items }
  }

  /** A key of an item and all its value; the first of an item has its dash. */
  #section(entries: Map<string, YamlEntry>): boolean {
    const from = this.#pos
    const line = this.#match(SECTION)
    if (line === null || (line[1] === '- ') !== (entries.size === 0)) return false
    const key = line[2]!
    if (entries.has(key)) return false
    const flow = line[3]
    let value: YamlNode | null
    if (key === 'labels') value = flow === undefined ? this.#pairs() : null
    else value = flow === undefined ? this.#elements() : this.#flow(flow, from + line[0].indexOf('['))
    if (value === null) return false
    entries.set(key, { key, at: this.#base + from + 2, value })
    return true
  }

  #elements(): YamlNode | null {
    const items: YamlNode[] = []
    const at = this.#pos + this.#indent()
    const indent = this.#indent()
    for (let from = this.#pos, line; (line = this.#match(ELEMENT)) !== null; from = this.#pos) {
      if (line[1]!.length !== indent) return null
      items.push(this.#scalar(line[2]!, from + indent + 2))
    }
    return items.length === 0 ? null : { kind: 'list', at: this.#base + at, items }
  }

  #pairs(): YamlNode | null {
    const entries = new Map<string, YamlEntry>()
    const indent = this.#indent()
    const at = this.#base + this.#pos + indent
    for (let from = this.#pos, line; (line = this.#match(PAIR)) !== null; from = this.#pos) {
      const key = line[2]!
      if (line[1]!.length !== indent || entries.has(key)) return null
      const value = this.#scalar(line[3]!, from + indent + key.length + 2)
      entries.set(key, { key, at: this.#base + from + indent, value })
    }
    return entries.size === 0 ? null : { kind: 'map', at, entries }
  }

  /** `[a, "b"]`, whose bracket is at `from` of the text. */
  #flow(flow: string, from: number): YamlNode | null {
    const items: YamlNode[] = []
    let at = 1
    for (let isLast = false; !isLast;) {
      FLOW_ELEMENT.lastIndex = at
      const found = FLOW_ELEMENT.exec(flow)
      if (found === null) return null
      items.push(this.#scalar(found[1]!, from + at + found[0].indexOf(found[1]!)))
      at = FLOW_ELEMENT.lastIndex
      isLast = found[2] === ']'
    }
    return at === flow.length ? { kind: 'list', at: this.#base + from, items } : null
  }

  #scalar(token: string, from: number): YamlScalar {
    const isQuoted = token.startsWith('"') || token.startsWith("'")
    return { kind: 'scalar', at: this.#base + from, text: isQuoted ? token.slice(1, -1) : token, isPlain: !isQuoted }
  }

  #indent(): number {
    let end = this.#pos
    while (this.#text.startsWith(' ', end)) end++
    return end - this.#pos
  }

  #match(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.#pos
    const found = pattern.exec(this.#text)
    if (found !== null) this.#pos = pattern.lastIndex
    return found
  }
}
