// How long people wait for the relational store. Its disk may hang for minutes: who asks is then told so, soon, and nobody who
// comes later waits for the same. What was asked for may still be carried out: whoever asks takes it back.
import { isDoneWithin, type Clock } from '../std/clock.ts'
import { MetaError } from './errors.ts'

/** For one change, before which nothing else may come; in a storm the store has much to do before it. */
const ANSWER_MS_MAX = 5000
const NO_ANSWER = 'the relational store does not answer, its disk may hang; try again'

export class StorePatience {
  readonly #clock: Clock
  #isLate = false

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Someone has waited in vain, and the store has not answered since. */
  get isLate(): boolean {
    return this.#isLate
  }

  /** The store has answered. */
  answered(): void {
    this.#isLate = false
  }

  /** Whether it is done within that; it goes on if not. Rejects as it does. */
  async isDoneWithin(waitMs: number, work: Promise<unknown>): Promise<boolean> {
    const isDone = await isDoneWithin(work, waitMs, this.#clock)
    if (!isDone) this.#isLate = true
    return isDone
  }

  /**
   * What the store answers. Rejects with MetaError: as the store does, or where it takes more than five seconds, or is known not to
   * answer, when `ask` is not called. `onLate` is called in the first case of these two.
   */
  async answerOf<T>(ask: () => Promise<T>, onLate: () => void = () => {}): Promise<T> {
    if (this.#isLate) throw new MetaError(NO_ANSWER)
    const asked = ask().finally(() => this.answered())
    // Nobody else looks at what fails too late.
    asked.catch(() => {})
    if (await this.isDoneWithin(ANSWER_MS_MAX, asked)) return asked
    onLate()
    throw new MetaError(NO_ANSWER)
  }
}
