// What the store says of itself on /metrics, by Prometheus' names where dashboards ask for them.
import { EXEMPLAR_DUPLICATE, EXEMPLAR_OUT_OF_ORDER, EXEMPLAR_STORED, EXEMPLAR_VERDICTS } from '../lib/model/exemplar.ts'
import type { Metrics } from '../lib/std/metrics.ts'
import type { ArchiveUploads } from '../storage/archive-uploads.ts'
import type { Database } from '../storage/database.ts'
import type { ExemplarStore } from '../storage/exemplars/exemplar-store.ts'
import { REJECT_NAMES, STORED } from '../storage/interface.ts'

export function registerStorageMetrics(metrics: Metrics, db: Database): void {
  const total = (name: string, help: string, read: () => number): void => metrics.total(name, help, read)
  const gauge = (name: string, help: string, read: () => number): void => void metrics.gauge(name, help, [], (g) => g.set(read()))
  gauge('prometheus_tsdb_head_series', 'Series in the head.', () => db.seriesCount)
  total('prometheus_tsdb_head_samples_appended_total', 'Samples stored since start.', () => db.samplesAppended)
  total('prometheus_tsdb_head_series_created_total', 'Series made since the folder was made.', () => db.head.series.newest)
  total('prometheus_tsdb_head_series_removed_total', 'Series that left the head because only blocks hold samples of them, since the folder was made.', () => db.head.series.forgotten)
  total('prometheus_tsdb_wal_corruptions_total', 'Damaged records met at start.', () => db.recovery.corruptRecords)
  total('prometheus_tsdb_wal_writes_failed_total', 'Log writes or syncs that the disk refused.', () => db.log.failureCount)
  const syncs = metrics.summary('prometheus_tsdb_wal_fsync_duration_seconds', 'Time that fdatasync calls of the log took.', [0.5, 0.9, 0.99], '')
  db.log.onSync = (tookMs, nowMs) => syncs.observe('', tookMs / 1000, nowMs)
  gauge('monitor_storage_read_only', '1 while no samples are taken: the disk reserve is reached, or the disk refuses the log.', () => (db.log.refusal === null ? 0 : 1))
  gauge('monitor_storage_free_bytes', 'Free space of the file system that the data folder is on.', () => db.reserve.freeBytes)
  gauge('monitor_storage_reserve_bytes', 'Free space below which no samples are taken.', () => db.reserve.reserveBytes)
  gauge('monitor_storage_log_bytes', 'Bytes in the log.', () => db.logBytes)
  total('monitor_storage_log_syncs_total', 'fdatasync calls of the log.', () => db.log.syncCount)
  gauge('monitor_storage_head_bytes', 'Bytes of head memory in use.', () => db.headBytes)
  gauge('monitor_storage_series_ids', 'Ids of series that were given, of monitor_storage_series_ids_max; a start gives them anew when half are used up.', () => db.head.series.newest)
  gauge('monitor_storage_series_ids_max', 'Ids of series there are: when all are given new series are refused until a restart.', () => db.head.series.refMax)
  gauge('monitor_storage_head_groups', 'Groups in the head.', () => db.head.groups.length - 1)
  total('monitor_storage_segments_flushed_total', 'Row blocks encoded since start.', () => db.head.flushedSegments)
  total('monitor_storage_late_samples_total', 'Samples accepted out of order since start.', () => db.head.lateSamples)
  registerBlockMetrics(metrics, db)
  registerExemplarMetrics(metrics, db.exemplars)
  gauge('monitor_unclean_shutdown', '1 if the process before this one did not end by itself.', () => (db.recovery.wasUnclean ? 1 : 0))
  gauge('monitor_storage_replay_seconds', 'Time that opening the folder took.', () => db.recovery.durationMs / 1000)
  metrics.totals('monitor_storage_refused_samples_total', 'Samples refused since start, by reason.', 'reason', () =>
    REJECT_NAMES.map((reason, code) => [reason, db.refused[code]!] as const).filter((_, code) => code !== STORED))
}

function registerExemplarMetrics(metrics: Metrics, exemplars: ExemplarStore | null): void {
  metrics.gauge('prometheus_tsdb_exemplar_max_exemplars', 'Exemplars that are kept at the most, 0 where none are.', [], (g) => g.set(exemplars?.ring.capacity ?? 0))
  if (exemplars === null) return
  const { ring } = exemplars
  const total = (name: string, help: string, read: () => number): void => metrics.total(name, help, read)
  const gauge = (name: string, help: string, read: () => number): void => void metrics.gauge(name, help, [], (g) => g.set(read()))
  gauge('prometheus_tsdb_exemplar_exemplars_in_storage', 'Exemplars that are kept.', () => ring.count)
  gauge('prometheus_tsdb_exemplar_series_with_exemplars_in_storage', 'Series that have exemplars.', () => ring.seriesCount)
  gauge('prometheus_tsdb_exemplar_last_exemplars_timestamp_seconds', 'Time of the exemplar that is kept longest: what came before it is gone.', () => ring.oldestTimeMs / 1000)
  total('prometheus_tsdb_exemplar_exemplars_appended_total', 'Exemplars stored since start.', () => ring.counts[EXEMPLAR_STORED]!)
  total('prometheus_tsdb_exemplar_out_of_order_exemplars_total', 'Exemplars refused since start because a newer one of their series had come.', () => ring.counts[EXEMPLAR_OUT_OF_ORDER]!)
  total('monitor_storage_exemplars_unwritten_total', 'Exemplars that the disk did not take: a restart will not find them.', () => exemplars.unwritten)
  metrics.totals('monitor_storage_refused_exemplars_total', 'Exemplars refused since start, by reason.', 'reason', () =>
    EXEMPLAR_VERDICTS.map((reason, verdict) => [reason, ring.counts[verdict]!] as const).filter((_, verdict) => verdict > EXEMPLAR_DUPLICATE))
}

function registerUploadMetrics(metrics: Metrics, uploads: ArchiveUploads | null): void {
  if (uploads === null) return
  metrics.total('monitor_storage_uploaded_files_total', 'Files of the 1-hour tier put into the archive and checked, since start.', () => uploads.files)
  metrics.total('monitor_storage_uploaded_bytes_total', 'Bytes of these.', () => uploads.bytes)
  metrics.total('monitor_storage_upload_failures_total', 'Rounds of uploads that failed and are tried again.', () => uploads.failedRounds)
  metrics.gauge('monitor_storage_upload_waiting_files', 'Files that the archive did not take in the last round; they stay in the data folder.', [], (g) => g.set(uploads.waiting))
  metrics.gauge('monitor_storage_archive_gone_files', 'Files that the archive held and has lost, and that the data folder has no more.', [], (g) => g.set(uploads.gone.length))
}

function registerBlockMetrics(metrics: Metrics, db: Database): void {
  const total = (name: string, help: string, read: () => number): void => metrics.total(name, help, read)
  const gauge = (name: string, help: string, read: () => number): void => void metrics.gauge(name, help, [], (g) => g.set(read()))
  const { blocks } = db
  const jobs = (counts: Readonly<Record<string, number>>) => (): (readonly [string, number])[] => Object.entries(counts)
  gauge('prometheus_tsdb_blocks_loaded', 'Blocks.', () => blocks.blocks.length)
  gauge('prometheus_tsdb_storage_blocks_bytes', 'Bytes of all blocks.', () => blocks.blocks.reduce((sum, { meta }) => sum + meta.bytes, 0))
  gauge('monitor_storage_block_samples', 'Samples in all blocks.', () => blocks.blocks.reduce((sum, { meta }) => sum + meta.samples, 0))
  gauge('monitor_storage_minute_blocks', 'Blocks of the 1-minute tier.', () => blocks.minutes.length)
  gauge('monitor_storage_minute_bytes', 'Bytes of the 1-minute tier.', () => blocks.minutes.reduce((sum, { meta }) => sum + meta.bytes, 0))
  gauge('monitor_storage_minute_rows', 'Rows of the 1-minute tier.', () => blocks.minutes.reduce((sum, { meta }) => sum + meta.samples, 0))
  gauge('monitor_storage_minute_covered_timestamp_seconds', 'The 1-minute tier has all rows up to here.', () => blocks.minutesCoverT / 1000)
  gauge('monitor_storage_hour_files', 'Files of the 1-hour tier.', () => blocks.hours.files)
  gauge('monitor_storage_hour_bytes', 'Bytes of the 1-hour tier.', () => blocks.hours.bytes)
  gauge('monitor_storage_hour_rows', 'Rows of the 1-hour tier.', () => blocks.hours.rows)
  gauge('monitor_storage_hour_covered_timestamp_seconds', 'The 1-hour tier has all rows up to here.', () => blocks.hoursCoverT / 1000)
  registerUploadMetrics(metrics, db.uploads)
  gauge('prometheus_tsdb_retention_limit_seconds', 'Age at which samples go.', () => db.head.retentionMs / 1000)
  gauge('prometheus_tsdb_retention_limit_bytes', 'Size at which the oldest blocks go, 0 without a limit.', () => (blocks.retentionBytes === Infinity ? 0 : blocks.retentionBytes))
  total('prometheus_tsdb_head_truncations_total', 'Times the head was cut.', () => blocks.done.cut)
  total('prometheus_tsdb_head_truncations_failed_total', 'Cuts of the head that failed and are tried again.', () => blocks.failed.cut)
  total('prometheus_tsdb_compactions_total', 'Compactions of blocks.', () => blocks.done.compact)
  total('prometheus_tsdb_compactions_failed_total', 'Compactions that failed and are tried again.', () => blocks.failed.compact)
  total('prometheus_tsdb_time_retentions_total', 'Blocks that went because of their age.', () => blocks.timeRetentions)
  total('prometheus_tsdb_size_retentions_total', 'Blocks that went because of the size of all.', () => blocks.sizeRetentions)
  gauge('monitor_storage_damaged_blocks', 'Blocks that could not be read at start and were moved to quarantine/, were gone, or had a file that is gone, cut off or of another block.', () => db.recovery.damagedBlocks)
  gauge('monitor_storage_covered_timestamp_seconds', 'The head is cut up to here.', () => Math.max(0, db.head.cuts.cover.t / 1000))
  metrics.totals('monitor_storage_block_jobs_total', 'Jobs on blocks that are done, by kind.', 'kind', jobs(blocks.done))
  metrics.totals('monitor_storage_block_job_failures_total', 'Jobs on blocks that failed and are tried again, by kind.', 'kind', jobs(blocks.failed))
  metrics.totals('monitor_storage_block_job_seconds_total', 'Time that jobs on blocks took, by kind.', 'kind', jobs(blocks.seconds))
}
