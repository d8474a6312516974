// What makes a pushed series acceptable, judged when it is first seen. Prometheus' rules: labels may come in any
// order, must not repeat, and name a metric. It drops a bad series in silence; here the answer says so.
import { readLabels, type LabelLimits } from '../format/remote-write-labels.ts'
import { METRIC_NAME, compareText, type Labels } from '../model/labels.ts'

/** peers' limits for labels; a scrape has the same ones by default. */
export const LABEL_LIMITS: LabelLimits = { count: 64, nameBytes: 256, valueBytes: 65_536 }

/** The sorted label set in a run of label fields (checked protobuf), or why the series is refused. */
export function checkLabels(run: Uint8Array): Labels | string {
  const pairs = readLabels(run, LABEL_LIMITS)
  if (typeof pairs === 'string') return pairs
  let isSorted = true
  for (let i = 1; i < pairs.length; i++) if (compareText(pairs[i - 1]![0], pairs[i]![0]) >= 0) isSorted = false
  if (!isSorted) pairs.sort((a, b) => compareText(a[0], b[0]))
  let hasMetricName = false
  const labels: string[] = []
  for (let i = 0; i < pairs.length; i++) {
    const [name, value] = pairs[i]!
    if (i > 0 && pairs[i - 1]![0] === name) return `label name ${JSON.stringify(name)} is not unique`
    if (name === METRIC_NAME) hasMetricName = true
    labels.push(name, value)
  }
  return hasMetricName ? labels : 'no metric name'
}
