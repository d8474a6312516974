// What an Alertmanager was told that still fires. It keeps alerts in memory alone: one that begins anew forgets those that it has
// taken, and the rules would tell them again within a minute only. While anything fires its `/api/v2/status` is asked since when it runs.
import type { SentAlert } from '../model/alert.ts'
import { fingerprint } from '../model/fingerprint.ts'
import type { Clock, Timer } from '../std/clock.ts'
import { HttpError, type HttpClient } from '../std/http.ts'

const ASK_MS = 5000
const STATUS_BYTES_MAX = 4 << 20 // The text of its configuration is among it.
const ALERTS_PATH = /\/api\/v2\/alerts\/?$/

export interface MemoryOptions {
  /** Where alerts are posted to. */
  url: URL
  client: HttpClient
  timeoutMs: number
  headers: Readonly<Record<string, string>>
  /** Alerts that are kept, the newest. */
  capacity: number
  clock: Clock
  /** It has forgotten these, in the order in which they were told. */
  onForgotten: (alerts: readonly SentAlert[]) => void
}

export class AlertmanagerMemory {
  readonly #options: MemoryOptions
  readonly #statusUrl: URL
  readonly #told = new Map<string, SentAlert>()
  /** Unix ms, by its clock: the latest start that was seen. Several behind one address answer in turns. */
  #startedMs: number | null = null
  /** Whoever takes alerts without having that status is not asked again. */
  #isAsked: boolean
  #timer: Timer | null = null
  #isAsking = false
  #isStopped = false

  constructor(options: MemoryOptions) {
    this.#options = options
    this.#isAsked = ALERTS_PATH.test(options.url.pathname)
    this.#statusUrl = new URL(options.url)
    this.#statusUrl.pathname = options.url.pathname.replace(ALERTS_PATH, '/api/v2/status')
  }

  /** It has taken these. */
  add(alerts: readonly SentAlert[]): void {
    if (!this.#isAsked) return
    const nowMs = this.#options.clock.now()
    for (const alert of alerts) {
      const key = fingerprint(alert.labels)
      this.#told.delete(key)
      if (alert.endsAtMs > nowMs) this.#told.set(key, alert)
    }
    for (const key of this.#told.keys()) {
      if (this.#told.size <= this.#options.capacity) break
      this.#told.delete(key)
    }
    if (this.#timer === null && !this.#isAsking) void this.#ask()
  }

  stop(): void {
    this.#isStopped = true
    this.#timer?.cancel()
  }

  async #ask(): Promise<void> {
    this.#timer = null
    const { clock, onForgotten } = this.#options
    for (const [key, { endsAtMs }] of this.#told) if (endsAtMs <= clock.now()) this.#told.delete(key)
    if (this.#told.size === 0 || this.#isStopped) return
    this.#isAsking = true
    const startedMs = await this.#askStart()
    this.#isAsking = false
    if (this.#isStopped) return
    if (startedMs !== null) {
      if (this.#startedMs !== null && startedMs > this.#startedMs) onForgotten([...this.#told.values()])
      this.#startedMs = Math.max(startedMs, this.#startedMs ?? 0)
    }
    if (this.#isAsked) this.#timer = clock.after(ASK_MS, () => void this.#ask(), true)
  }

  /** null: it does not say. */
  async #askStart(): Promise<number | null> {
    const { client, headers, timeoutMs } = this.#options
    try {
      const { status, body } = await client.get({ url: this.#statusUrl, headers, timeoutMs, signal: null, bodyBytesMax: STATUS_BYTES_MAX, bodyBytesHint: 0 })
      const startedMs = status === 200 ? startOf(Buffer.from(body).toString()) : null
      if (startedMs === null && status < 500 && this.#startedMs === null) this.#isAsked = false
      return startedMs
    } catch (error) {
      if (!(error instanceof HttpError)) throw error
      return null // It is asked again soon; that it takes no alerts is told by who sends them.
    }
  }
}

function startOf(text: string): number | null {
  try {
    const startedMs = Date.parse(String((JSON.parse(text) as { uptime?: unknown } | null)?.uptime))
    return Number.isNaN(startedMs) ? null : startedMs
  } catch {
    return null // No JSON: it is no Alertmanager.
  }
}
