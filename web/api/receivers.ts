// Receivers by API: a test message, and the subscriptions of browsers that want to be told.
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { MetaError } from '../../lib/meta/errors.ts'
import { SubscriptionError } from '../../lib/notify/push-subscriptions.ts'
import type { IntegrationHealth } from '../../lib/notify/dispatch/delivery-stats.ts'
import type { ServerParts } from '../parts.ts'
import { refuseOtherSites } from './cross-site.ts'
import { ApiError, sendData, sendError } from './envelope.ts'
import { addRoute, type Handler } from './router.ts'
import { readTextBodies } from './text-body.ts'

const BODY_BYTES_MAX = 16 << 10

export function addReceiverRoutes(app: FastifyInstance, { receivers, options }: Pick<ServerParts, 'receivers' | 'options'>): void {
  const guard = refuseOtherSites(options)
  // A scope of its own for its bodies.
  app.register(async (scope) => {
    readTextBodies(scope, BODY_BYTES_MAX)
    addRoute(scope, ['GET'], '/api/alerts/receivers', answering(async (_request, reply) => sendData(reply, healthJson(receivers.health()))))
    addRoute(scope, ['POST'], '/api/alerts/receivers/:name/test', answering(async (request, reply) => {
      const { name } = request.params as { name: string }
      const outcomes = await receivers.test(name)
      if (outcomes === null) throw new ApiError('not_found', `there is no receiver ${JSON.stringify(name)} in the configuration; GET /api/alerts/receivers lists those there are`)
      const integrations = outcomes.map(({ integration, kind, isDelivered, error, isRetryable, durationMs }) => ({
        integration, kind, delivered: isDelivered, duration_ms: durationMs, ...(!isDelivered && { error, retryable: isRetryable }),
      }))
      return sendData(reply, { receiver: name, delivered: outcomes.every(({ isDelivered }) => isDelivered), integrations })
    }), { guard })
    addRoute(scope, ['GET'], '/api/alerts/push/key', answering(async (_request, reply) => sendData(reply, { public_key: await receivers.pushKey() })))
    addRoute(scope, ['POST', 'DELETE'], '/api/alerts/push/subscriptions', answering(async (request, reply) => {
      const { subscription, user = '', endpoint } = jsonBody(request)
      if (request.method === 'POST') {
        if (typeof user !== 'string') throw new ApiError('bad_data', 'user: want a text')
        await receivers.subscribe(subscription, user)
        return sendData(reply.code(201), {})
      }
      if (typeof endpoint !== 'string') throw new ApiError('bad_data', 'endpoint: want the one that was subscribed with')
      if (!await receivers.unsubscribe(endpoint)) throw new ApiError('not_found', 'there is no such subscription')
      return reply.code(204).send()
    }), { guard })
  })
}

/** By receiver. Tries are counted since the start; the ratio is that of each integration's last hundred. */
function healthJson(integrations: readonly IntegrationHealth[]): object[] {
  const at = (ms: number): string | null => (ms === 0 ? null : new Date(ms).toISOString())
  return Array.from(Map.groupBy(integrations, ({ receiver }) => receiver), ([receiver, own]) => ({
    receiver, failing: own.some(({ failingSinceMs }) => failingSinceMs > 0),
    integrations: own.map(({ name, kind, deliveredCount, failedCount, successRatio, deliveredAtMs, failingSinceMs, error }) => ({
      integration: name, kind, delivered: deliveredCount, failed: failedCount, success_ratio: successRatio, last_delivered_at: at(deliveredAtMs), failing_since: at(failingSinceMs), error,
    })),
  }))
}

/** Answers what is refused. */
function answering(handler: (request: FastifyRequest, reply: FastifyReply) => Promise<FastifyReply>): Handler {
  return async (request, reply) => {
    try {
      return await handler(request, reply)
    } catch (error) {
      if (error instanceof SubscriptionError) return sendError(reply, new ApiError('bad_data', error.message))
      if (error instanceof MetaError) return sendError(reply.header('Retry-After', '5'), new ApiError('unavailable', error.message))
      throw error
    }
  }
}

function jsonBody({ body }: FastifyRequest): Readonly<Record<string, unknown>> {
  try {
    const json: unknown = JSON.parse(typeof body === 'string' ? body : '')
    if (typeof json === 'object' && json !== null) return { ...json }
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
  }
  throw new ApiError('bad_data', 'want a JSON object')
}
