// /api/v1/notifications and, as server-sent events, /api/v1/notifications/live. Both answer during a start, too.
import { PassThrough } from 'node:stream'
import type { FastifyInstance } from 'fastify'
import type { Timer } from '../../lib/std/clock.ts'
import type { ServerParts } from '../parts.ts'
import { sendData } from './envelope.ts'
import { addRoute } from './router.ts'

export const NOTIFICATIONS_PATH = '/api/v1/notifications'

/** A stream that says nothing is cut as idle, by this server and by proxies. */
const BEAT_MS = 15_000
/** A comment, which browsers pass over. */
const BEAT = ':\n\n'

/** Ends the streams that are open; the function that comes back is for the server's end. */
export function addNotificationRoutes(app: FastifyInstance, { notifications, clock }: Pick<ServerParts, 'notifications' | 'clock'>): () => void {
  const streams = new Set<PassThrough>()
  addRoute(app, ['GET'], NOTIFICATIONS_PATH, (_request, reply) => sendData(reply, notifications.active()))
  addRoute(app, ['GET'], `${NOTIFICATIONS_PATH}/live`, (request, reply) => {
    if (request.method === 'HEAD') return reply.type('text/event-stream').send()
    const stream = new PassThrough()
    const stop = notifications.listen((notification) => void stream.write(`data: ${JSON.stringify(notification)}\n\n`))
    // As Prometheus: browsers do not come again after it.
    if (stop === null) return reply.code(204).send()
    let beat: Timer
    const pulse = (): void => {
      // Whoever does not read is not waited for.
      if (stream.writableNeedDrain) stream.destroy()
      else stream.write(BEAT)
      beat = clock.after(BEAT_MS, pulse)
    }
    pulse()
    streams.add(stream)
    stream.once('close', () => {
      beat.cancel()
      stop()
      streams.delete(stream)
    })
    return reply.type('text/event-stream').header('Cache-Control', 'no-cache').send(stream)
  })
  return () => {
    for (const stream of streams) stream.end()
  }
}
