// Long work of a thread that has other things to do as well: a generator that yields now and then. Who wants the result at
// once runs it through; who has a server to keep alive runs it in turns.
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Clock } from './clock.ts'

export type Steps<T> = Generator<void, T, void>

/** So long may a turn of the event loop take, ms; the last step of it may go on longer. */
const TURN_MS = 8

/** The result, at once. */
export function runThrough<T>(steps: Steps<T>): T {
  for (;;) {
    const { done, value } = steps.next()
    if (done) return value
  }
}

/** Resolves to the result; the event loop gets its turn in between. */
export async function runInTurns<T>(steps: Steps<T>, clock: Clock): Promise<T> {
  for (let turnAt = clock.monotonic();;) {
    const { done, value } = steps.next()
    if (done) return value
    if (clock.monotonic() - turnAt < TURN_MS) continue
    await nextTurn()
    turnAt = clock.monotonic()
  }
}
