// The relational store of the data folder, and who lets go of its old rows.
import path from 'node:path'
import { HistoryRetention } from '../lib/meta/history-retention.ts'
import type { MetaStore } from '../lib/meta/interface.ts'
import { MetaMetrics } from '../lib/meta/meta-metrics.ts'
import { SqliteStore } from '../lib/meta/sqlite-store.ts'
import { ThreadChannel } from '../lib/meta/thread-channel.ts'
import { ToldJournal } from '../lib/meta/told-journal.ts'
import type { Clock } from '../lib/std/clock.ts'
import type { Logger } from '../lib/std/log.ts'
import type { Metrics } from '../lib/std/metrics.ts'
import type { Flags } from './flags.ts'

export interface Meta {
  store: MetaStore
  retention: HistoryRetention
  stop(): Promise<void>
}

/** Damage or a full disk stop no start; then the store's calls are refused. */
export async function openMeta(flags: Flags, { clock, logger, metrics }: { clock: Clock; logger: Logger; metrics: Metrics }): Promise<Meta> {
  const options = { folder: path.join(path.resolve(flags.dataFolder), 'meta'), clock, logger, metrics: new MetaMetrics(metrics) }
  // Else main need not load SQLite.
  const channel = flags.threads === 0 ? new (await import('../lib/meta/inline-channel.ts')).InlineChannel(options)
    : new ThreadChannel({ ...options, workerUrl: new URL('./meta-worker.ts', import.meta.url) })
  const store = new SqliteStore(channel, new ToldJournal(options.folder, logger))
  const retention = new HistoryRetention(store, clock, logger)
  return {
    store, retention,
    stop: () => {
      retention.stop()
      return store.close()
    },
  }
}
