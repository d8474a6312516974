// A thread for bcrypt, which takes a core for 50 ms and more a password: who guesses passwords must not hold up the main thread. It
// begins with the first and ends when none has come for a while. Without threads the main thread does it, in turns of 0.1 s.
import { Worker } from 'node:worker_threads'
import type { Clock, Timer } from '../lib/std/clock.ts'

export interface PasswordJob {
  password: string
  hash: string
}

/** Some seconds of work; then others are told to come again. */
const WAITING_MAX = 64
const IDLE_MS = 60_000

interface Asker {
  resolve: (isRight: boolean) => void
  reject: (error: Error) => void
}

export class PasswordThread {
  readonly #clock: Clock
  readonly #hasThreads: boolean
  #worker: Worker | null = null
  #idle: Timer | null = null
  /** In the order in which the thread answers. */
  readonly #askers: Asker[] = []

  constructor(clock: Clock, hasThreads: boolean) {
    this.#clock = clock
    this.#hasThreads = hasThreads
  }

  /** Rejects where too many wait, and where the thread has failed. */
  check(password: string, hash: string): Promise<boolean> {
    if (this.#askers.length >= WAITING_MAX) return Promise.reject(new Error('too many passwords wait to be looked at; try again in a second'))
    const { promise, resolve, reject } = Promise.withResolvers<boolean>()
    const asker = { resolve, reject }
    this.#askers.push(asker)
    if (this.#hasThreads) (this.#worker ??= this.#begin()).postMessage({ password, hash } satisfies PasswordJob)
    else void this.#checkHere(password, hash).then(resolve, reject).finally(() => this.#askers.splice(this.#askers.indexOf(asker), 1))
    return promise
  }

  stop(): void {
    this.#idle?.cancel()
    void this.#worker?.terminate()
  }

  /** The package is not loaded before it is needed. */
  async #checkHere(password: string, hash: string): Promise<boolean> {
    const { default: bcrypt } = await import('bcryptjs')
    return bcrypt.compare(password, hash)
  }

  #begin(): Worker {
    const worker = new Worker(new URL('./password-worker.ts', import.meta.url))
    // It keeps no process alive that has ended otherwise.
    worker.unref()
    let failure = new Error('the server is stopping')
    worker.on('message', (isRight: boolean) => {
      this.#askers.shift()?.resolve(isRight)
      this.#idle?.cancel()
      this.#idle = this.#clock.after(IDLE_MS, () => {
        if (this.#askers.length > 0) return
        // At once, so that who comes now gets another.
        this.#worker = null
        void worker.terminate()
      }, true)
    })
    worker.once('error', (error: unknown) => (failure = error instanceof Error ? error : new Error(String(error))))
    worker.once('exit', () => {
      if (this.#worker !== worker) return
      this.#worker = null
      for (const { reject } of this.#askers.splice(0)) reject(failure)
    })
    return worker
  }
}
