// What Monitor adds under `alerting` to Alertmanager's keys: how long the history of alerts is kept.
import type { MapReader } from './reader.ts'

export interface LifecycleConfig {
  /** How long resolved alerts and what happened to them are kept. */
  historyRetentionMs: number
}

const HISTORY_MS = 90 * 86_400_000

export function readLifecycle(reader: MapReader): LifecycleConfig {
  return { historyRetentionMs: reader.durationMs('history_retention', HISTORY_MS) }
}
