// The only door to time. Everything that waits or asks the hour takes a Clock, so that tests turn it by hand
// (FakeClock) and a simulation can own it.

/** A timer that can be cancelled; cancelling twice is harmless. */
export interface Timer {
  cancel(): void
}

export interface Clock {
  /** Unix time in ms; may jump when the machine's clock is set. */
  now(): number
  /** Monotonic ms since an arbitrary start; never jumps. */
  monotonic(): number
  /** Runs `f` once after `delayMs` of monotonic time. Does not keep the process alive when `isBackground`. */
  after(delayMs: number, f: () => void, isBackground?: boolean): Timer
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(delayMs, f, isBackground = false) {
    const handle = setTimeout(f, delayMs)
    if (isBackground) handle.unref()
    return { cancel: () => clearTimeout(handle) }
  },
}

/** Resolves after `delayMs`, or rejects with the signal's reason as soon as it aborts. */
export function sleep(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted()
    const onAbort = (): void => {
      timer.cancel()
      reject(signal?.reason as Error)
    }
    const timer = clock.after(delayMs, () => {
      signal?.removeEventListener('abort', onAbort)
      resolve()
    })
    signal?.addEventListener('abort', onAbort, { once: true })
  })
}

/** Whether the work is done within `waitMs`; it goes on if not. Rejects as it does. */
export async function isDoneWithin(work: Promise<unknown>, waitMs: number, clock: Clock): Promise<boolean> {
  let timer: Timer | null = null
  const late = new Promise<boolean>((resolve) => (timer = clock.after(waitMs, () => resolve(false), true)))
  try {
    return await Promise.race([work.then(() => true), late])
  } finally {
    timer!.cancel()
  }
}

/** A clock that moves only by `advance`. Timers fire in order of their due time, then of their making. */
export class FakeClock implements Clock {
  #nowMs: number
  #elapsedMs = 0
  #timers: { dueMs: number; f: () => void }[] = []

  constructor(startMs = 1_700_000_000_000) {
    this.#nowMs = startMs
  }

  now(): number {
    return this.#nowMs
  }

  monotonic(): number {
    return this.#elapsedMs
  }

  after(delayMs: number, f: () => void): Timer {
    const timer = { dueMs: this.#elapsedMs + Math.max(0, delayMs), f }
    this.#timers.push(timer)
    return { cancel: () => void (this.#timers = this.#timers.filter((other) => other !== timer)) }
  }

  /** Moves time on by `ms`, firing what falls due; promises settled by a timer run before the next timer. */
  async advance(ms: number): Promise<void> {
    const untilMs = this.#elapsedMs + ms
    for (;;) {
      let next: { dueMs: number; f: () => void } | undefined
      for (const timer of this.#timers) if (timer.dueMs <= untilMs && (!next || timer.dueMs < next.dueMs)) next = timer
      if (!next) break
      this.#timers = this.#timers.filter((other) => other !== next)
      this.#step(next.dueMs)
      next.f()
      for (let i = 0; i < 10; i++) await Promise.resolve()
    }
    this.#step(untilMs)
    for (let i = 0; i < 10; i++) await Promise.resolve()
  }

  /** Sets the wall clock without moving monotonic time, as NTP or an operator does. */
  jump(ms: number): void {
    this.#nowMs += ms
  }

  #step(toMs: number): void {
    this.#nowMs += toMs - this.#elapsedMs
    this.#elapsedMs = toMs
  }
}
