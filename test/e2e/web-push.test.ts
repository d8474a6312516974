// Web push from the rule to the screen: Monitor encrypts for a browser and posts it to a push service (one of this test, with TLS,
// on loopback), what that gets is decrypted with the browser's keys and delivered to its service worker, which shows it and opens
// the alert. And the switch on the alerts page, in all its states.
import { createECDH } from 'node:crypto'
import https from 'node:https'
import type { AddressInfo } from 'node:net'
import type { BrowserContext, Page, Worker } from 'playwright-core'
import { describe, expect, it, onTestFinished } from 'vitest'
import { buildPages, hasBrowser, inBrowser, launchBrowser, openPage } from '../support/browser.ts'
import { Authority, hasOpenssl } from '../support/certificates.ts'
import { MonitorProcess, freePort, waitFor } from '../support/monitor-process.ts'
import { decryptPush } from '../support/push-browser.ts'
import { tempFolder } from '../support/temp-folder.ts'

const isThere = hasBrowser && hasOpenssl
const named = (title: string): string => (hasOpenssl ? inBrowser(title) : `${title} (needs the package openssl)`)

interface PushService {
  endpoint: string
  bodies: Buffer[]
  caFile: string
}

async function startPushService(): Promise<PushService> {
  const authority = new Authority(tempFolder(), 'push-authority')
  const { cert, key } = authority.sign('DNS:localhost')
  const bodies: Buffer[] = []
  const server = https.createServer({ cert, key }, (request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      bodies.push(Buffer.concat(chunks))
      response.writeHead(201).end()
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  return { endpoint: `https://localhost:${(server.address() as AddressInfo).port}/browser`, bodies, caFile: authority.certFile }
}

async function startMonitor(caFile: string): Promise<MonitorProcess> {
  buildPages()
  const monitor = await MonitorProcess.start(tempFolder(), {
    port: await freePort(), env: { NODE_EXTRA_CA_CERTS: caFile },
    config: `global: { evaluation_interval: 1s }
rules:
  - name: machines
    rules:
      - { alert: DiskFull, expr: 'vector(97.5)', labels: { severity: critical, instance: 'db 1' }, annotations: { summary: 'disk of db1 is full' } }
      - { alert: CpuHigh, expr: 'vector(88)', labels: { severity: warning, instance: web1 } }
alerting:
  route: { receiver: nobody, group_wait: 0s, group_interval: 1s, routes: [{ matchers: ['alertname = DiskFull'], receiver: push }] }
  receivers: [{ name: nobody }, { name: push, webpush_configs: [{ users: [ann] }] }]
`,
  })
  onTestFinished(() => monitor.kill9())
  return monitor
}

interface Registered {
  worker: Worker
  /** Delivers a message until it is shown; resolves with what is then. */
  deliver: (what: string, data: string, isIt?: (shown: Shown) => boolean) => Promise<Shown[]>
}

/** Looks, 50 ms apart. */
const LOOKS_UNTIL_AGAIN = 60

/** The service worker of the page, registered as the switch does it, and the way to deliver messages to it. */
async function registered(page: Page, base: string): Promise<Registered> {
  const devtools = await page.context().newCDPSession(page)
  const id = new Promise<string>((resolve) => devtools.on('ServiceWorker.workerRegistrationUpdated', ({ registrations }) => {
    if (registrations[0] !== undefined) resolve(registrations[0].registrationId)
  }))
  await devtools.send('ServiceWorker.enable')
  await page.evaluate(async () => {
    await navigator.serviceWorker.register('./push-worker.js')
    await navigator.serviceWorker.ready
  })
  const registrationId = await id
  const worker = await waitFor('the service worker', () => Promise.resolve(page.context().serviceWorkers()[0]))
  return {
    worker,
    // DevTools tells nobody when the browser drops what it delivers, as it may beside a page that comes, or comes back: every three seconds again.
    deliver: (what, data, isIt = () => true) => {
      let looks = 0
      return waitFor(what, async () => {
        if (looks++ % LOOKS_UNTIL_AGAIN === 0) await devtools.send('ServiceWorker.deliverPushMessage', { origin: base, registrationId, data })
        const shown = await shownIn(page)
        return shown.some(isIt) && shown
      })
    },
  }
}

interface Shown { title: string; body: string; data: { url: string; ack?: string } }

function shownIn(page: Page): Promise<Shown[]> {
  return page.evaluate(async () => {
    const registration = await navigator.serviceWorker.ready
    return (await registration.getNotifications()).map(({ title, body, data }) => ({ title, body, data: data as { url: string; ack?: string } }))
  })
}

/** As a click on the notification, or on one of its buttons. */
function click(worker: Worker, action: string): Promise<void> {
  return worker.evaluate(`(async () => {
    const [notification] = await registration.getNotifications()
    dispatchEvent(new NotificationEvent('notificationclick', { notification, action: ${JSON.stringify(action)} }))
  })()`)
}

describe('a message of web push', () => {
  it.skipIf(!isThere)(named('is encrypted for the browser, shown by its service worker, and opens the alert'), async () => {
    const service = await startPushService()
    const monitor = await startMonitor(service.caFile)
    const keys = createECDH('prime256v1')
    keys.generateKeys()
    const auth = Buffer.alloc(16, 5)
    const subscription = { endpoint: service.endpoint, keys: { p256dh: keys.getPublicKey().toString('base64url'), auth: auth.toString('base64url') } }
    expect((await fetch(`${monitor.base}/api/alerts/push/subscriptions`, { method: 'POST', body: JSON.stringify({ subscription, user: 'ann' }) })).status).toBe(201)
    const body = await waitFor('the message', () => Promise.resolve(service.bodies[0]), 30_000)
    const text = decryptPush(body, keys, auth)
    expect(JSON.parse(text)).toMatchObject({ title: expect.stringContaining('DiskFull') as string, status: 'firing', ack: expect.stringMatching(/^ack\//) as string })

    const browser = await launchBrowser()
    const { page } = await openPage(browser, `${monitor.base}/alerts`, { permissions: ['notifications'] })
    const { worker, deliver } = await registered(page, monitor.base)
    const [shown] = await deliver('the notification', text)
    expect(shown).toMatchObject({ title: expect.stringContaining('DiskFull') as string, data: { url: expect.stringContaining('alerts?search=') as string } })
    await click(worker, '')
    await page.waitForURL(/\/alerts\?search=/)
    // The one it is about is open, and no other is there.
    await page.getByRole('list', { name: 'History' }).waitFor()
    expect(await page.locator('.alert-name').allTextContents()).toEqual(['DiskFull'])
    expect(await shownIn(page)).toEqual([])
    await deliver('the notification', text)
    await click(worker, 'ack')
    await page.waitForURL(/\/ack\//)
    await page.getByRole('heading', { name: 'Take this alert?' }).waitFor()
    await page.goBack()
    await page.locator('.alert-name').first().waitFor()
    await deliver('what is none of ours', 'not JSON', ({ title, body: told }) => title === 'Monitor' && told === 'not JSON')
  }, 120_000)
})

/** A browser's push service in the page's place: a headless browser has none. Its keys are real ones. */
async function givePushService(context: BrowserContext, endpoint: string, refusal = ''): Promise<void> {
  const keys = createECDH('prime256v1')
  keys.generateKeys()
  const p256dh = keys.getPublicKey().toString('base64url')
  await context.addInitScript(({ endpoint: at, p256dh: key, refusal: why }) => {
    const subscription = (applicationServerKey: ArrayBuffer): object => ({
      endpoint: at, options: { applicationServerKey }, toJSON: () => ({ endpoint: at, keys: { p256dh: key, auth: 'BQUFBQUFBQUFBQUFBQUFBQ' } }),
      unsubscribe: () => Promise.resolve(localStorage.removeItem('subscribed')),
    })
    const bytes = (text: string): ArrayBuffer => Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (char) => char.charCodeAt(0)).buffer
    Object.assign(PushManager.prototype, {
      subscribe: ({ applicationServerKey }: { applicationServerKey: string }) => {
        if (why === 'silent') return new Promise(() => {})
        if (why !== '') return Promise.reject(new DOMException(why, 'AbortError'))
        localStorage.setItem('subscribed', applicationServerKey)
        return Promise.resolve(subscription(bytes(applicationServerKey)))
      },
      getSubscription: () => {
        const made = localStorage.getItem('subscribed')
        return Promise.resolve(made === null ? null : subscription(bytes(made)))
      },
    })
  }, { endpoint, p256dh, refusal })
}

describe('the switch of web push', () => {
  it.skipIf(!isThere)(named('goes on and off, tells the server both, and mends what the server has lost'), async () => {
    const service = await startPushService()
    const monitor = await startMonitor(service.caFile)
    const context = await (await launchBrowser()).newContext({ permissions: ['notifications'] })
    await givePushService(context, service.endpoint)
    const page = await context.newPage()
    await page.goto(`${monitor.base}/alerts`)
    await page.getByRole('button', { name: 'Tell this browser' }).click()
    await page.getByLabel('Your name').fill('ann')
    await page.locator('form').getByRole('button', { name: 'Tell this browser' }).click()
    await page.getByRole('button', { name: 'Browser is told' }).waitFor()
    await waitFor('a message', () => Promise.resolve(service.bodies.length > 0), 30_000)
    const forget = (): Promise<Response> => fetch(`${monitor.base}/api/alerts/push/subscriptions`, { method: 'DELETE', body: JSON.stringify({ endpoint: service.endpoint }) })
    expect((await forget()).status).toBe(204)
    await page.reload()
    await page.getByRole('button', { name: 'Browser is told' }).waitFor()
    await waitFor('the server to know it again', async () => (await forget()).status === 204)
    await page.reload()
    await page.getByRole('button', { name: 'Browser is told' }).click()
    await page.getByText('what goes to all, or to ann').waitFor()
    await page.getByRole('button', { name: 'Stop telling it' }).click()
    await page.locator('form').getByRole('button', { name: 'Tell this browser' }).waitFor()
    await waitFor('the server to have forgotten it', async () => (await forget()).status === 404)
    // A subscription that was made for another server's key reaches nobody.
    await page.evaluate(() => localStorage.setItem('subscribed', 'AAAA'))
    await page.reload()
    await page.getByRole('button', { name: 'Tell this browser' }).waitFor()
    await waitFor('the old one to go', () => page.evaluate(() => localStorage.getItem('subscribed') === null))
  }, 120_000)

  it.skipIf(!isThere)(named('says why it cannot be'), async () => {
    const service = await startPushService()
    const monitor = await startMonitor(service.caFile)
    const browser = await launchBrowser(['--host-resolver-rules=MAP monitor.test 127.0.0.1'])
    const says = async (context: BrowserContext, base: string, why: string): Promise<void> => {
      const page = await context.newPage()
      await page.goto(`${base}/alerts`)
      await page.getByRole('button', { name: 'Tell this browser' }).click()
      const card = page.getByRole('dialog')
      const button = card.getByRole('button')
      await card.getByText(why).or(button).first().waitFor()
      if (await button.count() > 0) await button.click()
      await card.getByText(why).waitFor()
      await context.close()
    }
    await says(await browser.newContext(), `http://monitor.test:${monitor.port}`, 'on pages that come by https')
    await says(await browser.newContext(), monitor.base, 'Notifications of this site are blocked.')
    const refused = await browser.newContext({ permissions: ['notifications'] })
    await givePushService(refused, service.endpoint, 'push service not available')
    await says(refused, monitor.base, 'does not subscribe it: push service not available')
    const silent = await browser.newContext({ permissions: ['notifications'] })
    await givePushService(silent, service.endpoint, 'silent')
    await says(silent, monitor.base, 'push service has not answered yet')
    const old = await browser.newContext()
    await old.addInitScript(() => Reflect.deleteProperty(window, 'PushManager'))
    await says(old, monitor.base, 'This browser has no web push.')
  }, 120_000)
})
