// What tests of receivers start from: a section read as the configuration reads it, a notification, and real servers on
// loopback that note what comes.
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { onTestFinished } from 'vitest'
import { MapReader, Problems } from '../../lib/config/reader.ts'
import { readReceivers, type ReceiverConfig } from '../../lib/config/receiver-config.ts'
import { readReceiverGlobals } from '../../lib/config/receivers/globals.ts'
import { parseYaml } from '../../lib/config/yaml-node.ts'
import { MetaError } from '../../lib/meta/errors.ts'
import type { Notification, NotifiedAlert } from '../../lib/model/notification.ts'
import type { Receipt } from '../../lib/notify/courier/courier.ts'
import { LocalCourier } from '../../lib/notify/courier/local-courier.ts'
import { DeliveryError, type Receiver } from '../../lib/notify/receiver.ts'
import type { ReceiverGround } from '../../lib/notify/receiver/ground.ts'
import { makeReceiver } from '../../lib/notify/receiver/make.ts'
import { NotificationTemplates } from '../../lib/notify/template/notification-templates.ts'
import { systemClock } from '../../lib/std/clock.ts'
import { Logger } from '../../lib/std/log.ts'

/** Reads `global` and `receivers` of a text; `errors` as `line: message`. */
export function readText(text: string, folder = '/etc/monitor'): { receivers: ReceiverConfig[]; errors: string[] } {
  const faults: [number, string][] = []
  const yaml = parseYaml(text, (at, message) => faults.push([at, message]))
  const problems = new Problems(yaml.position, true)
  for (const [at, message] of faults) problems.error(at, message)
  const reader = new MapReader(problems, yaml.root?.kind === 'map' ? yaml.root : null, '')
  const global = reader.map('global') ?? new MapReader(problems, null, 'global')
  const globals = readReceiverGlobals(global, folder)
  global.finish()
  const receivers = readReceivers(reader, globals, folder)
  reader.finish()
  return { receivers, errors: problems.errors().map(({ line, message }) => `${line}: ${message}`) }
}

export function ground(changes: Partial<ReceiverGround> & { templates?: NotificationTemplates } = {}): ReceiverGround {
  const clock = changes.clock ?? systemClock
  return {
    clock, logger: new Logger({ level: 'error', format: 'logfmt', write: () => undefined }), templates: new NotificationTemplates([], clock),
    version: 'test', isPrivateAllowed: true, push: () => Promise.reject(new MetaError('there is none')), courier: new LocalCourier(clock), ...changes,
  }
}

/** The first integration of the first receiver of a configuration; closed with the test. */
export function receiverOf(text: string, changes: Partial<ReceiverGround> = {}): Receiver {
  const { receivers, errors } = readText(text)
  if (errors.length > 0) throw new Error(errors.join('\n'))
  const receiver = makeReceiver(receivers[0]!.integrations[0]!, ground(changes))
  onTestFinished(() => receiver.close())
  return receiver
}

const map = (given: Record<string, string>): ReadonlyMap<string, string> => new Map(Object.entries(given))
export const AT_MS = 1_795_000_000_123

export function alertOf(labels: Record<string, string>, changes: Partial<NotifiedAlert> = {}): NotifiedAlert {
  return {
    status: 'firing', labels: map(labels), annotations: map({ summary: 'it is <down> & out' }), startsAtMs: AT_MS - 60_000, endsAtMs: 0,
    generatorUrl: 'http://m:9090/graph?g0.expr=up+%3D%3D+0&g0.tab=1', fingerprint: '00ab00ab00ab00ab', ackUrl: '', ...changes,
  }
}

export function notificationOf(alerts: readonly NotifiedAlert[], changes: Partial<Notification> = {}): Notification {
  return {
    receiver: 'team-x', groupKey: '{}:{alertname="Down"}', status: alerts.some(({ status }) => status === 'firing') ? 'firing' : 'resolved', alerts,
    groupLabels: map({ alertname: 'Down' }), commonLabels: map({ alertname: 'Down', severity: 'critical' }), commonAnnotations: map({ summary: 'it is <down> & out' }),
    reason: 'new alerts added', routeLabels: map({}), externalUrl: 'http://monitor.example:9090', timeMs: AT_MS, previousMs: 0, memory: '', ...changes,
  }
}

export const DOWN: Notification = notificationOf([alertOf({ alertname: 'Down', severity: 'critical', instance: 'web1' })])
export const UP: Notification = notificationOf([alertOf({ alertname: 'Down', severity: 'critical', instance: 'web1' }, { status: 'resolved', endsAtMs: AT_MS - 1000 })])

export const NO_RECEIPT: Receipt = { told: null, onTaken: () => {} }

/** One try; the DeliveryError it ends with, null where it was delivered. */
export async function attempt(receiver: Receiver, notification: Notification = DOWN, signal: AbortSignal = new AbortController().signal): Promise<DeliveryError | null> {
  try {
    await receiver.notify(notification, signal, NO_RECEIPT)
    return null
  } catch (error) {
    if (error instanceof DeliveryError) return error
    throw error
  }
}

export interface Request {
  method: string
  path: string
  headers: IncomingHttpHeaders
  body: Buffer
  /** Of a JSON body. */
  json: unknown
}

export interface HttpWorld {
  url: string
  requests: Request[]
}

/** An HTTP server that notes what comes; `answer` says 200 `ok` unless it is given. */
export async function httpWorld(answer: (response: ServerResponse, request: Request) => void = (response) => response.end('ok')): Promise<HttpWorld> {
  const requests: Request[] = []
  const server = createServer((incoming, response) => {
    const chunks: Buffer[] = []
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
    incoming.on('end', () => {
      const body = Buffer.concat(chunks)
      const isJson = body.length > 0 && (incoming.headers['content-type'] ?? '').startsWith('application/json')
      const request = { method: incoming.method!, path: incoming.url!, headers: incoming.headers, body, json: isJson ? JSON.parse(body.toString()) as unknown : null }
      requests.push(request)
      answer(response, request)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, requests }
}
