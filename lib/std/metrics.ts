// The one door to prom-client: Monitor's own metrics, served on /metrics of the main thread. Names follow
// Prometheus' own where a dashboard or mixin asks for them (peers' `prometheus_*`), `monitor_*` elsewhere.
import { Counter, Gauge, Histogram, Registry, Summary, collectDefaultMetrics } from 'prom-client'
import { RecentSummary } from './recent-summary.ts'

export type { Counter, Gauge, Histogram } from 'prom-client'
export { Registry } from 'prom-client'

/** Gauges by the library that are called counters, which promtool's lints complain of; each is the sum of one that stays. */
const MISNAMED = ['nodejs_active_handles_total', 'nodejs_active_requests_total', 'nodejs_active_resources_total'] as const

/** What the library's histogram of delays says, which wakes the event loop all the time: StallWatch (event-loop.ts) says it for less. */
const DELAYS = ['min', 'max', 'mean', 'stddev', 'p50', 'p90', 'p99'].map((of) => `nodejs_eventloop_lag_${of}_seconds`)
/** How seldom that histogram, which cannot be left out, wakes it. */
const DELAYS_MS = 3_600_000

/** Makes metrics that all register in one registry. One instance per process, handed to whoever counts. */
export class Metrics {
  readonly registry: Registry = new Registry()

  counter<L extends string = never>(name: string, help: string, labelNames: readonly L[] = []): Counter<L> {
    return new Counter({ name, help, labelNames: [...labelNames], registers: [this.registry] })
  }

  /** A counter that some other part keeps: `read` gives its total when it is scraped. */
  total(name: string, help: string, read: () => number): void {
    void new Counter({
      name, help, registers: [this.registry],
      collect() {
        this.reset()
        this.inc(read())
      },
    })
  }

  /** The same with one label: `read` gives the total of each of its values. */
  totals<L extends string>(name: string, help: string, label: L, read: () => Iterable<readonly [value: string, total: number]>): void {
    void new Counter({
      name, help, labelNames: [label], registers: [this.registry],
      collect() {
        this.reset()
        for (const [value, total] of read()) this.labels(value).inc(total)
      },
    })
  }

  /** `collect`, where given, sets the gauge when it is scraped. */
  gauge<L extends string = never>(name: string, help: string, labelNames: readonly L[] = [], collect?: (gauge: Gauge<L>) => void): Gauge<L> {
    return new Gauge({
      name, help, labelNames: [...labelNames], registers: [this.registry],
      ...(collect && { collect(this: Gauge<L>) { collect(this) } }),
    })
  }

  histogram<L extends string = never>(name: string, help: string, buckets: readonly number[], labelNames: readonly L[] = []): Histogram<L> {
    return new Histogram({ name, help, labelNames: [...labelNames], buckets: [...buckets], registers: [this.registry] })
  }

  /** Quantiles over the last 5 to 10 minutes; `label` '' for none. */
  summary(name: string, help: string, quantiles: readonly number[], label: string): RecentSummary {
    const recent = new RecentSummary(label, quantiles)
    const metric = new Summary({ name, help, labelNames: label === '' ? [] : [label], registers: [this.registry] })
    const get = metric.get.bind(metric)
    metric.get = async () => ({
      ...(await get()),
      values: recent.values().map(({ suffix, labels, value }) => ({ labels, value, metricName: `${name}${suffix}` })),
    })
    return recent
  }

  /** Adds `process_*` and `nodejs_*`. */
  withProcessMetrics(): this {
    collectDefaultMetrics({ register: this.registry, eventLoopMonitoringPrecision: DELAYS_MS })
    for (const name of [...MISNAMED, ...DELAYS]) this.registry.removeSingleMetric(name)
    return this
  }
}
