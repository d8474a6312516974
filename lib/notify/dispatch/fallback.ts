// Who is told where a receiver cannot be: when an integration has owed a group a message for some minutes, the fallback receiver
// is told of the group, grouped as it is, until the integration has been reached; what it was told to fire it also hears the
// end of. Its own messages have their own key in the log of notifications, so that a restart repeats none.
import type { FallbackConfig } from '../../config/alertmanager-config.ts'
import { wasToldFiring } from './dedup.ts'
import type { AlertGroup } from './group.ts'
import type { Integration, Told } from './integration.ts'
import type { NotificationLog } from './notification-log.ts'

/** What the keys of groups begin with that the fallback is told of. */
const FALLBACK_KEY = 'fallback/'

export class Fallback {
  readonly #config: FallbackConfig
  readonly #integrations: ReadonlyMap<string, readonly Integration[]>
  readonly #log: NotificationLog

  constructor(config: FallbackConfig, integrations: ReadonlyMap<string, readonly Integration[]>, log: NotificationLog) {
    this.#config = config
    this.#integrations = integrations
    this.#log = log
  }

  get receiver(): string {
    return this.#config.receiver
  }

  /** Under which key it is told of a group. */
  keyOf(groupKey: string): string {
    return FALLBACK_KEY + groupKey
  }

  /** ms until the group is the fallback's, should its receiver not be reached until then; 0: it is so now. */
  dueInMs(group: AlertGroup): number {
    const { afterMs } = this.#config
    const owed = this.#of(group.route.config.receiver).map(({ name }) => this.#log.owed.dueInMs({ groupKey: group.key, receiver: name }, afterMs)).filter((dueInMs) => dueInMs !== null)
    return Math.min(afterMs, ...owed)
  }

  /** Tells the fallback of the group, if that is due, and of ends in any case; whether it knows what it must. Never rejects. */
  async tell(group: AlertGroup, { head, alerts, ...told }: Told): Promise<boolean> {
    const { receiver } = this.#config
    if (group.route.config.receiver === receiver) return true
    const isDue = this.dueInMs(group) === 0
    const groupKey = this.keyOf(group.key)
    const concerned = this.#of(receiver).filter(({ name }) => isDue || wasToldFiring(this.#log.get(groupKey, name)))
    const shown = isDue ? alerts : alerts.map((one) => ({ ...one, isSuppressed: true }))
    const outcomes = await Promise.all(concerned.map((integration) => integration.tell({ ...told, head: { ...head, receiver, groupKey }, alerts: shown })))
    return outcomes.every(Boolean)
  }

  #of(receiver: string): readonly Integration[] {
    return this.#integrations.get(receiver)!
  }
}
