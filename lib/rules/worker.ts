// The rules' thread: a manager whose engine reads the head in place, and whose rows main writes.
import type { MessagePort } from 'node:worker_threads'
import type { Engine } from '../../lang/engine.ts'
import type { EngineFeatures } from '../../lang/parse/ast.ts'
import type { Queryable } from '../../storage/interface.ts'
import type { SentAlert } from '../model/alert.ts'
import type { Clock } from '../std/clock.ts'
import type { Logger } from '../std/log.ts'
import type { Alert } from './alerting-rule.ts'
import { AwaitedPast } from './baseline/awaited-past.ts'
import { RuleWriteError, type WriteFunc } from './group.ts'
import { RuleManager } from './manager.ts'
import { PendingNotes } from './pending-notes.ts'
import { answerRules } from './rule-list.ts'
import type { RestoreLimits } from './restore.ts'
import { reportOf } from './rule-metrics.ts'
import { engineQuery } from './rule-query.ts'
import { WindowQueries } from './window/window-query.ts'
import type { FromRules, ToRules } from './worker-protocol.ts'

export interface RulesSeat {
  engine: Engine
  queryable: Queryable
  features: Partial<EngineFeatures>
  timeoutMs: number
  lookbackMs: number
  clock: Clock
  logger: Logger
  restoreLimits: RestoreLimits
  /** How often alerts that go on are handed on. */
  resendMs: number
}

/** Serves until the port closes or the thread is terminated. */
export function serveRules(port: MessagePort, seat: RulesSeat): void {
  const send = (message: FromRules, transfer: ArrayBuffer[] = []): void => port.postMessage(message, transfer)
  const writes = new PendingWrites(send)
  const alerts = new AlertParts(send)
  const query = engineQuery(seat.engine, seat.queryable, seat)
  const baselines = new AwaitedPast((ask) => send({ kind: 'baseline', ask }), (rows) => seat.engine.unpacked(rows, seat.queryable))
  const windows = new WindowQueries(query, seat.queryable, { ...seat, baselines })
  const manager = new RuleManager({
    query, windows, write: (timeMs, rows) => writes.write(timeMs, rows),
    queryable: seat.queryable, features: seat.features, clock: seat.clock, logger: seat.logger,
    restoreLimits: seat.restoreLimits,
    notify: { resendMs: seat.resendMs, send: (sent) => alerts.add(sent), changePending: (changed, generatorUrl) => alerts.changePending(changed, generatorUrl) },
    onEvaluated: (group) => send({ kind: 'evaluated', report: reportOf(group, windows) }),
    onExpanded: (isGood) => send({ kind: 'expanded', isGood }),
  })
  // One configuration after the other: a group must have stopped before its successor starts.
  let applying = Promise.resolve()
  port.on('message', (message: ToRules) => {
    switch (message.kind) {
      case 'apply':
        applying = applying.then(() => manager.apply(message.settings))
          .then(() => send({ kind: 'applied', reports: manager.groups().map((group) => reportOf(group, windows)) }))
        break
      case 'ask': {
        const { status, body } = answerRules(manager.groups(), message.request)
        // Small bodies of Buffer lie in a pool of its own, which must not travel.
        const own = new Uint8Array(body)
        send({ kind: 'answer', id: message.id, status, body: own }, [own.buffer])
        break
      }
      case 'ping':
        send({ kind: 'pong' })
        break
      case 'baseline':
        baselines.receive(message.answer)
        break
      case 'taken':
        alerts.taken()
        break
      case 'written': writes.done(message)
    }
  })
}

/** Alerts of a message: 3 ms of main, which reads it in one go. */
const PART_ALERTS = 500

/** Alerts on their way to main, a part at a time, that it can do other things in between; pending ones, who page nobody, last. */
class AlertParts {
  readonly #send: (message: FromRules) => void
  readonly #waiting: { alerts: readonly SentAlert[]; hasMore: boolean }[] = []
  readonly #pending = new PendingNotes()
  #isUnderWay = false

  constructor(send: (message: FromRules) => void) {
    this.#send = send
  }

  add(alerts: readonly SentAlert[]): void {
    for (let at = 0; at < alerts.length; at += PART_ALERTS) this.#waiting.push({ alerts: alerts.slice(at, at + PART_ALERTS), hasMore: at + PART_ALERTS < alerts.length })
    if (!this.#isUnderWay) this.taken()
  }

  changePending(alerts: readonly Alert[], generatorUrl: string): void {
    this.#pending.changed(alerts, generatorUrl)
    if (!this.#isUnderWay) this.taken()
  }

  taken(): void {
    const part = this.#waiting.shift()
    const pending = part === undefined ? this.#pending.next() : null
    this.#isUnderWay = part !== undefined || pending !== null
    if (part !== undefined) this.#send({ kind: 'alerts', ...part })
    else if (pending !== null) this.#send({ kind: 'pending', ...pending })
  }
}

/** Rows on their way to main. */
class PendingWrites {
  readonly #send: (message: FromRules) => void
  readonly #waiting = new Map<number, { resolve: (verdicts: Uint8Array) => void; reject: (error: RuleWriteError) => void }>()
  #lastId = 0

  constructor(send: (message: FromRules) => void) {
    this.#send = send
  }

  readonly write: WriteFunc = (timeMs, rows) => new Promise((resolve, reject) => {
    const id = ++this.#lastId
    this.#waiting.set(id, { resolve, reject })
    this.#send({ kind: 'write', id, timeMs, rows })
  })

  done({ id, verdicts, error }: Extract<ToRules, { kind: 'written' }>): void {
    const waiting = this.#waiting.get(id)
    this.#waiting.delete(id)
    if (error === '') waiting?.resolve(verdicts)
    else waiting?.reject(new RuleWriteError(error))
  }
}
