// Which lines of a cause that lasts are told: the first at once, then one after a minute, two, four … at most an hour, with how often
// it has come meanwhile. A disk that is full for a day has some thirty lines of a thousand rules, not thousands a minute.
import { LruMap } from './lru-map.ts'

interface Cause {
  /** That were not told. */
  leftOut: number
  lastMs: number
  /** When the next one is told. */
  dueMs: number
  pauseMs: number
}

const PAUSE_MS_MIN = 60_000
const PAUSE_MS_MAX = 3_600_000
/** What has not come for so long, nor for as long as it was kept silent, begins anew: groups of alerts are told again after five minutes. */
const OVER_MS = 600_000
const CAUSES_MAX = 10_000

export class RepeatedLines {
  readonly #causes = new LruMap<Cause>(CAUSES_MAX)

  /** How many lines of the cause the one stands for that is told now; 0: none is. Times are monotonic ms. Numbers in the text make no other cause; in `of`, whose it is, they do. */
  take(of: string, text: string, nowMs: number): number {
    const key = `${of}\n${text.replace(/\d+/g, '0')}`
    const known = this.#causes.get(key)
    if (known !== undefined && nowMs < known.dueMs) {
      known.leftOut++
      known.lastMs = nowMs
      return 0
    }
    const isLasting = known !== undefined && nowMs - known.lastMs <= Math.max(known.pauseMs, OVER_MS)
    const pauseMs = isLasting ? Math.min(PAUSE_MS_MAX, 2 * known.pauseMs) : PAUSE_MS_MIN
    this.#causes.set(key, { leftOut: 0, lastMs: nowMs, dueMs: nowMs + pauseMs, pauseMs })
    return 1 + (known?.leftOut ?? 0)
  }
}
