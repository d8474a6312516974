// One table of paths and methods for the whole API: what is not in it answers 405 with Allow, OPTIONS answers 204.
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'

export type Handler = (request: FastifyRequest, reply: FastifyReply) => FastifyReply | Promise<FastifyReply>
export type Method = 'GET' | 'POST' | 'PUT' | 'DELETE'

const ALL = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'] as const

/** Answers before the body is read, and says so by true; false lets the request pass. */
export type Guard = (request: FastifyRequest, reply: FastifyReply) => boolean

interface RouteOptions {
  guard?: Guard
  /** Text of a 405. */
  refusal?: string
}

/** Adds a path with the methods it has; GET brings HEAD. */
export function addRoute(
  app: FastifyInstance, methods: readonly Method[], url: string, handler: Handler, options: RouteOptions = {},
): void {
  const { guard, refusal = 'Method Not Allowed\n' } = options
  app.route({
    method: [...methods],
    url,
    handler,
    ...(guard && {
      onRequest: (request, reply, done) => {
        if (!guard(request, reply)) done()
      },
    }),
  })
  const allowed: readonly string[] = methods.includes('GET') ? ['HEAD', ...methods] : methods
  const allow = [...methods, 'OPTIONS'].toSorted().join(', ')
  app.options(url, (_request, reply) => reply.header('Allow', allow).code(204).send())
  addRefusal(app, ALL.filter((method) => !allowed.includes(method)), url, allow, refusal)
}

/** Answers methods that a path does not have with 405, before the body is read: nobody will look at it. */
function addRefusal(app: FastifyInstance, methods: readonly string[], url: string, allow: string, body: string): void {
  app.route({
    method: [...methods],
    url,
    onRequest: (_request, reply) => {
      reply.code(405).header('Allow', allow).type('text/plain; charset=utf-8').send(body)
    },
    handler: (_request, reply) => reply,
  })
}
