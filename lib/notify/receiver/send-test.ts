// "Send test": tells a receiver of an alert that is none, now, past routes, silences and the log, and says how it went.
import { randomBytes } from 'node:crypto'
import type { IntegrationConfig, ReceiverConfig } from '../../config/receiver-config.ts'
import type { Notification } from '../../model/notification.ts'
import { DeliveryError } from '../receiver.ts'
import type { ReceiverGround } from './ground.ts'
import { makeReceiver } from './make.ts'

export interface TestOutcome {
  /** `name/kind/index`, as in the metrics. */
  integration: string
  kind: string
  isDelivered: boolean
  /** '' where it was delivered. */
  error: string
  isRetryable: boolean
  durationMs: number
}

/** One try of each integration of a receiver, all at once. */
export async function sendTest({ name, integrations }: ReceiverConfig, ground: ReceiverGround, externalUrl: string): Promise<TestOutcome[]> {
  const notification = testNotification(name, externalUrl, ground.clock.now())
  const counts = new Map<string, number>()
  return await Promise.all(integrations.map((config) => {
    const index = counts.get(config.kind) ?? 0
    counts.set(config.kind, index + 1)
    return tryOne(config, `${name}/${config.kind}/${index}`, notification, ground)
  }))
}

async function tryOne(config: IntegrationConfig, integration: string, notification: Notification, ground: ReceiverGround): Promise<TestOutcome> {
  const receiver = makeReceiver(config, ground)
  const startedMs = ground.clock.monotonic()
  const outcome = (error: DeliveryError | null): TestOutcome => ({
    integration, kind: config.kind, isDelivered: error === null, error: error?.message ?? '', isRetryable: error?.isRetryable ?? false,
    durationMs: Math.round(ground.clock.monotonic() - startedMs),
  })
  try {
    // Every receiver has a deadline of its own.
    await receiver.notify(notification, new AbortController().signal, { told: null, onTaken: () => {} })
    return outcome(null)
  } catch (error) {
    if (!(error instanceof DeliveryError)) throw error
    return outcome(error)
  } finally {
    await receiver.close()
  }
}

function testNotification(receiver: string, externalUrl: string, nowMs: number): Notification {
  const labels = new Map([['alertname', 'TestAlert'], ['severity', 'info']])
  const annotations = new Map([['summary', `This is a test of the receiver ${receiver}: nothing is wrong.`]])
  // A group of its own: services that join what belongs together must show it anew.
  const key = randomBytes(8).toString('hex')
  return {
    receiver, reason: 'first notification', routeLabels: new Map(), previousMs: 0, memory: '', groupKey: `{}/{test="${key}"}:{alertname="TestAlert"}`, status: 'firing',
    alerts: [{ status: 'firing', labels, annotations, startsAtMs: nowMs, endsAtMs: 0, generatorUrl: externalUrl, fingerprint: key, ackUrl: '' }],
    groupLabels: new Map([['alertname', 'TestAlert']]), commonLabels: labels, commonAnnotations: annotations, externalUrl, timeMs: nowMs,
  }
}
