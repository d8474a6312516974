// An alert in words: what comes next, what happened, which of its labels tell it from others.
import type { ApiAlert } from './alert-api.ts'
import type { LabelSet } from '../query/label-set.ts'
import { formatSpan } from '../query/time-text.ts'

/** Shown in columns of their own. */
const OWN_COLUMN: ReadonlySet<string> = new Set(['alertname', 'severity', 'rule_id'])
const SEVERITY_RANK: readonly string[] = ['page', 'critical', 'error', 'warning', 'info']

export function otherLabels(labels: Readonly<Record<string, string>>): LabelSet {
  return Object.entries(labels).filter(([name]) => !OWN_COLUMN.has(name))
}

/** `pages ops-sms in 4 min unless acknowledged`. */
export function nextStepText(alert: ApiAlert, nowMs: number): string {
  const { status, suppressed, repage_at: repageAt, next_step: step, cooldown_until: cooldown } = alert
  if (status === 'resolved') return ''
  if (status === 'acknowledged') return repageAt === null ? 'stays quiet until it resolves' : `pages again ${inText(repageAt, nowMs)} unless it resolves`
  const isDue = step !== null && Date.parse(step.due_at) <= nowMs
  const pages = step === null ? '' : `pages ${step.receiver} ${isDue ? 'now' : inText(step.due_at, nowMs)} unless acknowledged`
  if (suppressed !== null) return `${suppressed.kind}, nobody is told${step === null ? '' : `; then pages ${step.receiver}`}`
  if (cooldown !== null) return step === null ? `cools down, nobody is told before ${formatSpan(Date.parse(cooldown) - nowMs)} from now` : `cools down; ${pages}`
  return pages === '' ? 'repeats as its route says, until acknowledged' : pages
}

function inText(time: string, nowMs: number): string {
  return `in ${formatSpan(Math.max(1000, Date.parse(time) - nowMs))}`
}

/** By severity, then the newest first. */
export function inOrder(alerts: readonly ApiAlert[]): ApiAlert[] {
  const rank = ({ severity }: ApiAlert): number => (SEVERITY_RANK.indexOf(severity) + SEVERITY_RANK.length + 1) % (SEVERITY_RANK.length + 1)
  return [...alerts].sort((a, b) => rank(a) - rank(b) || Date.parse(b.triggered_at) - Date.parse(a.triggered_at))
}

export function summaryOf({ annotations }: Pick<ApiAlert, 'annotations'>): string {
  return annotations['summary'] ?? annotations['description'] ?? annotations['message'] ?? ''
}

const KIND_TEXT: Readonly<Record<string, string>> = {
  pending: 'Pending', firing: 'Firing', resolved: 'Resolved', acknowledged: 'Acknowledged', unacknowledged: 'Acknowledgement ended', silenced: 'Silenced', inhibited: 'Inhibited', muted: 'Muted',
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
