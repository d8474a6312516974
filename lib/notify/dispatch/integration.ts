// One integration of a receiver: told of a group where the log says that it must be, and then it stands in the log. Ends of
// alerts go to whoever was told that they fire, whatever keeps them back meanwhile.
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { IntegrationPlace } from '../../config/receiver-config.ts'
import type { NotificationEntry } from '../../meta/interface.ts'
import { isDoneWithin } from '../../std/clock.ts'
import { runInTurns, type Steps } from '../../std/steps.ts'
import type { Notification, NotifiedAlert } from '../../model/notification.ts'
import type { AlertOverlay } from '../overlay.ts'
import type { Receiver } from '../receiver.ts'
import { notifyReason, toldFiring } from './dedup.ts'
import { DeliveryQueue, UndeliveredError, type DeliveryGround, type DeliveryTerms } from './delivery-queue.ts'
import { groupMessage, notifiedAlert, type GroupHead } from './group-message.ts'
import { KEPT_MS_MAX, type NotificationLog } from './notification-log.ts'
import { ESCALATION_KEY } from './route.ts'
import type { SiftedAlert } from './stages.ts'

export interface IntegrationGround extends DeliveryGround {
  log: NotificationLog
  overlay: AlertOverlay
}

/** A flush of a group. */
export interface Told {
  head: GroupHead
  alerts: readonly SiftedAlert[]
  repeatIntervalMs: number
  /** Monotonic ms: the next flush tells what this one could not. */
  deadlineMs: number
  signal: AbortSignal
  /** No route brings these alerts here any more: what the log has of others is another group's. */
  isFarewell: boolean
}

/** What an integration is, beside how it is told. */
export interface IntegrationIdentity extends Pick<IntegrationPlace, 'isFormer'> {
  /** `receiver/kind/index`. */
  name: string
  /** As in the log's entries. */
  target: string
}

/** An entry of the log outlives two repeats, and Alertmanager's data.retention; and the alerts that it says to fire, however long nobody is told of them. */
const LOG_MS_MIN = 120 * 3_600_000
const STEP_ALERTS = 256
const NOBODY: ReadonlySet<string> = new Set()
const NO_ONE = { firing: [], withheld: [] }

export class Integration {
  /** `receiver/kind/index`. */
  readonly name: string
  readonly target: string
  readonly receiver: Receiver
  readonly #isFormer: boolean
  readonly #queue: DeliveryQueue
  readonly #ground: IntegrationGround
  #tellingCount = 0
  #isRetired = false

  constructor({ name, target, isFormer }: IntegrationIdentity, receiver: Receiver, ground: IntegrationGround) {
    this.name = name
    this.target = target
    this.#isFormer = isFormer
    this.receiver = receiver
    this.#ground = ground
    this.#queue = new DeliveryQueue(receiver, name, ground)
    ground.metrics.integration(receiver.kind)
  }

  /** Whether it knows what it must; never rejects. */
  async tell(told: Told): Promise<boolean> {
    const { log, logger } = this.#ground
    if (told.alerts.length === 0) return true
    this.#tellingCount++
    try {
      return await log.inTurn(told.head.groupKey, this, () => this.#tell(told))
    } catch (error) {
      // A stop, or another configuration, cuts off those that wait.
      const fields = { receiver: this.name, group: told.head.groupKey, err: error instanceof Error ? error : String(error) }
      if (told.signal.aborted) logger.debug('Notify for alerts failed', fields)
      else logger.repeated('error', 'Notify for alerts failed', fields, this.name)
      return false
    } finally {
      await this.#end()
    }
  }

  /** Those whose signal has aborted stop waiting. */
  wakeAll(): void {
    this.#queue.wakeAll()
  }

  /** It is configured no more: closes once what is on its way has ended. */
  async retire(): Promise<void> {
    this.#isRetired = true
    this.#queue.wakeAll()
    if (this.#tellingCount === 0) await this.receiver.close()
  }

  async #tell({ head, alerts, repeatIntervalMs, deadlineMs, signal, isFarewell }: Told): Promise<boolean> {
    const { log, overlay, clock } = this.#ground
    const { isResolvedSent } = this.receiver
    const entry = log.of(head.groupKey, this)
    const known = await runInTurns(toldFiring(entry), clock)
    const isStep = head.groupKey.startsWith(ESCALATION_KEY)
    const begunBefore = new Set(isStep ? entry?.firing : [])
    const isHeld = (print: string): boolean => {
      const by = overlay.heldBy(print, this, head.timeMs)
      return by === 'acknowledged' || (by === 'cooldown' && (!isStep || begunBefore.has(print)))
    }
    const isKept = ({ isSuppressed, isResolved, alert }: SiftedAlert): boolean => isSuppressed || this.#isFormer || (!isResolved && isHeld(alert.fingerprint))
    const { kept, told, absent } = await runInTurns(divided(alerts, isKept, known), clock)
    const [firing, resolved] = [fingerprints(told, false), fingerprints(told, true)]
    const reason = told.length === 0 ? null : await runInTurns(notifyReason(entry, { firing, resolved, isResolvedSent, repeatIntervalMs, nowMs: head.timeMs }), clock)
    if (reason === null) {
      log.owed.settle({ groupKey: head.groupKey, receiver: this.name })
      if (known.size > 0 && entry!.expiresAtMs - head.timeMs < LOG_MS_MIN / 2) await this.#log(log.hold({ ...entry!, expiresAtMs: head.timeMs + LOG_MS_MIN }))
      return true
    }
    log.owed.owe({ groupKey: head.groupKey, receiver: this.name })
    const shown = isResolvedSent ? told : told.filter(({ isResolved }) => !isResolved)
    const before = known.size === 0 ? '' : entry!.memory
    const notification = shown.length === 0 ? null : await runInTurns(messageOf({ ...head, reason, previousMs: entry?.timeMs ?? 0, memory: before }, shown, overlay), clock)
    const withheld = fingerprints(kept, false).filter((one) => known.has(one))
    const others = absent.size === 0 ? NO_ONE : await runInTurns(sorted(absent, isFarewell ? entry!.firing : []), clock)
    const next: NotificationEntry = {
      groupKey: head.groupKey, receiver: this.name, timeMs: head.timeMs, firing: [...firing, ...others.firing], resolved, withheld: [...withheld, ...others.withheld], memory: before, target: this.target,
      expiresAtMs: head.timeMs + Math.max(2 * repeatIntervalMs, LOG_MS_MIN),
    }
    const ids = notification === null ? null : await runInTurns(episodesOf(notification, overlay), clock)
    // In the turn in which the other side's word comes: a kill before it is written tells the same again.
    const memory = notification === null ? before : await this.#deliver(notification, { deadlineMs, signal, receipt: { told: { entry: next, ...ids! }, onTaken: (isKept) => log.note(next, isKept) } }, entry)
    next.memory = memory
    // First of all, and before anything waits.
    const logged = this.#log(log.put(next))
    if (notification !== null) await this.#note(notification, null)
    await isDoneWithin(logged, KEPT_MS_MAX, clock)
    return true
  }

  /** What is to be remembered for the next message. `before`: what the log has. */
  async #deliver(notification: Notification, terms: DeliveryTerms, before: NotificationEntry | null): Promise<string> {
    try {
      return await this.#queue.deliver(notification, terms)
    } catch (error) {
      // They hear of the end; whom it was refused for is told by the next flush that it fires.
      if (error instanceof UndeliveredError && error.isPartlyTaken) await isDoneWithin(this.#log(this.#ground.log.hold(partlyTold(terms.receipt.told!.entry, before))), KEPT_MS_MAX, this.#ground.clock)
      // The history names the integration and need not know how often it was tried: one line for each reason.
      if (error instanceof UndeliveredError && !terms.signal.aborted) await this.#note(notification, error.cause instanceof Error ? error.cause.message : error.message)
      throw error
    }
  }

  /** Tells the overlay; of thousands of alerts some in each turn, as it records every one. */
  async #note(notification: Notification, error: string | null): Promise<void> {
    const { alerts } = notification
    for (let at = 0; at < alerts.length; at += STEP_ALERTS) {
      if (at > 0) await nextTurn()
      this.#ground.overlay.onNotified(this, alerts.length <= STEP_ALERTS ? notification : { ...notification, alerts: alerts.slice(at, at + STEP_ALERTS) }, error)
    }
  }

  async #end(): Promise<void> {
    this.#tellingCount--
    if (this.#isRetired && this.#tellingCount === 0) await this.receiver.close()
  }

  /** A log that cannot be kept must not repeat the page: it holds in memory. */
  async #log(kept: Promise<void>): Promise<void> {
    const { logger, metrics } = this.#ground
    try {
      await kept
    } catch (error) {
      metrics.logFailed()
      logger.repeated('error', 'cannot keep the log of notifications; a restart may repeat this one', { receiver: this.name, err: error instanceof Error ? error : String(error) })
    }
  }
}

/**
 * What is kept from the integration, and what it is told: ends also where they are kept, if it knows of the start. `absent`: what it
 * knows of and the group does not have, as it has not come since a restart or has left the group.
 */
function* divided(alerts: readonly SiftedAlert[], isKept: (one: SiftedAlert) => boolean, known: ReadonlySet<string>): Steps<{ kept: SiftedAlert[]; told: SiftedAlert[]; absent: ReadonlySet<string> }> {
  const [kept, told]: [SiftedAlert[], SiftedAlert[]] = [[], []]
  let metCount = 0
  for (let i = 0; i < alerts.length; i++) {
    const one = alerts[i]!
    const isKeptBack = isKept(one)
    if (isKeptBack) kept.push(one)
    const isKnown = known.has(one.alert.fingerprint)
    if (isKnown) metCount++
    if (!isKeptBack || (one.isResolved && isKnown)) told.push(one)
    if (i % STEP_ALERTS === STEP_ALERTS - 1) yield
  }
  return { kept, told, absent: metCount === known.size ? NOBODY : known.difference(new Set(alerts.map(({ alert }) => alert.fingerprint))) }
}

/** What the log has where some of those whom an integration tells have got `next` and others have not: it told of no more than `before`, and knows of all. */
function partlyTold({ firing, withheld, ...next }: NotificationEntry, before: NotificationEntry | null): NotificationEntry {
  const told = new Set(before?.firing)
  const known = new Set([...before?.withheld ?? [], ...withheld, ...firing].filter((print) => !told.has(print)))
  return { ...next, timeMs: before?.timeMs ?? 0, firing: before?.firing ?? [], resolved: before?.resolved ?? [], withheld: [...known] }
}

/** Which of some alerts are told as firing, and which are withheld. */
function* sorted(alerts: ReadonlySet<string>, firing: readonly string[]): Steps<Pick<NotificationEntry, 'firing' | 'withheld'>> {
  const stay = new Set(firing)
  const lists: { firing: string[]; withheld: string[] } = { firing: [], withheld: [] }
  let seen = 0
  for (const print of alerts) {
    lists[stay.has(print) ? 'firing' : 'withheld'].push(print)
    if (++seen % STEP_ALERTS === 0) yield
  }
  return lists
}

function fingerprints(alerts: readonly SiftedAlert[], isResolved: boolean): string[] {
  return alerts.filter((one) => one.isResolved === isResolved).map(({ alert }) => alert.fingerprint)
}

function* messageOf(head: Parameters<typeof groupMessage>[0], alerts: readonly SiftedAlert[], overlay: AlertOverlay): Steps<Notification> {
  const ackUrl = (fingerprint: string): string => overlay.ackUrl(fingerprint)
  const shown: NotifiedAlert[] = []
  for (const alert of alerts) {
    shown.push(alert.shown ??= notifiedAlert(alert, ackUrl))
    if (shown.length % STEP_ALERTS === 0) yield
  }
  return yield* groupMessage(head, shown)
}

function* episodesOf(notification: Notification, overlay: AlertOverlay): Steps<ReturnType<AlertOverlay['episodesOf']>> {
  const { alerts } = notification
  const ids = { firingIds: [] as string[], resolvedIds: [] as string[] }
  for (let at = 0; at < alerts.length; at += STEP_ALERTS) {
    const { firingIds, resolvedIds } = overlay.episodesOf(alerts.length <= STEP_ALERTS ? notification : { ...notification, alerts: alerts.slice(at, at + STEP_ALERTS) })
    ids.firingIds.push(...firingIds)
    ids.resolvedIds.push(...resolvedIds)
    yield
  }
  return ids
}
