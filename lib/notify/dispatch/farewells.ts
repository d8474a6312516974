// Ends for those whom the routes bring an alert no more. The log of notifications says who was told that it fires, under which key of a
// group; where the routes of this configuration do not lead there any more, the group goes on for the end alone: no other message,
// no repeat and nothing new comes of it. What a live group of that key and receiver has goes with its messages (dispatcher.ts).
//
//   log ─(once a configuration)─▶ told, by alert ─(alert comes)─▶ is it on its routes? ─no─▶ farewell, until its end is told
import type { NotificationEntry } from '../../meta/interface.ts'
import { labelSetSuffix, type Labels } from '../../model/labels.ts'
import type { Logger } from '../../std/log.ts'
import type { Steps } from '../../std/steps.ts'
import type { PipelineAlert } from './alert.ts'
import type { Fallback } from './fallback.ts'
import type { Integration } from './integration.ts'
import type { NotificationLog } from './notification-log.ts'
import { farewellRoute, type Route } from './route.ts'

interface Ground {
  root: Route
  integrations: ReadonlyMap<string, readonly Integration[]>
  fallback: Fallback | null
  log: NotificationLog
  logger: Logger
  /** Receivers of which it was said that they are gone. */
  gone: Set<string>
}

/** A group that is told ends alone. */
export interface Farewell {
  route: Route
  groupKey: string
  groupLabels: Labels
}

type Told = Pick<NotificationEntry, 'groupKey' | 'receiver'>

const STEP_ALERTS = 512

export class Farewells {
  readonly #ground: Ground
  /** Receivers by the names of their integrations. */
  readonly #receivers: ReadonlyMap<string, string>
  /** By fingerprint: who was told that it fires, of alerts that have not come since. */
  readonly #told = new Map<string, Told[]>()
  /** By fingerprint. */
  readonly #open = new Map<string, Farewell[]>()
  readonly #routes = new Map<string, Route>()
  /** What entries that were looked into say: each of the alerts of a large group asks the same one. */
  readonly #known = new WeakMap<NotificationEntry, ReadonlySet<string>>()

  constructor(ground: Ground) {
    this.#ground = ground
    this.#receivers = new Map([...ground.integrations].flatMap(([receiver, own]) => own.map(({ name }) => [name, receiver])))
  }

  /** Reads the log: at the beginning, and where somebody else has written into it. Alerts that are known are to be asked for again then. */
  *learn(): Steps<void> {
    this.#told.clear()
    let seen = 0
    for (const { groupKey, receiver, firing, withheld } of this.#ground.log.entries()) {
      const told = { groupKey, receiver }
      for (const print of [...firing, ...withheld]) {
        const known = this.#told.get(print)
        if (known === undefined) this.#told.set(print, [told])
        else known.push(told)
        if (++seen % STEP_ALERTS === 0) yield
      }
    }
  }

  /** Where the alert's end is to be told beside its `routes`. */
  of(alert: PipelineAlert, routes: readonly Route[]): readonly Farewell[] {
    const { fingerprint } = alert
    const told = this.#told.get(fingerprint)
    if (told !== undefined) {
      this.#told.delete(fingerprint)
      for (const one of told) this.#look(one, alert, routes)
    }
    const open = this.#open.get(fingerprint)?.filter((farewell) => this.#isOwed(farewell, fingerprint)) ?? []
    if (open.length > 0) this.#open.set(fingerprint, open)
    else this.#open.delete(fingerprint)
    return open
  }

  #look({ groupKey, receiver: integration }: Told, alert: PipelineAlert, routes: readonly Route[]): void {
    const { fingerprint, labels } = alert
    const receiver = this.#receivers.get(integration)
    if (this.#isOnRoute(groupKey, receiver, alert, routes)) return
    if (receiver === undefined) {
      if (this.#knows(groupKey, integration, fingerprint)) this.#onGone(integration)
      return
    }
    const open = this.#open.get(fingerprint) ?? []
    if (open.some((one) => one.groupKey === groupKey && one.route.config.receiver === receiver)) return
    const groupLabels = labelSetSuffix(groupKey, labels)
    this.#open.set(fingerprint, [...open, { route: this.#routeOf(groupKey, groupLabels, receiver), groupKey, groupLabels }])
  }

  #isOnRoute(groupKey: string, receiver: string | undefined, { labels }: PipelineAlert, routes: readonly Route[]): boolean {
    const { fallback } = this.#ground
    return routes.some((route) => {
      const key = route.groupKey(route.groupLabels(labels))
      return (key === groupKey && route.config.receiver === receiver) || (fallback !== null && fallback.receiver === receiver && route.config.receiver !== receiver && fallback.keyOf(key) === groupKey)
    })
  }

  #isOwed({ route, groupKey }: Farewell, fingerprint: string): boolean {
    return this.#ground.integrations.get(route.config.receiver)!.some(({ name }) => this.#knows(groupKey, name, fingerprint))
  }

  #knows(groupKey: string, integration: string, fingerprint: string): boolean {
    const entry = this.#ground.log.get(groupKey, integration)
    if (entry === null) return false
    let known = this.#known.get(entry)
    if (known === undefined) this.#known.set(entry, (known = new Set([...entry.firing, ...entry.withheld])))
    return known.has(fingerprint)
  }

  #routeOf(groupKey: string, groupLabels: Labels, receiver: string): Route {
    const route = farewellRoute(groupKey, groupLabels, receiver, this.#ground.root)
    const known = this.#routes.get(route.id)
    if (known === undefined) this.#routes.set(route.id, route)
    return known ?? route
  }

  #onGone(integration: string): void {
    const { gone, logger } = this.#ground
    if (gone.has(integration)) return
    gone.add(integration)
    logger.warn('a receiver that was told of alerts which fire is no longer in the configuration: it hears of no end', { receiver: integration })
  }
}
