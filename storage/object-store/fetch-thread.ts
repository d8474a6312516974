// Ranges of objects for a thread that must not await: a query's operators are synchronous, HTTP is not. A thread beside it
// fetches, side by side; who asked sleeps until all is there.
//
//   read ─▶ message ─▶ fetch-serve.ts: gets, some at a time ─▶ message, wake ─▶ read returns
import { MessageChannel, receiveMessageOnPort, Worker, type MessagePort } from 'node:worker_threads'
import type { StorePlace } from './open-store.ts'

export interface ObjectRange {
  key: string
  offset: number
  bytes: number
}

/** The bytes of a range, or a sentence about why there are none. */
export type Fetched = Uint8Array | string

export interface RangeFetcher {
  /** As `ranges`, in their order. Holds the thread. */
  read(ranges: readonly ObjectRange[]): Fetched[]
  close(): void
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

  /** `url`: an entry file that calls serveFetches of fetch-serve.ts. */
  constructor(url: URL, place: StorePlace) {
    this.#url = url
    this.#place = place
  }

  read(ranges: readonly ObjectRange[]): Fetched[] {
    const port = this.#port ?? this.#start()
    const before = Atomics.load(this.#answers, 0)
    port.postMessage(ranges)
    Atomics.wait(this.#answers, 0, before, ANSWER_MS_MAX)
    const answer = receiveMessageOnPort(port)
    if (answer !== undefined) return (answer as { message: Fetched[] }).message
    this.close()
    return ranges.map(() => `no answer within ${ANSWER_MS_MAX / 1000} s`)
  }

  close(): void {
    void this.#worker?.terminate()
    this.#port?.close()
    this.#worker = null
    this.#port = null
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
