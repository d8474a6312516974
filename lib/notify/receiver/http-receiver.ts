// A receiver that speaks HTTP, made of how it makes its requests: expands texts, sends, judges what comes back.
import type { HttpClientConfig } from '../../config/http-client.ts'
import { SEND_TIMEOUT_MS } from '../../config/receivers/section.ts'
import type { Notification } from '../../model/notification.ts'
import type { Receipt } from '../courier/courier.ts'
import type { Receiver } from '../receiver.ts'
import { Expander, type ReceiverGround } from './ground.ts'
import { HttpSender } from './http-sender.ts'
import { Pace } from './pace.ts'

/** What one try has at hand. */
export interface Delivery {
  notification: Notification
  expander: Expander
  sender: HttpSender
  signal: AbortSignal
  /** As `Receiver.notify` has it; for the last request of a try. */
  receipt: Receipt
  /** For the group's next message. */
  remember: (memory: string) => void
}

interface HttpReceiverConfig {
  kind: string
  isResolvedSent: boolean
  http: HttpClientConfig
  timeoutMs?: number
}

/** `paceMs`: the shortest time between two messages that the other side lets pass without refusing some; 0: any. */
export function httpReceiver(config: HttpReceiverConfig, ground: ReceiverGround, deliver: (delivery: Delivery) => Promise<unknown>, paceMs = 0): Receiver {
  const sender = new HttpSender(config.http, ground, config.timeoutMs ?? SEND_TIMEOUT_MS)
  const pace = new Pace(ground.clock, paceMs)
  return {
    kind: config.kind,
    isResolvedSent: config.isResolvedSent,
    async notify(notification, signal, receipt) {
      const expander = new Expander(ground.templates, notification)
      await pace.turn(signal)
      let memory: string | undefined
      await deliver({ notification, expander, sender, signal, receipt, remember: (text) => (memory = text) })
      return memory
    },
    close: () => sender.close(),
  }
}

/** What is left of an object without its empty texts and lists, as Go's omitempty. */
export function filled(parts: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(parts).filter(([, value]) => value !== '' && value !== null && value !== false && !(Array.isArray(value) && value.length === 0)))
}
