// Labels of an exposition line as strings: the cold half of the text parsers, run once per new series.
import { isUtf8 } from 'node:buffer'
import { METRIC_NAME } from '../model/labels.ts'
import { formatOpenMetricsFloat, parseFloatText } from './text-float.ts'

/** Values of TextParser.family, see there. */
const SUMMARY = 1
const HISTOGRAM = 2

export function isUtf8Range(bytes: Uint8Array, from: number, to: number): boolean {
  return isUtf8(bytes.subarray(from, to))
}

/**
 * Decodes offsets (metric name from and to, then name from and to, value from and to of each label) into a map.
 * `le` and `quantile` take OpenMetrics' spelling where the family says that they are numbers. A name that comes twice
 * is put into `repeated`.
 */
export function decodeSeriesLabels(bytes: Uint8Array, offsets: readonly number[], family: number, repeated: { name: string }): Map<string, string> {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const labels = new Map([[METRIC_NAME, unescape(buffer.toString('utf8', offsets[0], offsets[1]))]])
  for (let i = 2; i < offsets.length; i += 4) {
    const name = unescape(buffer.toString('utf8', offsets[i], offsets[i + 1]))
    const value = unescape(buffer.toString('utf8', offsets[i + 2], offsets[i + 3]))
    const isNumber = (family === SUMMARY && name === 'quantile') || (family === HISTOGRAM && name === 'le')
    const number = isNumber ? parseFloatText(value) : null
    if (labels.has(name)) repeated.name = name
    labels.set(name, number === null ? value : formatOpenMetricsFloat(number))
  }
  return labels
}

/** `\\`, `\"` and `\n`; a backslash before anything else stands for itself. */
function unescape(text: string): string {
  return text.includes('\\') ? text.replaceAll(/\\([\\n"])/g, (_, c: string) => (c === 'n' ? '\n' : c)) : text
}
