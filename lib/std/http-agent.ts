// The door to undici: requests over TLS, HTTP/2 and through proxies. Loaded when the first such request is made.
import { Agent, ProxyAgent, buildConnector, type Dispatcher } from 'undici'
import { hostLookup } from './host-lookup.ts'
import { HttpError } from './http-error.ts'
import { isPrivateAddress, publicLookup } from './private-address.ts'
import { tlsContext, type TlsOptions } from './http-tls.ts'

export interface AgentOptions {
  tls: TlsOptions | null
  enableHttp2: boolean
  proxyConnectHeader: ReadonlyMap<string, readonly string[]>
  isPrivateRefused?: boolean
}

const HEADER_BYTES_MAX = 16_384
const IDLE_MS = 300_000

/** Owns its connections until `destroy`. */
export class Agents {
  readonly #options: AgentOptions
  readonly #connectMs: number
  /** By proxy URL, '' for none. */
  readonly #dispatchers = new Map<string, Dispatcher>()

  constructor(options: AgentOptions, connectMs: number) {
    this.#options = options
    this.#connectMs = connectMs
  }

  /** Throws HttpError for a proxy that none can be made of, or whose certificates cannot be read; the next request tries again. */
  dispatcherFor(proxy: string): Dispatcher {
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

  async destroy(): Promise<void> {
    const dispatchers = [...this.#dispatchers.values()]
    this.#dispatchers.clear()
    await Promise.all(dispatchers.map((dispatcher) => dispatcher.destroy()))
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
    const { isPrivateRefused = false } = this.#options
    const lookup = isPrivateRefused ? publicLookup : hostLookup
    const connect: buildConnector.connector = (options, callback) => {
      let connector: buildConnector.connector
      try {
        // An address in place of a name is never looked up.
        if (isPrivateRefused && isPrivateAddress(options.hostname)) throw new HttpError('CONNECT', `refused: ${options.hostname} is a private address`)
        connector = buildConnector({ timeout: this.#connectMs, allowH2: this.#options.enableHttp2, lookup, ...tlsContext(this.#options.tls) })
      } catch (error) {
        callback(error instanceof Error ? error : new HttpError('CONNECT', String(error)), null)
        return
      }
      connector(options, callback)
    }
    const plain = buildConnector({ timeout: this.#connectMs, lookup })
    return new Agent({
      ...this.#agentOptions(),
      connect: (options, callback) => (options.protocol === 'https:' || isPrivateRefused ? connect : plain)(options, callback),
    })
  }

  #makeProxyAgent(uri: string): ProxyAgent {
    const headers: Record<string, string[]> = {}
    for (const [name, values] of this.#options.proxyConnectHeader) headers[name] = [...values]
    return new ProxyAgent({ ...this.#agentOptions(), uri, headers, proxyTls: { lookup: hostLookup }, requestTls: { timeout: this.#connectMs, ...tlsContext(this.#options.tls) } })
  }
}
