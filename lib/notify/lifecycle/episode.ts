// One episode of an alert, from its first firing to its end: its record as the store has it, and what is known of it beside.
//
//   open ──ack──▶ acknowledged ──(taken back, or re-page is due)──▶ open ──(gone, or not told of any more)──▶ resolved
import type { AlertEvent, AlertRecord } from '../../meta/interface.ts'
import type { SentAlert } from '../../model/alert.ts'
import { getLabel, labelsFromRecord, labelsToMap, type Labels } from '../../model/labels.ts'

export interface Episode {
  /** Replaced with each change, never changed: what is on its way to the store stays what it was. */
  record: AlertRecord
  labels: Labels
  /** As it was told last. */
  annotations: ReadonlyMap<string, string>
  /** Unix ms until which it holds without a further word. */
  endsAtMs: number
  cooldownKey: string
  /** What keeps it from people, as the dispatcher said last; '' for nothing. */
  suppression: '' | 'silenced' | 'inhibited' | 'muted'
  /** The same with who does so: a line of history for each change. */
  suppressionNote: string
  /** A change that someone asked for is on its way to the store: until it is there, no other record of the episode goes. */
  isChanging: boolean
  /** Name of its escalation policy as the routes say, '' for none; null: not asked since they changed. */
  policy: string | null
  /** Unix ms before which a due step of its escalation is not looked at again. */
  blockedUntilMs: number
  /** By integration: why it failed last. */
  failures: Map<string, string>
}

/** Rules find out within this after a start, or within two of their intervals, what still holds; what they do not tell of by then is over. */
export const RESTART_GRACE_MS: number = 15 * 60_000
const RESTART_INTERVALS = 2

const SEVERITY = 'severity'
const RULE_ID = 'rule_id'
const SERVER_LABELS = ['server_id', 'instance'] as const

export function restartGraceMs(ruleIntervalMsMax: number): number {
  return Math.max(RESTART_GRACE_MS, RESTART_INTERVALS * ruleIntervalMsMax)
}

/** What a record takes from the labels of its alert. */
export function identityOf(labels: Labels): Pick<AlertRecord, 'ruleId' | 'name' | 'labels' | 'serverId' | 'severity'> {
  return {
    ruleId: getLabel(labels, RULE_ID) || null, name: getLabel(labels, 'alertname'), labels: Object.fromEntries(labelsToMap(labels)),
    serverId: SERVER_LABELS.map((name) => getLabel(labels, name)).find((text) => text !== '') ?? '', severity: getLabel(labels, SEVERITY),
  }
}

/**
 * A new episode, of an alert that fires; `lastsUntilMs` as its record has it. Its escalation counts from `nowMs` on: who is told
 * today that it began days ago, as when another Monitor's alerts come over, has had no time to acknowledge it.
 */
export function beginEpisode(alert: SentAlert, known: { fingerprint: string; id: string; lastsUntilMs: number | null; nowMs: number }): Episode {
  const { fingerprint, id, lastsUntilMs, nowMs } = known
  const { labels, annotations, startsAtMs, activeAtMs, value, endsAtMs, generatorUrl } = alert
  const record: AlertRecord = {
    id, fingerprint, ...identityOf(labels), annotations: Object.fromEntries(annotations), generatorUrl,
    status: 'open', metricValue: value === null || Number.isNaN(value) ? null : value, activeAtMs: Math.min(activeAtMs, startsAtMs), triggeredAtMs: startsAtMs, toldAtMs: null,
    resolvedAtMs: null, acknowledgedAtMs: null, acknowledgedBy: '', repageAtMs: null, givenBackAtMs: null, escalationFromMs: nowMs, escalationStep: 0, feedback: '', lastsUntilMs,
  }
  return { ...episodeOf(record, endsAtMs), annotations }
}

/** An episode that the store had. */
export function episodeOf(record: AlertRecord, endsAtMs: number): Episode {
  const labels = labelsFromRecord(record.labels)
  return {
    record, labels, annotations: new Map(Object.entries(record.annotations)), endsAtMs, cooldownKey: cooldownKey(labels),
    suppression: '', suppressionNote: '', isChanging: false, policy: null, blockedUntilMs: 0, failures: new Map(),
  }
}

/** The alert as the dispatcher takes it. */
export function sentAlert({ record, labels, annotations, endsAtMs }: Episode): SentAlert {
  return { labels, annotations, startsAtMs: record.triggeredAtMs, activeAtMs: record.activeAtMs, value: record.metricValue, endsAtMs, generatorUrl: record.generatorUrl }
}

/** Its first lines of history. */
export function firstEvents({ record: { id, activeAtMs, triggeredAtMs, metricValue } }: Episode): AlertEvent[] {
  const pending: AlertEvent[] = activeAtMs < triggeredAtMs ? [{ alertId: id, timeMs: activeAtMs, kind: 'pending', detail: '' }] : []
  return [...pending, { alertId: id, timeMs: triggeredAtMs, kind: 'firing', detail: metricValue === null ? '' : `value ${metricValue}` }]
}

/** Alerts that differ in their severity alone cool down together. */
function cooldownKey(labels: Labels): string {
  return JSON.stringify(labels.filter((_, i) => labels[i - (i % 2)] !== SEVERITY))
}

/** What is kept of the end of an episode. */
export function endOf({ record, annotations }: Episode, atMs: number, detail: string): { records: AlertRecord[]; events: AlertEvent[] } {
  const resolvedAtMs = Math.max(atMs, record.triggeredAtMs)
  return {
    records: [{ ...record, status: 'resolved', resolvedAtMs, annotations: Object.fromEntries(annotations) }],
    events: [{ alertId: record.id, timeMs: resolvedAtMs, kind: 'resolved', detail }],
  }
}

/** As if it had just fired. */
export function reopened(record: AlertRecord, nowMs: number): AlertRecord {
  return { ...record, status: 'open', acknowledgedAtMs: null, acknowledgedBy: '', repageAtMs: null, givenBackAtMs: nowMs, escalationFromMs: nowMs, escalationStep: 0 }
}
