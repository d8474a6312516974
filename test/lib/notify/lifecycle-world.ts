// A lifecycle over a real store, with a dispatcher that keeps to the seam and nothing more: it tells each integration of each
// alert whenever it is flushed. What it told, and was asked to do, is written down.
import { randomBytes } from 'node:crypto'
import type { EscalationPolicy } from '../../../lib/config/alertmanager-config.ts'
import { LIFECYCLE_DEFAULTS, type LifecycleConfig } from '../../../lib/config/lifecycle-section.ts'
import type { MetaStore } from '../../../lib/meta/interface.ts'
import type { SentAlert } from '../../../lib/model/alert.ts'
import { fingerprint } from '../../../lib/model/fingerprint.ts'
import { getLabel, labelsFromRecord, labelsToMap, type Labels } from '../../../lib/model/labels.ts'
import type { Notification, NotifiedAlert } from '../../../lib/model/notification.ts'
import { AlertLifecycle } from '../../../lib/notify/lifecycle/lifecycle.ts'
import { PendingEpisodes } from '../../../lib/notify/lifecycle/pending-episodes.ts'
import type { AlertBatch, AlertDispatch, Teller } from '../../../lib/notify/overlay.ts'
import type { FakeClock } from '../../../lib/std/clock.ts'
import { silentLogger } from '../../../lib/std/log.ts'
import { Metrics } from '../../../lib/std/metrics.ts'
import { openStore } from '../meta/open-store.ts'

export const HOLD_MS = 240_000

export function sent(labels: Record<string, string>, nowMs: number, over: Partial<SentAlert> = {}): SentAlert {
  return { labels: labelsFromRecord(labels), annotations: new Map([['summary', 'it burns']]), startsAtMs: nowMs, activeAtMs: nowMs, value: 1, endsAtMs: nowMs + HOLD_MS, generatorUrl: 'http://m/graph', ...over }
}

/** An episode's page, by the integration that got it. */
export interface Page {
  receiver: string
  print: string
  atMs: number
}

/** The policy is the label `escalation`, the receiver of the route the label `receiver`; who is silenced is in `silenced`. */
class PlainDispatch implements AlertDispatch {
  readonly alerts: Map<string, SentAlert> = new Map<string, SentAlert>()
  readonly escalated: Map<string, Set<string>> = new Map()
  readonly retold: string[] = []
  readonly silenced: Set<string>
  /** The log of notifications: `alert episode integration`. */
  readonly known: Set<string>
  readonly #clock: FakeClock

  constructor(silenced: Set<string>, known: Set<string>, clock: FakeClock) {
    this.silenced = silenced
    this.known = known
    this.#clock = clock
  }

  receive(alerts: readonly SentAlert[], batch: AlertBatch, isLast: boolean): void {
    if (isLast) batch.isOpen = false
    for (const alert of alerts) {
      const print = fingerprint(alert.labels)
      const before = this.alerts.get(print)
      // An escalation is over with its episode.
      if (before !== undefined && before.endsAtMs <= this.#clock.now() && alert.endsAtMs > this.#clock.now()) this.escalated.delete(print)
      this.alerts.set(print, alert)
    }
  }

  escalationOf(labels: Labels): string {
    return getLabel(labels, 'escalation')
  }

  receiversOf(labels: Labels): string[] {
    return [getLabel(labels, 'receiver')]
  }

  toldFiring(): Set<string> {
    return new Set(Array.from(this.known, (entry) => entry.split(' ')[0]!))
  }

  isSuppressed(labels: Labels): boolean {
    return this.silenced.has(fingerprint(labels))
  }

  escalate(receiver: string, prints: readonly string[]): void {
    for (const print of prints) this.escalated.set(print, (this.escalated.get(print) ?? new Set()).add(receiver))
  }

  endEscalation(prints: readonly string[]): void {
    for (const print of prints) this.escalated.delete(print)
  }

  retell(prints: readonly string[]): void {
    this.retold.push(...prints)
    for (const entry of this.known) if (prints.includes(entry.split(' ')[0]!)) this.known.delete(entry)
  }
}

export class LifecycleWorld {
  readonly clock: FakeClock
  readonly #folder: string
  readonly #config: LifecycleConfig
  readonly #policies: readonly EscalationPolicy[]
  readonly silenced: Set<string> = new Set()
  readonly pages: Page[] = []
  readonly #known = new Set<string>()
  #lastId = 100_000_000_000
  ruleIntervalMsMax = 0
  /** Of the store of the next start, before it is asked anything. */
  onOpened: (store: MetaStore) => void = () => {}
  store: MetaStore
  dispatch!: PlainDispatch
  lifecycle!: AlertLifecycle
  pending!: PendingEpisodes
  metrics!: Metrics

  constructor(folder: string, clock: FakeClock, config: Partial<LifecycleConfig> = {}, policies: readonly EscalationPolicy[] = []) {
    this.#folder = folder
    this.clock = clock
    this.#config = { ...LIFECYCLE_DEFAULTS, ...config }
    this.#policies = policies
    this.store = openStore(folder)
  }

  async begin(): Promise<void> {
    const { clock } = this
    this.dispatch = new PlainDispatch(this.silenced, this.#known, clock)
    this.metrics = new Metrics()
    const newId = (): string => `00000000-0000-4000-8000-${String(++this.#lastId)}`
    const ground = { store: this.store, clock, logger: silentLogger, metrics: this.metrics, newId }
    this.pending = new PendingEpisodes(ground)
    this.lifecycle = new AlertLifecycle({
      ...ground, dispatch: this.dispatch, pending: this.pending, externalUrl: 'http://m', newKey: () => randomBytes(32).toString('hex'),
    })
    this.lifecycle.applyConfig(this.#config, this.#policies)
    this.lifecycle.setRuleIntervalMax(this.ruleIntervalMsMax)
    await this.lifecycle.start()
  }

  /** `isKilled`: what waits for the store is lost with the process. */
  async restart(isKilled: boolean): Promise<void> {
    if (isKilled) await this.store.close()
    await this.lifecycle.stop()
    if (!isKilled) await this.store.close()
    this.store = openStore(this.#folder)
    this.onOpened(this.store)
    await this.begin()
  }

  /** Resolves when all that was asked is done. */
  async idle(): Promise<void> {
    await this.lifecycle.receive([])
    // One round trip to the store: what callbacks have added is kept.
    await this.store.value('')
  }

  async advance(ms: number): Promise<void> {
    await this.clock.advance(ms)
    await this.idle()
  }

  /** One integration is told of all firing alerts that nothing keeps from it, and of ended ones. */
  flush(receiver: string, error: string | null = null, target = ''): string[] {
    const nowMs = this.clock.now()
    const told: string[] = []
    for (const [print, alert] of this.dispatch.alerts) {
      const isFiring = alert.endsAtMs > nowMs
      const isForIt = receiver.startsWith('team/') || this.dispatch.escalated.get(print)?.has(receiver.split('/')[0]!) === true
      if (!isFiring || !isForIt || this.silenced.has(print) || this.#isHeld(print, { name: receiver, target }, nowMs)) continue
      this.lifecycle.onNotified({ name: receiver, target }, this.#notification(print, alert), error)
      told.push(print)
      if (error === null) this.pages.push({ receiver, print, atMs: nowMs })
      if (error === null) this.#known.add(this.#entryOf(print, receiver))
    }
    return told
  }

  #entryOf(print: string, receiver: string): string {
    return `${print} ${this.lifecycle.readAckToken(this.lifecycle.ackUrl(print).split('/').at(-1)!)?.alertId} ${receiver}`
  }

  /** As the dispatcher does: a step of an escalation is no repeat the first time. */
  #isHeld(print: string, by: Teller, nowMs: number): boolean {
    const why = this.lifecycle.heldBy(print, by, nowMs)
    return why === 'acknowledged' || (why === 'cooldown' && (by.name.startsWith('team/') || this.#known.has(this.#entryOf(print, by.name))))
  }

  #notification(print: string, { labels, annotations, startsAtMs, generatorUrl }: SentAlert): Notification {
    const alert: NotifiedAlert = { status: 'firing', labels: labelsToMap(labels), annotations, startsAtMs, endsAtMs: 0, generatorUrl, fingerprint: print, ackUrl: this.lifecycle.ackUrl(print) }
    return {
      receiver: '', groupKey: '', reason: '', routeLabels: new Map(), previousMs: 0, memory: '', status: 'firing', alerts: [alert], groupLabels: new Map(), commonLabels: new Map(), commonAnnotations: new Map(), externalUrl: '', timeMs: this.clock.now(),
    }
  }
}
