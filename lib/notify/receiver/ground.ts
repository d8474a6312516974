// What all integrations stand on, and what they do alike: templates over a notification, secrets of files, what is told when
// something of it fails.
import { createHash } from 'node:crypto'
import type { Secret } from '../../config/receivers/secret.ts'
import type { Fields, Json } from '../../config/receivers/section.ts'
import type { Notification } from '../../model/notification.ts'
import type { Clock } from '../../std/clock.ts'
import { DiskError, readRegularUtf8 } from '../../std/fs.ts'
import type { Logger } from '../../std/log.ts'
import { GoObject, type Value } from '../../template/value.ts'
import type { Courier } from '../courier/courier.ts'
import type { PushSubscriptions } from '../push-subscriptions.ts'
import { DeliveryError } from '../receiver.ts'
import { notificationData } from '../template/data.ts'
import { TemplateError, TemplateSyntaxError, type NotificationTemplates } from '../template/notification-templates.ts'

export interface ReceiverGround {
  clock: Clock
  logger: Logger
  templates: NotificationTemplates
  /** Monitor's, for User-Agent. */
  version: string
  courier: Courier
  /** False: no message goes to an address of a private network. */
  isPrivateAllowed: boolean
  /** The subscriptions of browsers; rejects with MetaError while they cannot be read. */
  push: () => Promise<PushSubscriptions>
}

/** Alerts of a message that templates see at first: 400 kB of mail, 10 ms of main for its text and 20 for its HTML. */
const TEMPLATE_ALERTS = 300
/** Where they make too much of so many, they see fewer by this. */
const FEWER_FACTOR = 8

/** Alerts in a call of the hash of a message. */
const HASHED_ALERTS = 512

const NO_LABELS: ReadonlyMap<string, string> = new Map()

/**
 * Makes texts of a notification; whatever is wrong with a template is a DeliveryError that is not retried. Of a group of very many alerts
 * templates see the first ones and the count of all: a mail of ten thousand is read by nobody, and would hold the thread for seconds.
 */
export class Expander {
  readonly #templates: NotificationTemplates
  readonly #of: Notification | GoObject
  #data: GoObject | null = null
  #routeLabels: ReadonlyMap<string, string> | null = null
  #alertsMax = TEMPLATE_ALERTS

  constructor(templates: NotificationTemplates, of: Notification | GoObject) {
    this.#templates = templates
    this.#of = of
  }

  /** What templates see; not made where all texts are plain. */
  get data(): GoObject {
    return (this.#data ??= this.#of instanceof GoObject ? this.#of : notificationData(this.#of, this.routeLabels, this.#alertsMax))
  }

  /** The labels of the notification's route, their templates executed. */
  get routeLabels(): ReadonlyMap<string, string> {
    if (this.#of instanceof GoObject || this.#of.routeLabels.size === 0) return NO_LABELS
    return (this.#routeLabels ??= this.#templates.routeLabels(this.#of.routeLabels, notificationData(this.#of, this.#of.routeLabels, this.#alertsMax)))
  }

  /** One whose templates see these fields, too. */
  withFields(more: ReadonlyMap<string, Value>): Expander {
    const { typeName, jsonNames, fields } = this.data
    return new Expander(this.#templates, new GoObject({ typeName, jsonNames, fields: new Map([...fields, ...more]) }))
  }

  /** `field` names the setting in messages. */
  text(field: string, template: string): string {
    return template.includes('{{') ? this.#guarded(field, (data) => this.#templates.text(template, data)) : template
  }

  /** Each of a section's texts. */
  fields<K extends string>(templates: Fields<K>): Fields<K> {
    return Object.fromEntries(Object.entries<string>(templates).map(([key, template]) => [key, this.text(key, template)])) as Fields<K>
  }

  html(field: string, template: string): string {
    return this.#guarded(field, (data) => this.#templates.html(template, data))
  }

  /** All texts in a structure, keys too; a text that is YAML of another type, or a JSON text, becomes what it says. */
  json(field: string, value: Json, typed: (text: string) => Json): Json {
    if (typeof value === 'string') return typed(this.text(field, value))
    if (Array.isArray(value)) return value.map((item: Json) => this.json(field, item, typed))
    if (value === null || typeof value !== 'object') return value
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [this.text(field, key), this.json(field, item as Json, typed)]))
  }

  #guarded(field: string, expand: (data: GoObject) => string): string {
    for (;;) {
      try {
        return expand(this.data)
      } catch (error) {
        if (!(error instanceof TemplateError) && !(error instanceof TemplateSyntaxError)) throw error
        const isTooMuch = error instanceof TemplateError && error.isTooMuch
        if (!isTooMuch || !this.#seesFewer()) throw new DeliveryError(`cannot expand the template of ${field}: ${error.message}`, { isRetryable: false, cause: error })
      }
    }
  }

  /** From now on templates see fewer alerts; false where they see but one. */
  #seesFewer(): boolean {
    const seen = this.#of instanceof GoObject ? 1 : Math.min(this.#of.alerts.length, this.#alertsMax)
    if (seen <= 1) return false
    this.#alertsMax = Math.ceil(seen / FEWER_FACTOR)
    this.#data = null
    return true
  }
}

/** The secret as it is now. A file that cannot be read may be there at the next try. */
export function secretOf(name: string, { text, file }: Secret): string {
  if (file === '') return text
  try {
    return readRegularUtf8(file).trim()
  } catch (error) {
    if (!(error instanceof DiskError)) throw error
    throw new DeliveryError(`cannot read ${name}_file: ${error.message}`, { isRetryable: true, cause: error })
  }
}

/** What services recognize a group by: its key, which may be long, as 64 hex digits. */
export function groupHash(groupKey: string): string {
  return createHash('sha256').update(groupKey).digest('hex')
}

/**
 * What services recognize a message by, as 64 hex digits: of what it tells, not of when. A try that is repeated, also by the process
 * after a kill that does not know how the last one went, has the same, by which the second is left out. Repeats of the same news have
 * another one before them.
 */
export function messageKey(notification: Notification): string {
  let key = keys.get(notification)
  if (key === undefined) keys.set(notification, (key = keyOf(notification)))
  return key
}

/** A message asks for its own some times in each try. */
const keys = new WeakMap<Notification, string>()

function keyOf({ groupKey, previousMs, alerts }: Notification): string {
  const hash = createHash('sha256').update(`${groupKey}\n${previousMs}`)
  // A call for each of a hundred thousand takes 100 ms.
  for (let at = 0; at < alerts.length; at += HASHED_ALERTS) {
    hash.update(alerts.slice(at, at + HASHED_ALERTS).map(({ status, fingerprint, startsAtMs }) => `\n${status} ${fingerprint} ${startsAtMs}`).join(''))
  }
  return hash.digest('hex')
}
