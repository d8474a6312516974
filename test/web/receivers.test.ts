// Test messages and subscriptions over the server, with the real receivers and the real store behind it.
import { createECDH } from 'node:crypto'
import { expect, it, onTestFinished } from 'vitest'
import { ReceiverRunner } from '../../cmd/receiver-runner.ts'
import { loadAlertmanagerFile } from '../../lib/config/alertmanager-file.ts'
import { systemClock } from '../../lib/std/clock.ts'
import { silentLogger } from '../../lib/std/log.ts'
import { openStore } from '../lib/meta/open-store.ts'
import { httpWorld } from '../support/receiver-fixture.ts'
import { tempFolder } from '../support/temp-folder.ts'
import { get, start } from './requests.ts'

async function world(yaml: string): Promise<(method: string, path: string, body?: unknown) => Promise<[number, unknown]>> {
  const store = openStore(tempFolder())
  onTestFinished(() => store.close())
  const receivers = new ReceiverRunner({ clock: systemClock, logger: silentLogger, store, externalUrl: 'http://monitor.example' })
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
  expect(await ask('POST', 'receivers/nobody/test')).toEqual([404, { status: 'error', errorType: 'not_found', error: 'there is no receiver "nobody" in the configuration' }])
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
