// /-/healthy, /-/ready, /-/reload, /-/quit and /metrics, texts and codes as Prometheus has them (web/web.go).
import type { FastifyInstance, FastifyReply } from 'fastify'
import type { ServerParts } from '../parts.ts'
import { ALERTMANAGER_PREFIX } from './alertmanager.ts'
import { isCrossSite } from './cross-site.ts'
import { OPEN_METRICS_TYPE, toOpenMetrics } from './open-metrics.ts'
import { addRoute, type Guard, type Handler } from './router.ts'

export type ServerState = 'starting' | 'ready' | 'leaving' | 'stopping'

function text(reply: FastifyReply, status: number, body: string): FastifyReply {
  return reply.code(status).type('text/plain; charset=utf-8').send(body)
}

/** `state` is asked at each request. */
export function addManageRoutes(app: FastifyInstance, parts: ServerParts, state: () => ServerState): void {
  addRoute(app, ['GET'], '/-/healthy', (_request, reply) => text(reply, 200, 'Monitor is Healthy.\n'))
  addRoute(app, ['GET'], '/-/ready', (_request, reply) => {
    if (state() === 'ready') return text(reply, 200, 'Monitor is Ready.\n')
    if (state() !== 'starting') reply.header('X-Prometheus-Stopping', 'true')
    return text(reply, 503, 'Service Unavailable')
  })
  const reload: Handler = async (_request, reply) => {
    if (!parts.options.isLifecycleEnabled) return text(reply, 403, 'Lifecycle API is not enabled.')
    try {
      await parts.config.reload()
    } catch (error) {
      // A config that cannot be loaded is the answer, whatever its kind.
      return text(reply, 500, `failed to reload config: ${error instanceof Error ? error.message : String(error)}\n`)
    }
    return text(reply, 200, '')
  }
  const guard: Guard = (request, reply) => {
    if (!isCrossSite(request, parts.options.externalUrl)) return false
    text(reply, 403, 'Cross-site requests are refused.')
    return true
  }
  const quit: Handler = (_request, reply) => {
    if (!parts.options.isLifecycleEnabled) return text(reply, 403, 'Lifecycle API is not enabled.')
    parts.options.onQuit()
    return text(reply, 200, 'Requesting termination... Goodbye!')
  }
  const change = { guard, refuse: (reply: FastifyReply) => void reply.type('text/plain; charset=utf-8').send('Only POST or PUT requests allowed') }
  addRoute(app, ['POST', 'PUT'], '/-/reload', reload, change)
  // Who writes alertmanager.yml asks its own program.
  addRoute(app, ['POST', 'PUT'], `${ALERTMANAGER_PREFIX}-/reload`, reload, change)
  addRoute(app, ['POST', 'PUT'], '/-/quit', quit, change)
  addMetricsRoute(app, parts)
}

/** The server's own metrics: OpenMetrics where the scraper names it, text 0.0.4 otherwise. */
function addMetricsRoute(app: FastifyInstance, parts: ServerParts): void {
  const { registry } = parts.metrics
  addRoute(app, ['GET'], '/metrics', async (request, reply) => {
    const body = await registry.metrics()
    reply.header('Vary', 'Accept')
    const isOpen = String(request.headers.accept ?? '').includes('application/openmetrics-text')
    if (isOpen) return reply.type(OPEN_METRICS_TYPE).send(toOpenMetrics(body))
    return reply.type(registry.contentType).send(body)
  })
}
