// Puts alerts into groups and flushes these when they are due: group_wait after the first alert, then every group_interval.
// One dispatcher lives as long as its configuration. After alertmanager dispatch/dispatch.go.
//
//   alert ─▶ routes ─▶ groups ─(due)─▶ snapshot ─▶ stages ─▶ integrations side by side ─▶ ended alerts go
//     └────▶ farewells: groups of other routes that were told of it (farewells.ts)
import { printLabelSet } from '../../model/labels.ts'
import type { Clock } from '../../std/clock.ts'
import type { Logger } from '../../std/log.ts'
import type { Steps } from '../../std/steps.ts'
import type { AlertBatch } from '../overlay.ts'
import type { PipelineAlert } from './alert.ts'
import { DueQueue } from './due-queue.ts'
import type { Escalations } from './escalations.ts'
import type { Fallback } from './fallback.ts'
import type { Farewell, Farewells } from './farewells.ts'
import { AlertGroup } from './group.ts'
import type { FlushedAlert } from './group-message.ts'
import type { Integration, Told } from './integration.ts'
import { escalationRoute, type Route } from './route.ts'
import { sift, type SiftedAlert, type StageGround } from './stages.ts'

export interface DispatcherGround extends StageGround {
  root: Route
  /** Of a receiver, by its name. */
  integrations: ReadonlyMap<string, readonly Integration[]>
  escalations: Escalations
  /** null: none is configured. */
  fallback: Fallback | null
  farewells: Farewells
  /** Called before a group is looked at. */
  heedClock: () => void
  externalUrl: string
  clock: Clock
  logger: Logger
}

/** A group waits for alerts that come with its own: else it would tell of some of them, and of the rest an interval later. */
const INTAKE_MS = 20
/** Whoever sends them may have died; a hundred thousand take half a minute where the machine is busy. */
const INTAKE = { quietMsMax: 10_000, waitMsMax: 45_000 }
/** Telling may take as long, however short the interval is. */
const FLUSH_MS_MIN = 10_000
/** Between looks at a group whose receiver is not reached. */
const FALLBACK_MS = 60_000

/** What is told of a group. */
interface Look {
  sifted: readonly SiftedAlert[]
  /** What each group had of it: its own, and that of its key and receiver which no route makes. */
  parts: readonly { of: AlertGroup; flushed: readonly FlushedAlert[] }[]
}

export class Dispatcher {
  readonly #ground: DispatcherGround
  readonly #groups = new Map<string, AlertGroup>()
  /** Groups that are told ends alone, by receiver and key. */
  readonly #farewells = new Map<string, AlertGroup>()
  /** By their keys; of one key there may be several. */
  readonly #routes = new Map<string, Route[]>()
  readonly #due: DueQueue<AlertGroup>
  /** Groups that are being told, due when they become the fallback's. */
  readonly #stuck: DueQueue<AlertGroup>
  /** By receiver. */
  readonly #escalationRoutes = new Map<string, Route>()
  readonly #abort = new AbortController()
  readonly #telling = new Set<Promise<void>>()

  constructor(ground: DispatcherGround) {
    this.#ground = ground
    this.#due = new DueQueue(ground.clock, ground.logger, (group) => this.#flush(group))
    this.#stuck = new DueQueue(ground.clock, ground.logger, (group) => this.#fallBack(group))
    this.#know(ground.root)
  }

  /** Receivers are being told. */
  get isTelling(): boolean {
    return this.#telling.size > 0
  }

  get groupCount(): number {
    return this.#groups.size
  }

  /** In no order. */
  groups(): IterableIterator<AlertGroup> {
    return this.#groups.values()
  }

  /** `batch`: what it came with; null: it was known before. */
  put(alert: PipelineAlert, batch: AlertBatch | null = null): void {
    const routes = this.#routesOf(alert)
    for (const route of routes) this.#putInto(route, alert, batch)
    for (const farewell of this.#ground.farewells.of(alert, routes)) this.#putAside(farewell, alert)
  }

  /** Flushes the alert's groups at once. */
  flushNow(alert: PipelineAlert): void {
    for (const route of this.#routesOf(alert)) {
      const group = this.#groups.get(groupId(route, alert))
      if (group !== undefined) this.#due.set(group, 0)
    }
  }

  /** Begins nothing more. Resolves when tries on their way have ended; with `isDrained`, when all that is being told is. */
  async stop(isDrained: boolean): Promise<void> {
    this.#due.stop()
    this.#stuck.stop()
    if (!isDrained) this.abort()
    await Promise.all(this.#telling)
  }

  /** Messages that wait are given up. */
  abort(): void {
    this.#abort.abort()
    for (const integrations of this.#ground.integrations.values()) for (const integration of integrations) integration.wakeAll()
  }

  #routesOf({ labels, fingerprint }: PipelineAlert): Route[] {
    const { root, escalations, integrations, logger } = this.#ground
    const routes = root.match(labels)
    for (const receiver of escalations.receiversOf(fingerprint)) {
      let route = this.#escalationRoutes.get(receiver)
      if (route === undefined && integrations.has(receiver)) {
        this.#escalationRoutes.set(receiver, (route = escalationRoute(receiver, root)))
        this.#know(route)
      }
      if (route !== undefined) routes.push(route)
      else logger.error('cannot escalate to a receiver that the configuration does not have', { receiver })
    }
    return routes
  }

  #putInto(route: Route, alert: PipelineAlert, batch: AlertBatch | null): void {
    const { clock } = this.#ground
    const id = groupId(route, alert)
    const known = this.#groups.get(id)
    const group = known ?? new AlertGroup(route, route.groupLabels(alert.labels))
    group.put(alert, batch)
    if (known !== undefined) return
    const { groupWaitMs } = route.config
    this.#groups.set(id, group)
    // An alert that is old already has waited: after a restart, or a change of the configuration.
    this.#due.set(group, alert.startsAtMs + groupWaitMs < clock.now() ? 0 : groupWaitMs)
  }

  #putAside({ route, groupKey, groupLabels }: Farewell, alert: PipelineAlert): void {
    const id = farewellId(route, groupKey)
    let group = this.#farewells.get(id)
    if (group === undefined) {
      this.#farewells.set(id, (group = new AlertGroup(route, groupLabels, true)))
      this.#due.set(group, 0)
    }
    group.put(alert, null)
  }

  #know(route: Route): void {
    const known = this.#routes.get(route.key)
    if (known === undefined) this.#routes.set(route.key, [route])
    else known.push(route)
    for (const child of route.children) this.#know(child)
  }

  /** Whether a group of a route tells the same receiver under the same key: it tells what this one has, too. */
  #hasTwin({ route, labels }: AlertGroup): boolean {
    return this.#routes.get(route.key)?.some(({ id, config }) => config.receiver === route.config.receiver && this.#groups.get(`${id}\n${printLabelSet(labels)}`)?.isEmpty === false) ?? false
  }

  *#flush(group: AlertGroup): Steps<void> {
    if (group.isFlushing) {
      group.isLate = true
      return
    }
    const { clock } = this.#ground
    if (group.waitsForBatch(clock.monotonic(), INTAKE)) {
      this.#due.set(group, INTAKE_MS)
      return
    }
    const { groupIntervalMs } = group.route.config
    const deadlineMs = clock.monotonic() + Math.max(groupIntervalMs, FLUSH_MS_MIN)
    this.#due.set(group, groupIntervalMs)
    if (group.isEmpty) {
      this.#forget(group)
      return
    }
    if (group.isFarewell && this.#hasTwin(group)) return
    this.#ground.heedClock()
    const nowMs = clock.now()
    const look = yield* this.#look(group, nowMs)
    group.isFlushing = true
    const telling = this.#tell(group, look, { nowMs, deadlineMs }).finally(() => void this.#telling.delete(telling))
    this.#telling.add(telling)
  }

  async #tell(group: AlertGroup, { sifted, parts }: Look, { nowMs, deadlineMs }: { nowMs: number; deadlineMs: number }): Promise<void> {
    const { fallback } = this.#ground
    const flush = this.#told(group, sifted, { nowMs, deadlineMs })
    if (fallback !== null) this.#stuck.set(group, fallback.dueInMs(group))
    const integrations = this.#ground.integrations.get(group.route.config.receiver)!
    const told = await Promise.all([...integrations.map((integration) => integration.tell(flush)), fallback?.tell(group, flush) ?? true])
    this.#stuck.remove(group)
    group.isFlushing = false
    if (told.every(Boolean)) for (const { of, flushed } of parts) of.forgetResolved(flushed)
    for (const { of } of parts) if (of.isEmpty && (of === group || !of.isFlushing)) this.#forget(of)
    if (group.isEmpty) return
    if (group.isLate) this.#due.set(group, 0)
    group.isLate = false
  }

  /** The alerts of a group, and those of its key and receiver that are here for their ends alone. */
  *#look(group: AlertGroup, nowMs: number): Steps<Look> {
    const flushed = yield* group.snapshot(nowMs)
    if (this.#farewells.size === 0) return { sifted: yield* this.#sift(group, flushed, nowMs), parts: [{ of: group, flushed }] }
    if (group.isFarewell) return { sifted: leaving(flushed), parts: [{ of: group, flushed }] }
    const sifted = yield* this.#sift(group, flushed, nowMs)
    const aside = this.#farewells.get(farewellId(group.route, group.key))
    if (aside === undefined) return { sifted, parts: [{ of: group, flushed }] }
    const prints = new Set(flushed.map(({ alert }) => alert.fingerprint))
    const rest = (yield* aside.snapshot(nowMs)).filter(({ alert }) => !prints.has(alert.fingerprint))
    return { sifted: [...sifted, ...leaving(rest)], parts: [{ of: group, flushed }, { of: aside, flushed: rest }] }
  }

  *#sift(group: AlertGroup, flushed: readonly FlushedAlert[], nowMs: number): Steps<SiftedAlert[]> {
    const { route } = group
    const { receiver } = route.config
    const sifted = yield* sift(flushed, route.config, this.#ground, nowMs)
    const isEscalation = this.#escalationRoutes.get(receiver) === route
    if (isEscalation) for (const one of sifted) one.isSuppressed ||= !this.#ground.escalations.isOn(one.alert.fingerprint, receiver)
    return sifted
  }

  /** The receiver of a group that is being told is not reached: the fallback is told of the group as it is now. */
  *#fallBack(group: AlertGroup): Steps<void> {
    const { clock, fallback } = this.#ground
    this.#ground.heedClock()
    const nowMs = clock.now()
    const deadlineMs = clock.monotonic() + FALLBACK_MS
    // Other alerts may come, and wait for the same receiver.
    this.#stuck.set(group, FALLBACK_MS)
    const { sifted } = yield* this.#look(group, nowMs)
    const telling = fallback!.tell(group, this.#told(group, sifted, { nowMs, deadlineMs })).then(() => {}).finally(() => void this.#telling.delete(telling))
    this.#telling.add(telling)
  }

  #told(group: AlertGroup, alerts: readonly SiftedAlert[], { nowMs, deadlineMs }: { nowMs: number; deadlineMs: number }): Told {
    const { receiver, repeatIntervalMs, labels } = group.route.config
    const head = { receiver, groupKey: group.key, groupLabels: group.labels, routeLabels: labels, externalUrl: this.#ground.externalUrl, timeMs: nowMs }
    return { head, alerts, repeatIntervalMs, deadlineMs, signal: this.#abort.signal, isFarewell: group.isFarewell }
  }

  #forget(group: AlertGroup): void {
    this.#due.remove(group)
    if (group.isFarewell) this.#farewells.delete(farewellId(group.route, group.key))
    else this.#groups.delete(`${group.route.id}\n${printLabelSet(group.labels)}`)
  }
}

/** Of them only ends are told. */
function leaving(alerts: readonly FlushedAlert[]): SiftedAlert[] {
  return alerts.map((one) => ({ ...one, isSuppressed: true, shown: null }))
}

function farewellId({ config }: Route, groupKey: string): string {
  return `${config.receiver}\n${groupKey}`
}

function groupId(route: Route, { labels }: PipelineAlert): string {
  return `${route.id}\n${printLabelSet(route.groupLabels(labels))}`
}
