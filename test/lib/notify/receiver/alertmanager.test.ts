// Our requests against those that Alertmanager made of the same configuration and alerts (test/golden/notify).
import fs from 'node:fs'
import path from 'node:path'
import { expect, it } from 'vitest'
import type { Notification, NotifiedAlert } from '../../../../lib/model/notification.ts'
import { makeReceiver } from '../../../../lib/notify/receiver/make.ts'
import { NotificationTemplates } from '../../../../lib/notify/template/notification-templates.ts'
import { FakeClock } from '../../../../lib/std/clock.ts'
import { answerOf, RECORDED_AT_MS, RECORDED_TEMPLATES, recordedAlerts, type RecordedRequest } from '../../../support/recorded-requests.ts'
import { ground, httpWorld, NO_RECEIPT, notificationOf, readText } from '../../../support/receiver-fixture.ts'

const golden = path.join(import.meta.dirname, '../../../golden/notify')
const recorded = JSON.parse(fs.readFileSync(path.join(golden, 'requests.json'), 'utf8')) as RecordedRequest[]

/** The alerts in the order in which Alertmanager told them. */
function alertsOf(phase: RecordedRequest['phase']): NotifiedAlert[] {
  const body = JSON.parse(recorded.find((one) => one.phase === phase && one.path === '/webhook/plain')!.body) as { alerts: { fingerprint: string }[] }
  const own = new Map(recordedAlerts().map((alert) => [alert.fingerprint, alert]))
  const changes = phase === 'firing' ? {} : { status: 'resolved' as const, endsAtMs: RECORDED_AT_MS - 1000 }
  return body.alerts.map(({ fingerprint }) => ({ ...own.get(fingerprint)!, ...changes }))
}

/** As it was told: of two alerts of which one was told alone before, then of the end of both. */
function notification(phase: RecordedRequest['phase']): Notification {
  const alerts = alertsOf(phase)
  const summary = alerts[0]!.annotations.get('summary')!
  return notificationOf(alerts, { reason: phase === 'firing' ? 'new alerts added' : 'all alerts resolved', commonLabels: new Map([['alertname', 'Down'], ['severity', 'critical']]), commonAnnotations: new Map([['summary', summary], ['long', alerts[0]!.annotations.get('long')!]]) })
}

type Normal = [path: string, body: unknown]

/** What is compared: JSON as values, with JSON inside it read, too; forms by their fields. */
function normal(path_: string, type: string, body: string): Normal {
  const address = path_.replace(/^http:\/\/[^/]*/, '')
  if (type.startsWith('application/x-www-form-urlencoded')) {
    // Alertmanager's is the group's, by which a topic drops all but the first of its messages in five minutes.
    const { MessageDeduplicationId: _, ...fields } = Object.fromEntries(new URLSearchParams(body))
    return [address, fields]
  }
  const json = (body === '' ? null : withoutOwn(JSON.parse(body))) as Record<string, unknown> | null
  // Its library writes numbers and truths as texts.
  if (address.startsWith('/telegram')) return [address, Object.fromEntries(Object.entries(json!).filter(([, value]) => value !== false).map(([key, value]) => [key, String(value)]))]
  return [address, json]
}

/** Fields that only Alertmanager sends empty are left out. */
function withoutOwn(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutOwn)
  if (typeof value !== 'object' || value === null) return value
  const isEmpty = (key: string, item: unknown): boolean => key === 'markdown' && JSON.stringify(item) === '{"content":""}'
  return Object.fromEntries(Object.entries(value).filter(([key, item]) => !isEmpty(key, item)).map(([key, item]) => [key, withoutOwn(item)]))
}

const clock = new FakeClock(RECORDED_AT_MS)
const templates = new NotificationTemplates([{ name: 'own.tmpl', text: RECORDED_TEMPLATES }], clock)
const yaml = fs.readFileSync(path.join(golden, 'receivers.yml'), 'utf8').replace(/^ {2}resolve_timeout: 1h\n/m, '  slack_app_url: https://slack.com/api/chat.postMessage\n')
const kinds = readText(yaml.replaceAll('@URL@', 'http://x')).receivers[0]!.integrations.map(({ kind }) => kind)

it.each(kinds.map((kind, i) => [kind, i] as const))('%s (%i) sends what Alertmanager sends', async (kind, index) => {
  const world = await httpWorld((response, { path: asked }) => {
    const [type, text] = answerOf(asked)
    response.writeHead(200, { 'content-type': type }).end(text)
  })
  const { receivers, errors } = readText(yaml.replaceAll('@URL@', world.url))
  expect(errors).toEqual([])
  const receiver = makeReceiver(receivers[0]!.integrations[index]!, ground({ clock, templates }))
  for (const phase of ['firing', 'resolved'] as const) {
    world.requests.length = 0
    await receiver.notify(notification(phase), new AbortController().signal, NO_RECEIPT)
    const sent = world.requests.map(({ path: asked, headers, body }) => normal(asked, headers['content-type'] ?? '', body.toString()))
    const prefix = sent[0]![0].split('/').slice(0, 3).join('/')
    const wanted = recorded.filter((one) => one.phase === phase && one.path.replace('?', '/').startsWith(`${prefix}/`.replace(/\/$/, '')))
    const by = (a: Normal, b: Normal): number => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1)
    // WeChat's token was fetched before.
    expect(sent.filter(([asked]) => !asked.includes('gettoken')).toSorted(by), `${kind} ${phase}`)
      .toEqual(wanted.map((one) => normal(one.path, one.type, one.body)).toSorted(by))
    for (const request of world.requests) {
      const one = wanted.find(({ path: asked, method }) => asked === request.path && method === request.method)
      if (one === undefined) continue
      expect([request.method, (request.headers.authorization ?? '').replace(/Signature=.*/, '').replace(/SignedHeaders=.*/, ''), `${String(request.headers['x-auth-token'] ?? '')}${String(request.headers['x-user-id'] ?? '')}`])
        .toEqual([one.method, one.authorization.replace(/SignedHeaders=.*/, '').replace(/Credential=AK\/\d+/, `Credential=AK/${new Date(RECORDED_AT_MS).toISOString().slice(0, 10).replaceAll('-', '')}`), one.token])
    }
  }
  await receiver.close()
})
