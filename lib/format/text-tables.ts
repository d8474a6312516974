// Tables of the exposition formats: what types of metrics are called, which bytes names are made of.
import type { MetricType } from '../model/metadata.ts'

/** Text 0.0.4 and 1.0.0. */
export const TEXT_TYPES: ReadonlyMap<string, MetricType> = new Map([
  ['counter', 'counter'], ['gauge', 'gauge'], ['histogram', 'histogram'], ['summary', 'summary'], ['untyped', 'unknown'],
])
export const OPENMETRICS_TYPES: ReadonlyMap<string, MetricType> = new Map([
  ['counter', 'counter'], ['gauge', 'gauge'], ['histogram', 'histogram'], ['gaugehistogram', 'gaugehistogram'],
  ['summary', 'summary'], ['info', 'info'], ['stateset', 'stateset'], ['unknown', 'unknown'],
])

/** Bit 0: may start a label name; 1: may go on one; 2: may start a metric name; 3: may go on one. */
export const NAME_BYTES: Uint8Array = Uint8Array.from({ length: 256 }, (_, c) => {
  const isLetter = (c >= 0x41 && c <= 0x5a) || (c >= 0x61 && c <= 0x7a) || c === 0x5f
  const isDigit = c >= 0x30 && c <= 0x39
  return isLetter ? 15 : isDigit ? 10 : c === 0x3a ? 12 : 0
})
export const LABEL_START = 1
export const LABEL_PART = 2
export const METRIC_START = 4
export const METRIC_PART = 8
