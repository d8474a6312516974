// A rule made by API tells whom it names: from the sample to the message, over the real process.
import { expect, it, onTestFinished } from 'vitest'
import { MonitorProcess, waitFor } from '../support/monitor-process.ts'
import { httpWorld } from '../support/receiver-fixture.ts'
import { smtpWorld } from '../support/smtp-world.ts'
import { tempFolder } from '../support/temp-folder.ts'

it('mails and posts to those whom the rule names, also of the end where it names others or is deleted, a kill between, and to no one else', async () => {
  const [mail, hook, team] = [await smtpWorld(), await httpWorld(), await httpWorld()]
  const folder = tempFolder()
  const config = `
global: {evaluation_interval: 1s}
scrape_configs: [{job_name: gone, scrape_interval: 1s, scrape_timeout: 1s, static_configs: [{targets: ['127.0.0.1:1']}]}]
alerting:
  global: {smtp_smarthost: "127.0.0.1:${mail.port}", smtp_from: monitor@example.com, smtp_require_tls: false}
  route: {receiver: team, group_wait: 0s, group_interval: 1s}
  receivers: [{name: team, webhook_configs: [{url: "${team.url}/"}]}]
`
  let monitor = await MonitorProcess.start(folder, { config })
  onTestFinished(() => monitor.kill9())
  const rule = (...notify: readonly string[]): string => JSON.stringify({ name: 'Gone', metric: 'up', condition: { operator: 'eq', threshold: 0, window: '10s', aggregation: 'last' }, severity: 'critical', notify })
  const made = await fetch(`${monitor.base}/api/alerts/rules`, { method: 'POST', body: rule('email:oncall@example.com', `webhook:${hook.url}/hook`) })
  expect([made.status, await made.clone().text()]).toEqual([201, expect.any(String)])
  expect(await made.clone().json()).not.toHaveProperty('warnings')
  const mute = await fetch(`${monitor.base}/api/alerts/rules`, { method: 'POST', body: JSON.stringify({ name: 'Mute', metric: 'none', condition: { operator: 'eq', threshold: 0 }, notify: ['sms:+15551234567'] }) })
  expect([mute.status, await mute.json()]).toMatchObject([201, { warnings: ['sms:+15551234567 is not told: sms: wants sms_account_sid, sms_auth_token and sms_from in the global section of alerting'] }])
  await waitFor('the messages', () => Promise.resolve(mail.mails.length > 0 && hook.requests.length > 0), 40_000)
  expect(mail.mails[0]).toMatchObject({ to: ['oncall@example.com'], text: expect.stringMatching(/^Subject: \[FIRING:1\] .*$/m) as string })
  expect(mail.mails[0]!.text).toMatch(/^Content-Type: text\/html/m)
  expect(hook.requests[0]).toMatchObject({ path: '/hook', json: { status: 'firing', alerts: [{ labels: { alertname: 'Gone', severity: 'critical', job: 'gone' } }] } })
  const { id } = await made.json() as { id: string }
  expect((await fetch(`${monitor.base}/api/alerts/rules/${id}`, { method: 'PUT', body: rule(`webhook:${hook.url}/new`, 'email:oncall@example.com') })).status).toBe(200)
  await monitor.kill9()
  monitor = await MonitorProcess.start(folder, { config })
  await waitFor('the message to whom the rule names now', () => Promise.resolve(hook.requests.length > 1), 40_000)
  expect((await fetch(`${monitor.base}/api/alerts/rules/${id}`, { method: 'DELETE' })).status).toBe(204)
  await waitFor('the end for all three', () => Promise.resolve(hook.requests.length > 3 && mail.mails.length > 1), 20_000)
  expect(hook.requests.map(({ path, json }) => `${path} ${(json as { status: string }).status}`).toSorted()).toEqual(['/hook firing', '/hook resolved', '/new firing', '/new resolved'])
  expect(mail.mails.map(({ text }) => /^Subject: \[(\w+)/m.exec(text)?.[1])).toEqual(['FIRING', 'RESOLVED'])
  expect(team.requests).toEqual([])
}, 120_000)
