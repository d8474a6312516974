// Ranges of objects for a thread that must not await: a query's operators are synchronous, HTTP is not. A thread beside it
// fetches, side by side; who asked goes on with other work, and sleeps when it needs what is not there yet.
//
//   begin ─▶ message ─▶ fetch-serve.ts: gets, some at a time ─▶ message, wake ─▶ take returns
//
// Who sleeps hears no event: that the thread has died it learns from shared memory, at once where the thread could still say
// so, else by its pulse. Another one is started then and asked for the same once more.
import { MessageChannel, receiveMessageOnPort, Worker, type MessagePort } from 'node:worker_threads'
import { assert } from '../../lib/std/assert.ts'
import type { StorePlace } from './open-store.ts'

export interface ObjectRange {
  key: string
  offset: number
  bytes: number
}

/** The bytes of a range, or a sentence about why there are none. */
export type Fetched = Uint8Array | string

export interface RangeFetcher {
  /** Something may be fetched soon. */
  wake(): void
  /** Begins to fetch; a number for `take`. */
  begin(ranges: readonly ObjectRange[]): number
  /** As the ranges that `begin` was given, in their order, once; null if they were forgotten. Holds the thread until all is there. */
  take(id: number): Fetched[] | null
  /** Nobody takes what was begun so far. */
  forget(): void
  close(): void
}

/** To the thread, and back. */
export interface FetchRequest {
  id: number
  ranges: readonly ObjectRange[]
}

export interface FetchAnswer {
  id: number
  fetched: Fetched[]
}

/** What the fetching thread is given. */
export interface FetchSeat {
  place: StorePlace
  port: MessagePort
  /** Of int32: the places below. */
  signs: SharedArrayBuffer
}

/** Answers so far, and the end: what the asking thread sleeps on. */
export const SIGN_NEWS = 0
/** Counts on while the thread lives. */
export const SIGN_PULSE = 1
/** 1: the thread has ended. */
export const SIGN_ENDED = 2
const SIGNS = 3

/** A query waits for its own deadline at most; this ends one whose answer never comes. */
const ANSWER_MS_MAX = 60_000
export const PULSE_MS = 250
/** So many pulses in a row are missing: it has died. A process that was held still has missed one. */
const MISSING_MAX = 20
/** A thread that is starting has none yet; on a busy machine that takes seconds. */
const MISSING_MAX_AT_START = 80
/** What ends the thread may be in what is asked for: then it ends the next one, too. */
const DEATHS_MAX = 2

/** Starts its thread with the first read, or when one is to be expected. */
export class FetchThread implements RangeFetcher {
  readonly #url: URL
  readonly #place: StorePlace
  #signs = new Int32Array(new SharedArrayBuffer(SIGNS * 4))
  #worker: Worker | null = null
  #port: MessagePort | null = null
  #newest = 0
  /** Up to this one they are forgotten. */
  #forgotten = 0
  /** Begun and not taken; and what of it is there. */
  readonly #begun = new Map<number, readonly ObjectRange[]>()
  readonly #arrived = new Map<number, Fetched[]>()

  /** `url`: an entry file that calls serveFetches of fetch-serve.ts. */
  constructor(url: URL, place: StorePlace) {
    this.#url = url
    this.#place = place
  }

  wake(): void {
    if (this.#port === null) this.#start()
  }

  begin(ranges: readonly ObjectRange[]): number {
    const port = this.#port ?? this.#start()
    const id = ++this.#newest
    this.#begun.set(id, ranges)
    port.postMessage({ id, ranges } satisfies FetchRequest)
    return id
  }

  take(id: number): Fetched[] | null {
    if (id <= this.#forgotten) return null
    const ranges = this.#begun.get(id)
    assert(ranges !== undefined, `fetch ${id} is taken twice, or was never begun`)
    const fetched = this.#wait(id)
    this.#begun.delete(id)
    this.#arrived.delete(id)
    return typeof fetched === 'string' ? Array.from(ranges, () => fetched) : fetched
  }

  /** What is fetched, or why it is not. */
  #wait(id: number): Fetched[] | string {
    for (let deaths = 0; ;) {
      const end = this.#sleep(id)
      if (typeof end !== 'string') return end
      this.#end()
      if (end === 'silent') return `no answer within ${ANSWER_MS_MAX / 1000} s`
      if (++deaths === DEATHS_MAX) return 'the thread that fetches from the object store died twice at it; the log of the process may say why'
      this.#askAgain()
    }
  }

  /** Until it is there, or will not be: no answer in time, or from nobody. */
  #sleep(id: number): Fetched[] | 'silent' | 'dead' {
    let missing = 0
    let pulse = 0
    for (let waited = 0; waited < ANSWER_MS_MAX; waited += PULSE_MS) {
      const before = Atomics.load(this.#signs, SIGN_NEWS)
      this.#receive()
      const fetched = this.#arrived.get(id)
      if (fetched !== undefined) return fetched
      if (this.#port === null || Atomics.load(this.#signs, SIGN_ENDED) === 1) return 'dead'
      if (Atomics.wait(this.#signs, SIGN_NEWS, before, PULSE_MS) !== 'timed-out') continue
      const now = Atomics.load(this.#signs, SIGN_PULSE)
      missing = now === pulse ? missing + 1 : 0
      pulse = now
      if (missing > (now === 0 ? MISSING_MAX_AT_START : MISSING_MAX)) return 'dead'
    }
    return 'silent'
  }

  /** What is still to come, of another thread. */
  #askAgain(): void {
    const port = this.#start()
    for (const [id, ranges] of this.#begun) if (!this.#arrived.has(id)) port.postMessage({ id, ranges } satisfies FetchRequest)
  }

  forget(): void {
    this.#forgotten = this.#newest
    this.#begun.clear()
    this.#arrived.clear()
    this.#receive()
  }

  close(): void {
    this.#end()
    this.forget()
  }

  #end(): void {
    void this.#worker?.terminate()
    this.#port?.close()
    this.#worker = null
    this.#port = null
  }

  #receive(): void {
    if (this.#port === null) return
    for (let one = receiveMessageOnPort(this.#port); one !== undefined; one = receiveMessageOnPort(this.#port)) {
      const { id, fetched } = (one as { message: FetchAnswer }).message
      if (id > this.#forgotten) this.#arrived.set(id, fetched)
    }
  }

  #start(): MessagePort {
    const { port1, port2 } = new MessageChannel()
    this.#signs = new Int32Array(new SharedArrayBuffer(SIGNS * 4))
    const seat: FetchSeat = { place: this.#place, port: port2, signs: this.#signs.buffer }
    const worker = new Worker(this.#url, { workerData: seat, transferList: [port2] })
    worker.unref()
    worker.once('error', () => {
      // The end of it, which follows, is what counts; without a listener it would be that of who asks.
    })
    worker.once('exit', () => {
      if (this.#worker === worker) this.#end()
    })
    this.#worker = worker
    port1.unref()
    this.#port = port1
    return port1
  }
}
