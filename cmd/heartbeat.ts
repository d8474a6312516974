// Each part of Monitor is asked every 10 s whether it works; when it does, its heartbeat is set. A part that hangs does not
// answer, and its heartbeat stays: the dead man's switch (cmd/deadman/) names it, and the rule MonitorComponentStopped fires.
import type { Clock, Timer } from '../lib/std/clock.ts'
import type { Logger } from '../lib/std/log.ts'
import type { Metrics } from '../lib/std/metrics.ts'

export type Component = 'scrape' | 'ingest' | 'log' | 'head' | 'query' | 'rules' | 'notify' | 'maintenance'

/** Resolves to whether the part works; what it rejects with is why not. */
export type Probe = () => boolean | Promise<boolean>

const INTERVAL_MS = 10_000
const REASON_CHARS_MAX = 200

/** Of a part that is asked something: that it is busy, or begins anew, is said for it by others while it hangs. Rejects with what was said. */
export async function isAnswered(asked: Promise<{ status: number; body: Uint8Array }>): Promise<true> {
  const { status, body } = await asked
  if (status !== 200) throw new Error(`status ${status}: ${Buffer.from(body).toString().slice(0, REASON_CHARS_MAX)}`)
  return true
}

export class Heartbeats {
  readonly #probes: ReadonlyMap<Component, Probe>
  readonly #clock: Clock
  readonly #logger: Logger
  /** Unix ms. */
  readonly #beats = new Map<Component, number>()
  /** Parts that have not answered yet. */
  readonly #asked = new Set<Component>()
  #timer: Timer | null = null

  constructor(probes: Readonly<Record<Component, Probe>>, { clock, logger, metrics }: { clock: Clock; logger: Logger; metrics: Metrics }) {
    this.#probes = new Map(Object.entries(probes) as [Component, Probe][])
    this.#clock = clock
    this.#logger = logger
    metrics.gauge('monitor_heartbeat_timestamp_seconds', 'When a part of Monitor last showed that it works.', ['component'], (gauge) => {
      for (const [component, beatMs] of this.#beats) gauge.labels(component).set(beatMs / 1000)
    })
    for (const component of this.#probes.keys()) this.#beats.set(component, clock.now())
    this.#schedule()
  }

  stop(): void {
    this.#timer?.cancel()
  }

  #schedule(): void {
    this.#timer = this.#clock.after(INTERVAL_MS, () => {
      for (const [component, probe] of this.#probes) if (!this.#asked.has(component)) void this.#ask(component, probe)
      this.#schedule()
    }, true)
  }

  async #ask(component: Component, probe: Probe): Promise<void> {
    this.#asked.add(component)
    try {
      if (await probe()) this.#beats.set(component, this.#clock.now())
    } catch (error) {
      this.#logger.repeated('warn', 'a part of Monitor does not work', { component, err: error instanceof Error ? error : String(error) }, component)
    } finally {
      this.#asked.delete(component)
    }
  }
}
