// Bodies of the addresses that take JSON: text of any content type, with a limit that refusals can name.
import type { FastifyInstance } from 'fastify'

/** All routes that are added to `scope` from now on read bodies as text, of at most `bytesMax`. For a scope of its own. */
export function readTextBodies(scope: FastifyInstance, bytesMax: number): void {
  scope.removeAllContentTypeParsers()
  scope.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, done) => done(null, String(body)))
  scope.addHook('onRoute', (route) => {
    route.bodyLimit = bytesMax
  })
}
