// prometheus_http_requests_total and prometheus_http_request_duration_seconds, by route, as Prometheus has them.
// Children are looked up once per route and code: the write path pays two increments.
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Clock } from '../lib/std/clock.ts'
import type { Counter, Histogram, Metrics } from '../lib/std/metrics.ts'

/** Prometheus' own bounds, seconds. */
const BUCKETS = [0.1, 0.2, 0.4, 1, 3, 8, 20, 60, 120]
/** nginx's code for a client that went away, as Prometheus uses it too. */
const CLIENT_GONE = 499

interface RouteMetrics {
  duration: { observe(seconds: number): void }
  requests: Map<number, { inc(): void }>
}

export class HttpMetrics {
  readonly #clock: Clock
  readonly #requests: Counter<'handler' | 'code'>
  readonly #durations: Histogram<'handler'>
  readonly #routes = new Map<string, RouteMetrics>()

  constructor(metrics: Metrics, clock: Clock) {
    this.#clock = clock
    this.#requests = metrics.counter('prometheus_http_requests_total', 'Counter of HTTP requests.', ['handler', 'code'])
    const help = 'Histogram of latencies for HTTP requests.'
    this.#durations = metrics.histogram('prometheus_http_request_duration_seconds', help, BUCKETS, ['handler'])
  }

  /** Counts a request when its response is complete or its client gone. */
  watch(request: FastifyRequest, reply: FastifyReply): void {
    const startedMs = this.#clock.monotonic()
    reply.raw.once('close', () => {
      // Paths without a route are the client's own words: they share one label.
      const handler = request.is404 ? 'other' : (request.routeOptions.url ?? 'other')
      const route = this.#route(handler)
      const code = reply.raw.writableFinished ? reply.raw.statusCode : CLIENT_GONE
      route.duration.observe((this.#clock.monotonic() - startedMs) / 1000)
      let requests = route.requests.get(code)
      if (requests === undefined) {
        requests = this.#requests.labels({ handler, code: String(code) })
        route.requests.set(code, requests)
      }
      requests.inc()
    })
  }

  #route(name: string): RouteMetrics {
    let route = this.#routes.get(name)
    if (route === undefined) {
      route = { duration: this.#durations.labels({ handler: name }), requests: new Map() }
      this.#routes.set(name, route)
    }
    return route
  }
}
