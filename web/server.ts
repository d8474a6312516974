// The HTTP server: one port for the API, the pages and the server's own metrics. Parses, asks the part that knows,
// sends; what takes time runs elsewhere (query workers, the log's sync, the zlib pool).
import { once } from 'node:events'
import type { Server } from 'node:http'
import { createServer as createListener, type AddressInfo, type Server as Listener, type Socket } from 'node:net'
import path from 'node:path'
import fastify, { type FastifyError, type FastifyHttpOptions, type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import { statusName } from '../lib/std/http-status.ts'
import { ApiError, errorBody, sendError } from './api/envelope.ts'
import { addAckPage, isAckPath, sendAckError } from './api/ack-page.ts'
import { addAdminRoutes } from './api/admin.ts'
import { addAlertRuleRoutes } from './api/alert-rules.ts'
import { ALERTMANAGER_PREFIX, addAlertmanagerRoutes, sendNoSuchPath, withoutLastSlash } from './api/alertmanager.ts'
import { addAlertRoutes } from './api/alerts.ts'
import { addFederationRoute, FEDERATION_PATH } from './api/federate.ts'
import { addNotificationRoutes, NOTIFICATIONS_PATH } from './api/notifications.ts'
import { addManageRoutes, type ServerState } from './api/manage.ts'
import { addQueryRoutes } from './api/query.ts'
import { addReceiverRoutes } from './api/receivers.ts'
import { ReplySender } from './api/reply-sender.ts'
import { addRuleRoutes } from './api/rules.ts'
import { addStatusRoutes, noSuchEndpoint, REPLAY_PATH } from './api/status.ts'
import { addTargetRoutes } from './api/targets.ts'
import { WRITE_PATH, addWriteRoutes } from './api/write.ts'
import { Gate } from './gate.ts'
import { HttpMetrics } from './http-metrics.ts'
import { ENDING, STARTING } from './notifications.ts'
import type { ServerParts } from './parts.ts'
import { addStaticRoutes, browserPrefix, isPageRequest, sendPage } from './static.ts'

/** Against clients that hold a connection and say little. */
const HEADERS_TIMEOUT_MS = 10_000
const REQUEST_TIMEOUT_MS = 60_000
const TIMEOUT_CHECK_MS = 2000
/** Fastify's own. */
const KEEP_ALIVE_MS = 72_000
const CONNECTIONS_MAX = 1024
/** A form with a query; those of queries end at 128 KiB, `match[]` may repeat. */
const FORM_BYTES_MAX = 1 << 20
/** A label name of 256 bytes, each written `%xx`. */
const PARAM_CHARS_MAX = 1024
/** How long requests may go on that came before `drain`. */
const DRAIN_MS = 5000
/** What hangs on connections after that: half a request, an answer that nobody reads. */
const CLOSE_MS = 500
/** What is answered while the server stops. */
const LAST_PATHS: ReadonlySet<string> = new Set(['/-/healthy', '/-/ready', '/metrics', `${ALERTMANAGER_PREFIX}-/healthy`])
/** To whom is told to come again. */
const RETRY_AFTER_SECONDS = '5'

/** A query of 128 KiB, each of its bytes written `%xx`, and what browsers and proxies add. */
const HEADER_BYTES_MAX = 512 << 10

/** By Node's code; all else is 400. */
const BAD_HTTP: ReadonlyMap<string, [status: number, text: string]> = new Map([
  ['HPE_HEADER_OVERFLOW', [431, `request headers are larger than ${HEADER_BYTES_MAX >> 10} KiB; send a long query as a form, by POST`]],
  ['ERR_HTTP_REQUEST_TIMEOUT', [408, 'request took too long to arrive']],
])

/**
 * Makes the server; it listens after `listen` and answers 503 below /api until `ready`, but takes what is pushed. It ends in steps, so that nobody
 * finds a closed door who could be told to come again: `leave` (balancers are told), `drain` (503 for all that is new), `stop`.
 */
export function createServer(parts: ServerParts): WebServer {
  return new WebServer(parts)
}

/** With a server of one's own Fastify sets no times. */
function serverOptions({ door, options }: ServerParts): Pick<FastifyHttpOptions<Server>, 'http' | 'serverFactory'> {
  const http = { maxHeaderSize: HEADER_BYTES_MAX, headersTimeout: HEADERS_TIMEOUT_MS, connectionsCheckingInterval: TIMEOUT_CHECK_MS }
  const make = door?.makeServer ?? null
  if (make === null) return { http }
  return {
    serverFactory: (handler) => {
      const server = make({ ...http, requestTimeout: REQUEST_TIMEOUT_MS, keepAliveTimeout: KEEP_ALIVE_MS }, handler)
      server.timeout = options.idleMs
      return server
    },
  }
}

export class WebServer {
  readonly #app: FastifyInstance
  readonly #parts: ServerParts
  /** On further addresses: what they accept is the server's. */
  readonly #listeners: Listener[] = []
  readonly #endNotifications: () => void
  #state: ServerState = 'starting'
  /** Requests without a complete answer, of those that came before `drain`. */
  #openCount = 0
  #onDrained = (): void => {}

  constructor(parts: ServerParts) {
    this.#parts = parts
    const prefix = parts.options.routePrefix
    this.#app = fastify({
      logger: false,
      rewriteUrl: ({ url = '/' }) => withoutLastSlash(prefix !== '' && isBelow(url, prefix) ? withSlash(url.slice(prefix.length)) : url),
      bodyLimit: FORM_BYTES_MAX,
      requestTimeout: REQUEST_TIMEOUT_MS,
      connectionTimeout: parts.options.idleMs,
      forceCloseConnections: 'idle',
      // Handlers read the URL themselves (Params); the router need not.
      routerOptions: { maxParamLength: PARAM_CHARS_MAX, querystringParser: () => ({}) },
      // No route has a schema: what would compile them (a hundred files) need not be loaded.
      schemaController: { compilersFactory: { buildValidator: noSchemas, buildSerializer: noSchemas } },
      ...serverOptions(parts),
      clientErrorHandler: answerBadHttp,
      frameworkErrors: (error, request, reply) => void this.#fail(error, request, reply),
    })
    this.#app.server.maxConnections = CONNECTIONS_MAX
    this.#addHooks()
    addManageRoutes(this.#app, parts, () => this.#state)
    addAdminRoutes(this.#app, parts)
    const sender = new ReplySender(parts)
    addQueryRoutes(this.#app, parts, sender)
    addFederationRoute(this.#app, parts, sender)
    addRuleRoutes(this.#app, parts, sender)
    addAlertRuleRoutes(this.#app, parts)
    addReceiverRoutes(this.#app, parts)
    addAlertRoutes(this.#app, parts)
    addAckPage(this.#app, parts)
    addTargetRoutes(this.#app, parts)
    addAlertmanagerRoutes(this.#app, parts)
    addStatusRoutes(this.#app, parts)
    this.#endNotifications = addNotificationRoutes(this.#app, parts)
    parts.notifications.add(STARTING)
    addWriteRoutes(this.#app, parts)
    // Else the folder of the pages is searched for it.
    this.#app.all('/api/*', (request, reply) => sendError(reply, noSuchEndpoint(request.url)))
    this.#app.all(`${ALERTMANAGER_PREFIX}*`, (request, reply) => sendNoSuchPath(reply, request, parts))
    addStaticRoutes(this.#app, parts.options)
  }

  /** Starts to listen, and on one more address each further time; port 0 takes a free one. Rejects with Node's error where it cannot. */
  async listen(host: string, port: number): Promise<AddressInfo> {
    const address = await (this.#app.server.listening ? this.#listenToo(host, port) : this.#listenFirst(host, port))
    if (address === null || typeof address === 'string') throw new Error(`cannot tell the address of ${host}:${port}`)
    return address
  }

  async #listenFirst(host: string, port: number): Promise<ReturnType<Listener['address']>> {
    await this.#app.listen({ host, port })
    return this.#app.server.address()
  }

  async #listenToo(host: string, port: number): Promise<ReturnType<Listener['address']>> {
    const listener = createListener({ allowHalfOpen: true, noDelay: true }, (socket) => this.#app.server.emit('connection', socket))
    listener.maxConnections = CONNECTIONS_MAX
    listener.listen(port, host)
    await once(listener, 'listening')
    this.#listeners.push(listener)
    return listener.address()
  }

  /** Says that storage is open: from now on the API answers. */
  ready(): void {
    this.#state = 'ready'
    this.#parts.notifications.remove(STARTING)
  }

  /** Says by /-/ready that it will stop, and by `Connection: close` to those that are connected; all else is answered as before. */
  leave(): void {
    this.#state = 'leaving'
    this.#parts.notifications.add(ENDING)
  }

  /** Still listens, but answers 503 to what is new; lets requests end, cuts what is left after some seconds. */
  async drain(): Promise<void> {
    if (this.#state !== 'leaving' && this.#state !== 'stopping') this.#parts.notifications.add(ENDING)
    this.#state = 'stopping'
    this.#endNotifications()
    if (this.#openCount === 0) return
    await this.#cutAfter(DRAIN_MS, new Promise<void>((resolve) => (this.#onDrained = resolve)))
  }

  /** Drains, and takes no new connection. */
  async stop(): Promise<void> {
    await this.drain()
    const listeners = this.#listeners.map((listener) => new Promise((resolve) => listener.close(resolve)))
    await this.#cutAfter(CLOSE_MS, this.#app.close())
    await Promise.all(listeners)
  }

  /** Closes all connections if `work`, which waits for them, takes longer. */
  async #cutAfter(ms: number, work: PromiseLike<unknown>): Promise<void> {
    const cut = this.#parts.clock.after(ms, () => this.#app.server.closeAllConnections(), true)
    await work
    cut.cancel()
  }

  #addHooks(): void {
    const app = this.#app
    const metrics = new HttpMetrics(this.#parts.metrics, this.#parts.clock)
    const { options } = this.#parts
    const prefix = options.routePrefix
    const gate = this.#parts.door === null ? null : new Gate(this.#parts.door, this.#parts.clock)
    const enter = (request: FastifyRequest, reply: FastifyReply, done: () => void): void => {
      const place = cleanLocation(request.url)
      if (prefix !== '' && !isBelow(request.originalUrl, prefix) && request.originalUrl !== '/') {
        reply.code(404).type('text/plain; charset=utf-8').send(`404 page not found: this server answers below ${prefix}/ (--web.route-prefix)\n`)
      } else if (place !== request.url) {
        reply.code(301).header('Location', browserPrefix(options) + place).type('text/plain; charset=utf-8').send('Moved Permanently\n')
      } else if (this.#isClosedTo(request.url)) {
        refuse(request, reply.header('Retry-After', RETRY_AFTER_SECONDS), new ApiError('unavailable', `the server is ${this.#state}`))
      } else done()
    }
    app.addHook('onRequest', (request, reply, done) => {
      metrics.watch(request, reply)
      this.#count(reply)
      reply.header('X-Content-Type-Options', 'nosniff')
      if (gate === null) enter(request, reply, done)
      else gate.admit(request, reply, () => enter(request, reply, done))
    })
    // Forms become URLSearchParams; other types are read within the limit and not looked at, as Go's form parser does.
    app.removeAllContentTypeParsers()
    app.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'string' }, (_request, body, done) => {
      done(null, new URLSearchParams(String(body)))
    })
    app.addContentTypeParser('multipart/form-data', { parseAs: 'buffer' }, (_request, _body, done) => {
      done(new ApiError('bad_data', 'parameters are taken from the URL and from forms of application/x-www-form-urlencoded (curl --data-urlencode), not of multipart/form-data (curl -F)', 415))
    })
    app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, _body, done) => done(null, null))
    app.setErrorHandler((error: FastifyError | ApiError, request, reply) => this.#fail(error, request, reply))
    app.setNotFoundHandler((request, reply) => {
      if (isAckPath(request.url)) return sendAckError(request, reply, new ApiError('not_found', 'no address of this form'))
      if (isPageRequest(request)) return sendPage(reply, this.#parts.options)
      return reply.code(404).type('text/plain; charset=utf-8').send('404 page not found\n')
    })
  }

  /** Until a request's answer is complete, or its client gone. */
  #count(reply: FastifyReply): void {
    // Who keeps a connection would send more on it.
    if (this.#state === 'leaving' || this.#state === 'stopping') reply.header('Connection', 'close')
    if (this.#state === 'stopping') return
    this.#openCount++
    reply.raw.once('close', () => {
      if (--this.#openCount === 0) this.#onDrained()
    })
  }

  /** What is pushed while the server starts is kept until it can be stored. */
  #isClosedTo(url: string): boolean {
    if (this.#state === 'stopping') return !LAST_PATHS.has(url.split('?', 1)[0]!)
    return this.#state === 'starting' && needsStore(url)
  }

  #fail(error: FastifyError | ApiError, request: FastifyRequest, reply: FastifyReply): FastifyReply {
    if (error instanceof ApiError) return refuse(request, reply, error)
    const status = error.statusCode ?? 500
    // Fastify's own words name no limit.
    if (status === 413) return refuse(request, reply, new ApiError('bad_data', `the body is too large: at most ${bytesText(request.routeOptions.bodyLimit ?? FORM_BYTES_MAX)} are read here`, 413))
    if (status < 500) return refuse(request, reply, new ApiError('bad_data', error.message, status))
    this.#parts.logger.repeated('error', 'request failed', { method: request.method, path: request.url.slice(0, 200), err: error })
    return refuse(request, reply, new ApiError('internal', error.message))
  }
}

function bytesText(bytes: number): string {
  return bytes % (1 << 20) === 0 ? `${bytes >> 20} MiB` : `${bytes >> 10} KiB`
}

/** In the envelope, but to people who opened an address of a message. */
function refuse(request: FastifyRequest, reply: FastifyReply, error: ApiError): FastifyReply {
  return isAckPath(request.url) ? sendAckError(request, reply, error) : sendError(reply, error)
}

function isBelow(url: string, prefix: string): boolean {
  return url.startsWith(prefix) && (url.length === prefix.length || url[prefix.length] === '/' || url[prefix.length] === '?')
}

function withSlash(url: string): string {
  return url.startsWith('/') ? url : `/${url}`
}

/** What is answered during a start. */
const EARLY_PATHS: readonly string[] = [WRITE_PATH, NOTIFICATIONS_PATH, REPLAY_PATH]

function needsStore(url: string): boolean {
  return (isOfApi(url) || isAckPath(url)) && !EARLY_PATHS.some((path) => url.startsWith(path))
}

function isOfApi(url: string): boolean {
  return url.startsWith('/api/') || url === FEDERATION_PATH || url.startsWith(`${FEDERATION_PATH}?`) || url.startsWith(`${ALERTMANAGER_PREFIX}api/`)
}

function noSchemas(): never {
  throw new Error('BUG: a route has a schema')
}

/** The URL with `//`, `/./` and `/../` taken out of its path, which Go's mux sends clients to; never another host's. */
function cleanLocation(url: string): string {
  const at = url.indexOf('?')
  const end = at < 0 ? url.length : at
  if (!url.startsWith('/') || !/\/\.?\.?\//.test(`${url.slice(0, end)}/`)) return url
  return path.posix.normalize(url.slice(0, end)) + url.slice(end)
}

/** What Node could not read as HTTP never becomes a request; it is answered in the envelope all the same. */
function answerBadHttp(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy()
    return
  }
  const [status, text] = BAD_HTTP.get(error.code ?? '') ?? [400, 'malformed HTTP request']
  const body = errorBody(new ApiError('bad_data', text, status))
  const head = ['Content-Type: application/json', `Content-Length: ${body.length}`, 'X-Content-Type-Options: nosniff', 'Connection: close']
  socket.end(`HTTP/1.1 ${status} ${statusName(status)}\r\n${head.join('\r\n')}\r\n\r\n${body}`, () => socket.destroy())
}
