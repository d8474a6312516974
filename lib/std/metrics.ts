// The one door to prom-client: Monitor's own metrics, served on /metrics of the main thread. Names follow
// Prometheus' own where a dashboard or mixin asks for them (peers' `prometheus_*`), `monitor_*` elsewhere.
import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client'

export type { Counter, Gauge, Histogram } from 'prom-client'
export { Registry } from 'prom-client'

/** Makes metrics that all register in one registry. One instance per process, handed to whoever counts. */
export class Metrics {
  readonly registry: Registry = new Registry()

  counter<L extends string = never>(name: string, help: string, labelNames: readonly L[] = []): Counter<L> {
    return new Counter({ name, help, labelNames: [...labelNames], registers: [this.registry] })
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

  /** Adds `process_*` and `nodejs_*`. */
  withProcessMetrics(): this {
    collectDefaultMetrics({ register: this.registry })
    return this
  }
}
