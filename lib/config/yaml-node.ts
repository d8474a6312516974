// YAML text as a small tree with positions: what is left of the `yaml` package's documents once aliases and merge keys
// are resolved. Scalars stay text (lib/config/reader gives them types), because the meaning of `5`, `yes` or `1h` is
// the reader's, as in Go's yaml. An alias is the very node it names: a bomb of aliases costs nothing until it is
// read, and reading is bounded. Duplicate keys are found here; the package takes quadratic time for that.
import { isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument } from 'yaml'
import type { Node, Pair, Scalar, YAMLMap } from 'yaml'

export interface YamlScalar {
  readonly kind: 'scalar'
  readonly at: number
  readonly text: string
  /** Unquoted: only then `5` is a number, `yes` a truth value and nothing at all null. */
  readonly isPlain: boolean
}

export interface YamlList {
  readonly kind: 'list'
  readonly at: number
  readonly items: readonly YamlNode[]
}

export interface YamlEntry {
  readonly key: string
  readonly at: number
  readonly value: YamlNode
}

export interface YamlMap {
  readonly kind: 'map'
  readonly at: number
  readonly entries: ReadonlyMap<string, YamlEntry>
}

export type YamlNode = YamlScalar | YamlList | YamlMap

/** Told of each fault with its place, an offset into the text. */
export type Complain = (at: number, message: string) => void

export interface ParsedYaml {
  /** null for an empty text, or one too broken to have a tree. */
  readonly root: YamlNode | null
  /** 1-based, for an offset. */
  readonly position: (at: number) => { line: number; column: number }
}

/** Nothing that people configure is nested deeper. */
const DEPTH_MAX = 64
/** Entries that merge keys may copy; `<<: [*a, *a, …]` repeated grows by multiplication. */
const MERGED_MAX = 100_000
/** Behind a document: separators, comments and blanks are no second one. */
const NOTHING_MORE = /^(?:(?:---|\.\.\.)?[ \t]*(?:#.*)?(?:\r?\n|$))*$/
const TEXT_TAG = 'tag:yaml.org,2002:str'

/** Our words for faults that the package words for its callers. */
const FAULTS: readonly (readonly [code: string, message: RegExp, ours: string])[] = [
  ['RESOURCE_EXHAUSTION', /^/, 'nested too deeply'],
  ['MULTIPLE_DOCS', /^/, 'a second document begins here; a file holds one'],
  ['MULTILINE_IMPLICIT_KEY', /^Implicit keys need/, 'a key and its colon must stand in one line; write KEY: VALUE, with a space behind the colon'],
  ['MISSING_CHAR', /^Implicit map keys/, 'a key without a colon; write KEY: VALUE, with a space behind the colon'],
  ['MISSING_CHAR', /^Missing closing (.)quote/, 'the text before this begins with a quote $1 that is not closed'],
  ['BAD_INDENT', /^All mapping items/, 'indented unlike the keys before; all keys of a map begin in the same column'],
  ['BAD_INDENT', /^All sequence items/, 'indented unlike the items before; all items of a list begin in the same column'],
  ['BAD_INDENT', /^Flow (sequence|map)/, 'what was begun with [ or { is not closed before this line'],
  ['BLOCK_AS_IMPLICIT_KEY', /^Nested mappings/, 'a second colon in one line; put the text before it, or after, in quotes, or begin a new line'],
  ['TAB_AS_INDENT', /^/, 'a tab at the beginning of a line; indent with spaces'],
]

/**
 * Parses one document. Faults go to `complain`; the tree then holds what could be understood. Places are offsets into
 * `text`, or, where that is a part of a file, into the file: `base` is where the part begins.
 */
export function parseYaml(text: string, complain: Complain, base = 0): ParsedYaml {
  const lines = new LineCounter()
  const position = (at: number): { line: number; column: number } => {
    const { line, col } = lines.linePos(Math.min(at - base, text.length))
    return { line: Math.max(line, 1), column: Math.max(col, 1) }
  }
  // Failsafe: every scalar is text.
  const options = { schema: 'failsafe', lineCounter: lines, prettyErrors: false, uniqueKeys: false } as const
  const document = parseDocument(text, options)
  // What follows a syntax error is mostly its echo.
  const first = document.errors.toSorted((a, b) => a.pos[0] - b.pos[0])[0]
  if (first !== undefined && !(first.code === 'MULTIPLE_DOCS' && NOTHING_MORE.test(text.slice(first.pos[0])))) {
    complain(base + first.pos[0], faultText(first.code, first.message))
    return { root: null, position }
  }
  const contents: Node | null = document.contents
  return { root: contents && new TreeBuilder(complain, base).node(contents, 0), position }
}

function faultText(code: string, message: string): string {
  for (const [ofCode, pattern, ours] of FAULTS) {
    const found = ofCode === code ? pattern.exec(message) : null
    if (found !== null) return ours.replace('$1', found[1] ?? '')
  }
  return message
}

class TreeBuilder {
  readonly #complain: Complain
  readonly #base: number
  readonly #anchors = new Map<string, YamlNode | null>()
  #mergedCount = 0

  constructor(complain: Complain, base: number) {
    this.#complain = complain
    this.#base = base
  }

  node(from: Node, depth: number): YamlNode {
    const at = this.#base + (from.range?.[0] ?? 0)
    if (isAlias(from)) return this.#alias(from.source, at)
    const anchor = isScalar(from) || isMap(from) || isSeq(from) ? from.anchor : undefined
    // While it is being built, an anchor names nothing: it cannot contain itself.
    if (anchor !== undefined) this.#anchors.set(anchor, null)
    const built = this.#build(from, at, depth)
    if (anchor !== undefined) this.#anchors.set(anchor, built)
    return built
  }

  #build(from: Node, at: number, depth: number): YamlNode {
    if (depth > DEPTH_MAX) {
      this.#complain(at, 'nested too deeply')
      return missing(at)
    }
    if (isMap(from)) return this.#map(from, at, depth)
    if (isSeq(from)) return { kind: 'list', at, items: from.items.map((item) => this.#value(item, at, depth)) }
    if (isScalar(from)) {
      if (from.tag !== undefined && from.tag !== TEXT_TAG) this.#complain(at, `the tag ${from.tag} has no meaning here`)
      return { kind: 'scalar', at, text: textOf(from), isPlain: from.type === 'PLAIN' && from.tag === undefined }
    }
    return missing(at)
  }

  #alias(name: string, at: number): YamlNode {
    const target = this.#anchors.get(name)
    if (target) return target
    const anchor = JSON.stringify(name)
    this.#complain(at, target === null ? `anchor ${anchor} contains itself` : `unknown anchor ${anchor}`)
    return missing(at)
  }

  #value(from: unknown, at: number, depth: number): YamlNode {
    return isAlias(from) || isScalar(from) || isMap(from) || isSeq(from) ? this.node(from, depth + 1) : missing(at)
  }

  #map(from: YAMLMap, at: number, depth: number): YamlMap {
    const entries = new Map<string, YamlEntry>()
    const merged: YamlNode[] = []
    for (const pair of from.items as Pair[]) {
      if (!isScalar(pair.key)) {
        this.#complain(at, 'keys must be plain text')
        continue
      }
      const key = textOf(pair.key)
      const keyAt = pair.key.range === null || pair.key.range === undefined ? at : this.#base + pair.key.range[0]
      const value = this.#value(pair.value, keyAt, depth)
      if (key === '<<' && pair.key.type === 'PLAIN') merged.push(...(value.kind === 'list' ? value.items : [value]))
      else if (entries.has(key)) this.#complain(keyAt, `key ${JSON.stringify(key)} is given twice`)
      else entries.set(key, { key, at: keyAt, value })
    }
    // The map's own keys win, then the first map that has a key.
    for (const source of merged) this.#merge(source, entries)
    return { kind: 'map', at, entries }
  }

  #merge(source: YamlNode, entries: Map<string, YamlEntry>): void {
    if (source.kind !== 'map') {
      this.#complain(source.at, '<< wants a map or a list of maps')
      return
    }
    this.#mergedCount += source.entries.size
    if (this.#mergedCount > MERGED_MAX) {
      const isFirst = this.#mergedCount - source.entries.size <= MERGED_MAX
      if (isFirst) this.#complain(source.at, `<< copies more than ${MERGED_MAX} keys`)
      return
    }
    for (const [key, entry] of source.entries) if (!entries.has(key)) entries.set(key, entry)
  }
}

function textOf(scalar: Scalar): string {
  return typeof scalar.value === 'string' ? scalar.value : ''
}

function missing(at: number): YamlScalar {
  return { kind: 'scalar', at, text: '', isPlain: true }
}

/** Nothing, or one of YAML's words for it, unquoted. */
export function isNull(node: YamlNode): boolean {
  return node.kind === 'scalar' && node.isPlain && ['', '~', 'null', 'Null', 'NULL'].includes(node.text)
}
