// HTTP for talking to a service rather than reading a page: any method, a body, the answer's headers and its body whatever
// the status. No redirects: a signed request is for one host. One deadline over the whole exchange.
import type { buildConnector, Dispatcher, request } from 'undici'
import type { Clock } from './clock.ts'
import { HttpError, toHttpError } from './http-error.ts'
import { tlsContext, type TlsOptions } from './http-tls.ts'

export interface TransferRequest {
  method: 'GET' | 'HEAD' | 'PUT' | 'POST' | 'DELETE'
  url: URL
  /** Lower-case names. */
  headers: Readonly<Record<string, string>>
  body: Uint8Array | null
  timeoutMs: number
  /** The answer must have begun so long after the request went out, which may have waited for a connection; not given: `timeoutMs` alone counts. */
  headersMs?: number
  /** An answer of this many bytes or more is refused. */
  bodyBytesMax: number
}

export interface TransferAnswer {
  status: number
  /** Lower-case names; of several values the first. */
  headers: ReadonlyMap<string, string>
  body: Uint8Array
}

const IDLE_MS = 4000
const CONNECT_MS = 10_000

/** What of undici is used. */
interface Transport {
  agent: Dispatcher
  request: typeof request
}

/** Owns its connections until `close`. */
export class HttpTransfer {
  readonly #clock: Clock
  readonly #tls: TlsOptions | null
  readonly #connections: number
  /** undici is loaded with the first request: every thread that may read a bucket would else pay 0.1 s for it at its start. */
  #transport: Promise<Transport> | null = null
  readonly #closing = new AbortController()

  /** At most `connections` to one host at a time; further requests wait for one. */
  constructor(clock: Clock, tls: TlsOptions | null, connections: number) {
    this.#clock = clock
    this.#tls = tls
    this.#connections = connections
  }

  /** Any status is an answer. Rejects with HttpError. */
  async send({ method, url, headers, body, timeoutMs, headersMs = 0, bodyBytesMax }: TransferRequest): Promise<TransferAnswer> {
    const late = new AbortController()
    const timer = this.#clock.after(timeoutMs, () => late.abort(new HttpError('TIMEOUT', `no whole answer within ${timeoutMs / 1000} s`)))
    let hasHeaders = false
    try {
      const signal = AbortSignal.any([late.signal, this.#closing.signal])
      const { agent, request } = await (this.#transport ??= openTransport(this.#tls, this.#connections))
      const reply = await request(url, { method, headers: { ...headers }, body, dispatcher: agent, signal, headersTimeout: headersMs })
      hasHeaders = true
      const parts: Buffer[] = []
      let bytes = 0
      for await (const part of reply.body as AsyncIterable<Buffer>) {
        bytes += part.length
        if (bytes >= bodyBytesMax) throw new HttpError('BODY_TOO_LARGE', `the answer exceeds ${bodyBytesMax} bytes`)
        parts.push(part)
      }
      const names = new Map<string, string>()
      for (const [name, value] of Object.entries(reply.headers)) if (value !== undefined) names.set(name, Array.isArray(value) ? value[0]! : value)
      return { status: reply.statusCode, headers: names, body: parts.length === 1 ? parts[0]! : Buffer.concat(parts) }
    } catch (error) {
      throw toHttpError(error, hasHeaders)
    } finally {
      timer.cancel()
    }
  }

  /** Closes all connections; requests under way fail. */
  async close(): Promise<void> {
    this.#closing.abort(new HttpError('ABORTED', 'the client was closed'))
    await (await this.#transport)?.agent.destroy()
  }
}

async function openTransport(tls: TlsOptions | null, connections: number): Promise<Transport> {
  const { Agent, buildConnector, request } = await import('undici')
  // *.localhost is this machine (RFC 6761 §6.3), which not every resolver knows. Certificates are read for each new connection, so that renewed files are taken up.
  const connect: buildConnector.connector = (options, callback) => {
    try {
      const local = options.hostname.endsWith('.localhost') ? { ...options, hostname: '127.0.0.1', servername: options.hostname } : options
      buildConnector({ timeout: CONNECT_MS, ...tlsContext(tls) })(local, callback)
    } catch (error) {
      callback(error instanceof Error ? error : new HttpError('CONNECT', String(error)), null)
    }
  }
  const agent = new Agent({ connections, pipelining: 1, headersTimeout: 0, bodyTimeout: 0, keepAliveTimeout: IDLE_MS, keepAliveMaxTimeout: IDLE_MS, connect })
  return { agent, request }
}
