// Uploads of hour files, on the main thread: a round after each change of the files, in a thread of its own that ends with it.
// A round that fails is tried again, after 1 s at first and 5 min at the latest; the files stay where they are meanwhile.
import { Worker, type MessagePort } from 'node:worker_threads'
import { armFaultPoint, armedFaultPoint } from '../lib/std/fault-point.ts'
import { systemClock, type Clock, type Timer } from '../lib/std/clock.ts'
import type { Logger } from '../lib/std/log.ts'
import { freshSeed, Random } from '../lib/std/random.ts'
import type { StorePlace } from './object-store/open-store.ts'
import type { UploadReport } from './tier/hour-upload.ts'

const RETRY_MS_MIN = 1000
const RETRY_MS_MAX = 300_000
/** Of a request inside a round, which waits 1 s between. */
const ATTEMPTS = 2
const CONNECTIONS = 2

/** What a thread of uploads is given. */
export interface UploadSeat {
  folder: string
  place: StorePlace
  faultPoint: string
}

export interface UploadsOptions {
  /** The archive's folder. */
  folder: string
  place: StorePlace
  /** An entry file that calls serveUpload; null: in this thread. */
  worker: URL | null
  clock: Clock
  random: Random
  logger: Logger
}

export class ArchiveUploads {
  readonly #options: UploadsOptions
  #round: Promise<void> | null = null
  #isAskedAgain = false
  #isClosed = false
  #worker: Worker | null = null
  #timer: Timer | null = null
  #failures = 0
  /** Since the start; `waiting`: files that the store lacks now. */
  files = 0
  bytes = 0
  failedRounds = 0
  waiting = 0
  /** Files that neither the folder nor the store has, as the last round found. */
  gone: readonly string[] = []

  constructor(options: UploadsOptions) {
    this.#options = options
  }

  /** The files may have changed. */
  poke(): void {
    if (this.#isClosed || this.#timer !== null) return
    if (this.#round !== null) {
      this.#isAskedAgain = true
      return
    }
    this.#isAskedAgain = false
    this.#round = this.#run().finally(() => {
      this.#round = null
      if (this.#isAskedAgain) this.poke()
    })
  }

  /** Resolves when no round runs. */
  async idle(): Promise<void> {
    while (this.#round !== null) await this.#round
  }

  async close(): Promise<void> {
    this.#isClosed = true
    this.#timer?.cancel()
    await this.#worker?.terminate()
    await this.idle()
  }

  async #run(): Promise<void> {
    const { folder, place, worker, clock, random, logger } = this.#options
    let failure: string
    try {
      const report = worker === null ? await upload({ folder, place, faultPoint: '' }) : await this.#inThread(worker, { folder, place, faultPoint: armedFaultPoint() })
      this.files += report.files
      this.bytes += report.bytes
      this.waiting = report.waiting
      this.#noteGone(report.gone)
      failure = report.failure
    } catch (error) {
      failure = error instanceof Error ? error.message : String(error)
    }
    if (this.#isClosed) return
    if (failure === '') {
      this.#failures = 0
      return
    }
    this.failedRounds++
    const retryMs = Math.min(RETRY_MS_MAX, RETRY_MS_MIN * 2 ** this.#failures++) * (0.5 + random.float() / 2)
    logger.warn('archive: uploading failed; the files stay in the data folder, it is tried again', { retry_ms: Math.round(retryMs), err: failure })
    this.#timer = clock.after(retryMs, () => {
      this.#timer = null
      this.poke()
    }, true)
  }

  /** Told of once, and again when there are others. */
  #noteGone(gone: readonly string[]): void {
    const isKnown = gone.every((name) => this.gone.includes(name))
    this.gone = gone
    if (isKnown) return
    const { folder, logger } = this.#options
    logger.error('archive: the store has lost files of the 1-hour tier that it held, and the data folder has them no more; queries over them are partial: put them back into the store from a copy', { folder, files: gone.join(', ') })
  }

  async #inThread(url: URL, seat: UploadSeat): Promise<UploadReport> {
    const worker = new Worker(url, { workerData: seat })
    this.#worker = worker
    try {
      return await new Promise<UploadReport>((resolve, reject) => {
        worker.once('message', resolve)
        worker.once('error', reject)
        worker.once('exit', (code) => reject(new Error(`the thread of uploads ended with code ${code}`)))
      })
    } finally {
      await worker.terminate()
      this.#worker = null
    }
  }
}

/** In the thread: one round, then the answer. */
export async function serveUpload(port: MessagePort, seat: UploadSeat): Promise<void> {
  armFaultPoint(seat.faultPoint)
  port.postMessage(await upload(seat))
}

/** What talks to a bucket is loaded by who does. */
async function upload({ folder, place }: UploadSeat): Promise<UploadReport> {
  const [{ openStore }, { uploadHours }] = await Promise.all([import('./object-store/open-store.ts'), import('./tier/hour-upload.ts')])
  const store = openStore(place, { attempts: ATTEMPTS, firstWaitMs: RETRY_MS_MIN, connections: CONNECTIONS }, systemClock, new Random(freshSeed()))
  try {
    return await uploadHours(folder, store, systemClock.now())
  } finally {
    await store.close()
  }
}
