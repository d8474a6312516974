// How long the main thread's event loop has stood still: the figure that says whether anything heavy slipped into it.
import { monitorEventLoopDelay, type IntervalHistogram } from 'node:perf_hooks'
import type { Clock, Timer } from './clock.ts'
import type { Metrics } from './metrics.ts'

/** A stall may show shorter by so much. Each time the loop is woken: 100 times a second were half of what an idle server takes. */
const RESOLUTION_MS = 50
const WINDOW_MS = 10_000
const WINDOWS = 6
/** How often the clock is asked whether the process as a whole stood still, which the histogram takes for idleness. */
const TICK_MS = 1000

/** Longest stall of the last minute, as `monitor_event_loop_stall_seconds`; also the mean delay. */
export class StallWatch {
  readonly #histogram: IntervalHistogram
  readonly #clock: Clock
  readonly #recentMs: number[] = []
  /** How late the latest tick of this window was. */
  #lateMs = 0
  #timer: Timer | null = null
  #ticker: Timer | null = null

  constructor(clock: Clock, metrics: Metrics) {
    this.#clock = clock
    this.#histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS })
    this.#histogram.enable()
    metrics.gauge('monitor_event_loop_stall_seconds', 'Longest stall of the main thread in the last minute; may be told up to 0.05 s shorter.', [], (gauge) => gauge.set(this.longestMs() / 1000))
    this.#rotate()
    this.#tick()
  }

  /** Longest stall in ms over the last minute. */
  longestMs(): number {
    return Math.max(this.#currentMs(), ...this.#recentMs)
  }

  stop(): void {
    this.#timer?.cancel()
    this.#ticker?.cancel()
    this.#histogram.disable()
  }

  /** The histogram counts from tick to tick: an idle loop shows the resolution itself. */
  #currentMs(): number {
    return Math.max(0, this.#lateMs, this.#histogram.max / 1e6 - RESOLUTION_MS)
  }

  #tick(): void {
    const dueMs = this.#clock.monotonic() + TICK_MS
    this.#ticker = this.#clock.after(TICK_MS, () => {
      this.#lateMs = Math.max(this.#lateMs, this.#clock.monotonic() - dueMs)
      this.#tick()
    }, true)
  }

  #rotate(): void {
    this.#timer = this.#clock.after(WINDOW_MS, () => {
      this.#recentMs.push(this.#currentMs())
      if (this.#recentMs.length > WINDOWS) this.#recentMs.shift()
      this.#histogram.reset()
      this.#lateMs = 0
      this.#rotate()
    }, true)
  }
}
