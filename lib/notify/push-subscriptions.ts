// Browsers that want to be told, and the key they know this server by. Both are kept in the relational store, as two values:
// a subscription is on disk before the browser is told so.
import type { MetaStore } from '../meta/interface.ts'
import { arePushKeys, VapidKey, type PushKeys } from '../std/web-push.ts'

export interface PushSubscription {
  /** Address of the browser's push service; names the subscription. */
  endpoint: string
  keys: PushKeys
  /** Whose it is, as receivers name it; '' for nobody in particular. */
  user: string
}

/** A subscription that cannot be taken. */
export class SubscriptionError extends Error {
  readonly code = 'BAD_SUBSCRIPTION'
}

const KEY_NAME = 'webpush_key'
const LIST_NAME = 'webpush_subscriptions'
/** More browsers than a team has; each costs 300 bytes and a request a message. */
const SUBSCRIPTIONS_MAX = 10_000
const ENDPOINT_CHARS_MAX = 2048
const USER_CHARS_MAX = 200

export class PushSubscriptions {
  readonly #store: Pick<MetaStore, 'value' | 'putValue'>
  readonly #key: VapidKey
  readonly #byEndpoint: Map<string, PushSubscription>

  private constructor(store: Pick<MetaStore, 'value' | 'putValue'>, key: VapidKey, list: readonly PushSubscription[]) {
    this.#store = store
    this.#key = key
    this.#byEndpoint = new Map(list.map((one) => [one.endpoint, one]))
  }

  /** Makes the key when there is none yet. */
  static async open(store: Pick<MetaStore, 'value' | 'putValue'>): Promise<PushSubscriptions> {
    const kept = await store.value(KEY_NAME)
    const key = kept === null ? VapidKey.generate() : new VapidKey(JSON.parse(kept) as ConstructorParameters<typeof VapidKey>[0])
    if (kept === null) await store.putValue(KEY_NAME, JSON.stringify(key.jwk))
    const list = JSON.parse((await store.value(LIST_NAME)) ?? '[]') as PushSubscription[]
    return new PushSubscriptions(store, key, list)
  }

  get key(): VapidKey {
    return this.#key
  }

  /** Those of `users`; all without any. */
  of(users: readonly string[]): PushSubscription[] {
    const all = [...this.#byEndpoint.values()]
    return users.length === 0 ? all : all.filter(({ user }) => users.includes(user))
  }

  /** Takes what a browser's PushSubscription says in JSON. Throws SubscriptionError. */
  async add(given: unknown, user: string): Promise<void> {
    const subscription = checked(given, user)
    if (!this.#byEndpoint.has(subscription.endpoint) && this.#byEndpoint.size >= SUBSCRIPTIONS_MAX) {
      throw new SubscriptionError(`there are ${SUBSCRIPTIONS_MAX} subscriptions already; remove some first`)
    }
    await this.#put(subscription.endpoint, subscription)
  }

  /** False where there is none. */
  async remove(endpoint: string): Promise<boolean> {
    if (!this.#byEndpoint.has(endpoint)) return false
    await this.#put(endpoint, undefined)
    return true
  }

  /** What the store refuses is as it was: who asked is told so, and asks again. */
  async #put(endpoint: string, subscription: PushSubscription | undefined): Promise<void> {
    const before = this.#byEndpoint.get(endpoint)
    this.#set(endpoint, subscription)
    try {
      await this.#store.putValue(LIST_NAME, JSON.stringify([...this.#byEndpoint.values()]))
    } catch (error) {
      if (this.#byEndpoint.get(endpoint) === subscription) this.#set(endpoint, before)
      throw error
    }
  }

  #set(endpoint: string, subscription: PushSubscription | undefined): void {
    if (subscription === undefined) this.#byEndpoint.delete(endpoint)
    else this.#byEndpoint.set(endpoint, subscription)
  }
}

function checked(given: unknown, user: string): PushSubscription {
  const { endpoint, keys } = (typeof given === 'object' && given !== null ? given : {}) as { endpoint?: unknown; keys?: unknown }
  const { p256dh, auth } = (typeof keys === 'object' && keys !== null ? keys : {}) as { p256dh?: unknown; auth?: unknown }
  if (typeof endpoint !== 'string' || endpoint.length > ENDPOINT_CHARS_MAX || URL.parse(endpoint)?.protocol !== 'https:') {
    throw new SubscriptionError('endpoint: want the https address of a push service')
  }
  if (typeof p256dh !== 'string' || typeof auth !== 'string' || !arePushKeys({ p256dh, auth })) {
    throw new SubscriptionError('keys: want p256dh and auth as the browser gives them')
  }
  if (user.length > USER_CHARS_MAX) throw new SubscriptionError(`user: want at most ${USER_CHARS_MAX} characters`)
  return { endpoint, keys: { p256dh, auth }, user }
}
