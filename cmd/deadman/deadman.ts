// What hears the Watchdog, and pages once it has been silent for too long.
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { ask, words } from './ask.ts'
import type { DeadmanOptions } from './flags.ts'
import { AT_REST, SEND_MS, tell, waysOf, type Way } from './page.ts'
import { askParts } from './parts.ts'

/** Watchdogs come a minute apart, a little early or late. */
const HEARTBEAT_MS = 45_000
const BODY_BYTES_MAX = 1 << 20

export class Deadman {
  readonly #options: DeadmanOptions
  readonly #server: http.Server
  readonly #ways: readonly Way[]
  #heardMs: number
  #beatMs = -Infinity

  constructor(options: DeadmanOptions) {
    this.#options = options
    this.#ways = waysOf(options)
    // A Monitor that never comes is silent from now on.
    this.#heardMs = options.clock.monotonic()
    this.#server = http.createServer((request, response) => this.#take(request, response))
  }

  /** The port it listens on. */
  async start(): Promise<number> {
    await new Promise<void>((resolve, reject) => this.#server.once('error', reject).listen(this.#options.listen, resolve))
    return (this.#server.address() as AddressInfo).port
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise<void>((resolve) => this.#server.close(() => resolve()))
  }

  /** Pages if it is time to: called every few seconds, one after the other. Never rejects. */
  async look(): Promise<void> {
    const { clock, silenceMs, repeatMs, monitorUrl, log } = this.#options
    const nowMs = clock.monotonic()
    const silentMs = nowMs - this.#heardMs
    const isSilent = silentMs >= silenceMs
    // What could not be told of a silence that is over is no news, and must not hold up a page of the next one.
    if (!isSilent) for (const way of this.#ways) if (way.toldMs === null) Object.assign(way, AT_REST)
    const due = this.#ways.filter(({ toldMs, retryAtMs }) => nowMs >= retryAtMs && (isSilent ? toldMs === null || nowMs - toldMs >= repeatMs : toldMs !== null))
    if (due.length === 0) return
    const { stopped, why } = isSilent ? await askParts(monitorUrl, clock.now()) : { stopped: [], why: '' }
    const text = isSilent ? `Monitor has been silent for ${Math.round(silentMs / 1000)} s: ${why}` : 'Monitor is heard again'
    log(text)
    await Promise.all(due.map((way) => tell(way, { status: isSilent ? 'firing' : 'resolved', text, silentMs, stopped }, nowMs, log)))
  }

  #take(request: http.IncomingMessage, response: http.ServerResponse): void {
    const chunks: Buffer[] = []
    let size = 0
    request.on('data', (chunk: Buffer) => {
      size += chunk.length
      if (size <= BODY_BYTES_MAX) chunks.push(chunk)
    })
    // Who hangs up is told nothing.
    request.on('error', () => {})
    request.on('end', () => {
      if (request.method === 'GET') response.end(this.#state())
      else void this.#answer(Buffer.concat(chunks).toString(), response)
    })
  }

  #state(): string {
    const silentMs = this.#options.clock.monotonic() - this.#heardMs
    return `${JSON.stringify({ silent_seconds: Math.round(silentMs / 1000), paged: this.#ways.some(({ toldMs }) => toldMs !== null) })}\n`
  }

  async #answer(body: string, response: http.ServerResponse): Promise<void> {
    const status = watchdogStatus(body)
    if (status === 'firing') response.end(await this.#hear())
    else response.writeHead(status === 'resolved' ? 200 : 400).end('want an alert Watchdog that fires, as Alertmanager\'s webhooks have it\n')
  }

  /** What is answered. One that is repeated for minutes after the rules have stopped is none; clocks that differ make all parts look so. */
  async #hear(): Promise<string> {
    const { clock, monitorUrl } = this.#options
    const nowMs = clock.monotonic()
    const { stopped, hasSomeLeft } = await askParts(monitorUrl, clock.now())
    if (hasSomeLeft && stopped.includes('rules')) return 'not heard: nobody evaluates its rule any more\n'
    this.#heardMs = Math.max(this.#heardMs, nowMs)
    void this.#beat()
    return 'ok\n'
  }

  async #beat(): Promise<void> {
    const { heartbeatUrl, clock, log } = this.#options
    if (heartbeatUrl === '' || clock.monotonic() - this.#beatMs < HEARTBEAT_MS) return
    this.#beatMs = clock.monotonic()
    await ask(heartbeatUrl, SEND_MS).catch((error: unknown) => log(`the heartbeat URL does not answer as it should (${words(error)})`))
  }
}

/** Of the alert Watchdog in a webhook's body; '' where there is none. */
function watchdogStatus(body: string): string {
  let alerts: unknown
  try {
    alerts = (JSON.parse(body) as { alerts?: unknown }).alerts
  } catch {
    // No JSON, or null.
    return ''
  }
  const all = Array.isArray(alerts) ? alerts as ({ status?: string; labels?: { alertname?: string } } | null)[] : []
  const found = all.filter((alert) => alert?.labels?.alertname === 'Watchdog')
  return (found.find((alert) => alert?.status === 'firing') ?? found[0])?.status ?? ''
}
