// What becomes of alerts here: the whole of Alertmanager's pipeline with its state, under one configuration after another.
// Alerts come in turns of the event loop, however many are told of at once.
//
//   receive ─▶ store of alerts ─▶ inhibitor
//                    └─▶ dispatcher ─▶ stages ─▶ integrations ─▶ log of notifications
import type { PipelineConfig } from '../../config/alertmanager-config.ts'
import type { CarriedLogs } from '../courier/carried-log.ts'
import type { MetaStore } from '../../meta/interface.ts'
import type { SentAlert } from '../../model/alert.ts'
import { fingerprint } from '../../model/fingerprint.ts'
import { getLabel, type Labels } from '../../model/labels.ts'
import { isDoneWithin, type Clock, type Timer } from '../../std/clock.ts'
import type { Logger } from '../../std/log.ts'
import type { Metrics } from '../../std/metrics.ts'
import type { Random } from '../../std/random.ts'
import { RetentionClock } from '../../std/retention-clock.ts'
import { runInTurns, type Steps } from '../../std/steps.ts'
import { WallJump } from '../../std/wall-jump.ts'
import type { AlertBatch, AlertDispatch, AlertOverlay } from '../overlay.ts'
import { isEndStale, isResolved, pipelineAlert, type PipelineAlert } from './alert.ts'
import { AlertStore } from './alert-store.ts'
import { DispatchMetrics } from './dispatch-metrics.ts'
import { Escalations } from './escalations.ts'
import { makeGeneration, type Generation, type ReceiverMaker } from './generation.ts'
import type { AlertGroup } from './group.ts'
import { KeptState } from './kept-state.ts'
import { KEPT_MS_MAX, type NotificationLog } from './notification-log.ts'
import { ESCALATION_KEY, type Route } from './route.ts'
import { silenceState, type Silences } from './silences.ts'
import { mutedBy } from './stages.ts'
import { TargetHomes } from './target-homes.ts'

export interface PipelineGround {
  store: MetaStore
  clock: Clock
  random: Random
  logger: Logger
  metrics: Metrics
  /** What was under way when the program before this one ended. */
  carried: CarriedLogs
  /** Where Monitor is reached, without a slash at its end. */
  externalUrl: string
}

/** What keeps an alert from people now. */
export interface AlertStatus {
  silencedBy: readonly string[]
  inhibitedBy: readonly string[]
}

/** Nothing is laid over alerts. */
const NO_OVERLAY: AlertOverlay = {
  heldBy: () => '', ackUrl: () => '', onNotified: () => {}, onSuppressed: () => {}, episodesOf: () => ({ firingIds: [], resolvedIds: [] }), onCarried: () => Promise.resolve(true),
}
const HOUSEKEEPING_MS = 15_000
/** Of ended alerts, as Alertmanager's. */
const FORGET_MS = 1_800_000
const STEP_ALERTS = 32
/** Alerts that may wait to be taken in; the rules say each again within a minute. */
const INBOX_MAX = 500_000
/** How long a stop waits for what was cut off. */
const ABORT_MS = 2000

interface InboxPart {
  alerts: readonly SentAlert[]
  batch: AlertBatch
  isLast: boolean
}

export class AlertPipeline implements AlertDispatch {
  readonly silences: Silences
  readonly #ground: PipelineGround
  readonly #alerts = new AlertStore()
  readonly #kept: KeptState
  readonly #log: NotificationLog
  readonly #metrics: DispatchMetrics
  readonly #escalations = new Escalations()
  readonly #inbox: InboxPart[] = []
  #inboxCount = 0
  #taking: Promise<void> | null = null
  #overlay: AlertOverlay = NO_OVERLAY
  /** Whoever lays something over alerts has come by then. */
  readonly #configured = Promise.withResolvers<void>()
  #now: Generation | null = null
  #counts = { active: 0, suppressed: 0 }
  /** Receivers of which it was said that they are gone. */
  readonly #gone = new Set<string>()
  /** All that is known is being told by what has come to be known; and whether more has come since. */
  #isLearning = false
  #hasLearned = false
  readonly #wallJump: WallJump
  readonly #retentionClock: RetentionClock
  #housekeeping: Timer | null = null
  #forgetAtMs = 0

  private constructor(ground: PipelineGround) {
    this.#ground = ground
    this.#wallJump = new WallJump(ground.clock)
    this.#retentionClock = new RetentionClock(ground.clock)
    this.#kept = new KeptState(ground, (message) => this.#configured.promise.then(() => this.#overlay.onCarried(message)))
    this.silences = this.#kept.silences
    this.#log = this.#kept.log
    this.#log.onLearned = () => this.#learn()
    this.#metrics = new DispatchMetrics(ground.metrics)
    this.#metrics.watch(ground.metrics, {
      alerts: () => this.#counts, silences: () => this.#silenceCounts(), groups: () => this.#now?.dispatcher.groupCount ?? 0,
      receivers: () => this.#now?.config.receivers.length ?? 0, inhibitionRules: () => this.#now?.config.inhibitRules.length ?? 0,
      integrations: () => [...(this.#now?.integrations.values() ?? [])].flat().length,
    })
  }

  /** With the silences and the log of notifications that were kept, if they can be read soon. */
  static async open(ground: PipelineGround): Promise<AlertPipeline> {
    const pipeline = new AlertPipeline(ground)
    await pipeline.#kept.open()
    pipeline.#forgetAtMs = ground.clock.monotonic() + FORGET_MS
    pipeline.#keepHouse()
    return pipeline
  }

  /** null before the first configuration that says what becomes of alerts. */
  get config(): PipelineConfig | null {
    return this.#now?.config ?? null
  }

  get externalUrl(): string {
    return this.#ground.externalUrl
  }

  get metrics(): DispatchMetrics {
    return this.#metrics
  }

  /** From now on asked and told; once, before alerts come. */
  setOverlay(overlay: AlertOverlay): void {
    this.#overlay = overlay
  }

  /** All that is known is told by the new configuration; without one no one is told. */
  applyConfig(config: PipelineConfig, makeReceiver: ReceiverMaker): void
  applyConfig(config: null, makeReceiver: null): void
  applyConfig(config: PipelineConfig | null, makeReceiver: ReceiverMaker | null): void {
    this.#configured.resolve()
    const before = this.#now
    this.#now = config === null || makeReceiver === null ? null : this.#generation(config, makeReceiver)
    for (const integration of [...(before?.integrations.values() ?? [])].flat()) void integration.retire()
    const isTelling = before?.dispatcher.isTelling === true
    void before?.dispatcher.stop(false).then(() => {
      // What was on its way may have been told after all.
      if (isTelling) this.#learn()
    })
    this.#learn()
  }

  /** By name, integrations that were told of alerts as firing, and of no end since. null: that is not read yet. */
  owing(): ReadonlySet<string> | null {
    return this.#kept.isRead ? this.#log.owing() : null
  }

  toldFiring(): ReadonlySet<string> {
    const prints = new Set<string>()
    for (const { firing, withheld } of this.#log.entries()) for (const print of [...firing, ...withheld]) prints.add(print)
    return prints
  }

  receive(alerts: readonly SentAlert[], batch: AlertBatch = { isOpen: true }, isLast = true): void {
    const { logger } = this.#ground
    this.#inbox.push({ alerts, batch, isLast })
    this.#inboxCount += alerts.length
    while (this.#inboxCount > INBOX_MAX && this.#inbox.length > 1) {
      const lost = this.#inbox.shift()!
      if (lost.isLast) lost.batch.isOpen = false
      this.#inboxCount -= lost.alerts.length
      logger.repeated('warn', 'more alerts than can be taken in, dropping the oldest', { count: lost.alerts.length })
    }
    this.#takeAll()
  }

  /** Resolves when all that was received is grouped. */
  async settled(): Promise<void> {
    while (this.#taking !== null) await this.#taking
  }

  escalationOf(labels: Labels): string {
    return this.routesOf(labels).find(({ config }) => config.escalation !== '')?.config.escalation ?? ''
  }

  receiversOf(labels: Labels): string[] {
    const fallback = this.#now?.config.fallback ?? null
    return [...new Set([...this.routesOf(labels).map(({ config }) => config.receiver), ...(fallback === null ? [] : [fallback.receiver])])]
  }

  isSuppressed(labels: Labels, nowMs: number): boolean {
    const { silencedBy, inhibitedBy } = this.statusOf(fingerprint(labels), labels, nowMs)
    return silencedBy.length > 0 || inhibitedBy.length > 0 || this.routesOf(labels).every((route) => this.mutedBy(route, nowMs).length > 0)
  }

  escalate(receiver: string, fingerprints: readonly string[]): void {
    for (const id of fingerprints) {
      this.#escalations.add(id, receiver)
      const alert = this.#alerts.get(id)
      // One that is not known yet comes again after a start.
      if (alert !== undefined) this.#now?.dispatcher.put(alert)
      if (alert !== undefined) this.#now?.dispatcher.flushNow(alert)
    }
  }

  endEscalation(fingerprints: readonly string[]): void {
    for (const id of fingerprints) this.#escalations.takeBack(id)
    this.#own(this.#log.forgetFiring(fingerprints, ESCALATION_KEY))
  }

  retell(fingerprints: readonly string[]): void {
    const forgotten = this.#log.forgetFiring(fingerprints)
    this.#own(forgotten)
    // Also where the store refuses it.
    void isDoneWithin(forgotten.catch(() => {}), KEPT_MS_MAX, this.#ground.clock).then(() => {
      const alerts = fingerprints.map((id) => this.#alerts.get(id)).filter((alert) => alert !== undefined)
      for (const alert of alerts) this.#now?.dispatcher.flushNow(alert)
    })
  }

  /** Alerts that are known, ended ones too for a while. */
  alerts(): IterableIterator<PipelineAlert> {
    return this.#alerts.all()
  }

  groups(): Iterable<AlertGroup> {
    return this.#now?.dispatcher.groups() ?? []
  }

  routesOf(labels: Labels): readonly Route[] {
    return this.#now?.root.match(labels) ?? []
  }

  statusOf(id: string, labels: Labels, nowMs: number): AlertStatus {
    const source = this.#now?.inhibitor.inhibitedBy(labels, nowMs) ?? null
    return { silencedBy: this.silences.silencedBy(id, labels, nowMs), inhibitedBy: source === null ? [] : [source] }
  }

  /** Names of the time intervals that mute the route now. */
  mutedBy({ config }: Route, nowMs: number): string[] {
    const { active, mute } = mutedBy(config, this.#now!.config.timeIntervals, nowMs)
    return [...active, ...mute]
  }

  /** Takes nothing more in; what is on its way has `drainMs`. */
  async stop(drainMs: number): Promise<void> {
    const { clock } = this.#ground
    this.#housekeeping?.cancel()
    this.#housekeeping = null
    this.#kept.stop()
    const dispatcher = this.#now?.dispatcher
    const integrations = [...(this.#now?.integrations.values() ?? [])].flat()
    const done = Promise.all([this.settled(), dispatcher?.stop(true)])
    await isDoneWithin(done, drainMs, clock)
    dispatcher?.abort()
    await isDoneWithin(Promise.all([done, ...integrations.map((integration) => integration.retire())]), ABORT_MS, clock)
  }

  /** Work that no one waits for; what of it fails is told. */
  #own(work: Promise<void>): void {
    const { logger } = this.#ground
    work.catch((error: unknown) => logger.repeated('error', 'cannot keep what is told again; a restart may not know it', { err: error instanceof Error ? error : String(error) }))
  }

  #generation(config: PipelineConfig, makeReceiver: ReceiverMaker): Generation {
    const { externalUrl, clock, logger, random } = this.#ground
    return makeGeneration(config, makeReceiver, {
      externalUrl, clock, logger, random, log: this.#log, silences: this.silences, overlay: this.#overlay, metrics: this.#metrics, escalations: this.#escalations, gone: this.#gone,
      heedClock: () => this.#heedClock(),
    })
  }

  #takeAll(): void {
    this.#taking ??= runInTurns(this.#takeIn(), this.#ground.clock).finally(() => {
      this.#taking = null
      // Some may have come when the last were taken in and this was yet to run.
      if (this.#inbox.length > 0) this.#takeAll()
    })
  }

  *#takeIn(): Steps<void> {
    for (let part = this.#inbox.shift(); part !== undefined; part = this.#inbox.shift()) {
      const { alerts, batch, isLast } = part
      this.#inboxCount -= alerts.length
      for (let i = 0; i < alerts.length; i++) {
        this.#put(alerts[i]!, batch)
        if (i % STEP_ALERTS === STEP_ALERTS - 1) yield
      }
      if (isLast) batch.isOpen = false
      yield
    }
  }

  /** What counts time by the wall clock moves along with a jump of it: nothing ends, is repeated or begins anew by that. */
  #heedClock(): void {
    const jumpMs = this.#wallJump.look()
    if (jumpMs === 0) return
    this.#ground.logger.warn('the wall clock has jumped; alerts, and what was told of them, go on as they were', { seconds: Math.round(jumpMs / 1000) })
    this.#alerts.moveInTime(jumpMs)
    this.#log.moveInTime(jumpMs)
    if (jumpMs < 0) this.#own(this.silences.setBack(-jumpMs))
  }

  #put(sent: SentAlert, batch: AlertBatch): void {
    this.#heedClock()
    const nowMs = this.#ground.clock.now()
    const told = pipelineAlert(sent, nowMs)
    const before = this.#alerts.get(told.fingerprint)
    if (isEndStale(before, told)) this.#onStale(told)
    const alert = this.#alerts.put(told, nowMs)
    if (before !== undefined && isResolved(before, nowMs) && !isResolved(alert, nowMs)) this.#escalations.forget(alert.fingerprint)
    this.#metrics.received(!isResolved(alert, nowMs))
    this.#now?.inhibitor.put(alert)
    this.#now?.dispatcher.put(alert, batch)
  }

  #onStale({ labels, endsAtMs, updatedAtMs }: PipelineAlert): void {
    this.#metrics.stale()
    this.#ground.logger.repeated('warn', "a posted alert goes on by its sender's clock and has ended by this one: nobody is told; set the clocks (NTP) of both", { alert: getLabel(labels, 'alertname'), behind_seconds: Math.round((updatedAtMs - endsAtMs) / 1000) })
  }

  /** Tells all that is known by the configuration and the log as they are now. */
  #learn(): void {
    if (this.#now === null) return
    this.#own(this.#log.follow(new TargetHomes(this.#now.integrations)))
    this.#hasLearned = true
    if (!this.#isLearning) void this.#readdAll()
  }

  /** Of what comes to be known meanwhile, as of a thousand messages that were under way at a kill, one round more. */
  async #readdAll(): Promise<void> {
    this.#isLearning = true
    while (this.#hasLearned && this.#now !== null) {
      this.#hasLearned = false
      await runInTurns(this.#readd(this.#now), this.#ground.clock)
    }
    this.#isLearning = false
  }

  /** Sources of inhibition first: a target must not be told before its source is known. */
  *#readd(generation: Generation): Steps<void> {
    const { inhibitor, farewells, dispatcher } = generation
    yield* farewells.learn()
    const alerts = [...this.#alerts.all()]
    for (const use of [inhibitor, dispatcher]) {
      for (let i = 0; i < alerts.length && this.#now === generation; i++) {
        const alert = this.#alerts.get(alerts[i]!.fingerprint)
        if (alert !== undefined) use.put(alert)
        if (i % STEP_ALERTS === STEP_ALERTS - 1) yield
      }
    }
  }

  #keepHouse(): void {
    const { clock, logger } = this.#ground
    this.#housekeeping = clock.after(HOUSEKEEPING_MS, () => {
      void runInTurns(this.#countAlerts(), clock)
      void this.#log.owed.keep()
      if (clock.monotonic() >= this.#forgetAtMs) {
        this.#forgetAtMs = clock.monotonic() + FORGET_MS
        this.#forget()
        this.silences.forgetExpired(this.#retentionClock.now()).catch((error: unknown) => logger.repeated('warn', 'cannot drop silences that ended long ago', { err: error instanceof Error ? error : String(error) }))
      }
      this.#keepHouse()
    }, true)
  }

  #forget(): void {
    this.#heedClock()
    this.#log.forgetExpired(this.#retentionClock.now())
    const nowMs = this.#ground.clock.now()
    for (const alert of this.#alerts.forgetResolved(nowMs)) {
      this.#now?.inhibitor.forget(alert)
      this.#escalations.forget(alert.fingerprint)
      this.silences.forgetAlert(alert.fingerprint)
    }
  }

  *#countAlerts(): Steps<void> {
    const counts = { active: 0, suppressed: 0 }
    const nowMs = this.#ground.clock.now()
    let seen = 0
    for (const alert of this.#alerts.all()) {
      if (++seen % STEP_ALERTS === 0) yield
      if (isResolved(alert, nowMs)) continue
      const { silencedBy, inhibitedBy } = this.statusOf(alert.fingerprint, alert.labels, nowMs)
      counts[silencedBy.length + inhibitedBy.length > 0 ? 'suppressed' : 'active']++
    }
    this.#counts = counts
  }

  #silenceCounts(): { active: number; pending: number; expired: number } {
    const counts = { active: 0, pending: 0, expired: 0 }
    const nowMs = this.#ground.clock.now()
    for (const silence of this.silences.all()) counts[silenceState(silence, nowMs)]++
    return counts
  }
}
