// What the TYPE and UNIT lines in force mean for the samples behind them, in one small number that caches key on; and the labels
// that tell of both (Prometheus' type-and-unit-labels; prometheus schema/labels.go).
//
//   bits 0-2   type: which of `le` and `quantile` is a number, whether `_created` is a sample, `__type__`
//   bit 3      a unit is in force; only where labels tell of it. It is a suffix of the family's name, so which one it is needs no bits
import { METRIC_NAME } from '../model/labels.ts'
import type { MetricType } from '../model/metadata.ts'

export const FAMILY_OTHER = 0
export const FAMILY_SUMMARY = 1
export const FAMILY_HISTOGRAM = 2
export const FAMILY_COUNTER = 3
export const FAMILY_TYPE_MASK = 7
export const FAMILY_HAS_UNIT = 8

const TYPE_LABEL = '__type__'
const UNIT_LABEL = '__unit__'

/** Those from `gauge` on are FAMILY_OTHER where no label tells them apart. */
const TYPES: readonly MetricType[] = ['unknown', 'summary', 'histogram', 'counter', 'gauge', 'info', 'stateset', 'gaugehistogram']

/** `isExact`: labels tell of the type. */
export function familyOf(type: MetricType, isExact: boolean): number {
  const family = TYPES.indexOf(type)
  return isExact || family <= FAMILY_COUNTER ? family : FAMILY_OTHER
}

export function typeOf(family: number): MetricType {
  return TYPES[family & FAMILY_TYPE_MASK]!
}

/** What the metadata of a sample's family says of it as labels; those of these names that it brings itself do not count. */
export function familyLabels(name: string, type: MetricType, unit: string): Map<string, string> {
  const labels = new Map([[METRIC_NAME, name]])
  if (type !== 'unknown') labels.set(TYPE_LABEL, type)
  if (unit !== '') labels.set(UNIT_LABEL, unit)
  return labels
}
