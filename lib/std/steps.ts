// Long work of a thread that has other things to do as well: a generator that yields now and then. Who wants the result at
// once runs it through; who has a server to keep alive runs it in turns. All work in turns shares each turn of the event loop: ten
// pieces with a turn of their own each would hold it ten times as long.
//
//   runInTurns ─▶ at once, while the turn lasts ─▶ queue ─(setImmediate: the next turn)─▶ some ms of each, round and round
import { setImmediate as nextTurn } from 'node:timers'
import type { Clock } from './clock.ts'

export type Steps<T> = Generator<void, T, void>

/** So long may a turn of the event loop take, ms; the last step of it may go on longer. */
const TURN_MS = 8
/** Of one piece of work, while others wait. */
const SHARE_MS = 2

/** The result, at once. */
export function runThrough<T>(steps: Steps<T>): T {
  for (;;) {
    const { done, value } = steps.next()
    if (done) return value
  }
}

/** Resolves to the result; the event loop gets its turn in between. */
export function runInTurns<T>(steps: Steps<T>, clock: Clock): Promise<T> {
  let turns = turnsOf.get(clock)
  if (turns === undefined) turnsOf.set(clock, (turns = new Turns(clock)))
  return new Promise((resolve, reject) => turns.begin({ steps, resolve, reject } as Work))
}

/** Items sorted or merged between two glances at the clock. */
const SORT_ITEMS = 2048

/** The items in order, equal ones as they stand: sorted some at a time, then merged. */
export function* sortedInSteps<T>(items: readonly T[], compare: (a: T, b: T) => number): Steps<T[]> {
  let from: T[] = []
  for (let at = 0; at < items.length; at += SORT_ITEMS) {
    for (const item of items.slice(at, at + SORT_ITEMS).toSorted(compare)) from.push(item)
    yield
  }
  for (let length = SORT_ITEMS; length < items.length; length *= 2) {
    const to: T[] = []
    for (let at = 0; at < from.length; at += 2 * length) {
      const [middle, end] = [Math.min(at + length, from.length), Math.min(at + 2 * length, from.length)]
      for (let a = at, b = middle; a < middle || b < end;) {
        to.push(b === end || (a < middle && compare(from[a]!, from[b]!) <= 0) ? from[a++]! : from[b++]!)
        if (to.length % SORT_ITEMS === 0) yield
      }
    }
    from = to
  }
  return from
}

interface Work {
  steps: Steps<unknown>
  resolve: (value: unknown) => void
  reject: (error: unknown) => void
}

const turnsOf = new WeakMap<Clock, Turns>()

class Turns {
  readonly #clock: Clock
  readonly #queue: Work[] = []
  /** Of this turn of the event loop. */
  #usedMs = 0
  #isArmed = false

  constructor(clock: Clock) {
    this.#clock = clock
  }

  begin(work: Work): void {
    if (this.#usedMs >= TURN_MS || !this.#isDone(work, TURN_MS)) this.#queue.push(work)
    // Also where it is done: with the next turn the time begins anew.
    this.#arm()
  }

  #arm(): void {
    if (this.#isArmed) return
    this.#isArmed = true
    nextTurn(() => this.#turn())
  }

  #turn(): void {
    this.#isArmed = false
    this.#usedMs = 0
    while (this.#queue.length > 0 && this.#usedMs < TURN_MS) {
      const work = this.#queue.shift()!
      if (!this.#isDone(work, SHARE_MS)) this.#queue.push(work)
    }
    if (this.#queue.length > 0) this.#arm()
  }

  /** Goes on with it, one step at least. */
  #isDone({ steps, resolve, reject }: Work, shareMs: number): boolean {
    const fromMs = this.#clock.monotonic()
    const usedBeforeMs = this.#usedMs
    const limitMs = Math.min(shareMs, TURN_MS - usedBeforeMs)
    try {
      for (;;) {
        const { done, value } = steps.next()
        const tookMs = this.#clock.monotonic() - fromMs
        this.#usedMs = usedBeforeMs + tookMs
        if (done) resolve(value)
        if (done) return true
        if (tookMs >= limitMs) return false
      }
    } catch (error) {
      reject(error)
      return true
    }
  }
}
