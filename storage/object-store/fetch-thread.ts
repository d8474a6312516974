// Ranges of objects for a thread that must not await: a query's operators are synchronous, HTTP is not. A thread beside it
// fetches, side by side; who asked goes on with other work, and sleeps when it needs what is not there yet.
//
//   begin ─▶ message ─▶ fetch-serve.ts: gets, some at a time ─▶ message, wake ─▶ take returns
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
  /** Answers so far: what the asking thread sleeps on. */
  answers: SharedArrayBuffer
}

/** A query waits for its own deadline at most; this ends one whose thread has died. */
const ANSWER_MS_MAX = 60_000

/** Starts its thread with the first read. */
export class FetchThread implements RangeFetcher {
  readonly #url: URL
  readonly #place: StorePlace
  readonly #answers = new Int32Array(new SharedArrayBuffer(4))
  #worker: Worker | null = null
  #port: MessagePort | null = null
  #newest = 0
  /** Up to this one they are forgotten. */
  #forgotten = 0
  /** Begun and not taken: how many ranges; and what of it is there. */
  readonly #begun = new Map<number, number>()
  readonly #arrived = new Map<number, Fetched[]>()

  /** `url`: an entry file that calls serveFetches of fetch-serve.ts. */
  constructor(url: URL, place: StorePlace) {
    this.#url = url
    this.#place = place
  }

  begin(ranges: readonly ObjectRange[]): number {
    const port = this.#port ?? this.#start()
    const id = ++this.#newest
    this.#begun.set(id, ranges.length)
    port.postMessage({ id, ranges } satisfies FetchRequest)
    return id
  }

  take(id: number): Fetched[] | null {
    if (id <= this.#forgotten) return null
    const count = this.#begun.get(id)
    assert(count !== undefined, `fetch ${id} is taken twice, or was never begun`)
    this.#begun.delete(id)
    for (;;) {
      const before = Atomics.load(this.#answers, 0)
      this.#receive()
      const fetched = this.#arrived.get(id)
      this.#arrived.delete(id)
      if (fetched !== undefined) return fetched
      if (this.#port === null || Atomics.wait(this.#answers, 0, before, ANSWER_MS_MAX) === 'timed-out') break
    }
    this.close()
    return Array.from({ length: count }, () => `no answer within ${ANSWER_MS_MAX / 1000} s`)
  }

  forget(): void {
    this.#forgotten = this.#newest
    this.#begun.clear()
    this.#arrived.clear()
    this.#receive()
  }

  close(): void {
    void this.#worker?.terminate()
    this.#port?.close()
    this.#worker = null
    this.#port = null
    this.forget()
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
    const seat: FetchSeat = { place: this.#place, port: port2, answers: this.#answers.buffer }
    this.#worker = new Worker(this.#url, { workerData: seat, transferList: [port2] })
    this.#worker.unref()
    port1.unref()
    this.#port = port1
    return port1
  }
}
