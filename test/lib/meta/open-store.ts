// Stores over a folder, in this thread or in one of their own.
import { InlineChannel } from '../../../lib/meta/inline-channel.ts'
import type { MetaStore } from '../../../lib/meta/interface.ts'
import { MetaMetrics } from '../../../lib/meta/meta-metrics.ts'
import { SqliteStore } from '../../../lib/meta/sqlite-store.ts'
import { ThreadChannel } from '../../../lib/meta/thread-channel.ts'
import { ToldJournal } from '../../../lib/meta/told-journal.ts'
import { systemClock } from '../../../lib/std/clock.ts'
import { Logger, silentLogger } from '../../../lib/std/log.ts'
import { Metrics } from '../../../lib/std/metrics.ts'

/** `warnings`: what operators are told is added to them. */
export function openStore(folder: string, { isThread = false, warnings = null, metrics = new Metrics() }: { isThread?: boolean; warnings?: string[] | null; metrics?: Metrics } = {}): MetaStore {
  const logger = warnings === null ? silentLogger : new Logger({ level: 'info', format: 'logfmt', clock: systemClock, write: (line) => warnings.push(line) })
  const options = { folder, clock: systemClock, logger, metrics: new MetaMetrics(metrics) }
  const channel = isThread ? new ThreadChannel({ ...options, workerUrl: new URL('../../../cmd/meta-worker.ts', import.meta.url) }) : new InlineChannel(options)
  return new SqliteStore(channel, new ToldJournal(folder, logger))
}
