// What /metrics says of queries. Names follow Prometheus' engine where dashboards ask for them.
import type { Counter, Histogram, Metrics } from '../lib/std/metrics.ts'

const DURATION_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 120] as const

export interface PoolGauges {
  running: () => number
  queued: () => number
  workers: () => number
}

export class PoolMetrics {
  readonly #durations: Histogram<'slice'>
  readonly #queries: Counter<'kind' | 'code'>
  readonly #refused: Counter<'reason'>
  readonly #gone: Counter<'reason'>

  constructor(metrics: Metrics, maxConcurrent: number, gauges: PoolGauges) {
    metrics.gauge('prometheus_engine_queries', 'Queries being evaluated.', [], (gauge) => gauge.set(gauges.running()))
    metrics.gauge('prometheus_engine_queries_concurrent_max', 'Queries that may be evaluated at once.').set(maxConcurrent)
    metrics.gauge('monitor_query_queue_length', 'Queries waiting for a worker.', [], (gauge) => gauge.set(gauges.queued()))
    metrics.gauge('monitor_query_workers', 'Query worker threads.', [], (gauge) => gauge.set(gauges.workers()))
    this.#durations = metrics.histogram('monitor_query_duration_seconds', 'Time of queries by slice: queue or worker.', DURATION_BUCKETS, ['slice'])
    this.#queries = metrics.counter('monitor_queries_total', 'Queries answered by workers.', ['kind', 'code'])
    this.#refused = metrics.counter('monitor_queries_refused_total', 'Queries that never reached a worker.', ['reason'])
    this.#gone = metrics.counter('monitor_query_workers_ended_total', 'Query worker threads that ended.', ['reason'])
  }

  served(kind: string, status: number, times: { waitedMs: number; tookMs: number }): void {
    this.#queries.inc({ kind, code: String(status) })
    this.#durations.observe({ slice: 'queue' }, times.waitedMs / 1000)
    this.#durations.observe({ slice: 'worker' }, times.tookMs / 1000)
  }

  refused(reason: 'queue_full' | 'queue_timeout'): void {
    this.#refused.inc({ reason })
  }

  gone(reason: string): void {
    this.#gone.inc({ reason })
  }
}
