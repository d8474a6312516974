// Calls of the store as messages, and the order in which they were made.
import type { MetaStore } from './interface.ts'

export type Method = Exclude<keyof MetaStore, 'close' | 'noteNotificationEntry'>

/** A call, as it travels to the thread that has the file. */
export type Call = { [M in Method]: { method: M; args: Parameters<MetaStore[M]> } }[Method]

export type Result<M extends Method> = Awaited<ReturnType<MetaStore[M]>>

/** `error` null: `value` is what the call resolves to, and what it wrote is synced. */
export interface Outcome {
  value: unknown
  error: string | null
}

/** What one transaction took and cost. */
export interface CommitReport {
  writes: number
  failures: number
  seconds: number
  /** Of the file and its log. */
  sizeBytes: number
}

const READS: ReadonlySet<Method> = new Set<Method>(['silences', 'unreadableSilences', 'notificationEntries', 'alerts', 'alert', 'unresolvedAlerts', 'endedAlerts', 'pendingAlerts', 'pendingAlert', 'currentPending', 'told', 'events', 'alertsLacking', 'owed', 'rules', 'ruleTargets', 'value', 'copy'])

export function isWrite({ method }: Call): boolean {
  return !READS.has(method)
}
