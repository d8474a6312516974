// Labels of an exposition line as strings: the cold half of the text parsers, run once per new series.
import { isUtf8 } from 'node:buffer'
import { METRIC_NAME, insertLabel } from '../model/labels.ts'
import { FAMILY_HISTOGRAM, FAMILY_SUMMARY, FAMILY_TYPE_MASK, familyLabels, typeOf } from './metric-family.ts'
import { TextCache } from './text-cache.ts'
import { formatOpenMetricsFloat, parseFloatText } from './text-float.ts'

/** Of 32 labels: more are not put into their places one by one. */
const MERGED_OFFSETS_MAX = 2 + 4 * 32

/** A UNIT line: the family's name as it stands there, and its unit, '' for none. */
export interface FamilyUnit {
  familyName: string
  text: string
}

export function isUtf8Range(bytes: Uint8Array, from: number, to: number): boolean {
  return isUtf8(bytes.subarray(from, to))
}

/** The first byte from `at` on that is neither a space nor a tab. */
export function skipBlanks(bytes: Uint8Array, at: number): number {
  while (bytes[at] === 0x20 || bytes[at] === 0x09) at++
  return at
}

export class LabelDecoder {
  readonly #texts = new TextCache()

  /**
   * Decodes offsets (metric name from and to, then name from and to, value from and to of each label) into a map.
   * `le` and `quantile` take OpenMetrics' spelling where the family says that they are numbers. A name that comes twice
   * is put into `repeated`. `unit`: of the UNIT line in force, if type and unit become labels; null if they do not.
   */
  decode(bytes: Uint8Array, offsets: readonly number[], family: number, unit: FamilyUnit | null, repeated: { name: string }): Map<string, string> {
    const texts = this.#texts
    const type = family & FAMILY_TYPE_MASK
    const metric = texts.text(bytes, offsets[0]!, offsets[1]!)
    const labels = unit === null ? new Map([[METRIC_NAME, unescape(metric)]]) : familyLabels(unescape(metric), typeOf(type), metric.startsWith(unit.familyName) ? unit.text : '')
    const given = unit === null ? null : new Set(labels.keys())
    for (let i = 2; i < offsets.length; i += 4) {
      const name = unescape(texts.text(bytes, offsets[i]!, offsets[i + 1]!))
      if (given !== null && given.has(name)) continue
      if (labels.has(name)) repeated.name = name
      labels.set(name, storedValue(type, name, unescape(texts.text(bytes, offsets[i + 2]!, offsets[i + 3]!))))
    }
    return labels
  }

  /**
   * The same without type and unit, each label to its place among `into`, which is sorted. False where it takes more than
   * that: a label has no value, a name comes twice or is there already, or there are many.
   */
  decodeInto(bytes: Uint8Array, offsets: readonly number[], family: number, into: string[]): boolean {
    const texts = this.#texts
    const type = family & FAMILY_TYPE_MASK
    const metric = unescape(texts.text(bytes, offsets[0]!, offsets[1]!))
    if (metric === '' || offsets.length > MERGED_OFFSETS_MAX || !insertLabel(into, METRIC_NAME, metric)) return false
    for (let i = 2; i < offsets.length; i += 4) {
      const name = unescape(texts.text(bytes, offsets[i]!, offsets[i + 1]!))
      const value = storedValue(type, name, unescape(texts.text(bytes, offsets[i + 2]!, offsets[i + 3]!)))
      if (value === '' || !insertLabel(into, name, value)) return false
    }
    return true
  }
}

function storedValue(type: number, name: string, value: string): string {
  const isNumber = (type === FAMILY_SUMMARY && name === 'quantile') || (type === FAMILY_HISTOGRAM && name === 'le')
  const number = isNumber ? parseFloatText(value) : null
  return number === null ? value : formatOpenMetricsFloat(number)
}

/** `\\`, `\"` and `\n`; a backslash before anything else stands for itself. */
function unescape(text: string): string {
  return text.includes('\\') ? text.replaceAll(/\\([\\n"])/g, (_, c: string) => (c === 'n' ? '\n' : c)) : text
}
