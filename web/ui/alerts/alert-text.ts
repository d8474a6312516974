// An alert in words: what comes next, what happened, which of its labels tell it from others.
import type { ApiAlert } from './alert-api.ts'
import type { LabelSet } from '../query/label-set.ts'
import { countOf, formatCount } from '../query/number-format.ts'
import { formatSpan } from '../query/time-text.ts'

/** Shown in columns of their own. */
const OWN_COLUMN: ReadonlySet<string> = new Set(['alertname', 'severity', 'rule_id'])
/** New alerts that are named one by one. */
const NEWS_MAX = 3

export function otherLabels(labels: Readonly<Record<string, string>>): LabelSet {
  return Object.entries(labels).filter(([name]) => !OWN_COLUMN.has(name))
}

/** `pages ops-sms in 4 min unless acknowledged`. */
export function nextStepText(alert: ApiAlert, nowMs: number): string {
  const { status, suppressed, repage_at: repageAt, next_step: step, cooldown_until: cooldown } = alert
  if (status === 'resolved') return ''
  if (status === 'expired') return `was pending for ${formatSpan(Date.parse(alert.resolved_at!) - Date.parse(alert.pending_at))}`
  if (status === 'acknowledged') return repageAt === null ? 'stays quiet until it resolves' : `pages again ${inText(repageAt, nowMs)} unless it resolves`
  const isDue = step !== null && Date.parse(step.due_at) <= nowMs
  const pages = step === null ? '' : `pages ${step.receiver} ${isDue ? 'now' : inText(step.due_at, nowMs)} unless acknowledged`
  if (suppressed !== null) return `${suppressed.kind}, nobody is told${step === null ? '' : `; then pages ${step.receiver}`}`
  if (cooldown !== null) return step === null ? `cools down, nobody is told for ${formatSpan(Math.max(1000, Date.parse(cooldown) - nowMs))}` : `cools down; ${pages}`
  if (pages !== '') return pages
  return alert.told_at === null ? 'nobody is told yet' : 'repeats as its route says, until acknowledged'
}

/** How long it has been so, or how long ago that was. */
export function ageText(fromMs: number, nowMs: number, isPast: boolean): string {
  const ageMs = nowMs - fromMs
  if (ageMs < 1000) return 'just now'
  return isPast ? `${formatSpan(ageMs)} ago` : formatSpan(ageMs)
}

/** What is longer than its place is reached by Tab, so that the keyboard scrolls it. */
export function scrolling(charCount: number): { tabIndex?: number } {
  return charCount > SCROLLED_CHARS ? { tabIndex: 0 } : {}
}

/** On a phone, sixteen lines of forty. */
const SCROLLED_CHARS = 600

function inText(time: string, nowMs: number): string {
  return `in ${formatSpan(Math.max(1000, Date.parse(time) - nowMs))}`
}

/** Tells of alerts that were not there before, '' where there are none: `2 new alerts: critical DiskFull, warning CpuHigh`. */
export function newsText(before: readonly ApiAlert[], after: readonly ApiAlert[]): string {
  const known = new Set(before.map(({ alert_id: id }) => id))
  const fresh = after.filter(({ alert_id: id }) => !known.has(id))
  if (fresh.length === 0) return ''
  const named = fresh.slice(0, NEWS_MAX).map(({ severity, rule_name: name }) => `${severity} ${name}`.trim())
  const more = fresh.length > NEWS_MAX ? ` and ${formatCount(fresh.length - NEWS_MAX)} more` : ''
  return `${countOf(fresh.length, 'new alert')}: ${named.join(', ')}${more}`
}

export function summaryOf({ annotations }: Pick<ApiAlert, 'annotations'>): string {
  return annotations['summary'] ?? annotations['description'] ?? annotations['message'] ?? ''
}

const KIND_TEXT: Readonly<Record<string, string>> = {
  pending: 'Pending', firing: 'Firing', resolved: 'Resolved', expired: 'Ended without firing', acknowledged: 'Acknowledged', unacknowledged: 'Acknowledgement ended', silenced: 'Silenced', inhibited: 'Inhibited', muted: 'Muted',
  escalated: 'Escalated', notified: 'Told', failed: 'Could not tell', feedback: 'Judged',
}

export function eventText(kind: string): string {
  return KIND_TEXT[kind] ?? kind
}

/** Words that must all occur in its name, severity, labels or summary; case does not count. */
export function passesText(alert: Pick<ApiAlert, 'labels' | 'annotations'>, filter: string): boolean {
  const text = [summaryOf(alert), ...Object.entries(alert.labels).map(([name, value]) => `${name}="${value}"`)].join('\n').toLowerCase()
  return filter.toLowerCase().split(/\s+/).every((word) => text.includes(word))
}
