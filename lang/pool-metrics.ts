// What /metrics says of queries. Names follow Prometheus' engine where dashboards ask for them.
import type { Counter, Histogram, Metrics } from '../lib/std/metrics.ts'

const DURATION_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 120] as const

export interface PoolGauges {
  running: () => number
  queued: () => number
  workers: () => number
}

export class PoolMetrics {
  readonly #inQueue: ReturnType<Histogram<'slice'>['labels']>
  readonly #inWorker: ReturnType<Histogram<'slice'>['labels']>
  readonly #queries: Counter<'kind' | 'code'>
  /** Counters of queries looked up already, by kind and code: a small query pays an increment. */
  readonly #served = new Map<string, { inc(): void }>()
  readonly #refused: Counter<'reason'>
  readonly #gone: Counter<'reason'>

  constructor(metrics: Metrics, maxConcurrent: number, gauges: PoolGauges) {
    metrics.gauge('prometheus_engine_queries', 'Queries being evaluated.', [], (gauge) => gauge.set(gauges.running()))
    metrics.gauge('prometheus_engine_queries_concurrent_max', 'Queries that may be evaluated at once.').set(maxConcurrent)
    metrics.gauge('monitor_query_queue_length', 'Queries waiting for a worker.', [], (gauge) => gauge.set(gauges.queued()))
    metrics.gauge('monitor_query_workers', 'Query worker threads.', [], (gauge) => gauge.set(gauges.workers()))
    const durations = metrics.histogram('monitor_query_duration_seconds', 'Time of queries by slice: queue or worker.', DURATION_BUCKETS, ['slice'])
    this.#inQueue = durations.labels({ slice: 'queue' })
    this.#inWorker = durations.labels({ slice: 'worker' })
    this.#queries = metrics.counter('monitor_queries_total', 'Queries answered by workers.', ['kind', 'code'])
    this.#refused = metrics.counter('monitor_queries_refused_total', 'Queries that never reached a worker.', ['reason'])
    this.#gone = metrics.counter('monitor_query_workers_ended_total', 'Query worker threads that ended.', ['reason'])
  }

  served(kind: string, status: number, times: { waitedMs: number; tookMs: number }): void {
    const key = `${kind} ${status}`
    let queries = this.#served.get(key)
    if (queries === undefined) {
      queries = this.#queries.labels({ kind, code: String(status) })
      this.#served.set(key, queries)
    }
    queries.inc()
    this.#inQueue.observe(times.waitedMs / 1000)
    this.#inWorker.observe(times.tookMs / 1000)
  }

  refused(reason: 'queue_full' | 'queue_timeout'): void {
    this.#refused.inc({ reason })
  }

  gone(reason: string): void {
    this.#gone.inc({ reason })
  }
}
