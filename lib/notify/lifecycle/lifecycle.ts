// The life of alerts beside Alertmanager's pipeline: episodes with ids, acknowledgement, escalation, cooldown, history. Alerts
// come here before they go to the dispatcher, so that an episode is recorded before anyone is told of it; the dispatcher asks
// what is held and tells what became of its messages.
//
//   rules ─▶ receive ─▶ (recorded) ─▶ dispatcher ─▶ people
//                          ▲   heldBy? · told of it     │ ack, unack, escalate
//                          └────────────────────────────┘
//
// Changes come one after the other. What people do is in the store before it holds; what rules tell holds at once, and a store
// that refuses it delays no page.
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { EscalationPolicy } from '../../config/alertmanager-config.ts'
import type { LifecycleConfig } from '../../config/lifecycle-section.ts'
import { MetaError } from '../../meta/errors.ts'
import type { AlertEvent, AlertRecord, MetaStore } from '../../meta/interface.ts'
import type { SentAlert } from '../../model/alert.ts'
import { fingerprint } from '../../model/fingerprint.ts'
import type { NotifiedAlert, Notification } from '../../model/notification.ts'
import type { Clock, Timer } from '../../std/clock.ts'
import type { Logger } from '../../std/log.ts'
import type { Metrics } from '../../std/metrics.ts'
import type { AlertDispatch, AlertOverlay } from '../overlay.ts'
import { AckLinks } from './ack-links.ts'
import { Cooldowns } from './cooldowns.ts'
import { currentAlerts, type CurrentAlerts, type CurrentAsk } from './current-alerts.ts'
import { beginEpisode, episodeOf, firstEvents, reopened, sentAlert, type Episode } from './episode.ts'
import { EpisodeTable } from './episode-table.ts'
import { nextStep, type DueStep } from './escalation.ts'
import { registerLifecycleMetrics } from './lifecycle-metrics.ts'
import { noteNotification, noteSuppression } from './message-notes.ts'
import { RecordWriter } from './record-writer.ts'

export interface LifecycleGround {
  store: Pick<MetaStore, 'alert' | 'unresolvedAlerts' | 'told' | 'putAlerts' | 'value' | 'putValue'>
  dispatch: AlertDispatch
  /** Where people reach this server, without a slash at its end. */
  externalUrl: string
  clock: Clock
  logger: Logger
  metrics: Metrics
  /** A UUID. */
  newId: () => string
  /** 32 random bytes as hex digits. */
  newKey: () => string
}

/** What people ask for does not suit the alert as it is; the message says why. */
export class AlertStateError extends Error {
  readonly code = 'ALERT_STATE'
}

export interface Acknowledgement {
  by: string
  /** null: as the configuration says; 0: never. */
  repageAfterMs: number | null
  /** Also from someone else who has it. */
  takesOver?: boolean
}

/** What is known of an unresolved alert beside its record. */
export interface AlertOutlook {
  suppression: Episode['suppression']
  /** Who suppresses it. */
  suppressedBy: string
  /** The next step of its escalation. */
  step: DueStep | null
  /** Unix ms until which its cooldown keeps it from people, 0 where it does not. */
  coolsUntilMs: number
}

/** Rules find out within this after a start what still fires; what they do not tell of by then is over. */
const RESTART_GRACE_MS = 15 * 60_000
/** Alerts taken in between two turns of the event loop. */
const INTAKE_ALERTS = 500
/** A step that a silence or the like stands in the way of is looked at again. */
const BLOCKED_MS = 10_000
/** The wall clock, by which all is due, may jump. */
const TICK_MS_MAX = 60_000
const LOAD_RETRY_MS = 10_000
const KEY_NAME = 'ack-key'

export class AlertLifecycle implements AlertOverlay {
  readonly #ground: LifecycleGround
  readonly #writer: RecordWriter
  readonly #cooldowns = new Cooldowns()
  readonly #table = new EpisodeTable()
  #links: AckLinks | null = null
  #policies: ReadonlyMap<string, EscalationPolicy> = new Map()
  #repageAfterMs = 0
  #turn: Promise<unknown> = Promise.resolve()
  #timer: Timer | null = null
  #reload: Timer | null = null
  #isStopped = false

  constructor(ground: LifecycleGround) {
    this.#ground = ground
    this.#writer = new RecordWriter(ground.store, ground.clock, ground.logger)
    registerLifecycleMetrics(ground.metrics, { counts: () => this.#table.counts(), lostLines: () => this.#writer.lostCount })
  }

  /** After the dispatcher has taken the routes of the same configuration. */
  applyConfig(lifecycle: LifecycleConfig, escalations: readonly EscalationPolicy[]): void {
    this.#cooldowns.applyConfig(lifecycle)
    this.#repageAfterMs = lifecycle.repageAfterMs
    this.#policies = new Map(escalations.map((policy) => [policy.name, policy]))
    for (const episode of this.#table.all()) episode.policy = null
    this.#arm()
  }

  /** Cooldowns, ms, of rules made by API. */
  setRuleCooldowns(lengths: ReadonlyMap<string, number>): void {
    this.#cooldowns.setRules(lengths)
  }

  /** Reads what was open when the program ended and hands it to the dispatcher, both configured. Never rejects. */
  start(): Promise<void> {
    return this.#inTurn(() => this.#load())
  }

  /** From the rules, and from the API. Resolves when they are with the dispatcher. */
  receive(alerts: readonly SentAlert[]): Promise<void> {
    return this.#inTurn(async () => {
      for (let at = 0; at < alerts.length; at += INTAKE_ALERTS) {
        const part = alerts.slice(at, at + INTAKE_ALERTS)
        this.#takeIn(part)
        await this.#writer.settled()
        this.#ground.dispatch.receive(part)
        if (alerts.length > INTAKE_ALERTS) await nextTurn()
      }
      this.#arm()
    })
  }

  heldBy(print: string, receiver: string, nowMs: number): '' | 'acknowledged' | 'cooldown' {
    const episode = this.#table.get(print)
    if (episode === undefined) return ''
    if (episode.record.status === 'acknowledged') return 'acknowledged'
    return this.#cooldowns.heldUntilMs(episode, receiver, nowMs) > 0 ? 'cooldown' : ''
  }

  ackUrl(print: string): string {
    const episode = this.#table.get(print)
    return episode === undefined || this.#links === null ? '' : this.#links.urlOf(episode.record.id)
  }

  onNotified(receiver: string, notification: Notification, error: string | null): void {
    this.#writer.add(noteNotification({ table: this.#table, cooldowns: this.#cooldowns, nowMs: this.#ground.clock.now() }, receiver, notification, error))
    this.#arm()
  }

  onSuppressed(kind: 'silenced' | 'inhibited' | 'muted', alerts: readonly NotifiedAlert[], by: readonly string[]): void {
    this.#writer.add(noteSuppression(this.#table, { kind, alerts, by, nowMs: this.#ground.clock.now() }))
  }

  /** Id of the alert that a token of an acknowledgement's address stands for; null where it is not one of ours. */
  idOfToken(token: string): string | null {
    return this.#links?.idOf(token) ?? null
  }

  current(ask: CurrentAsk): CurrentAlerts {
    return currentAlerts(this.#table.all(), this.#cooldowns.severities, ask)
  }

  /** null: resolved, or unknown. */
  outlook(id: string): AlertOutlook | null {
    const episode = this.#table.byId(id)
    if (episode === undefined) return null
    const nowMs = this.#ground.clock.now()
    const { suppression, suppressionNote } = episode
    return { suppression, suppressedBy: suppressionNote, step: this.#nextStep(episode), coolsUntilMs: this.#coolsUntilMs(episode, nowMs) }
  }

  /** Repeats and escalation stop until it resolves. Of two at once the first has it. Rejects with AlertStateError, MetaError. */
  acknowledge(id: string, { by, repageAfterMs, takesOver = false }: Acknowledgement): Promise<AlertRecord> {
    return this.#act(id, (episode, nowMs) => {
      const { status, acknowledgedBy } = episode.record
      if (status === 'acknowledged' && acknowledgedBy !== by && !takesOver) throw new AlertStateError(`${acknowledgedBy || 'someone'} has acknowledged the alert already; it can be taken over`)
      const afterMs = repageAfterMs ?? this.#repageAfterMs
      const record: AlertRecord = { ...episode.record, status: 'acknowledged', acknowledgedAtMs: nowMs, acknowledgedBy: by, repageAtMs: afterMs > 0 ? nowMs + afterMs : null }
      return { record, kind: 'acknowledged', detail: by, after: () => {} }
    })
  }

  /** It pages again as if it were new. Rejects like acknowledge. */
  unacknowledge(id: string, by: string): Promise<AlertRecord> {
    return this.#act(id, (episode, nowMs) => {
      if (episode.record.status !== 'acknowledged') throw new AlertStateError('the alert is not acknowledged')
      return { record: reopened(episode.record, nowMs), kind: 'unacknowledged', detail: by, after: () => this.#pageAnew([episode.record.fingerprint]) }
    })
  }

  /** Begins the next step of its escalation now. Rejects like acknowledge. */
  escalate(id: string, by: string): Promise<AlertRecord> {
    return this.#act(id, (episode) => {
      const { record } = episode
      if (record.status === 'acknowledged') throw new AlertStateError(`the alert is acknowledged by ${record.acknowledgedBy || 'someone'}; take that back first`)
      const step = this.#nextStep(episode)
      if (step === null) throw new AlertStateError('no step is left: the route of the alert names no escalation, or all its steps have been told')
      return {
        record: { ...record, escalationStep: record.escalationStep + 1 }, kind: 'escalated', detail: by === '' ? step.receiver : `${step.receiver}, asked for by ${by}`,
        after: () => this.#ground.dispatch.escalate(step.receiver, [record.fingerprint]),
      }
    })
  }

  /** Also of a resolved alert. Rejects with AlertStateError where there is none, MetaError. */
  giveFeedback(id: string, { by, verdict }: { by: string; verdict: 'false_positive' | 'true_positive' }): Promise<{ before: AlertRecord; after: AlertRecord }> {
    return this.#inTurn(async () => {
      const episode = this.#table.byId(id)
      const before = episode?.record ?? await this.#ground.store.alert(id)
      if (before === null) throw new AlertStateError('there is no such alert')
      const after: AlertRecord = { ...before, feedback: verdict }
      const event: AlertEvent = { alertId: id, timeMs: this.#ground.clock.now(), kind: 'feedback', detail: by === '' ? verdict : `${verdict}, ${by}` }
      if (episode === undefined) await this.#writer.must(after, event)
      else await this.#keep(episode, after, event)
      return { before, after }
    })
  }

  /** Ends once what is under way is kept, or the store has refused it once more. */
  async stop(): Promise<void> {
    this.#isStopped = true
    this.#timer?.cancel()
    this.#reload?.cancel()
    await this.#turn
    await this.#writer.stop()
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#turn.then(work)
    this.#turn = done.catch(() => {})
    return done
  }

  async #load(): Promise<void> {
    const { store, clock, logger, externalUrl, newKey } = this.#ground
    let records: AlertRecord[]
    try {
      let key = await store.value(KEY_NAME)
      if (key === null) await store.putValue(KEY_NAME, (key = newKey()))
      this.#links = new AckLinks(key, externalUrl)
      this.#cooldowns.load(await store.told())
      records = await store.unresolvedAlerts()
    } catch (error) {
      if (!(error instanceof MetaError)) throw error
      logger.error('open alerts and acknowledgements cannot be read; it is tried again', { err: error })
      if (!this.#isStopped) this.#reload = clock.after(LOAD_RETRY_MS, () => void this.start(), true)
      return
    }
    this.#adopt(records)
    this.#arm()
  }

  /** Episodes go on where they were: the dispatcher knows of them before the rules have found them again. */
  #adopt(records: readonly AlertRecord[]): void {
    const { dispatch, clock } = this.#ground
    const untilMs = clock.now() + RESTART_GRACE_MS
    const adopted = records.map((record) => {
      const met = this.#table.get(record.fingerprint)
      const episode = episodeOf(record, met?.endsAtMs ?? untilMs)
      if (met !== undefined) {
        // It fired again while the store could not be read.
        this.#writer.drop(met.record.id)
        episode.annotations = met.annotations
      }
      this.#table.put(episode)
      return episode
    })
    dispatch.receive(adopted.map(sentAlert))
    for (const { record, labels } of adopted) {
      const steps = this.#policies.get(dispatch.escalationOf(labels))?.steps ?? []
      for (const { receiver } of steps.slice(0, record.escalationStep)) dispatch.escalate(receiver, [record.fingerprint])
    }
  }

  #takeIn(alerts: readonly SentAlert[]): void {
    const { clock, newId } = this.#ground
    const nowMs = clock.now()
    for (const alert of alerts) {
      const print = fingerprint(alert.labels)
      const episode = this.#table.get(print)
      const isOver = alert.endsAtMs <= nowMs
      if (episode === undefined && !isOver) {
        const begun = beginEpisode(alert, print, newId())
        this.#table.put(begun)
        this.#writer.add({ records: [begun.record], events: firstEvents(begun) })
      } else if (episode !== undefined && isOver) this.#end(episode, alert.endsAtMs, '')
      else if (episode !== undefined) {
        episode.endsAtMs = alert.endsAtMs
        episode.annotations = alert.annotations
      }
    }
  }

  #end(episode: Episode, atMs: number, detail: string): void {
    const { record } = episode
    this.#table.end(episode)
    const resolvedAtMs = Math.max(atMs, record.triggeredAtMs)
    this.#writer.add({
      records: [{ ...record, status: 'resolved', resolvedAtMs, annotations: Object.fromEntries(episode.annotations) }],
      events: [{ alertId: record.id, timeMs: resolvedAtMs, kind: 'resolved', detail }],
    })
  }

  /** What is due by the clock: ends of alerts that nobody tells of, pages of acknowledged ones, steps of escalations. */
  async #tick(): Promise<void> {
    const nowMs = this.#ground.clock.now()
    const anew: string[] = []
    const steps = new Map<string, string[]>()
    this.#cooldowns.forget(nowMs)
    for (const episode of this.#table.all()) {
      const { record } = episode
      if (episode.endsAtMs <= nowMs) this.#end(episode, episode.endsAtMs, 'nobody told of it any more')
      else if (record.status === 'acknowledged') {
        if (record.repageAtMs === null || record.repageAtMs > nowMs) continue
        episode.record = reopened(record, nowMs)
        this.#writer.add({ records: [episode.record], events: [{ alertId: record.id, timeMs: nowMs, kind: 'unacknowledged', detail: 'nobody resolved it in time' }] })
        anew.push(record.fingerprint)
      } else this.#beginSteps(episode, nowMs, steps)
    }
    await this.#writer.settled()
    this.#pageAnew(anew)
    for (const [receiver, prints] of steps) this.#ground.dispatch.escalate(receiver, prints)
    this.#arm()
  }

  #beginSteps(episode: Episode, nowMs: number, begun: Map<string, string[]>): void {
    for (let step = this.#nextStep(episode); step !== null && step.dueMs <= nowMs; step = this.#nextStep(episode)) {
      if (episode.blockedUntilMs > nowMs) return
      // Nobody is told of what is silenced; the step waits until that is over. A cooldown keeps repeats away, not steps.
      episode.blockedUntilMs = this.#ground.dispatch.isSuppressed(episode.labels, nowMs) ? nowMs + BLOCKED_MS : 0
      if (episode.blockedUntilMs > nowMs) return
      const { id, fingerprint: print, escalationStep } = episode.record
      episode.record = { ...episode.record, escalationStep: escalationStep + 1 }
      this.#writer.add({ records: [episode.record], events: [{ alertId: id, timeMs: nowMs, kind: 'escalated', detail: step.receiver }] })
      if (begun.get(step.receiver)?.push(print) === undefined) begun.set(step.receiver, [print])
    }
  }

  /** An episode that nobody was told of, while who would be has heard of the one before it. */
  #coolsUntilMs(episode: Episode, nowMs: number): number {
    return episode.record.toldAtMs === null ? this.#cooldowns.coolsUntilMs(episode, nowMs) : 0
  }

  #nextStep(episode: Episode): DueStep | null {
    if (this.#policies.size === 0) return null
    episode.policy ??= this.#ground.dispatch.escalationOf(episode.labels)
    return nextStep(episode.record, this.#policies.get(episode.policy))
  }

  #pageAnew(prints: readonly string[]): void {
    if (prints.length === 0) return
    this.#ground.dispatch.endEscalation(prints)
    this.#ground.dispatch.retell(prints)
  }

  /** What someone asks for: kept first, then it holds. */
  #act(id: string, change: (episode: Episode, nowMs: number) => { record: AlertRecord; kind: 'acknowledged' | 'unacknowledged' | 'escalated'; detail: string; after: () => void }): Promise<AlertRecord> {
    return this.#inTurn(async () => {
      const episode = this.#table.byId(id)
      if (episode === undefined) throw new AlertStateError('the alert is resolved')
      const nowMs = this.#ground.clock.now()
      const { record, kind, detail, after } = change(episode, nowMs)
      await this.#keep(episode, record, { alertId: id, timeMs: nowMs, kind, detail })
      after()
      this.#arm()
      return episode.record
    })
  }

  /** What the dispatcher tells meanwhile stays, and is written after it. */
  async #keep(episode: Episode, record: AlertRecord, event: AlertEvent): Promise<void> {
    const before = episode.record.toldAtMs
    episode.isChanging = true
    try {
      await this.#writer.must(record, event)
      episode.record = { ...record, toldAtMs: episode.record.toldAtMs }
    } finally {
      episode.isChanging = false
      if (episode.record.toldAtMs !== before) this.#writer.add({ records: [episode.record] })
    }
  }

  /** Sets the timer to what is due next. */
  #arm(): void {
    this.#timer?.cancel()
    if (this.#isStopped || this.#table.size === 0) return
    const nowMs = this.#ground.clock.now()
    let dueMs = nowMs + TICK_MS_MAX
    for (const episode of this.#table.all()) {
      dueMs = Math.min(dueMs, episode.endsAtMs, episode.record.repageAtMs ?? Infinity)
      const step = this.#nextStep(episode)
      if (step !== null) dueMs = Math.min(dueMs, Math.max(step.dueMs, episode.blockedUntilMs))
    }
    this.#timer = this.#ground.clock.after(Math.max(0, dueMs - nowMs), () => void this.#inTurn(() => this.#tick()), true)
  }
}
