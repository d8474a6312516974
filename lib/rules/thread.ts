// The rules' thread as main sees it: started with the first rule, given each configuration, asked for what the API shows. A
// thread that dies is started again and reads its alerts' state back from the store.
import { setImmediate as nextTurn } from 'node:timers'
import { Worker } from 'node:worker_threads'
import type { QueryReply } from '../../lang/job.ts'
import { errorReply } from '../../lang/reply/envelope.ts'
import type { PendingSink, SentAlert } from '../model/alert.ts'
import type { Clock, Timer } from '../std/clock.ts'
import type { Logger } from '../std/log.ts'
import { buffersOf } from './baseline/awaited-past.ts'
import type { BaselineThread } from './baseline/baseline-thread.ts'
import type { WrittenRow } from './group.ts'
import type { RuleSettings } from './manager.ts'
import { answerRules, type RuleRequest } from './rule-list.ts'
import type { RuleMetrics } from './rule-metrics.ts'
import type { RuleWriter } from './rule-writer.ts'
import type { FromRules, ToRules } from './worker-protocol.ts'

/** Between the end of a thread and the start of the next, doubled each time. */
const RESTART_MS = 1000
const RESTART_MS_MAX = 30_000
/** A thread that has lived so long died of something new. */
const HEALTHY_MS = 60_000
/** Old and young generation; arrays of queries are bounded by the engine's budget instead. */
const HEAP_MIB_MAX = 2048
/** How often the thread is asked whether it still lives, and how long past a query's time it may be silent. */
const PING_MS = 10_000
const SILENCE_GRACE_MS = 30_000
/** An answer may wait for a rule that is being evaluated. */
const ANSWER_MS_MAX = 30_000

export interface RulesThreadOptions {
  /** Entry file: makes an engine, calls serveRules. */
  workerUrl: URL
  /** Structured-cloned to the thread. */
  workerData: object
  writer: RuleWriter
  metrics: RuleMetrics
  clock: Clock
  logger: Logger
  /** A query of a rule ends after this by itself; a thread that is silent for longer is ended. */
  queryTimeoutMs: number
  /** `hasMore`: others of the same evaluation follow at once. */
  onAlerts: (alerts: readonly SentAlert[], hasMore: boolean) => void
  pending: PendingSink
  baselines: BaselineThread
  /** The thread has ended: what its slot pinned can be freed. */
  onGone: () => void
}

interface Waiting {
  resolve: (reply: QueryReply) => void
  timer: Timer
}

export class RulesThread {
  readonly #options: RulesThreadOptions
  readonly #waiting = new Map<number, Waiting>()
  #worker: Worker | null = null
  #settings: RuleSettings | null = null
  #restart: Timer | null = null
  #restartMs = RESTART_MS
  #startedMs = 0
  #ping: Timer | null = null
  /** Monotonic ms of the ping that waits for its answer. */
  #pingedMs: number | null = null
  #lastId = 0
  #isStopped = false

  constructor(options: RulesThreadOptions) {
    this.#options = options
  }

  /** The rules from now on. */
  apply(settings: RuleSettings): void {
    this.#settings = settings
    if (this.#worker === null && this.#restart === null && settings.groups.length > 0) this.#start()
    this.#send({ kind: 'apply', settings })
  }

  /** A whole HTTP answer. */
  ask(request: RuleRequest): Promise<QueryReply> {
    if (this.#worker === null && (this.#settings?.groups.length ?? 0) === 0) return Promise.resolve(answerRules([], request))
    if (this.#worker === null) return Promise.resolve(errorReply('unavailable', 'the rules are being started again'))
    const id = ++this.#lastId
    return new Promise((resolve) => {
      const timer = this.#options.clock.after(ANSWER_MS_MAX, () => this.#answer(id, errorReply('timeout', 'the rules are busy')), true)
      this.#waiting.set(id, { resolve, timer })
      this.#send({ kind: 'ask', id, request })
    })
  }

  /** Resolves when the thread is gone. Nothing is marked stale: after a restart all goes on. */
  async stop(): Promise<void> {
    this.#isStopped = true
    this.#restart?.cancel()
    this.#ping?.cancel()
    await Promise.all([this.#worker?.terminate(), this.#options.baselines.stop()])
  }

  #send(message: ToRules, transfer: ArrayBuffer[] = []): void {
    this.#worker?.postMessage(message, transfer)
  }

  #start(): void {
    const { workerUrl, workerData, clock } = this.#options
    const worker = new Worker(workerUrl, { workerData, resourceLimits: { maxOldGenerationSizeMb: HEAP_MIB_MAX } })
    let failure = ''
    this.#worker = worker
    this.#startedMs = clock.monotonic()
    worker.on('message', (message: FromRules) => this.#onMessage(message))
    worker.on('error', (error: unknown) => (failure = error instanceof Error ? error.message : String(error)))
    worker.on('exit', () => this.#onExit(failure))
    this.#pingedMs = null
    this.#ping = clock.after(PING_MS, () => this.#watch(worker), true)
  }

  /** A thread that hangs for ever would keep all alerts from firing, and nobody would know. */
  #watch(worker: Worker): void {
    const { clock, logger, queryTimeoutMs } = this.#options
    const silentMs = this.#pingedMs === null ? 0 : clock.monotonic() - this.#pingedMs
    if (silentMs > queryTimeoutMs + SILENCE_GRACE_MS) {
      logger.error('the thread of the rules hangs and is ended', { silent_ms: Math.round(silentMs) })
      void worker.terminate()
      return
    }
    if (this.#pingedMs === null) {
      this.#pingedMs = clock.monotonic()
      this.#send({ kind: 'ping' })
    }
    this.#ping = clock.after(PING_MS, () => this.#watch(worker), true)
  }

  #onMessage(message: FromRules): void {
    const { metrics, clock } = this.#options
    switch (message.kind) {
      case 'write':
        this.#write(message.id, message.timeMs, message.rows)
        break
      case 'answer':
        this.#answer(message.id, { status: message.status, body: message.body })
        break
      case 'applied':
        metrics.setGroups(message.reports)
        break
      case 'evaluated':
        metrics.evaluated(message.report, clock.monotonic())
        break
      case 'alerts':
        this.#options.onAlerts(message.alerts, message.hasMore)
        this.#sendLater({ kind: 'taken' })
        break
      case 'pending':
        this.#options.pending.receive(message.alerts, message.lostCount)
        this.#sendLater({ kind: 'taken' })
        break
      case 'baseline':
        this.#options.baselines.ask(message.ask, (answer) => this.#send({ kind: 'baseline', answer }, buffersOf(answer)))
        break
      case 'pong':
        this.#pingedMs = null
        break
      case 'expanded':
        metrics.expanded(message.isGood)
        break
    }
  }

  #write(id: number, timeMs: number, rows: readonly WrittenRow[]): void {
    let verdicts: Uint8Array = new Uint8Array(0)
    let error = ''
    try {
      verdicts = this.#options.writer.write(timeMs, rows)
    } catch (cause) {
      // A full disk, too many series: the rule shows it, and the next evaluation tries again.
      error = cause instanceof Error ? cause.message : String(cause)
    }
    this.#sendLater({ kind: 'written', id, verdicts, error })
  }

  /** What the thread answers with at once: within this turn of the event loop it would be read here, and again and again. */
  #sendLater(message: ToRules): void {
    nextTurn(() => this.#send(message))
  }

  #answer(id: number, reply: QueryReply): void {
    const waiting = this.#waiting.get(id)
    this.#waiting.delete(id)
    waiting?.timer.cancel()
    waiting?.resolve(reply)
  }

  #onExit(failure: string): void {
    const { clock, logger, onGone, pending, baselines } = this.#options
    this.#worker = null
    baselines.forget()
    this.#ping?.cancel()
    onGone()
    for (const id of this.#waiting.keys()) this.#answer(id, errorReply('unavailable', 'the rules are being started again'))
    if (this.#isStopped) return
    pending.doubt()
    if (clock.monotonic() - this.#startedMs > HEALTHY_MS) this.#restartMs = RESTART_MS
    logger.error('the thread of the rules has ended and is started again', { err: failure, delay_ms: this.#restartMs })
    this.#restart = clock.after(this.#restartMs, () => {
      this.#restart = null
      this.#start()
      if (this.#settings !== null) this.#send({ kind: 'apply', settings: this.#settings })
    })
    this.#restartMs = Math.min(2 * this.#restartMs, RESTART_MS_MAX)
  }
}
