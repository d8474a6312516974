// What makes a pushed series acceptable, judged when it is first seen. Prometheus' rules: labels may come in any
// order, must not repeat, and name a metric. It drops a bad series in silence; here the answer says so.
import type { LabelLimits } from '../format/remote-write-labels.ts'
import { METRIC_NAME, compareText, formatLabels, type Labels } from '../model/labels.ts'

/** Where no configuration says more; a scrape has the same ones by default. */
export const LABEL_LIMITS: LabelLimits = { count: 64, nameBytes: 256, valueBytes: 65_536 }

/** The sorted label set of [name, value, …] in any order, or why the series is refused. Takes `labels` over. */
export function checkLabels(labels: string[]): Labels | string {
  const sorted = isSorted(labels) ? labels : sortedPairs(labels)
  let hasMetricName = false
  for (let i = 0; i < sorted.length; i += 2) {
    const name = sorted[i]!
    if (i > 0 && sorted[i - 2] === name) return `label name ${JSON.stringify(name)} is not unique in ${formatLabels(sorted)}`
    if (name === METRIC_NAME) hasMetricName = true
  }
  return hasMetricName ? sorted : `no metric name (__name__) in ${formatLabels(sorted)}`
}

function isSorted(labels: readonly string[]): boolean {
  for (let i = 2; i < labels.length; i += 2) if (compareText(labels[i - 2]!, labels[i]!) >= 0) return false
  return true
}

function sortedPairs(labels: readonly string[]): string[] {
  const places = Array.from({ length: labels.length / 2 }, (_, i) => 2 * i)
  places.sort((a, b) => compareText(labels[a]!, labels[b]!))
  return places.flatMap((i) => [labels[i]!, labels[i + 1]!])
}
