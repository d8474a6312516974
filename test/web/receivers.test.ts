// Test messages and subscriptions over the server, with the real receivers and the real store behind it.
import { createECDH } from 'node:crypto'
import { expect, it, onTestFinished } from 'vitest'
import { ReceiverRunner } from '../../cmd/receiver-runner.ts'
import { loadAlertmanagerFile } from '../../lib/config/alertmanager-file.ts'
import { DeliveryStats } from '../../lib/notify/dispatch/delivery-stats.ts'
import { systemClock } from '../../lib/std/clock.ts'
import { silentLogger } from '../../lib/std/log.ts'
import { Metrics } from '../../lib/std/metrics.ts'
import { openStore } from '../lib/meta/open-store.ts'
import { httpWorld } from '../support/receiver-fixture.ts'
import { tempFolder } from '../support/temp-folder.ts'
import { get, start } from './requests.ts'

async function world(yaml: string, stats = new DeliveryStats(new Metrics())): Promise<(method: string, path: string, body?: unknown) => Promise<[number, unknown]>> {
  const store = openStore(tempFolder())
  onTestFinished(() => store.close())
  const receivers = new ReceiverRunner({ clock: systemClock, logger: silentLogger, metrics: new Metrics(), store, courierFolder: tempFolder(), externalUrl: 'http://monitor.example', health: () => stats.all() })
  onTestFinished(() => receivers.stop())
  if (yaml !== '') await receivers.applyConfig(loadAlertmanagerFile(yaml, 'alertmanager.yml', true).config)
  const { base } = await start(() => ({ receivers }))
  return (method, path, body) => get(`${base}/api/alerts/${path}`, { method, ...(body !== undefined && { body: JSON.stringify(body) }) })
}

it('sends a test by each integration of a receiver, and tells how each went', async () => {
  const http = await httpWorld((response, { path }) => response.writeHead(path === '/good' ? 200 : 404).end('no such hook'))
  const ask = await world(`route: {receiver: team}\nreceivers: [{name: team, webhook_configs: [{url: "${http.url}/good"}, {url: "${http.url}/bad"}]}]`)
  const [status, body] = await ask('POST', 'receivers/team/test')
  expect(status).toBe(200)
  expect(body).toMatchObject({ status: 'success', data: { receiver: 'team', delivered: false, integrations: [
    { integration: 'team/webhook/0', kind: 'webhook', delivered: true }, { integration: 'team/webhook/1', delivered: false, retryable: false, error: 'unexpected status code 404: no such hook' },
  ] } })
  expect(http.requests.find(({ path }) => path === '/good')!.json).toMatchObject({ receiver: 'team', commonLabels: { alertname: 'TestAlert' }, commonAnnotations: { summary: 'This is a test of the receiver team: nothing is wrong.' }, externalURL: 'http://monitor.example' })
  expect(await ask('POST', 'receivers/nobody/test')).toEqual([404, { status: 'error', errorType: 'not_found', error: 'there is no receiver "nobody" in the configuration; GET /api/alerts/receivers lists those there are' }])
  expect((await ask('GET', 'receivers/team/test'))[0]).toBe(405)
})

it('takes subscriptions of browsers, and lets them go', async () => {
  const ask = await world('')
  const [status, key] = await ask('GET', 'push/key')
  expect([status, Buffer.from((key as { data: { public_key: string } }).data.public_key, 'base64url').length]).toEqual([200, 65])
  expect((await ask('GET', 'push/key'))[1]).toEqual(key)
  const browser = createECDH('prime256v1')
  browser.generateKeys()
  const subscription = { endpoint: 'https://push.example/1', keys: { p256dh: browser.getPublicKey().toString('base64url'), auth: Buffer.alloc(16, 1).toString('base64url') } }
  expect((await ask('POST', 'push/subscriptions', { subscription, user: 'ann' }))[0]).toBe(201)
  expect(await ask('POST', 'push/subscriptions', { subscription: { endpoint: 'x' } })).toEqual([400, { status: 'error', errorType: 'bad_data', error: 'endpoint: want the https address of a push service' }])
  expect((await ask('POST', 'push/subscriptions', 7))[0]).toBe(400)
  expect((await ask('DELETE', 'push/subscriptions', { endpoint: subscription.endpoint }))[0]).toBe(204)
  expect((await ask('DELETE', 'push/subscriptions', { endpoint: subscription.endpoint }))[0]).toBe(404)
})

it('shows how each receiver fares, and counts it by receiver', async () => {
  const metrics = new Metrics()
  const stats = new DeliveryStats(metrics)
  const ask = await world('', stats)
  const [ops, boss] = [['ops/email/0', 'ops/email/1'].map((name) => ({ name, receiver: 'ops', kind: 'email' })), [{ name: 'boss/sms/0', receiver: 'boss', kind: 'sms' }]]
  stats.configured([...ops, ...boss])
  for (let i = 0; i < 90; i++) stats.tried('ops/email/0', null, 1000)
  for (let i = 0; i < 30; i++) stats.tried('ops/email/0', i === 0 ? 'timeout' : '451 greylisted', 2000 + i)
  stats.tried('ops/email/1', 'refused', 3000)
  stats.tried('ops/email/1', null, 4000)
  expect(await ask('GET', 'receivers')).toEqual([200, { status: 'success', data: [
    { receiver: 'ops', failing: true, integrations: [
      { integration: 'ops/email/0', kind: 'email', delivered: 90, failed: 30, success_ratio: 0.7, last_delivered_at: '1970-01-01T00:00:01.000Z', failing_since: '1970-01-01T00:00:02.000Z', error: '451 greylisted' },
      { integration: 'ops/email/1', kind: 'email', delivered: 1, failed: 1, success_ratio: 0.5, last_delivered_at: '1970-01-01T00:00:04.000Z', failing_since: null, error: '' },
    ] },
    { receiver: 'boss', failing: false, integrations: [{ integration: 'boss/sms/0', kind: 'sms', delivered: 0, failed: 0, success_ratio: null, last_delivered_at: null, failing_since: null, error: '' }] },
  ] }])
  // A reload keeps what is known of who is still there.
  stats.configured(ops)
  stats.tried('boss/sms/0', 'gone', 1)
  const lines = (await metrics.registry.metrics()).split('\n').filter((line) => line.startsWith('monitor_notification'))
  expect(lines.toSorted()).toEqual([
    'monitor_notification_success_ratio{receiver="ops",integration="ops/email/0"} 0.7', 'monitor_notification_success_ratio{receiver="ops",integration="ops/email/1"} 0.5',
    'monitor_notification_tries_total{receiver="ops",integration="ops/email/0",outcome="delivered"} 90', 'monitor_notification_tries_total{receiver="ops",integration="ops/email/0",outcome="failed"} 30',
    'monitor_notification_tries_total{receiver="ops",integration="ops/email/1",outcome="delivered"} 1', 'monitor_notification_tries_total{receiver="ops",integration="ops/email/1",outcome="failed"} 1',
  ])
})
