// Whether an integration must be told of a group now, and why, by what it was told last. After alertmanager notify/dedup_stage.go.
import type { NotificationEntry } from '../../meta/interface.ts'
import type { Steps } from '../../std/steps.ts'

/** Fingerprints looked up between two glances at the clock. */
const STEP_PRINTS = 4096

export interface DedupQuestion {
  /** Fingerprints. */
  firing: readonly string[]
  resolved: readonly string[]
  isResolvedSent: boolean
  repeatIntervalMs: number
  nowMs: number
}

/** Alertmanager's words for why it must; null: it must not. */
export function* notifyReason(entry: NotificationEntry | null, { firing, resolved, isResolvedSent, repeatIntervalMs, nowMs }: DedupQuestion): Steps<string | null> {
  if (entry === null) return firing.length > 0 ? 'first notification' : null
  if (!(yield* isSubset(firing, entry.firing))) return entry.firing.length === 0 ? 'first notification' : 'new alerts added'
  // Also where ends are not told: what the log says to fire must not stay.
  if (firing.length === 0) return entry.firing.length > 0 || (yield* intersects(resolved, entry.withheld)) ? 'all alerts resolved' : null
  if (isResolvedSent && !(yield* isSubset(resolved, entry.resolved))) return 'some alerts resolved'
  return entry.timeMs < nowMs - repeatIntervalMs ? 'repeat interval elapsed' : null
}

/** Those that the integration was told to fire. */
export function* toldFiring(entry: NotificationEntry | null): Steps<ReadonlySet<string>> {
  return entry === null ? new Set<string>() : yield* setOf([entry.firing, entry.withheld])
}

/** Whether there are any of those. */
export function wasToldFiring(entry: NotificationEntry | null): boolean {
  return entry !== null && entry.firing.length + entry.withheld.length > 0
}

function* isSubset(part: readonly string[], whole: readonly string[]): Steps<boolean> {
  if (part.length > whole.length) return false
  const set = yield* setOf([whole])
  for (let i = 0; i < part.length; i++) {
    if (!set.has(part[i]!)) return false
    if (i % STEP_PRINTS === STEP_PRINTS - 1) yield
  }
  return true
}

function* intersects(some: readonly string[], others: readonly string[]): Steps<boolean> {
  const set = yield* setOf([others])
  return some.some((one) => set.has(one))
}

function* setOf(lists: readonly (readonly string[])[]): Steps<Set<string>> {
  const set = new Set<string>()
  for (const list of lists) {
    for (let i = 0; i < list.length; i++) {
      set.add(list[i]!)
      if (i % STEP_PRINTS === STEP_PRINTS - 1) yield
    }
  }
  return set
}
