// The built UI: assets as they lie on disk (.br and .gz beside them), and its one HTML page under every page's path.
//   /assets/*  hashed names, immutable     other files  no-cache      /  →  /query
//   /query, /graph, /targets, and any path that a browser navigates to and that names no file: index.html, with a fresh
//   CSP nonce, and under the path that browsers see (--web.external-url)
import { randomBytes } from 'node:crypto'
import path from 'node:path'
import fastifyStatic from '@fastify/static'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { readTextIfThere } from '../lib/std/fs.ts'
import type { WebOptions } from './parts.ts'

/** Placeholders in index.html; the editor's style sheet carries the nonce. */
const NONCE = '__CSP_NONCE__'
const BASE = '<base href="/">'
const EXTERNAL_URL = '__EXTERNAL_URL__'

/** What paths begin with in browsers, without a slash at its end; a proxy may take it away on the way here. */
export function browserPrefix({ externalUrl }: Pick<WebOptions, 'externalUrl'>): string {
  return new URL(externalUrl).pathname.replace(/\/+$/, '')
}

function contentSecurityPolicy(nonce: string): string {
  return [
    "default-src 'none'", "script-src 'self'", `style-src 'self' 'nonce-${nonce}'`, "img-src 'self' data:",
    "connect-src 'self'", "font-src 'self'", "worker-src 'self'", "base-uri 'self'", "form-action 'self'",
    "frame-ancestors 'none'", "object-src 'none'",
  ].join('; ')
}

export function addStaticRoutes(app: FastifyInstance, options: WebOptions): void {
  const folder = options.staticFolder
  app.get('/', (_request, reply) => reply.redirect(`${browserPrefix(options)}/query`))
  app.get('/index.html', (_request, reply) => sendPage(reply, options))
  app.register(fastifyStatic, {
    root: path.resolve(folder),
    index: false,
    preCompressed: true,
    dotfiles: 'ignore',
    cacheControl: false,
    setHeaders(reply, file) {
      const isHashed = path.relative(path.resolve(folder), file).startsWith(`assets${path.sep}`)
      reply.header('Cache-Control', isHashed ? 'public, max-age=31536000, immutable' : 'no-cache')
    },
  })
}

/** Pages that are there for everyone, browsers or not: probes look at them. */
const PAGES: ReadonlySet<string> = new Set(['/query', '/graph', '/alerts', '/rules', '/targets'])

/** Whether a path without a route is a page of the app: a known one, or navigated to and no file. A missing chunk must stay a 404. */
export function isPageRequest(request: FastifyRequest): boolean {
  const url = request.url.split('?', 1)[0]!
  const isRead = request.method === 'GET' || request.method === 'HEAD'
  if (isRead && PAGES.has(url)) return true
  const isElsewhere = /^\/(?:api|-|assets)(?:\/|$)/.test(url) || path.posix.extname(url) !== ''
  return isRead && !isElsewhere && String(request.headers.accept ?? '').includes('text/html')
}

/** Sends the page. Read anew each time: it is small, and a new build shows at once. */
export function sendPage(reply: FastifyReply, options: WebOptions): FastifyReply {
  const page = readTextIfThere(path.join(options.staticFolder, 'index.html'))
  if (page === null) {
    return reply.code(503).type('text/plain; charset=utf-8').send('The pages are not built: npm ci (without --omit=dev) makes them\n')
  }
  const nonce = randomBytes(16).toString('base64')
  return reply
    .header('Content-Security-Policy', contentSecurityPolicy(nonce))
    .header('Referrer-Policy', 'no-referrer')
    .header('Cross-Origin-Opener-Policy', 'same-origin')
    .header('Cache-Control', 'no-cache')
    .type('text/html; charset=utf-8')
    .send(page.replaceAll(NONCE, nonce).replace(BASE, () => `<base href="${attribute(browserPrefix(options))}/">`).replace(EXTERNAL_URL, () => attribute(options.externalUrl)))
}

function attribute(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('"', '&quot;')
}
