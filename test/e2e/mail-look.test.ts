// The mail that Monitor sends by default, in a browser as wide as a phone.
import { expect, it } from 'vitest'
import { hasBrowser, inBrowser, launchBrowser } from '../support/browser.ts'
import { alertOf, attempt, notificationOf, receiverOf } from '../support/receiver-fixture.ts'
import { smtpWorld } from '../support/smtp-world.ts'

it.skipIf(!hasBrowser)(inBrowser('a mail fits a phone, whatever its labels are, and its buttons are for thumbs'), async () => {
  const server = await smtpWorld()
  const labels = { alertname: 'Disk'.repeat(60), instance: 'db1.example.com:9100', mount: '/var/lib/'.repeat(40), severity: 'critical' }
  const notification = notificationOf([alertOf(labels, { ackUrl: 'http://monitor.example:9090/ack/TOKEN' })], { groupLabels: new Map([['alertname', labels.alertname]]) })
  const error = await attempt(receiverOf(`receivers: [{name: a, email_configs: [{to: a@example.com, from: m@example.com, smarthost: "127.0.0.1:${server.port}", require_tls: false, text: ''}]}]`), notification)
  expect(error).toBe(null)
  const [head, body] = server.mails[0]!.text.split(/\r\n\r\n([^]*)/) as [string, string]
  expect(head).toContain('quoted-printable')
  const bytes = body.replace(/=\r\n/g, '').replace(/=([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)))
  const browser = await launchBrowser()
  for (const width of [320, 390, 1000]) {
    const page = await browser.newPage({ viewport: { width, height: 800 } })
    await page.setContent(Buffer.from(bytes, 'latin1').toString('utf8'))
    expect(await page.evaluate(() => document.documentElement.scrollWidth), `at ${width}`).toBeLessThanOrEqual(width)
    const button = (await page.getByRole('link', { name: 'Acknowledge' }).boundingBox())!
    expect(button.height).toBeGreaterThan(32)
  }
}, 120_000)
