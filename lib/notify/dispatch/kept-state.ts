// What outlives a restart of what the pipeline knows: silences, the log of notifications, what is owed. Read at a start, which waits for
// a disk that hangs a few seconds at most: pages that are silenced, or told twice, are better than none. It is read until it can be.
import { MetaError } from '../../meta/errors.ts'
import type { MetaStore } from '../../meta/interface.ts'
import { isDoneWithin, type Clock, type Timer } from '../../std/clock.ts'
import { DiskError } from '../../std/fs.ts'
import type { Logger } from '../../std/log.ts'
import type { Metrics } from '../../std/metrics.ts'
import type { CarriedLogs } from '../courier/carried-log.ts'
import { NotificationLog, type CarriedSink } from './notification-log.ts'
import { Silences } from './silences.ts'

interface Ground {
  store: MetaStore
  carried: CarriedLogs
  clock: Clock
  logger: Logger
  metrics: Metrics
}

const LOAD_MS_MAX = 5000
const LOAD_RETRY_MS = 10_000

export class KeptState {
  readonly silences: Silences
  readonly log: NotificationLog
  readonly #ground: Ground
  readonly #sink: CarriedSink
  #retry: Timer | null = null
  /** What couriers have noted is read, once. */
  #takenUp: Promise<void> | null = null
  #isRead = false
  /** It was said that alerts are told without it. */
  #isMissed = false
  #isStopped = false

  constructor(ground: Ground, sink: CarriedSink) {
    this.#ground = ground
    this.#sink = sink
    this.silences = new Silences(ground.store, ground.clock)
    this.log = new NotificationLog(ground.store, ground.clock)
    ground.metrics.gauge('monitor_notification_state_read', 'Whether silences and the log of notifications are read; while they are not, alerts are told as if there were none.', [], (gauge) => gauge.set(this.#isRead ? 1 : 0))
  }

  get isRead(): boolean {
    return this.#isRead
  }

  /** Resolves when all is read, or will not be soon. Never rejects. */
  async open(): Promise<void> {
    const { clock, logger } = this.#ground
    if (await isDoneWithin(this.#read(), LOAD_MS_MAX, clock)) return
    this.#isMissed = true
    logger.error('silences and the log of notifications are not read yet, as the disk hangs: alerts are told as if there were none until they are')
  }

  stop(): void {
    this.#isStopped = true
    this.#retry?.cancel()
  }

  async #takeUp(): Promise<void> {
    const { carried, logger } = this.#ground
    try {
      await this.log.takeUp(carried, this.#sink)
    } catch (error) {
      if (!(error instanceof DiskError)) throw error
      logger.error('what was sent when Monitor ended cannot be read: people may be told of it again', { err: error })
    }
  }

  async #read(): Promise<void> {
    const { clock, logger } = this.#ground
    try {
      this.#takenUp ??= this.#takeUp()
      const [leftOut] = await Promise.all([this.silences.load(), this.#takenUp.then(() => this.log.load())])
      for (const why of leftOut) logger.error('a silence that was kept cannot be read and silences nothing: make it anew', { why })
      this.#isRead = true
      if (!this.#isMissed) return
      logger.info('silences and the log of notifications are read now')
      this.log.onLearned()
    } catch (error) {
      if (!(error instanceof MetaError)) throw error
      this.#isMissed = true
      logger.repeated('error', 'silences and the log of notifications cannot be read: alerts are told as if there were none; it is tried again', { err: error })
      if (!this.#isStopped) this.#retry = clock.after(LOAD_RETRY_MS, () => void this.#read(), true)
    }
  }
}
