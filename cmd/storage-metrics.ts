// What the store says of itself on /metrics, by Prometheus' names where dashboards ask for them.
import type { Metrics } from '../lib/std/metrics.ts'
import type { Database } from '../storage/database.ts'
import { REJECT_NAMES, STORED } from '../storage/interface.ts'

export function registerStorageMetrics(metrics: Metrics, db: Database): void {
  const total = (name: string, help: string, read: () => number): void => metrics.total(name, help, read)
  const gauge = (name: string, help: string, read: () => number): void => void metrics.gauge(name, help, [], (g) => g.set(read()))
  gauge('prometheus_tsdb_head_series', 'Series in the head.', () => db.seriesCount)
  total('prometheus_tsdb_head_samples_appended_total', 'Samples stored since start.', () => db.samplesAppended)
  total('prometheus_tsdb_head_series_created_total', 'Series made since the folder was made.', () => db.seriesCount)
  total('prometheus_tsdb_wal_corruptions_total', 'Damaged records met at start.', () => db.recovery.corruptRecords)
  total('prometheus_tsdb_wal_writes_failed_total', 'Log writes or syncs that the disk refused.', () => db.log.failureCount)
  gauge('monitor_storage_log_bytes', 'Bytes in the log.', () => db.logBytes)
  total('monitor_storage_log_syncs_total', 'fdatasync calls of the log.', () => db.log.syncCount)
  gauge('monitor_storage_head_bytes', 'Bytes of head memory in use.', () => db.headBytes)
  gauge('monitor_storage_head_groups', 'Groups in the head.', () => db.head.groups.length - 1)
  total('monitor_storage_segments_flushed_total', 'Row blocks encoded since start.', () => db.head.flushedSegments)
  total('monitor_storage_late_samples_total', 'Samples accepted out of order since start.', () => db.head.lateSamples)
  gauge('monitor_unclean_shutdown', '1 if the process before this one did not end by itself.', () => (db.recovery.wasUnclean ? 1 : 0))
  gauge('monitor_storage_replay_seconds', 'Time that opening the folder took.', () => db.recovery.durationMs / 1000)
  metrics.totals('monitor_storage_refused_samples_total', 'Samples refused since start, by reason.', 'reason', () =>
    REJECT_NAMES.map((reason, code) => [reason, db.refused[code]!] as const).filter((_, code) => code !== STORED))
}
