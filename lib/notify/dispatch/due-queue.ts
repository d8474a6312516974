// What falls due when: a binary heap on monotonic time, with one timer for all. Ten thousand groups that fall due together
// are handed out in turns, so that the event loop goes on between.
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Clock, Timer } from '../../std/clock.ts'
import type { Logger } from '../../std/log.ts'
import { runInTurns, type Steps } from '../../std/steps.ts'

/** Items begun in a turn: each sets off work of its own, which the turn's clock does not see. */
const TURN_ITEMS = 8

interface Entry<T> {
  dueMs: number
  item: T
}

export class DueQueue<T extends object> {
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #run: (item: T) => Steps<void>
  readonly #heap: Entry<T>[] = []
  /** By item: its newest due time; older entries of the heap are void. */
  readonly #due = new Map<T, number>()
  #timer: Timer | null = null
  #timerMs = Infinity
  #isRunning = false
  #isStopped = false

  /** `run` is called for each item that is due; it must not throw. */
  constructor(clock: Clock, logger: Logger, run: (item: T) => Steps<void>) {
    this.#clock = clock
    this.#logger = logger
    this.#run = run
  }

  /** The item is due in `delayMs`, and at no other time. */
  set(item: T, delayMs: number): void {
    if (this.#isStopped) return
    const dueMs = this.#clock.monotonic() + delayMs
    this.#due.set(item, dueMs)
    this.#push({ dueMs, item })
    if (!this.#isRunning && dueMs < this.#timerMs) this.#arm()
  }

  remove(item: T): void {
    this.#due.delete(item)
  }

  stop(): void {
    this.#isStopped = true
    this.#timer?.cancel()
    this.#due.clear()
    this.#heap.length = 0
  }

  #arm(): void {
    this.#timer?.cancel()
    this.#timer = null
    this.#timerMs = Infinity
    const first = this.#heap[0]
    if (first === undefined || this.#isStopped) return
    this.#timerMs = first.dueMs
    this.#timer = this.#clock.after(Math.max(0, first.dueMs - this.#clock.monotonic()), () => void this.#work(), true)
  }

  async #work(): Promise<void> {
    this.#isRunning = true
    this.#timerMs = Infinity
    try {
      while (await runInTurns(this.#runDue(), this.#clock)) await nextTurn()
    } catch (error) {
      this.#logger.repeated('error', 'a group of alerts cannot be flushed', { err: error instanceof Error ? error : String(error) })
    }
    this.#isRunning = false
    this.#arm()
  }

  /** One turn's; whether more are due. */
  *#runDue(): Steps<boolean> {
    let count = 0
    while (this.#heap.length > 0 && this.#heap[0]!.dueMs <= this.#clock.monotonic()) {
      if (count === TURN_ITEMS) return true
      const { item, dueMs } = this.#pop()
      if (this.#due.get(item) !== dueMs) continue
      this.#due.delete(item)
      yield* this.#run(item)
      yield
      count++
    }
    return false
  }

  #push(entry: Entry<T>): void {
    const heap = this.#heap
    let at = heap.length
    heap.push(entry)
    while (at > 0) {
      const up = (at - 1) >> 1
      if (heap[up]!.dueMs <= entry.dueMs) break
      heap[at] = heap[up]!
      at = up
    }
    heap[at] = entry
  }

  #pop(): Entry<T> {
    const heap = this.#heap
    const first = heap[0]!
    const last = heap.pop()!
    if (heap.length === 0) return first
    let at = 0
    for (;;) {
      let down = 2 * at + 1
      if (down >= heap.length) break
      if (down + 1 < heap.length && heap[down + 1]!.dueMs < heap[down]!.dueMs) down++
      if (heap[down]!.dueMs >= last.dueMs) break
      heap[at] = heap[down]!
      at = down
    }
    heap[at] = last
    return first
  }
}
