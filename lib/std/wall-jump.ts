// Notices that the wall clock was set, or that the machine slept: then it has gone off from the monotonic one. For what counts
// time by the wall clock because people read it, and must not count a jump.
import type { Clock } from './clock.ts'

/** Less is taken for drift: NTP slews by half a millisecond a second at most, and leap seconds are one. */
const JUMP_MS_MIN = 30_000

export class WallJump {
  readonly #clock: Clock
  /** Wall clock less monotonic clock. */
  #offsetMs: number

  constructor(clock: Clock) {
    this.#clock = clock
    this.#offsetMs = clock.now() - clock.monotonic()
  }

  /** By how many ms the wall clock has jumped since the last look, below 0 for back; 0 where it has not. */
  look(): number {
    const offsetMs = this.#clock.now() - this.#clock.monotonic()
    const jumpMs = offsetMs - this.#offsetMs
    this.#offsetMs = offsetMs
    return Math.abs(jumpMs) < JUMP_MS_MIN ? 0 : jumpMs
  }
}
