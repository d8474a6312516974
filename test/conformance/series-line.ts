// The lines of `.test` files that hold a series: `name{l="v"} 1 2 0+10x5 _ stale {{count:1}}`, and what may stand right
// before one, `name{l="v"}@st _ -30s -1mx3`: when what each sample counts began.
import { labelsFromMap, type Labels } from '../../lib/model/labels.ts'
import { unquote } from '../../lang/parse/literals.ts'
import { parseHistograms, type HistogramItem } from './histogram-text.ts'
import { NUMBER, parseDurationMs, parseNumber } from './numbers.ts'

export type SeriesItem =
  | { kind: 'float'; v: number }
  | HistogramItem
  | { kind: 'stale' }
  | { kind: 'gap' }

export interface SeriesLine {
  line: number
  labels: Labels
  items: SeriesItem[]
  /** Of each item, ms from its own time to its start time; null where none is known. */
  startOffsets: readonly (number | null)[] | null
}

const NUMERIC_ITEM = new RegExp(String.raw`^([+-]?${NUMBER})(?:([+-]${NUMBER}))?(?:x(\d+))?$`, 'i')

/** `name{l="v", …}` or `{"utf8.name", l="v"}` at the head of a text; returns the labels and the text after them. */
export function parseMetric(text: string): [Labels, string] {
  const map = new Map<string, string>()
  const name = /^[a-zA-Z_:][a-zA-Z0-9_:]*/.exec(text)?.[0] ?? ''
  if (name !== '') map.set('__name__', name)
  let at = name.length
  const skip = (pattern: RegExp): string => {
    pattern.lastIndex = at
    const found = pattern.exec(text)?.[0] ?? ''
    at += found.length
    return found
  }
  const word = (): string => {
    const quoted = skip(/"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`[^`]*`/y)
    if (quoted === '') return skip(/[^\s=,{}"'`]+/y)
    return unquote(quoted)
  }
  if (text[at] === '{') {
    at++
    for (skip(/[\s,]*/y); text[at] !== '}'; skip(/[\s,]*/y)) {
      if (at >= text.length) throw new Error(`open brace in: ${text}`)
      const key = word()
      skip(/\s*/y)
      if (text[at] !== '=') {
        map.set('__name__', key)
        continue
      }
      at++
      skip(/\s*/y)
      map.set(key, word())
    }
    at++
  }
  return [labelsFromMap(map), text.slice(at).trim()]
}

/** The values of a series. */
export function parseItems(text: string): SeriesItem[] {
  const items: SeriesItem[] = []
  const tokens = text.match(/\{\{.*?\}\}(?:[+-]\{\{.*?\}\})?(?:x\d+)?|\S+/g) ?? []
  for (const token of tokens) {
    const gap = /^_(?:x(\d+))?$/.exec(token)
    if (gap !== null) for (let i = 0; i < Number(gap[1] ?? 1); i++) items.push({ kind: 'gap' })
    else if (token === 'stale') items.push({ kind: 'stale' })
    else if (token.startsWith('{{')) items.push(...parseHistograms(token))
    else items.push(...parseNumeric(token))
  }
  return items
}

/** One token: `a`, `axn` and `a+bxn`, which have a value for time 0 besides the n; sums accumulate, as upstream's do. */
function parseNumeric(token: string): SeriesItem[] {
  const match = NUMERIC_ITEM.exec(token)
  if (match === null) throw new Error(`no value: ${token}`)
  const increment = match[2] === undefined ? 0 : parseNumber(match[2])
  const items: SeriesItem[] = []
  let v = parseNumber(match[1]!)
  for (let i = 0; i <= Number(match[3] ?? 0); i++) {
    items.push({ kind: 'float', v })
    v += increment
  }
  return items
}

/** The offsets of an `@st` line, in ms. */
export function parseStartOffsets(text: string): (number | null)[] {
  return text.split(/\s+/).filter((token) => token !== '').flatMap((token): (number | null)[] => {
    const gap = /^_(?:x(\d+))?$/.exec(token)
    if (gap !== null) return Array.from({ length: Number(gap[1] ?? 1) }, () => null)
    const match = /^([+-]?[0-9a-wyz.]+)(?:([+-][0-9a-wyz.]+))?(?:x(\d+))?$/.exec(token)
    if (match === null) throw new Error(`no start time: ${token}`)
    const first = parseDurationMs(match[1]!)
    const step = match[2] === undefined ? 0 : parseDurationMs(match[2])
    return Array.from({ length: Number(match[3] ?? 0) + 1 }, (_, i) => first + i * step)
  })
}
