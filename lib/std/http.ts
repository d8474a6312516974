// An HTTP client as scrapers need it. Keep-alive, one deadline over the whole exchange, limits on headers and decoded
// body, redirects followed by hand so that credentials stay with the host they are for.
import type { Dispatcher } from 'undici'
import type { Clock } from './clock.ts'
import { Authorizer, type AuthOptions } from './http-auth.ts'
import type { Agents } from './http-agent.ts'
import { Endings } from './http-endings.ts'
import { HttpError } from './http-error.ts'
import { AnswerMemory, exchange, type Deadline, type ExchangeLimits, type ExchangeMeans, type HttpMethod, type HttpResponse, type TransportRequest } from './http-exchange.ts'
import { rehearse } from './http-rehearsal.ts'
import { LruMap } from './lru-map.ts'
import { PlainHttp, type PlainRequest } from './http-plain.ts'
import { proxyFor, type ProxyOptions } from './http-proxy.ts'
import type { TlsOptions } from './http-tls.ts'

export { HttpError, type HttpErrorCode } from './http-error.ts'
export type { TlsOptions } from './http-tls.ts'
export { AnswerMemory, type HttpMethod, type HttpResponse } from './http-exchange.ts'

export interface HttpClientOptions extends AuthOptions, ProxyOptions {
  tls: TlsOptions | null
  followRedirects: boolean
  enableHttp2: boolean
  proxyConnectHeader: ReadonlyMap<string, readonly string[]>
  httpHeaders: ReadonlyMap<string, readonly string[]>
  /** `post` and `send` make no connection to loopback, private and link-local addresses, whatever name leads there. */
  isPrivateRefused?: boolean
}

export interface HttpRequest extends ExchangeLimits {
  url: URL
  /** Lower-case names. Sent on redirects to other hosts too: no secrets here. */
  headers: Readonly<Record<string, string>>
  /** Covers connecting, redirects, headers, body and inflating. */
  timeoutMs: number
  signal: AbortSignal | null
}

type SentRequest = HttpRequest & { method: HttpMethod; body: string | Uint8Array | null }

/** A request, and what it was made of. */
interface Sent {
  asked: Readonly<Record<string, string>>
  authorization: string
  mayHoldCredentials: boolean
  plain: PlainRequest
}

const REDIRECTS_MAX = 10
/** More than a job has targets; redirects may lead to any number. */
const ORIGINS_MAX = 65_536
/** A connection that takes longer is given up even where the deadline is later. */
const CONNECT_MS_MAX = 10_000
const TOKEN_BYTES_MAX = 1 << 20
const REHEARSAL_MS = 1000
/** Straight to where it goes, with no credentials. */
const BARE: HttpClientOptions = {
  basicAuth: null, authorization: null, oauth2: null, proxyUrl: '', noProxy: '', proxyFromEnvironment: false, tls: null, followRedirects: false,
  enableHttp2: false, proxyConnectHeader: new Map(), httpHeaders: new Map(),
}

/** One per configuration; owns its connections until `close`. */
export class HttpClient {
  static #isRehearsed = false
  readonly #options: HttpClientOptions
  readonly #clock: Clock
  readonly #means: ExchangeMeans
  readonly #authorizer: Authorizer
  readonly #connectMs: number
  readonly #plain: PlainHttp
  #agents: Promise<Agents> | null = null
  /** What went to a URL last: most requests go out again as they were. */
  readonly #sent = new WeakMap<URL, Sent>()
  /** Origins that answered before: their connection may be an old one that the server is just closing. */
  readonly #answered = new LruMap<true>(ORIGINS_MAX)

  /** `timeoutMs`: the longest any request of this client may take; bounds the attempts to connect. */
  constructor(options: HttpClientOptions, clock: Clock, timeoutMs: number, memory: AnswerMemory = new AnswerMemory()) {
    this.#options = options
    this.#clock = clock
    this.#means = { endings: new Endings(clock), memory }
    this.#authorizer = new Authorizer(options, clock)
    this.#connectMs = Math.min(timeoutMs, CONNECT_MS_MAX)
    this.#plain = new PlainHttp(clock, this.#connectMs)
  }

  /** Loads what `send` sends with, 80 ms of this thread, that the first message need not wait for it; once for all clients it is rehearsed. */
  prepareToSend(): void {
    this.#agents ??= this.#openAgents()
    if (HttpClient.#isRehearsed) return
    HttpClient.#isRehearsed = true
    const client = new HttpClient(BARE, this.#clock, REHEARSAL_MS)
    const headers = { 'content-type': 'application/json' }
    void rehearse((url) => client.send({ url, method: 'POST', headers, body: '{}', timeoutMs: REHEARSAL_MS, signal: null, bodyBytesMax: 100, bodyBytesHint: 0 }).then((response) => client.release(response))).then(() => client.close())
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

  /** POST; any status is an answer. Rejects with HttpError. */
  post(request: HttpRequest & { body: string | Uint8Array }): Promise<HttpResponse> {
    return this.send({ ...request, method: 'POST' })
  }

  /**
   * As `post`, with any method; `body` null for none. Where the same is wanted at another address of the host (307, 308), it goes there;
   * other redirects are answers: what follows a 301 to 303 with a GET, as browsers do, is told that all went well and tells nobody.
   */
  async send(request: SentRequest): Promise<HttpResponse> {
    const deadline = { atMs: this.#clock.monotonic() + request.timeoutMs, signal: request.signal }
    let { url } = request
    for (let redirects = 0; ; redirects++) {
      const from = url
      const nextOf = (response: HttpResponse): URL | null => (this.#options.followRedirects ? repeatTarget(response, from) : null)
      const onHead = (response: HttpResponse): void => (nextOf(response) === null ? request.onHead?.(response) : undefined)
      const response = await this.#sendOnce({ ...request, url, onHead }, deadline)
      const next = nextOf(response)
      if (next === null) return response
      if (redirects === REDIRECTS_MAX) throw new HttpError('REDIRECT', `stopped after ${REDIRECTS_MAX} redirects`)
      this.release(response)
      url = next
    }
  }

  async #sendOnce(request: SentRequest, deadline: Deadline): Promise<HttpResponse> {
    const { url, method, headers, body } = request
    const authorization = await this.#authorizer.header((tokenUrl, form, basic) => this.#post(tokenUrl, form, basic, deadline))
    const sent: Record<string, string | string[]> = { ...headers }
    for (const [name, values] of this.#options.httpHeaders) sent[name.toLowerCase()] = [...values]
    if (authorization !== '') sent['authorization'] = authorization
    const proxy = proxyFor(url, this.#options, process.env) ?? ''
    const transport = await this.#agentFor(proxy)
    const message = { origin: url.origin, path: url.pathname + url.search, method, headers: sent }
    try {
      return await exchange(transport, body === null ? message : { ...message, body }, request, this.#means, deadline)
    } catch (error) {
      throw withProxy(error, proxy)
    }
  }

  /** Gives the memory of an answer's body back once it is read; not doing so costs speed only. */
  release(response: HttpResponse): void {
    this.#means.memory.buffers.release(response.body)
  }

  /** Closes all connections; requests under way fail. */
  async close(): Promise<void> {
    this.#plain.destroy()
    await (await this.#agents)?.destroy()
  }

  async #send(url: URL, request: HttpRequest, deadline: Deadline, mayHoldCredentials: boolean): Promise<HttpResponse> {
    let authorization = ''
    if (mayHoldCredentials) {
      const header = this.#authorizer.header((tokenUrl, form, basic) => this.#post(tokenUrl, form, basic, deadline))
      authorization = typeof header === 'string' ? header : await header
    }
    const known = this.#sent.get(url)
    const isSame = known !== undefined && known.asked === request.headers && known.authorization === authorization && known.mayHoldCredentials === mayHoldCredentials
    const { plain } = isSame ? known : this.#prepare(url, { asked: request.headers, authorization, mayHoldCredentials })
    const { origin } = plain
    const proxy = proxyFor(url, this.#options, process.env) ?? ''
    const transport = proxy === '' && origin.startsWith('http:') ? this.#plain : await this.#agentFor(proxy)
    try {
      const response = await exchange(transport, plain, request, this.#means, deadline)
      this.#answered.set(origin, true)
      return response
    } catch (error) {
      if (!(error instanceof HttpError) || !isStaleConnection(error) || !this.#answered.delete(origin)) throw withProxy(error, proxy)
      // The server closed an idle connection as the request went out: once more on a new one, within the deadline.
      return await exchange(transport, plain, request, this.#means, deadline)
    }
  }

  #prepare(url: URL, how: Omit<Sent, 'plain'>): Sent {
    const headers: Record<string, string | string[]> = { ...how.asked }
    if (how.mayHoldCredentials) for (const [name, values] of this.#options.httpHeaders) headers[name.toLowerCase()] = [...values]
    if (how.authorization !== '') headers['authorization'] = how.authorization
    const sent: Sent = { ...how, plain: { origin: url.origin, path: url.pathname + url.search, method: 'GET', headers, text: '' } }
    this.#sent.set(url, sent)
    return sent
  }

  async #post(tokenUrl: string, form: string, authorization: string, deadline: Deadline): Promise<HttpResponse> {
    const url = new URL(tokenUrl)
    const headers = { 'content-type': 'application/x-www-form-urlencoded', authorization, accept: 'application/json' }
    const request: TransportRequest = { origin: url.origin, path: url.pathname + url.search, method: 'POST', headers, body: form }
    const transport = await this.#agentFor(proxyFor(url, this.#options, process.env) ?? '')
    return exchange(transport, request, { bodyBytesMax: TOKEN_BYTES_MAX, bodyBytesHint: 0 }, this.#means, deadline)
  }

  /** undici's door, opened when it is needed. */
  async #agentFor(proxy: string): Promise<Dispatcher> {
    this.#agents ??= this.#openAgents()
    return (await this.#agents).dispatcherFor(proxy)
  }

  async #openAgents(): Promise<Agents> {
    const { Agents } = await import('./http-agent.ts')
    return new Agents(this.#options, this.#connectMs)
  }
}

/** A connection is made to the proxy, where there is one: it is what cannot be reached. */
function withProxy(error: unknown, proxy: string): unknown {
  if (proxy === '' || !(error instanceof HttpError) || error.code !== 'CONNECT' || error.message.startsWith('proxyconnect') || !URL.canParse(proxy)) return error
  return new HttpError('CONNECT', `proxyconnect ${new URL(proxy).host}: ${error.message}`, error)
}

function isStaleConnection(error: HttpError): boolean {
  return (error.code === 'CLOSED' && error.message.startsWith('EOF')) || error.code === 'RESET'
}

/** Where an answer wants the same request: credentials, also those in the address and the headers, are for its host alone. */
function repeatTarget({ status, location }: HttpResponse, from: URL): URL | null {
  if ((status !== 307 && status !== 308) || location === '' || !URL.canParse(location, from)) return null
  const to = new URL(location, from)
  const isAsSafe = to.protocol === from.protocol || (from.protocol === 'http:' && to.protocol === 'https:')
  return isAsSafe && to.hostname === from.hostname ? to : null
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
