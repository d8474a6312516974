// What hears the Watchdog, and pages once it has been silent for too long.
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { ask, words } from './ask.ts'
import type { DeadmanOptions } from './flags.ts'
import { page, SEND_MS } from './page.ts'
import { askParts } from './parts.ts'

/** Watchdogs come a minute apart, a little early or late. */
const HEARTBEAT_MS = 45_000
const BODY_BYTES_MAX = 1 << 20

export class Deadman {
  readonly #options: DeadmanOptions
  readonly #server: http.Server
  #heardMs: number
  /** null: nobody was paged of this silence. */
  #pagedMs: number | null = null
  #beatMs = -Infinity

  constructor(options: DeadmanOptions) {
    this.#options = options
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

  /** Pages if it is time to: once every few seconds, one after the other; what cannot be told is tried again with the next. Never rejects. */
  async look(): Promise<void> {
    const { clock, silenceMs, repeatMs, monitorUrl } = this.#options
    const nowMs = clock.monotonic()
    const silentMs = nowMs - this.#heardMs
    if (silentMs < silenceMs) {
      if (this.#pagedMs !== null && await page({ status: 'resolved', text: 'Monitor is heard again', silentMs, stopped: [] }, this.#options)) this.#pagedMs = null
      return
    }
    if (this.#pagedMs !== null && nowMs - this.#pagedMs < repeatMs) return
    const { stopped, why } = await askParts(monitorUrl, clock.now())
    const text = `Monitor has been silent for ${Math.round(silentMs / 1000)} s: ${why}`
    if (await page({ status: 'firing', text, silentMs, stopped }, this.#options)) this.#pagedMs = nowMs
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
    return `${JSON.stringify({ silent_seconds: Math.round(silentMs / 1000), paged: this.#pagedMs !== null })}\n`
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
