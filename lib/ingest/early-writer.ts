// Remote write while the store is being read: well-formed requests are acknowledged once they are on the device, and
// handed to the receiver, in the order they came, when there is one. From then on this only passes on.
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Clock } from '../std/clock.ts'
import { DiskError } from '../std/fs.ts'
import type { Logger } from '../std/log.ts'
import type { Metrics } from '../std/metrics.ts'
import { LogError } from '../../storage/errors.ts'
import type { Inbox } from '../../storage/inbox.ts'
import type { RemoteWriteReceiver, RemoteWriteResult, WriteVersion } from './remote-write.ts'
import { WriteCheck } from './write-check.ts'
import { WriteTranslator } from './write-v2.ts'

/** Between attempts to store what the disk has refused. */
const RETRY_MS = 5000

interface EarlyWriterOptions {
  inbox: Inbox
  clock: Clock
  logger: Logger
  metrics: Metrics
}

export class EarlyWriter {
  readonly #options: EarlyWriterOptions
  readonly #check = new WriteCheck()
  readonly #translator = new WriteTranslator()
  #waiting: Uint8Array[]
  /** Requests in the inbox that are not in the store for good. */
  #unstored: number
  #receiver: RemoteWriteReceiver | null = null
  /** What came before is with the receiver. */
  #isHandedOver = false
  #isStopped = false
  #taken = 0

  constructor(options: EarlyWriterOptions) {
    const { inbox: { left, damagedBytes }, logger, metrics } = options
    this.#options = options
    this.#waiting = [...left]
    this.#unstored = left.length
    if (left.length > 0 || damagedBytes > 0) logger.info('requests that an earlier process acknowledged while it started are stored now', { requests: left.length, damaged_bytes: damagedBytes })
    metrics.total('monitor_remote_write_early_requests_total', 'Requests acknowledged while the store was being read.', () => this.#taken)
  }

  /** Takes one snappy-compressed WriteRequest, or Request of 2.0. Resolves when it is on the device, or says why not. */
  async write(sent: Uint8Array, version: WriteVersion = 1): Promise<RemoteWriteResult> {
    if (this.#isHandedOver) return this.#receiver!.write(sent, version)
    const body = version === 1 ? sent : this.#translator.toV1(sent)
    if (!(body instanceof Uint8Array)) return { ...body, samplesWritten: 0, histogramsWritten: 0, exemplarsWritten: 0 }
    const answer = this.#check.check(body)
    if (answer.status !== 204) return answer
    this.#unstored++
    try {
      await this.#options.inbox.add(body)
    } catch (error) {
      this.#unstored--
      if (!(error instanceof LogError || error instanceof DiskError)) throw error
      return { status: 503, message: error.message, samplesWritten: 0, histogramsWritten: 0, exemplarsWritten: 0 }
    }
    this.#taken++
    // The store may have opened meanwhile.
    if (this.#isHandedOver) void this.#store(body)
    else this.#waiting.push(body)
    return answer
  }

  /** Hands over what has come, and what comes from now on. Resolves when readers see all of it; it may not be synced yet. */
  async open(receiver: RemoteWriteReceiver): Promise<void> {
    this.#receiver = receiver
    for (let body = this.#waiting.shift(); body !== undefined; body = this.#waiting.shift()) {
      void this.#store(body)
      await nextTurn()
    }
    this.#isHandedOver = true
  }

  stop(): void {
    this.#isStopped = true
  }

  /** What the disk refuses is tried again; once all is stored the inbox lets go of it. */
  async #store(body: Uint8Array): Promise<void> {
    const { inbox, clock, logger } = this.#options
    try {
      const { status, message } = await this.#receiver!.write(body)
      if (status === 503) {
        logger.repeated('error', 'an acknowledged request is not stored yet; it is tried again', { why: message })
        clock.after(RETRY_MS, () => void (this.#isStopped || this.#store(body)), true)
      } else if (--this.#unstored === 0) await inbox.clear()
    } catch (error) {
      logger.error('requests of the inbox stay in it until the next start', { err: error instanceof Error ? error : String(error) })
    }
  }
}
