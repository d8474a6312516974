// How the relational store fares.
import type { Metrics } from '../std/metrics.ts'
import type { CommitReport } from './request.ts'

export class MetaMetrics {
  #sizeBytes = 0
  readonly #commits: { inc(n: number): void }
  readonly #seconds: { inc(n: number): void }
  readonly #writes: { inc(n: number): void }
  readonly #failures: { inc(n: number): void }

  constructor(metrics: Metrics) {
    this.#commits = metrics.counter('monitor_meta_commits_total', 'Transactions of the relational store (silences, alerts, rules), each with one sync.')
    this.#seconds = metrics.counter('monitor_meta_commit_seconds_total', 'Time that these transactions took, their syncs included.')
    this.#writes = metrics.counter('monitor_meta_writes_total', 'Writes that these transactions held.')
    this.#failures = metrics.counter('monitor_meta_failures_total', 'Calls of the relational store that failed: nothing of them was kept.')
    metrics.gauge('monitor_meta_file_bytes', 'Size of the file of the relational store.', [], (gauge) => gauge.set(this.#sizeBytes))
  }

  committed({ writes, failures, seconds, sizeBytes }: CommitReport): void {
    this.#commits.inc(1)
    this.#seconds.inc(seconds)
    this.#writes.inc(writes)
    this.#failures.inc(failures)
    this.#sizeBytes = sizeBytes
  }
}
