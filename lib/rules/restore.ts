// After a start: since when alerts have been active, read back from ALERTS_FOR_STATE, so that a restart does not begin
// `for` anew. After prometheus rules/group.go, RestoreForState.
import type { Querier, Queryable, SeriesBatch } from '../../storage/interface.ts'
import { METRIC_NAME } from '../model/labels.ts'
import type { Matcher } from '../model/matcher.ts'
import type { Clock } from '../std/clock.ts'
import type { Logger } from '../std/log.ts'
import { ALERTS_FOR_STATE, AlertingRule, type Alert } from './alerting-rule.ts'
import type { RuleGroup } from './group.ts'
import { labelsKey } from './rule.ts'
import { labelsOfSeries, withoutName } from './series-labels.ts'

export interface RestoreLimits {
  /** What was last seen longer ago is forgotten. */
  outageToleranceMs: number
  /** Alerts with a shorter `for` begin anew; others wait at least so long after a start. */
  graceMs: number
}

/** Prometheus' defaults. */
const RESTORE_LIMITS: RestoreLimits = { outageToleranceMs: 3_600_000, graceMs: 600_000 }

interface LastState {
  /** Unix ms of the last sample. */
  t: number
  /** Unix seconds since when the alert was active; null: it was not. */
  activeAtSeconds: number | null
}

/** Restores all alerts of a group as of `nowMs`, and lets its rules write their series. False: some have not been evaluated yet. */
export function restoreGroup(group: RuleGroup, queryable: Queryable, nowMs: number, ground: { clock: Clock; logger: Logger; limits?: RestoreLimits }): boolean {
  const { clock, logger, limits = RESTORE_LIMITS } = ground
  const startedMs = clock.monotonic()
  for (const rule of group.rules) {
    if (!(rule instanceof AlertingRule) || rule.isRestored || rule.health.state === 'unknown') continue
    try {
      if (rule.config.forMs >= limits.graceMs) restoreRule(rule, queryable, nowMs, limits)
    } catch (error) {
      // Then its alerts wait anew, which is late, not never.
      logger.error("Failed to restore 'for' state", { alertname: rule.config.name, err: error instanceof Error ? error : String(error) })
    }
    rule.isRestored = true
  }
  group.counts.lastRestoreSeconds = (clock.monotonic() - startedMs) / 1000
  return group.rules.every((rule) => !(rule instanceof AlertingRule) || rule.isRestored)
}

function restoreRule(rule: AlertingRule, queryable: Queryable, nowMs: number, limits: RestoreLimits): void {
  const querier = queryable.querier()
  try {
    const states = lastStates(querier, matchersOf(rule), nowMs - limits.outageToleranceMs, nowMs)
    for (const alert of rule.activeAlerts()) {
      const last = states.get(labelsKey(alert.labels))
      if (last !== undefined && last.activeAtSeconds !== null) restoreAlert(alert, last, rule.config.forMs, { nowMs, graceMs: limits.graceMs })
    }
  } finally {
    querier.close()
  }
}

function restoreAlert(alert: Alert, last: LastState, forMs: number, { nowMs, graceMs }: { nowMs: number; graceMs: number }): void {
  const downAtMs = Math.floor(last.t / 1000) * 1000
  const activeAtMs = last.activeAtSeconds! * 1000
  const remainingMs = forMs - (downAtMs - activeAtMs)
  if (remainingMs <= 0) alert.activeAtMs = activeAtMs
  else if (remainingMs < graceMs) alert.activeAtMs = nowMs + graceMs - forMs
  // The time that nobody looked does not count.
  else alert.activeAtMs = activeAtMs + (nowMs - downAtMs)
}

/** Labels that are templates differ by alert. */
function matchersOf({ config: { name, labels } }: AlertingRule): Matcher[] {
  const wanted = new Map([...labels, [METRIC_NAME, ALERTS_FOR_STATE] as const, ['alertname', name] as const])
  return [...wanted].filter(([, value]) => !value.includes('{{')).map(([label, value]) => ({ name: label, op: '=', value }))
}

/** Of each series by its labels without the name: the last sample in range. */
function lastStates(querier: Querier, matchers: readonly Matcher[], mint: number, maxt: number): Map<string, LastState> {
  const selection = querier.select(matchers, mint, maxt, { startMs: maxt, endMs: maxt, stepMs: 0, rangeMs: maxt - mint, func: '' })
  const states = new Map<string, LastState>()
  for (let batch = selection.next(); batch !== null; batch = selection.next()) {
    for (let s = 0; s < batch.seriesCount; s++) {
      const last = lastOf(batch, s)
      if (last !== null) states.set(labelsKey(withoutName(labelsOfSeries(querier, selection.refs[batch.index[s]!]!))), last)
    }
  }
  return states
}

function lastOf(batch: SeriesBatch, s: number): LastState | null {
  const words = Math.ceil(batch.n / 32)
  const isSet = (bits: Uint32Array, i: number): boolean => ((bits[s * words + (i >>> 5)]! >>> (i & 31)) & 1) === 1
  for (let i = batch.n - 1; i >= 0; i--) {
    const t = batch.t[i]!
    if (batch.hasGaps[s] === 0) return { t, activeAtSeconds: batch.v[s * batch.n + i]! }
    if (!isSet(batch.present, i)) continue
    return { t, activeAtSeconds: isSet(batch.stale, i) ? null : batch.v[s * batch.n + i]! }
  }
  return null
}
