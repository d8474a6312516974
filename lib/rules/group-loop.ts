// Runs a group in its slots until it is stopped: evaluates, restores after the second time, counts slots it came too late
// for. Waits on monotonic time, so that a jump of the wall clock makes no storm and no silence: its alerts move with it, and
// targets are scraped at the new time before it is evaluated.
//
//   slot ─▶ evaluate ─▶ next slot is past? take the latest one, count those between : wait for it
import type { Clock, Timer } from '../std/clock.ts'
import type { RuleGroup } from './group.ts'
import { WallJump } from '../std/wall-jump.ts'
import { slotBefore, slotOffsetMs } from './slot.ts'

/** After a jump of the wall clock nothing is evaluated for so long: there are no samples near the new time before each target was scraped. */
const SETTLE_MS = 60_000

export interface LoopGround {
  clock: Clock
  /** null: its alerts are as they should be. Called after the second evaluation, and again where that was false. */
  restore: ((group: RuleGroup, nowMs: number) => boolean) | null
  /** Told after every evaluation. */
  onEvaluated: (group: RuleGroup) => void
}

export class GroupLoop {
  readonly group: RuleGroup
  readonly #ground: LoopGround
  readonly #offsetMs: number
  /** The slot that was evaluated last, or is waited for before the first. */
  #slotMs: number
  #timer: Timer | null = null
  #running: Promise<void> | null = null
  #evaluationCount = 0
  #isRestored = false
  #isStopped = false
  readonly #wallJump: WallJump
  #settledAtMs: number

  /** `settledAtMs`: of the loops before it. */
  constructor(group: RuleGroup, ground: LoopGround, settledAtMs: number = -Infinity) {
    const { intervalMs } = group.settings
    this.group = group
    this.#ground = ground
    this.#wallJump = new WallJump(ground.clock)
    this.#settledAtMs = settledAtMs
    this.#offsetMs = slotOffsetMs(group.config.file, group.config.name, intervalMs)
    this.#slotMs = slotBefore(ground.clock.now(), this.#offsetMs, intervalMs)
    this.#waitFor(this.#slotMs + intervalMs)
  }

  /** When samples are near the wall clock's time again, on the monotonic clock. */
  get settledAtMs(): number {
    return this.#settledAtMs
  }

  /** Resolves when an evaluation that runs has ended; none comes after, and alerts stand where the wall clock is. */
  async stop(): Promise<void> {
    this.#isStopped = true
    this.group.isStopped = true
    this.#timer?.cancel()
    await this.#running
    this.#lookAtWall()
  }

  /** ms that the wall clock has jumped since the last look, 0 where it has not. */
  #lookAtWall(): number {
    const jumpMs = this.#wallJump.look()
    if (jumpMs !== 0) {
      this.group.moveInTime(jumpMs)
      this.#settledAtMs = this.#ground.clock.monotonic() + SETTLE_MS
    }
    return jumpMs
  }

  #waitFor(slotMs: number): void {
    const { clock } = this.#ground
    const { intervalMs } = this.group.settings
    // Never longer than an interval: the wall clock may have been set back.
    const delayMs = Math.min(Math.max(slotMs - clock.now(), 0), intervalMs)
    this.#timer = clock.after(delayMs, () => {
      this.#running = this.#come(slotMs).finally(() => (this.#running = null))
    })
  }

  async #come(dueMs: number): Promise<void> {
    const { clock, restore, onEvaluated } = this.#ground
    const { intervalMs } = this.group.settings
    const nowMs = clock.now()
    const jumpMs = this.#lookAtWall()
    const latestMs = slotBefore(nowMs, this.#offsetMs, intervalMs)
    // The clock's own grain may let a timer off a moment early.
    const slotMs = jumpMs !== 0 || nowMs < dueMs - intervalMs ? latestMs : Math.max(dueMs, latestMs)
    const missed = jumpMs !== 0 ? 0 : Math.max(0, Math.round((slotMs - dueMs) / intervalMs))
    this.group.counts.missed += missed
    this.group.counts.iterations += missed
    this.#slotMs = slotMs
    if (clock.monotonic() < this.#settledAtMs) this.group.hold(slotMs, 'the wall clock has jumped; the rule is evaluated when targets have been scraped anew')
    else {
      await this.group.evaluate(slotMs)
      this.#evaluationCount++
    }
    if (this.#evaluationCount >= 2 && !this.#isRestored) this.#isRestored = restore === null || restore(this.group, clock.now())
    onEvaluated(this.group)
    if (!this.#isStopped) this.#waitFor(this.#slotMs + intervalMs)
  }
}
