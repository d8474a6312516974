// An alert in the pipeline: what was last said of a label set. After alertmanager alert/alert.go.
import type { SentAlert } from '../../model/alert.ts'
import { fingerprint } from '../../model/fingerprint.ts'
import { compareText, getLabel, type Labels } from '../../model/labels.ts'

export interface PipelineAlert extends SentAlert {
  readonly fingerprint: string
  /** When it was last told of, Unix ms. */
  readonly updatedAtMs: number
}

export function pipelineAlert(alert: SentAlert, updatedAtMs: number): PipelineAlert {
  return { ...alert, fingerprint: fingerprint(alert.labels), updatedAtMs }
}

export function isResolved({ endsAtMs }: PipelineAlert, nowMs: number): boolean {
  return endsAtMs <= nowMs
}

/** Ends of senders by the second, and their way here. */
const LATE_MS_MIN = 2000

/**
 * Whether an alert that had ended when it came comes again with a later end that has passed, too. Of one that has ended, the end stays where it is: its
 * sender's clock is behind ours by more than its alerts last.
 */
export function isEndStale(before: PipelineAlert | undefined, told: PipelineAlert): boolean {
  return before !== undefined && before.endsAtMs <= before.updatedAtMs && before.startsAtMs === told.startsAtMs &&
    told.endsAtMs > before.endsAtMs && told.endsAtMs <= told.updatedAtMs - LATE_MS_MIN
}

/** Whether what is told now goes on, or ends, what was told before. */
function overlaps(before: PipelineAlert, now: PipelineAlert): boolean {
  return (now.endsAtMs > before.startsAtMs && now.endsAtMs < before.endsAtMs) || (now.startsAtMs > before.startsAtMs && now.startsAtMs < before.endsAtMs)
}

/** What holds after `told` about an alert of which `before` was known; `told` is the later word. */
export function mergeAlert(before: PipelineAlert, told: PipelineAlert, nowMs: number): PipelineAlert {
  if (!overlaps(before, told)) return told
  const startsAtMs = Math.min(before.startsAtMs, told.startsAtMs)
  // Of two ends that have come the later counts; of two that have not, the one that was told.
  const isBeforeLater = before.endsAtMs > told.endsAtMs
  const endsWithBefore = isBeforeLater && (isResolved(told, nowMs) ? isResolved(before, nowMs) : before.isTimeout === undefined)
  return { ...told, startsAtMs, endsAtMs: endsWithBefore ? before.endsAtMs : told.endsAtMs }
}

/** The order of alerts in messages: by job, by instance, then by labels. */
export function compareAlerts(a: PipelineAlert, b: PipelineAlert): number {
  return compareByLabel('job', a.labels, b.labels) || compareByLabel('instance', a.labels, b.labels) || compareLabelSets(a.labels, b.labels)
}

/** What lacks the label comes last. */
function compareByLabel(name: string, a: Labels, b: Labels): number {
  const [x, y] = [getLabel(a, name), getLabel(b, name)]
  if (x === y) return 0
  if (x === '') return 1
  return y === '' ? -1 : compareText(x, y)
}

/** Go's model.LabelSet.Before: fewer labels first; then at the first name that differs, the set that lacks it. */
export function compareLabelSets(a: Labels, b: Labels): number {
  if (a.length !== b.length) return a.length - b.length
  for (let i = 0; i < a.length; i += 2) {
    if (a[i] !== b[i]) return compareText(b[i]!, a[i]!)
    if (a[i + 1] !== b[i + 1]) return compareText(a[i + 1]!, b[i + 1]!)
  }
  return 0
}
