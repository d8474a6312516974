// From the labels a target exposes to those that are stored: target labels, conflicts, metric_relabel_configs, limits.
// Runs once per new series; known series never come here. After prometheus scrape/scrape.go mutateSampleLabels.
import type { ScrapeConfig } from '../config/scrape-config.ts'
import { METRIC_NAME, formatLabels, getLabel, isLegacyLabelName, isLegacyMetricName, labelsFromMap, type Labels } from '../model/labels.ts'
import { relabel } from '../model/relabel.ts'

type ScrapeErrorCode = 'SAMPLE_LIMIT' | 'BUCKET_LIMIT' | 'LABEL_LIMIT' | 'BAD_LABELS' | 'BAD_HISTOGRAM' | 'TARGET_LIMIT'

/** What makes a whole scrape fail although it was read: the message goes to lastError. */
export class ScrapeError extends Error {
  readonly code: ScrapeErrorCode

  constructor(code: ScrapeErrorCode, message: string) {
    super(message)
    this.code = code
  }
}

/** Reads the labels of the sample at hand. */
export interface LabelReader {
  labels(): Map<string, string>
  /** Puts them into a sorted list; false where it cannot, and the list is void. */
  labelsInto?(sorted: string[]): boolean
}

/** The labels to store, or null if metric_relabel_configs dropped the series. Throws ScrapeError, and what the reader throws. */
export function storedLabels(reader: LabelReader, targetLabels: Labels, config: ScrapeConfig): Labels | null {
  // Fast path: the sample's labels beside the target's, nothing to be renamed, and no map of them made.
  if (reader.labelsInto !== undefined && !config.honorLabels && config.metricRelabelConfigs.length === 0) {
    const labels = targetLabels.slice()
    if (reader.labelsInto(labels)) {
      checkLabels(labels, config)
      return labels
    }
  }
  const exposed = reader.labels()
  if (config.honorLabels) addMissing(exposed, targetLabels)
  else addWithPriority(exposed, targetLabels)
  // Only now do empty values vanish: `instance=""` in the body has kept the target's own label away (honor_labels).
  for (const [name, value] of exposed) if (value === '') exposed.delete(name)
  if (config.metricRelabelConfigs.length > 0 && !relabel(exposed, config.metricRelabelConfigs, config.metricNameValidationScheme)) return null
  const labels = labelsFromMap(exposed)
  if (labels.length === 0) return null
  checkLabels(labels, config)
  return labels
}

function checkLabels(labels: Labels, config: ScrapeConfig): void {
  const metric = getLabel(labels, METRIC_NAME)
  checkNames(metric, labels, config)
  checkLimits(labels, metric, config)
}

/** Labels of `up` and its kin: neither metric_relabel_configs nor honor_labels touch them. */
export function reportLabels(metric: string, targetLabels: Labels): Labels {
  const labels = new Map<string, string>()
  for (let i = 0; i < targetLabels.length; i += 2) labels.set(targetLabels[i]!, targetLabels[i + 1]!)
  return labelsFromMap(labels.set(METRIC_NAME, metric))
}

function addMissing(exposed: Map<string, string>, targetLabels: Labels): void {
  for (let i = 0; i < targetLabels.length; i += 2) {
    if (!exposed.has(targetLabels[i]!)) exposed.set(targetLabels[i]!, targetLabels[i + 1]!)
  }
}

function addWithPriority(exposed: Map<string, string>, targetLabels: Labels): void {
  const conflicts: [string, string][] = []
  for (let i = 0; i < targetLabels.length; i += 2) {
    const name = targetLabels[i]!
    const value = exposed.get(name)
    if (value !== undefined && value !== '') conflicts.push([name, value])
    exposed.set(name, targetLabels[i + 1]!)
  }
  if (conflicts.length === 0) return
  // Shorter names first: what an `exported_` name pushes aside is renamed after it.
  for (const [name, value] of conflicts.toSorted((a, b) => a[0].length - b[0].length)) {
    let renamed = `exported_${name}`
    while ((exposed.get(renamed) ?? '') !== '') renamed = `exported_${renamed}`
    exposed.set(renamed, value)
  }
}

function checkNames(metric: string, labels: Labels, config: ScrapeConfig): void {
  if (metric === '') throw new ScrapeError('BAD_LABELS', 'missing metric name (__name__ label)')
  const isLegacy = config.metricNameValidationScheme === 'legacy'
  let isValid = !isLegacy || isLegacyMetricName(metric)
  for (let i = 0; i < labels.length; i += 2) {
    if (labels[i] === '' || (isLegacy && !isLegacyLabelName(labels[i]!))) isValid = false
  }
  if (!isValid) throw new ScrapeError('BAD_LABELS', `invalid metric name or label names: ${formatLabels(labels)}`)
}

function checkLimits(labels: Labels, metric: string, { limits }: ScrapeConfig): void {
  const fail = (what: string): never => {
    throw new ScrapeError('LABEL_LIMIT', what)
  }
  const name = metric.slice(0, 50)
  const count = labels.length / 2
  if (limits.labels > 0 && count > limits.labels) {
    fail(`label_limit exceeded (metric: ${name}, number of labels: ${count}, limit: ${limits.labels})`)
  }
  for (let i = 0; i < labels.length; i += 2) {
    const nameLength = lengthAbove(limits.labelNameLength, labels[i]!)
    const valueLength = lengthAbove(limits.labelValueLength, labels[i + 1]!)
    if (nameLength === 0 && valueLength === 0) continue
    const label = labels[i]!.slice(0, 50)
    if (nameLength > 0) fail(`label_name_length_limit exceeded (metric: ${name}, label name: ${label}, length: ${nameLength}, limit: ${limits.labelNameLength})`)
    const value = JSON.stringify(labels[i + 1]!.slice(0, 50))
    fail(`label_value_length_limit exceeded (metric: ${name}, label name: ${label}, value: ${value}, length: ${valueLength}, limit: ${limits.labelValueLength})`)
  }
}

/** Bytes of a text if it has more than the limit, else 0; a limit of 0 is none. */
function lengthAbove(limit: number, text: string): number {
  // Fast path: no UTF-16 unit takes more than three bytes.
  if (limit === 0 || text.length * 3 <= limit) return 0
  const length = Buffer.byteLength(text)
  return length > limit ? length : 0
}
