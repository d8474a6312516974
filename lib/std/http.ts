// The only door to undici: an HTTP client as scrapers need it. Keep-alive, one deadline over the whole exchange,
// limits on headers and decoded body, redirects followed by hand so that credentials stay with the host they are for.
import { Agent, ProxyAgent, buildConnector, type Dispatcher } from 'undici'
import type { Clock } from './clock.ts'
import { readRegular } from './fs.ts'
import { Authorizer, type AuthOptions } from './http-auth.ts'
import { HttpError } from './http-error.ts'
import { Inflater } from './inflate.ts'
import { BodyBuffers, exchange, type Deadline, type ExchangeLimits, type ExchangeMeans, type HttpResponse } from './http-exchange.ts'
import { LruMap } from './lru-map.ts'
import { proxyFor, type ProxyOptions } from './http-proxy.ts'

export { HttpError, type HttpErrorCode } from './http-error.ts'
export type { HttpResponse } from './http-exchange.ts'

export interface TlsOptions {
  ca: string
  caFile: string
  cert: string
  certFile: string
  key: string
  keyFile: string
  serverName: string
  insecureSkipVerify: boolean
  minVersion: string
  maxVersion: string
}

export interface HttpClientOptions extends AuthOptions, ProxyOptions {
  tls: TlsOptions | null
  followRedirects: boolean
  enableHttp2: boolean
  proxyConnectHeader: ReadonlyMap<string, readonly string[]>
  httpHeaders: ReadonlyMap<string, readonly string[]>
}

export interface HttpRequest extends ExchangeLimits {
  url: URL
  /** Lower-case names. Sent on redirects to other hosts too: no secrets here. */
  headers: Readonly<Record<string, string>>
  /** Covers connecting, redirects, headers, body and inflating. */
  timeoutMs: number
  signal: AbortSignal | null
}

const REDIRECTS_MAX = 10
/** More than a job has targets; redirects may lead to any number. */
const ORIGINS_MAX = 65_536
const HEADER_BYTES_MAX = 16_384
const IDLE_MS = 300_000
/** A connection that takes longer is given up even where the deadline is later. */
const CONNECT_MS_MAX = 10_000
const TOKEN_BYTES_MAX = 1 << 20
const TLS_VERSIONS: ReadonlyMap<string, 'TLSv1' | 'TLSv1.1' | 'TLSv1.2' | 'TLSv1.3'> = new Map([
  ['TLS10', 'TLSv1'], ['TLS11', 'TLSv1.1'], ['TLS12', 'TLSv1.2'], ['TLS13', 'TLSv1.3'],
])

/** One per configuration; owns its connections until `close`. */
export class HttpClient {
  readonly #options: HttpClientOptions
  readonly #clock: Clock
  readonly #means: ExchangeMeans
  readonly #authorizer: Authorizer
  readonly #connectMs: number
  /** By proxy URL, '' for none. */
  readonly #dispatchers = new Map<string, Dispatcher>()
  /** Origins that answered before: their connection may be an old one that the server is just closing. */
  readonly #answered = new LruMap<true>(ORIGINS_MAX)

  /** `timeoutMs`: the longest any request of this client may take; bounds the attempts to connect. */
  constructor(options: HttpClientOptions, clock: Clock, timeoutMs: number) {
    this.#options = options
    this.#clock = clock
    this.#means = { clock, buffers: new BodyBuffers(), inflater: new Inflater() }
    this.#authorizer = new Authorizer(options, clock)
    this.#connectMs = Math.min(timeoutMs, CONNECT_MS_MAX)
  }

  /** GET; any status is an answer. Rejects with HttpError. */
  async get(request: HttpRequest): Promise<HttpResponse> {
    const deadline = { atMs: this.#clock.monotonic() + request.timeoutMs, signal: request.signal }
    let { url } = request
    let mayHoldCredentials = true
    for (let redirects = 0; ; redirects++) {
      const response = await this.#send(url, request, deadline, mayHoldCredentials)
      if (response.location === '' || !this.#options.followRedirects) return response
      if (redirects === REDIRECTS_MAX) throw new HttpError('REDIRECT', `stopped after ${REDIRECTS_MAX} redirects`)
      const next = redirectTarget(response.location, url)
      if (next.host !== url.host) mayHoldCredentials = false
      url = next
    }
  }

  /** Gives the memory of an answer's body back once it is read; not doing so costs speed only. */
  release(response: HttpResponse): void {
    this.#means.buffers.release(response.body)
  }

  /** Closes all connections; requests under way fail. */
  async close(): Promise<void> {
    const dispatchers = [...this.#dispatchers.values()]
    this.#dispatchers.clear()
    await Promise.all(dispatchers.map((dispatcher) => dispatcher.destroy()))
  }

  async #send(url: URL, request: HttpRequest, deadline: Deadline, mayHoldCredentials: boolean): Promise<HttpResponse> {
    const headers: Record<string, string | string[]> = { ...request.headers }
    if (mayHoldCredentials) {
      for (const [name, values] of this.#options.httpHeaders) headers[name.toLowerCase()] = [...values]
      const header = this.#authorizer.header((tokenUrl, form, authorization) => this.#post(tokenUrl, form, authorization, deadline))
      const authorization = typeof header === 'string' ? header : await header
      if (authorization !== '') headers['authorization'] = authorization
    }
    const dispatcher = this.#dispatcherFor(url)
    const options: Dispatcher.DispatchOptions = { origin: url.origin, path: url.pathname + url.search, method: 'GET', headers }
    try {
      const response = await exchange(dispatcher, options, request, this.#means, deadline)
      this.#answered.set(url.origin, true)
      return response
    } catch (error) {
      if (!(error instanceof HttpError) || !isStaleConnection(error) || !this.#answered.delete(url.origin)) throw error
      // The server closed an idle connection as the request went out: once more on a new one, within the deadline.
      return await exchange(dispatcher, options, request, this.#means, deadline)
    }
  }

  #post(tokenUrl: string, form: string, authorization: string, deadline: Deadline): Promise<HttpResponse> {
    const url = new URL(tokenUrl)
    const headers = { 'content-type': 'application/x-www-form-urlencoded', authorization, accept: 'application/json' }
    const options: Dispatcher.DispatchOptions = { origin: url.origin, path: url.pathname + url.search, method: 'POST', headers, body: form }
    return exchange(this.#dispatcherFor(url), options, { bodyBytesMax: TOKEN_BYTES_MAX, bodyBytesHint: 0 }, this.#means, deadline)
  }

  /** Throws HttpError for a proxy that none can be made of, or whose certificates cannot be read; the next request tries again. */
  #dispatcherFor(url: URL): Dispatcher {
    const proxy = proxyFor(url, this.#options, process.env) ?? ''
    let dispatcher = this.#dispatchers.get(proxy)
    if (dispatcher === undefined) {
      try {
        dispatcher = proxy === '' ? this.#makeAgent() : this.#makeProxyAgent(proxy)
      } catch (error) {
        throw new HttpError('CONNECT', `cannot use the proxy or its certificates: ${error instanceof Error ? error.message : String(error)}`, error)
      }
      this.#dispatchers.set(proxy, dispatcher)
    }
    return dispatcher
  }

  #agentOptions(): Agent.Options {
    return {
      // The exchange has its own deadline on the clock; undici's timers are coarse and count other things.
      headersTimeout: 0, bodyTimeout: 0, pipelining: 1, keepAliveTimeout: IDLE_MS, keepAliveMaxTimeout: IDLE_MS,
      maxHeaderSize: HEADER_BYTES_MAX, allowH2: this.#options.enableHttp2,
    }
  }

  /** Certificates are read for each new connection, so that renewed files are taken up. */
  #makeAgent(): Agent {
    const connect: buildConnector.connector = (options, callback) => {
      let connector: buildConnector.connector
      try {
        connector = buildConnector({ timeout: this.#connectMs, allowH2: this.#options.enableHttp2, ...tlsContext(this.#options.tls) })
      } catch (error) {
        callback(error instanceof Error ? error : new HttpError('CONNECT', String(error)), null)
        return
      }
      connector(options, callback)
    }
    const plain = buildConnector({ timeout: this.#connectMs })
    return new Agent({
      ...this.#agentOptions(),
      connect: (options, callback) => (options.protocol === 'https:' ? connect : plain)(options, callback),
    })
  }

  #makeProxyAgent(uri: string): ProxyAgent {
    const headers: Record<string, string[]> = {}
    for (const [name, values] of this.#options.proxyConnectHeader) headers[name] = [...values]
    return new ProxyAgent({ ...this.#agentOptions(), uri, headers, requestTls: { timeout: this.#connectMs, ...tlsContext(this.#options.tls) } })
  }
}

function isStaleConnection(error: HttpError): boolean {
  return (error.code === 'CLOSED' && error.message.startsWith('EOF')) || error.code === 'RESET'
}

function redirectTarget(location: string, from: URL): URL {
  const to = URL.canParse(location, from) ? new URL(location, from) : null
  if (to === null || (to.protocol !== 'http:' && to.protocol !== 'https:')) {
    throw new HttpError('REDIRECT', `cannot follow redirect to ${JSON.stringify(location.slice(0, 200))}`)
  }
  if (from.protocol === 'https:' && to.protocol === 'http:') {
    throw new HttpError('REDIRECT', `refused redirect from https to http (${to.origin})`)
  }
  return to
}

/** Options for node:tls. Throws where a file cannot be read. */
export function tlsContext(tls: TlsOptions | null): Partial<buildConnector.BuildOptions> {
  if (tls === null) return {}
  const text = (inline: string, file: string): string => (file === '' ? inline : Buffer.from(readRegular(file)).toString('utf8'))
  const ca = text(tls.ca, tls.caFile)
  const cert = text(tls.cert, tls.certFile)
  const key = text(tls.key, tls.keyFile)
  const minVersion = TLS_VERSIONS.get(tls.minVersion)
  const maxVersion = TLS_VERSIONS.get(tls.maxVersion)
  return {
    rejectUnauthorized: !tls.insecureSkipVerify,
    ...(ca !== '' && { ca }), ...(cert !== '' && { cert }), ...(key !== '' && { key }),
    ...(tls.serverName !== '' && { servername: tls.serverName }),
    ...(minVersion !== undefined && { minVersion }), ...(maxVersion !== undefined && { maxVersion }),
  }
}
