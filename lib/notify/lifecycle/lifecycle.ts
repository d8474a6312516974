// The life of alerts beside Alertmanager's pipeline: episodes with ids, acknowledgement, escalation, cooldown, history. Alerts
// come here before they go to the dispatcher, so that an episode is recorded before anyone is told of it; the dispatcher asks
// what is held and tells what became of its messages.
//
//   rules ─▶ receive ─▶ (recorded) ─▶ dispatcher ─▶ people
//                          ▲   heldBy? · told of it     │ ack, unack, escalate
//                          └────────────────────────────┘
//
// Changes come one after the other. What people do (people-actions.ts) is in the store before it holds; what rules tell holds at
// once, and a store that refuses it delays no page.
import type { EscalationPolicy } from '../../config/alertmanager-config.ts'
import type { LifecycleConfig } from '../../config/lifecycle-section.ts'
import { MetaError } from '../../meta/errors.ts'
import type { AlertRecord, MetaStore } from '../../meta/interface.ts'
import type { PendingAlert, SentAlert } from '../../model/alert.ts'
import { fingerprint } from '../../model/fingerprint.ts'
import type { Labels } from '../../model/labels.ts'
import type { NotifiedAlert, Notification } from '../../model/notification.ts'
import { isDoneWithin, type Clock, type Timer } from '../../std/clock.ts'
import type { Logger } from '../../std/log.ts'
import type { Metrics } from '../../std/metrics.ts'
import { runInTurns, type Steps } from '../../std/steps.ts'
import type { CarriedMessage } from '../courier/carried-log.ts'
import type { ToldMessage } from '../courier/courier.ts'
import type { AlertBatch, AlertDispatch, AlertOverlay, Teller } from '../overlay.ts'
import { AckLinks, isExpired } from './ack-links.ts'
import { noteCarried } from './carried-notes.ts'
import { Cooldowns } from './cooldowns.ts'
import { currentAlerts, type CurrentAlerts, type CurrentAsk } from './current-alerts.ts'
import { DueWork } from './due-work.ts'
import { beginEpisode, endOf, episodeOf, firstEvents, RESTART_GRACE_MS, restartGraceMs, sentAlert, type Episode } from './episode.ts'
import { EpisodeTable } from './episode-table.ts'
import type { DueStep } from './escalation.ts'
import { registerLifecycleMetrics } from './lifecycle-metrics.ts'
import { noteNotification, noteSuppression, toldId } from './message-notes.ts'
import type { PendingEpisodes } from './pending-episodes.ts'
import { PeopleActions } from './people-actions.ts'
import { RecordWriter } from './record-writer.ts'

export interface LifecycleGround {
  store: Pick<MetaStore, 'alert' | 'alertsLacking' | 'unresolvedAlerts' | 'endedAlerts' | 'told' | 'putAlerts' | 'value' | 'putValue'>
  dispatch: AlertDispatch
  pending: PendingEpisodes
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

const STEP_ALERTS = 16
/** Alerts recorded together, one transaction: what else is asked waits for these alone. */
const PART_ALERTS = 1000
const LOAD_RETRY_MS = 10_000
/** Alerts are told without what was kept where its disk hangs for longer. */
const LOAD_MS_MAX = 5000
/** What was told is remembered for some days. */
const ENDED_MS_MAX = 7 * 86_400_000
const KEY_NAME = 'ack-key'

export class AlertLifecycle implements AlertOverlay {
  readonly #ground: LifecycleGround
  readonly #writer: RecordWriter
  readonly #cooldowns = new Cooldowns()
  readonly #table = new EpisodeTable()
  readonly #due: DueWork
  readonly people: PeopleActions
  #links: AckLinks | null = null
  #ackLinkMs = 0
  #ruleIntervalMsMax = 0
  #turn: Promise<unknown> = Promise.resolve()
  #reload: Timer | null = null
  #isStopped = false
  /** Fingerprints of what was open at the start and nobody has told of since. */
  readonly #unconfirmed = new Set<string>()
  /** What was open has been read. */
  readonly #adopted = Promise.withResolvers<void>()

  constructor(ground: LifecycleGround) {
    this.#ground = ground
    this.#writer = new RecordWriter(ground.store, ground.clock, ground.logger)
    const { store, dispatch, clock } = ground
    const inTurn = <T>(work: () => Promise<T>): Promise<T> => this.#inTurn(work)
    this.#due = new DueWork({ table: this.#table, cooldowns: this.#cooldowns, writer: this.#writer, dispatch, clock, inTurn })
    this.people = new PeopleActions({ store, table: this.#table, writer: this.#writer, due: this.#due, dispatch, clock, inTurn, current: (ask) => this.current(ask) })
    registerLifecycleMetrics(ground.metrics, { counts: () => this.#table.counts(), lostLines: () => this.#writer.lostCount })
  }

  /** After the dispatcher has taken the routes of the same configuration. */
  applyConfig(lifecycle: LifecycleConfig, escalations: readonly EscalationPolicy[]): void {
    this.#cooldowns.applyConfig(lifecycle)
    this.people.repageAfterMs = lifecycle.repageAfterMs
    this.#ackLinkMs = lifecycle.ackLinkMs
    this.#due.applyPolicies(escalations)
  }

  /** Cooldowns, ms, of rules made by API. */
  setRuleCooldowns(lengths: ReadonlyMap<string, number>): void {
    this.#cooldowns.setRules(lengths)
  }

  /** The longest interval at which rules are evaluated. */
  setRuleIntervalMax(ms: number): void {
    this.#ruleIntervalMsMax = ms
    this.#ground.pending.ruleIntervalMsMax = ms
  }

  /** Reads what was open when the program ended and hands it to the dispatcher, both configured. Never rejects. */
  start(): Promise<void> {
    return this.#inTurn(() => this.#load())
  }

  /**
   * From the rules, and from the API; of a batch that ends with these where `isLast`. Resolves when they are with the dispatcher.
   * Of very many it takes some at a time, so that others get their turn; rejects once it is stopped amid them.
   */
  async receive(alerts: readonly SentAlert[], batch: AlertBatch = { isOpen: true }, isLast = true): Promise<void> {
    for (let at = 0; at === 0 || at < alerts.length; at += PART_ALERTS) {
      const part = alerts.length <= PART_ALERTS ? alerts : alerts.slice(at, at + PART_ALERTS)
      await this.#inTurn(async () => {
        if (this.#isStopped) throw new MetaError('cannot take alerts: Monitor ends')
        await runInTurns(this.#takeIn(part), this.#ground.clock)
        await this.#writer.settled()
        this.#ground.dispatch.receive(part, batch, isLast && at + PART_ALERTS >= alerts.length)
      })
    }
  }

  /**
   * Rules are there no more, or switched off: what they had open when this program began ends with them, where they have not come to tell of
   * it. What they have told of they end themselves.
   */
  async endWith(ruleIds: ReadonlySet<string>): Promise<void> {
    const nowMs = this.#ground.clock.now()
    const isOver = ({ record: { ruleId, fingerprint: print } }: Episode): boolean => ruleId !== null && ruleIds.has(ruleId) && this.#unconfirmed.has(print)
    const ended = Array.from(this.#table.all()).filter(isOver).map((episode) => ({ ...sentAlert(episode), endsAtMs: nowMs }))
    if (ended.length > 0) await this.receive(ended)
  }

  /** From the rules, for the history of what never fires: nobody is told. `lostCount`: those that came too fast. */
  receivePending(alerts: readonly PendingAlert[], lostCount: number): void {
    this.#ground.pending.receive(alerts, lostCount, (print) => this.#table.get(print) !== undefined)
  }

  heldBy(print: string, by: Teller, nowMs: number): '' | 'acknowledged' | 'cooldown' {
    const episode = this.#table.get(print)
    if (episode === undefined) return ''
    if (episode.record.status === 'acknowledged') return 'acknowledged'
    return this.#cooldowns.heldUntilMs(episode, by, nowMs) > 0 ? 'cooldown' : ''
  }

  ackUrl(print: string): string {
    const episode = this.#table.get(print)
    return episode === undefined || this.#links === null ? '' : this.#links.urlOf(episode.record.id, this.#ground.clock.now())
  }

  onNotified(by: Teller, notification: Notification, error: string | null): void {
    this.#writer.add(noteNotification({ table: this.#table, cooldowns: this.#cooldowns, nowMs: this.#ground.clock.now() }, by, notification, error))
  }

  episodesOf({ alerts }: Notification): Pick<ToldMessage, 'firingIds' | 'resolvedIds'> {
    const idsOf = (status: NotifiedAlert['status']): string[] => alerts.filter((alert) => alert.status === status).map((alert) => toldId(this.#table, alert)).filter((id) => id !== undefined)
    return { firingIds: idsOf('firing'), resolvedIds: idsOf('resolved') }
  }

  async onCarried(message: CarriedMessage): Promise<boolean> {
    await this.#adopted.promise
    return noteCarried({ store: this.#ground.store, table: this.#table, cooldowns: this.#cooldowns, writer: this.#writer }, message)
  }

  onSuppressed(kind: 'silenced' | 'inhibited' | 'muted', alerts: readonly NotifiedAlert[], by: readonly string[]): void {
    this.#writer.add(noteSuppression(this.#table, { kind, alerts, by, nowMs: this.#ground.clock.now() }))
  }

  /** What a token of an acknowledgement's address stands for; null where it is not one of ours. */
  readAckToken(token: string): { alertId: string; isExpired: boolean } | null {
    const link = this.#links?.read(token) ?? null
    return link === null ? null : { alertId: link.alertId, isExpired: isExpired(link, this.#ackLinkMs, this.#ground.clock.now()) }
  }

  current(ask: CurrentAsk): CurrentAlerts {
    const receiversOf = ({ labels, record }: Episode): string[] => this.receiversOf(labels, record.escalationStep)
    return currentAlerts(this.#table.all(), { severities: this.#cooldowns.severities, receiversOf }, ask)
  }

  /** Who is told of such an alert as the configuration is, `step` steps of its escalation included. */
  receiversOf(labels: Labels, step: number): string[] {
    return [...this.#ground.dispatch.receiversOf(labels), ...this.#due.stepsBegun(labels, step)]
  }

  /** null: resolved, or unknown. */
  outlook(id: string): AlertOutlook | null {
    const episode = this.#table.byId(id)
    if (episode === undefined) return null
    const nowMs = this.#ground.clock.now()
    const { suppression, suppressionNote } = episode
    return { suppression, suppressedBy: suppressionNote, step: this.#due.nextStep(episode), coolsUntilMs: this.#coolsUntilMs(episode, nowMs) }
  }

  /** Ends once what is under way is kept, or the store has refused it once more. */
  async stop(): Promise<void> {
    this.#isStopped = true
    this.#due.stop()
    this.#reload?.cancel()
    await this.#turn
    await Promise.all([this.#writer.stop(), this.#ground.pending.stop()])
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#turn.then(work)
    this.#turn = done.catch(() => {})
    return done
  }

  async #load(): Promise<void> {
    const { clock, logger } = this.#ground
    const read = this.#read()
    if (await isDoneWithin(read, LOAD_MS_MAX, clock)) {
      this.#adopt(await read)
      return
    }
    logger.error('open alerts and acknowledgements are not read yet, as the disk hangs: alerts are told without them until they are')
    void read.then((records) => this.#inTurn(() => Promise.resolve(this.#isStopped ? undefined : this.#adopt(records))))
  }

  /** What was open, and what has ended while somebody still believes that it fires. Nothing where it cannot be read, which is tried again; never rejects. */
  async #read(): Promise<AlertRecord[]> {
    const { store, pending, dispatch, clock, logger, externalUrl, newKey } = this.#ground
    try {
      let key = await store.value(KEY_NAME)
      if (key === null) await store.putValue(KEY_NAME, (key = newKey()))
      this.#links = new AckLinks(key, externalUrl)
      this.#cooldowns.load(await store.told())
      const records = await store.unresolvedAlerts()
      await pending.load()
      const open = new Set(records.map(({ fingerprint }) => fingerprint))
      const told = [...dispatch.toldFiring()].filter((print) => !open.has(print))
      return told.length === 0 ? records : [...records, ...await store.endedAlerts(told, clock.now() - ENDED_MS_MAX)]
    } catch (error) {
      if (!(error instanceof MetaError)) throw error
      logger.repeated('error', 'open alerts and acknowledgements cannot be read; it is tried again', { err: error })
      if (!this.#isStopped) this.#reload = clock.after(LOAD_RETRY_MS, () => void this.start(), true)
      return []
    }
  }

  /** Episodes go on where they were: the dispatcher knows of them before the rules have found them again. */
  #adopt(records: readonly AlertRecord[]): void {
    const { dispatch, clock } = this.#ground
    const untilMs = clock.now() + restartGraceMs(this.#ruleIntervalMsMax)
    const ended = records.filter(({ status }) => status === 'resolved').map((record) => episodeOf(record, record.resolvedAtMs!)).filter(({ record }) => this.#table.get(record.fingerprint) === undefined)
    for (const episode of ended) {
      this.#table.put(episode)
      this.#table.end(episode)
    }
    const adopted = records.filter(({ status }) => status !== 'resolved').map((record) => {
      const met = this.#table.get(record.fingerprint)
      const episode = episodeOf(record, met?.endsAtMs ?? Math.max(untilMs, record.lastsUntilMs ?? 0))
      if (met !== undefined) {
        // It fired again while the store could not be read.
        this.#writer.drop(met.record.id)
        episode.annotations = met.annotations
      }
      this.#table.put(episode)
      if (met === undefined) this.#unconfirmed.add(record.fingerprint)
      this.#due.changed(episode)
      return episode
    })
    dispatch.receive([...ended, ...adopted].map(sentAlert))
    this.#adopted.resolve()
    for (const episode of adopted) for (const receiver of this.#due.stepsBegun(episode.labels, episode.record.escalationStep)) dispatch.escalate(receiver, [episode.record.fingerprint])
  }

  *#takeIn(alerts: readonly SentAlert[]): Steps<void> {
    this.#due.heedClock()
    const nowMs = this.#ground.clock.now()
    for (let i = 0; i < alerts.length; i++) {
      this.#take(alerts[i]!, nowMs)
      if (i % STEP_ALERTS === STEP_ALERTS - 1) yield
    }
  }

  #take(alert: SentAlert, nowMs: number): void {
    const print = fingerprint(alert.labels)
    const episode = this.#table.get(print)
    this.#unconfirmed.delete(print)
    const isOver = alert.endsAtMs <= nowMs
    if (episode !== undefined && isOver) {
      this.#table.end(episode)
      this.#writer.addAwaited(endOf(episode, alert.endsAtMs, ''))
    } else if (episode !== undefined) {
      episode.endsAtMs = alert.endsAtMs
      episode.annotations = alert.annotations
      const lastsUntilMs = lastingMs(alert, nowMs)
      if (lastsUntilMs !== episode.record.lastsUntilMs) {
        episode.record = { ...episode.record, lastsUntilMs }
        this.#writer.addAwaited({ records: [episode.record] })
      }
      this.#due.changed(episode)
    } else if (!isOver) {
      const { pending, newId } = this.#ground
      const { id = newId(), activeAtMs: pendingFromMs = Infinity } = pending.fired(print) ?? {}
      const activeAtMs = Math.min(pendingFromMs, alert.activeAtMs)
      // Alertmanager has what is posted with nothing but an end begin then; here it fires from now on.
      const startsAtMs = Math.min(alert.startsAtMs, nowMs)
      const begun = beginEpisode({ ...alert, activeAtMs, startsAtMs }, { fingerprint: print, id, lastsUntilMs: lastingMs(alert, nowMs), nowMs })
      this.#table.put(begun)
      this.#writer.addAwaited({ records: [begun.record], events: firstEvents(begun) })
      this.#due.changed(begun)
    }
  }

  /** An episode that nobody was told of, while who would be has heard of the one before it. */
  #coolsUntilMs(episode: Episode, nowMs: number): number {
    return episode.record.toldAtMs === null ? this.#cooldowns.coolsUntilMs(episode, nowMs) : 0
  }
}

/** What its record says of its end. Nothing of alerts of the rules, which find out anew what fires; they alone tell a value. */
function lastingMs({ endsAtMs, value }: SentAlert, nowMs: number): number | null {
  return value === null && endsAtMs - nowMs > RESTART_GRACE_MS ? endsAtMs : null
}
