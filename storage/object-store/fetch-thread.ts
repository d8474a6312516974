// Ranges of objects for a thread that must not await: a query's operators are synchronous, HTTP is not. A thread beside it
// fetches, side by side; who asked sleeps until all is there.
//
//   read ─▶ message ─▶ gets, CONNECTIONS at a time ─▶ message, wake ─▶ read returns
import { MessageChannel, receiveMessageOnPort, Worker, type MessagePort } from 'node:worker_threads'
import { systemClock } from '../../lib/std/clock.ts'
import { freshSeed, Random } from '../../lib/std/random.ts'
import { openStore, type StorePlace } from './open-store.ts'

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

const CONNECTIONS = 32
/** A query waits for its own deadline at most; this ends one whose thread has died. */
const ANSWER_MS_MAX = 60_000
const ATTEMPTS = 3
const FIRST_WAIT_MS = 100

/** Starts its thread with the first read. */
export class FetchThread implements RangeFetcher {
  readonly #url: URL
  readonly #place: StorePlace
  readonly #answers = new Int32Array(new SharedArrayBuffer(4))
  #worker: Worker | null = null
  #port: MessagePort | null = null

  /** `url`: an entry file that calls serveFetches. */
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

/** In the fetching thread: serves until it is ended. */
export function serveFetches({ place, port, answers }: FetchSeat): void {
  const store = openStore(place, { attempts: ATTEMPTS, firstWaitMs: FIRST_WAIT_MS, connections: CONNECTIONS }, systemClock, new Random(freshSeed()))
  const count = new Int32Array(answers)
  const one = async ({ key, offset, bytes }: ObjectRange): Promise<Fetched> => {
    try {
      return await store.get(key, offset, bytes)
    } catch (error) {
      return error instanceof Error ? error.message : String(error)
    }
  }
  port.on('message', (ranges: ObjectRange[]) => {
    void Promise.all(ranges.map(one)).then((fetched) => {
      port.postMessage(fetched)
      Atomics.add(count, 0, 1)
      Atomics.notify(count, 0)
    })
  })
}
