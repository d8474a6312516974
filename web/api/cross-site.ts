// Changes that a page of another site asks for through a visitor's browser, which are refused.
import type { FastifyRequest } from 'fastify'
import { ApiError, sendError } from './envelope.ts'
import type { Guard } from './router.ts'

/**
 * Whether a page of another site sends the request. Browsers tell the site to servers behind https and on loopback only, the
 * origin of a POST to all; a page can set neither. Behind a proxy that asks for another host than the browser did, the
 * origin must be that of `externalUrl`.
 */
export function isCrossSite({ headers }: FastifyRequest, externalUrl: string): boolean {
  const site = headers['sec-fetch-site']
  if (site !== undefined) return site !== 'same-origin' && site !== 'none'
  const { origin } = headers
  return origin !== undefined && URL.parse(origin)?.host !== headers.host && origin !== new URL(externalUrl).origin
}

/** Answers in the envelope; reading is for everyone, browsers keep the answer from other sites. */
export function refuseOtherSites({ externalUrl }: { externalUrl: string }): Guard {
  return (request, reply) => {
    if (request.method === 'GET' || request.method === 'HEAD' || !isCrossSite(request, externalUrl)) return false
    sendError(reply, new ApiError('bad_data', 'cross-site requests are refused: use the pages under the address in --web.external-url', 403))
    return true
  }
}
