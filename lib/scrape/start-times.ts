// When series began, as OpenMetrics has it: `_created` lines of counters, summaries and histograms, each behind the lines of
// its series. After prometheus model/textparse/openmetricsparse.go, StartTimestamp: the next such line behind a sample, with
// no comment between, is its own if name and labels are, but for `le` of histograms and `quantile` of summaries.
//
//   # TYPE requests counter
//   requests_total{code="200"} 17
//   requests_created{code="200"} 1795000000.5     ─▶ start time of the line above, Unix seconds
import { FAMILY_HISTOGRAM, FAMILY_SUMMARY, FAMILY_TYPE_MASK } from '../format/metric-family.ts'
import { FAMILY_MASK, FAMILY_SHIFT, KIND_MASK, LINE_CREATED, LINE_UNIT, type LineTable } from './line-table.ts'

const CREATED_BYTES = '_created'.length
const SPACE = 0x20
const QUOTE = 0x22
const COMMA = 0x2c
const EQUAL = 0x3d
const BACKSLASH = 0x5c
const BRACE_OPEN = 0x7b
const BRACE_CLOSE = 0x7d

/** Reused: name, then name and value of each label that counts, pairs of indexes into the body. */
const sample: number[] = []
const created: number[] = []

/** Start times, Unix ms, by ref; null where a body, whose lines these are, tells none. */
export function startTimesOf(bytes: Uint8Array, { count, infos, refs, values, ends }: LineTable): Map<number, number> | null {
  let found: Map<number, number> | null = null
  /** The first line that may be of the next one's series. */
  let from = 0
  for (let i = 0; i < count; i++) {
    const kind = infos[i]! & KIND_MASK
    if (kind <= LINE_UNIT) from = i + 1
    if (kind !== LINE_CREATED) continue
    const family = (infos[i]! >>> FAMILY_SHIFT) & FAMILY_MASK
    const t = Math.trunc(values[i]! * 1000)
    readSeries(bytes, ends[i - 1]!, family, created)
    created[1]! -= CREATED_BYTES
    for (let k = from; k < i && Number.isFinite(t); k++) {
      if (refs[k] === 0) continue
      readSeries(bytes, k === 0 ? 0 : ends[k - 1]!, family, sample)
      if (isOne(bytes)) (found ??= new Map()).set(refs[k]!, t)
    }
    from = i + 1
  }
  return found
}

/** Whether `sample` has the labels of `created`, and a name that begins with its. */
function isOne(bytes: Uint8Array): boolean {
  if (sample.length !== created.length || sample[1]! - sample[0]! < created[1]! - created[0]!) return false
  for (let k = 0; k < created.length; k += 2) {
    const at = created[k]!
    const other = sample[k]!
    const length = created[k + 1]! - at
    if (k > 0 && sample[k + 1]! - other !== length) return false
    for (let i = 0; i < length; i++) if (bytes[at + i] !== bytes[other + i]) return false
  }
  return true
}

/** Reads the series of a line that the parser has found good. */
function readSeries(bytes: Uint8Array, at: number, family: number, into: number[]): void {
  const type = family & FAMILY_TYPE_MASK
  const skipped = type === FAMILY_HISTOGRAM ? 'le' : type === FAMILY_SUMMARY ? 'quantile' : ''
  into.length = 2
  into[0] = at
  while (bytes[at] !== BRACE_OPEN && bytes[at] !== SPACE) at++
  into[1] = at
  if (bytes[at] === SPACE) return
  for (at++; bytes[at] !== BRACE_CLOSE; at += bytes[at] === COMMA ? 1 : 0) {
    const isQuoted = bytes[at] === QUOTE
    const from = isQuoted ? at + 1 : at
    let to = from
    if (isQuoted) to = stringEnd(bytes, at)
    else while (bytes[to] !== EQUAL) to++
    at = isQuoted ? to + 1 : to
    if (bytes[at] !== EQUAL) {
      // The metric's name in quotes.
      into[0] = from
      into[1] = to
      continue
    }
    const end = stringEnd(bytes, at + 1)
    if (!isText(bytes, from, to, skipped)) into.push(from, to, at + 2, end)
    at = end + 1
  }
}

/** Index of the quote that closes the string opened at `at`. */
function stringEnd(bytes: Uint8Array, at: number): number {
  for (at++; bytes[at] !== QUOTE; at++) if (bytes[at] === BACKSLASH) at++
  return at
}

function isText(bytes: Uint8Array, from: number, to: number, text: string): boolean {
  if (to - from !== text.length) return false
  for (let i = 0; i < text.length; i++) if (bytes[from + i] !== text.charCodeAt(i)) return false
  return true
}
