// Whether an integration must be told of a group now, and why, by what it was told last. After alertmanager notify/dedup_stage.go.
import type { NotificationEntry } from '../../meta/interface.ts'

export interface DedupQuestion {
  /** Fingerprints. */
  firing: readonly string[]
  resolved: readonly string[]
  isResolvedSent: boolean
  repeatIntervalMs: number
  nowMs: number
}

/** Alertmanager's words for why it must; null: it must not. */
export function notifyReason(entry: NotificationEntry | null, { firing, resolved, isResolvedSent, repeatIntervalMs, nowMs }: DedupQuestion): string | null {
  if (entry === null) return firing.length > 0 ? 'first notification' : null
  if (!isSubset(firing, entry.firing)) return entry.firing.length === 0 ? 'first notification' : 'new alerts added'
  // Also where ends are not told: what the log says to fire must not stay.
  if (firing.length === 0) return entry.firing.length > 0 || intersects(resolved, entry.withheld) ? 'all alerts resolved' : null
  if (isResolvedSent && !isSubset(resolved, entry.resolved)) return 'some alerts resolved'
  return entry.timeMs < nowMs - repeatIntervalMs ? 'repeat interval elapsed' : null
}

/** Those that the integration was told to fire. */
export function toldFiring(entry: NotificationEntry | null): ReadonlySet<string> {
  return new Set(entry === null ? [] : [...entry.firing, ...entry.withheld])
}

function isSubset(part: readonly string[], whole: readonly string[]): boolean {
  if (part.length > whole.length) return false
  const set = new Set(whole)
  return part.every((one) => set.has(one))
}

function intersects(some: readonly string[], others: readonly string[]): boolean {
  const set = new Set(others)
  return some.some((one) => set.has(one))
}
