// Kinds of receivers that Alertmanager has not, or whose address it does not let one choose: SMS, web push, Pushover, PagerDuty's
// API of old; and what all of them do alike.
import type { Receiver } from '../../../../lib/notify/receiver.ts'
import { createECDH } from 'node:crypto'
import { expect, it, onTestFinished } from 'vitest'
import { readShortForm } from '../../../../lib/config/receiver-config.ts'
import { readReceiverGlobals } from '../../../../lib/config/receivers/globals.ts'
import { MapReader, Problems } from '../../../../lib/config/reader.ts'
import { parseYaml } from '../../../../lib/config/yaml-node.ts'
import { PushSubscriptions } from '../../../../lib/notify/push-subscriptions.ts'
import type { Notification } from '../../../../lib/model/notification.ts'
import { makeReceiver } from '../../../../lib/notify/receiver/make.ts'
import { Pace } from '../../../../lib/notify/receiver/pace.ts'
import { truncateBytes, truncateRunes } from '../../../../lib/notify/receiver/truncate.ts'
import { FakeClock } from '../../../../lib/std/clock.ts'
import { alertOf, AT_MS, attempt, DOWN, ground, httpWorld, NO_RECEIPT, notificationOf, readText, receiverOf, UP } from '../../../support/receiver-fixture.ts'
import { decryptPush } from '../../../support/push-browser.ts'
import { tempFolder } from '../../../support/temp-folder.ts'
import { openStore } from '../../meta/open-store.ts'

const one = (kind: string, text: string): string => `receivers: [{name: a, ${kind}_configs: [{${text}}]}]`
const form = (body: Buffer): Record<string, string> => Object.fromEntries(new URLSearchParams(body.toString()))

it('sends text messages by Twilio\'s API, again only to those who have not got it', async () => {
  let isRefused = true
  const world = await httpWorld((response, { body }) => {
    if (isRefused && form(body)['To'] === '+15550000002') response.writeHead(429, { 'retry-after': '3' }).end('{"message":"Too many requests"}')
    else response.writeHead(201).end('{}')
  })
  const receiver = receiverOf(one('sms', `to: ["+15550000001", "+15550000002"], api_url: "${world.url}", account_sid: AC1, auth_token: t, from: "+15559999999", message: "a\\tb {{ .Status }}"`))
  expect(await attempt(receiver)).toMatchObject({ isRetryable: true, retryAfterMs: 3000, message: expect.stringContaining('+15550000002: unexpected status code 429: {"message":"Too many requests"}') as string })
  isRefused = false
  expect(await attempt(receiver)).toBe(null)
  expect(world.requests.map(({ body }) => form(body)['To'])).toEqual(['+15550000001', '+15550000002', '+15550000002'])
  expect(world.requests[0]).toMatchObject({ path: '/2010-04-01/Accounts/AC1/Messages.json', headers: { authorization: `Basic ${Buffer.from('AC1:t').toString('base64')}` } })
  expect(form(world.requests[0]!.body)).toEqual({ To: '+15550000001', From: '+15559999999', Body: 'a b firing' })
})

it('sends text messages by whatever request is described', async () => {
  const world = await httpWorld()
  const request = `request: {url: "${world.url}/send?to={{ .To | urlquery }}", headers: {X-Key: k}, body: '{"text": {{ .Text | toJson }}, "n": {{ len .Alerts }}}'}`
  expect(await attempt(receiverOf(one('sms', `to: ["+15550000001"], message: 'say "hi"', ${request}`)))).toBe(null)
  expect(world.requests).toMatchObject([{ method: 'POST', path: '/send?to=%2B15550000001', headers: { 'x-key': 'k' }, json: { text: 'say "hi"', n: 1 } }])
})

it('cuts a text message at 1,600 characters', async () => {
  const world = await httpWorld()
  const long = notificationOf(DOWN.alerts, { commonAnnotations: new Map([['summary', 'x'.repeat(5000)]]) })
  await attempt(receiverOf(one('sms', `to: ["+15550000001"], request: {url: "${world.url}", content_type: text/plain, body: "{{ .Text }}"}`)), long)
  expect(world.requests[0]!.body.toString()).toHaveLength(1600)
  expect(world.requests[0]!.body.toString()).toMatch(/^\[FIRING:1\] Down \(critical\): x+…$/)
})

it('tells Pushover in the body, not in the address', async () => {
  const world = await httpWorld()
  expect(await attempt(receiverOf(one('pushover', `api_url: "${world.url}/1/messages.json", user_key: u, token: t, title: T, message: " ", url: "http://x", device: d, html: true, ttl: 90s`)))).toBe(null)
  expect(world.requests[0]!.path).toBe('/1/messages.json')
  expect(form(world.requests[0]!.body)).toEqual({
    token: 't', user: 'u', title: 'T', message: '(no details)', url: 'http://x', url_title: '', device: 'd', sound: '', priority: '2', retry: '60', expire: '3600', ttl: '90', html: '1',
  })
})

it('speaks PagerDuty\'s API of old to services that have but its key, and cuts events that are too large', async () => {
  const world = await httpWorld()
  const old = receiverOf(one('pagerduty', `url: "${world.url}", service_key: sk`))
  await attempt(old)
  await attempt(old, UP)
  expect(world.requests.map(({ json }) => json)).toMatchObject([{ service_key: 'sk', event_type: 'trigger', client: 'Monitor', details: { num_firing: 1 } }, { service_key: 'sk', event_type: 'resolve' }])
  await attempt(receiverOf(one('pagerduty', `url: "${world.url}", routing_key: rk, details: {large: "{{ .CommonAnnotations.summary }}"}`)), notificationOf(DOWN.alerts, { commonAnnotations: new Map([['summary', 'y'.repeat(600_000)]]) }))
  expect(world.requests[2]!.json).toMatchObject({ payload: { custom_details: { error: expect.stringContaining('exceeds the maximum size of 512KB') as string } } })
})

it('tries PagerDuty\'s API of old again where it says 403, that of today not', async () => {
  const world = await httpWorld((response) => response.writeHead(403).end('{}'))
  for (const [key, isRetryable] of [['service_key', true], ['routing_key', false]] as const) {
    expect(await attempt(receiverOf(one('pagerduty', `url: "${world.url}", ${key}: k`)))).toMatchObject({ isRetryable })
  }
})

it('tells Telegram that a text is too long where its tags are', async () => {
  const world = await httpWorld((response) => response.writeHead(200, { 'content-type': 'application/json' }).end('{"ok":true}'))
  const linked = (count: number): string => `<a href='http://x/${'y'.repeat(100)}'>z</a>`.repeat(count)
  for (const count of [10, 300]) expect(await attempt(receiverOf(one('telegram', `api_url: "${world.url}", bot_token: a, chat_id: 1, message: "${linked(count)}"`)))).toBe(null)
  expect(world.requests.map(({ json }) => (json as { text: string }).text)).toEqual([linked(10), expect.stringMatching(/^The notification is longer than Telegram takes/)])
})

it('takes a refusal that comes with status 200 for one', async () => {
  let answer: [string, string] = ['text/plain', 'invalid_token']
  const world = await httpWorld((response) => response.writeHead(200, { 'content-type': answer[0] }).end(answer[1]))
  const slack = receiverOf(one('slack', `api_url: "${world.url}", channel: "#c"`))
  expect(await attempt(slack)).toMatchObject({ isRetryable: false, message: 'channel "#c": Slack says: invalid_token' })
  answer = ['application/json', '{"ok":false,"error":"channel_not_found"}']
  expect(await attempt(slack)).toMatchObject({ isRetryable: false, message: 'channel "#c": Slack says: channel_not_found' })
  answer = ['application/json', '{"success":false,"error":"nope"}']
  expect(await attempt(receiverOf(one('rocketchat', `api_url: "${world.url}", token: a, token_id: b, channel: c`)))).toMatchObject({ isRetryable: false, message: 'channel "c": Rocket.Chat says: nope' })
  answer = ['application/json', '{"ok":false,"description":"Too Many Requests","parameters":{"retry_after":9}}']
  expect(await attempt(receiverOf(one('telegram', `api_url: "${world.url}", bot_token: a, chat_id: 1`)))).toMatchObject({ retryAfterMs: 9000, message: 'Telegram says: Too Many Requests' })
  answer = ['text/html', '<p>gateway</p>']
  expect(await attempt(receiverOf(one('telegram', `api_url: "${world.url}", bot_token: a, chat_id: 1`)))).toMatchObject({ isRetryable: true, message: 'Telegram answered no JSON object: "<p>gateway</p>"' })
})

it('tries again where a service is busy, and takes no garbage for an answer', async () => {
  let answer = '{"ok":false,"error":"service_unavailable"}'
  const world = await httpWorld((response, { path }) => response.writeHead(200, { 'content-type': 'application/json' }).end(path.startsWith('/gettoken') ? '{"access_token":"T"}' : answer))
  expect(await attempt(receiverOf(one('slack', `api_url: "${world.url}", channel: "#c"`)))).toMatchObject({ isRetryable: true })
  answer = '{"errcode":-1,"errmsg":"system busy"}'
  expect(await attempt(receiverOf(one('wechat', `api_url: "${world.url}/", api_secret: s, corp_id: c, to_user: u`)))).toMatchObject({ isRetryable: true, message: 'WeChat says: system busy' })
  // A search of which nothing is known must not make another issue of the same, nor leave the old one open.
  const jira = receiverOf(one('jira', `api_url: "${world.url}/rest/api/2", project: P, issue_type: Bug`))
  for (const text of ['', '{}', '<p>gateway</p>']) {
    answer = text
    for (const notification of [DOWN, UP]) expect(await attempt(jira, notification)).toMatchObject({ isRetryable: true, message: expect.stringContaining('Jira answered') as string })
  }
  expect(world.requests.filter(({ path }) => path.endsWith('/issue'))).toEqual([])
})

it('makes a Jira issue once, whatever is said of it', async () => {
  const world = await httpWorld((response, { path }) => response.writeHead(201, { 'content-type': 'application/json' }).end(path.endsWith('/search') ? '{"issues":[]}' : '<p>made</p>'))
  expect(await attempt(receiverOf(one('jira', `api_url: "${world.url}/rest/api/2", project: P, issue_type: Bug`)))).toBe(null)
})

it('keeps a routing key of labels within its part of the address', async () => {
  const world = await httpWorld()
  expect(await attempt(receiverOf(one('victorops', `api_url: "${world.url}/alert/", api_key: k, routing_key: 'a?b#c/{{ .CommonLabels.severity }}'`)))).toBe(null)
  expect(world.requests[0]!.path).toBe('/alert/k/a%3Fb%23c%2Fcritical')
})

it('posts anew where somebody has removed the first message of a group', async () => {
  const world = await httpWorld((response, { path, json }) => {
    const isGone = path.endsWith('/chat.update') || (json as { thread_ts?: string }).thread_ts !== undefined
    response.writeHead(200, { 'content-type': 'application/json' }).end(isGone ? '{"ok":false,"error":"message_not_found"}' : '{"ok":true,"channel":"C1","ts":"2.5"}')
  })
  for (const how of ['update_message', 'post_updates_to_thread']) {
    const bot = receiverOf(one('slack', `app_token: xoxb, app_url: "${world.url}/api/chat.postMessage", channel: "#c", ${how}: true`))
    expect(await bot.notify({ ...DOWN, memory: '{"channel":"C1","ts":"1.5"}' }, new AbortController().signal, NO_RECEIPT)).toBe('{"channel":"C1","ts":"2.5"}')
  }
})

it('edits and answers a bot\'s first message of a group, as what was remembered of it says', async () => {
  const world = await httpWorld((response) => response.writeHead(200, { 'content-type': 'application/json' }).end('{"ok":true,"channel":"C1","ts":"1.5"}'))
  const bot = (): Receiver => receiverOf(one('slack', `app_token: xoxb, app_url: "${world.url}/api/chat.postMessage", channel: "#c", update_message: true, post_updates_to_thread: true, send_resolved: true`))
  // Each time another process: the dispatcher keeps what is remembered, and hands it in while the group goes on.
  let memory = ''
  for (const notification of [DOWN, UP]) memory = await bot().notify({ ...notification, memory }, new AbortController().signal, NO_RECEIPT) ?? memory
  expect(memory).toBe('{"channel":"C1","ts":"1.5"}')
  expect(await attempt(bot(), DOWN)).toBe(null)
  expect(world.requests.map(({ path, json, headers }) => [path, (json as Record<string, string>)['channel'], (json as Record<string, string>)['ts'] ?? (json as Record<string, string>)['thread_ts'], headers.authorization])).toEqual([
    ['/api/chat.postMessage', '#c', undefined, 'Bearer xoxb'], ['/api/chat.update', 'C1', '1.5', 'Bearer xoxb'], ['/api/chat.postMessage', 'C1', '1.5', 'Bearer xoxb'],
    ['/api/chat.postMessage', '#c', undefined, 'Bearer xoxb'],
  ])
})

const browser = (): { ecdh: ReturnType<typeof createECDH>; auth: Buffer; json: (endpoint: string) => unknown } => {
  const ecdh = createECDH('prime256v1')
  ecdh.generateKeys()
  const auth = Buffer.alloc(16, 9)
  return { ecdh, auth, json: (endpoint) => ({ endpoint, expirationTime: null, keys: { p256dh: ecdh.getPublicKey().toString('base64url'), auth: auth.toString('base64url') } }) }
}

it('keeps subscriptions and its key over restarts, and says which it does not take', async () => {
  const folder = tempFolder()
  const store = openStore(folder)
  const push = await PushSubscriptions.open(store)
  await push.add(browser().json('https://push.example/1'), 'ann')
  await push.add(browser().json('https://push.example/2'), '')
  await expect(push.add(browser().json('http://push.example/2'), '')).rejects.toThrow('endpoint: want the https address of a push service')
  await expect(push.add({ endpoint: 'https://push.example/3', keys: { p256dh: 'x', auth: 'y' } }, '')).rejects.toThrow('keys: want p256dh and auth')
  await store.close()
  // What the store does not keep is as before, and can be asked for again.
  await expect(push.remove('https://push.example/1')).rejects.toThrow()
  await expect(push.add(browser().json('https://push.example/3'), '')).rejects.toThrow()
  expect(push.of([]).map(({ endpoint }) => endpoint).toSorted()).toEqual(['https://push.example/1', 'https://push.example/2'])
  const reopened = openStore(folder)
  onTestFinished(() => reopened.close())
  const again = await PushSubscriptions.open(reopened)
  expect(again.key.publicKey).toBe(push.key.publicKey)
  expect(again.of([]).map(({ endpoint }) => endpoint)).toEqual(['https://push.example/1', 'https://push.example/2'])
  expect(again.of(['ann']).map(({ endpoint }) => endpoint)).toEqual(['https://push.example/1'])
  expect(await again.remove('https://push.example/1')).toBe(true)
  expect(await again.remove('https://push.example/1')).toBe(false)
})

it('pushes to browsers what they can decrypt, and forgets those that are gone', async () => {
  const { requests, url } = await httpWorld((response, { path }) => response.writeHead(path === '/gone' ? 410 : path === '/busy' ? 503 : 201).end())
  const { ecdh, auth, json } = browser()
  // A push service has TLS; this one stands in its place behind what is stored.
  const stored = ['/here', '/gone', '/busy'].map((path) => ({ ...(json(`${url}${path}`) as object), user: 'ann' }))
  const store = openStore(tempFolder())
  onTestFinished(() => store.close())
  await store.putValue('webpush_subscriptions', JSON.stringify(stored))
  const push = await PushSubscriptions.open(store)
  const receiver = makeReceiver(readText(one('webpush', 'users: [ann], subject: "mailto:ops@example.com"')).receivers[0]!.integrations[0]!, ground({ push: () => Promise.resolve(push) }))
  onTestFinished(() => receiver.close())
  expect(await attempt(receiver)).toMatchObject({ isRetryable: true, message: '1 of 3 browsers: unexpected status code 503' })
  const here = requests.find(({ path }) => path === '/here')!
  expect(here.headers).toMatchObject({ 'content-encoding': 'aes128gcm', ttl: '86400', urgency: 'high', authorization: expect.stringMatching(/^vapid t=/) as string })
  const shown = JSON.parse(decryptPush(here.body, ecdh, auth)) as { url: string }
  expect(shown).toMatchObject({ title: '[FIRING:1] Down (critical)', body: 'it is <down> & out', status: 'firing', tag: expect.stringMatching(/^[0-9a-f]{32}$/) as string })
  expect(shown.url).toMatch(/^alerts\?search=alertname%3D%22Down%22/)
  expect(push.of([]).map(({ endpoint }) => new URL(endpoint).pathname)).toEqual(['/here', '/busy'])
  requests.length = 0
  await attempt(receiver)
  expect(requests.map(({ path }) => path)).toEqual(['/busy'])
})

it('does not take it for told that all browsers are gone', async () => {
  const { url } = await httpWorld((response) => response.writeHead(410).end())
  const store = openStore(tempFolder())
  onTestFinished(() => store.close())
  await store.putValue('webpush_subscriptions', JSON.stringify([{ ...(browser().json(`${url}/gone`) as object), user: '' }]))
  const push = await PushSubscriptions.open(store)
  expect(await attempt(receiverOf(one('webpush', ''), { push: () => Promise.resolve(push) }))).toMatchObject({ isRetryable: true, message: expect.stringContaining('nobody has subscribed') as string })
})

it('pushes to the others where the store does not forget a browser that is gone', async () => {
  const { requests, url } = await httpWorld((response, { path }) => response.writeHead(path === '/gone' ? 410 : 201).end())
  const store = openStore(tempFolder())
  await store.putValue('webpush_subscriptions', JSON.stringify(['/gone', '/here'].map((path) => ({ ...(browser().json(`${url}${path}`) as object), user: '' }))))
  const push = await PushSubscriptions.open(store)
  await store.close()
  const receiver = receiverOf(one('webpush', ''), { push: () => Promise.resolve(push) })
  expect(await attempt(receiver)).toBeNull()
  expect(await attempt(receiver)).toBeNull()
  expect(requests.map(({ path }) => path).toSorted()).toEqual(['/gone', '/gone', '/here', '/here'])
})

it('pushes what leads to the alert and acknowledges it, and fits whatever its text is', async () => {
  const { requests, url } = await httpWorld((response) => response.writeHead(201).end())
  const { ecdh, auth, json } = browser()
  const store = openStore(tempFolder())
  onTestFinished(() => store.close())
  await store.putValue('webpush_subscriptions', JSON.stringify([{ ...(json(`${url}/x`) as object), user: '' }]))
  const receiver = receiverOf(one('webpush', ''), { push: () => PushSubscriptions.open(store) })
  const pushed = async (notification: Notification): Promise<Record<string, string>> => {
    expect(await attempt(receiver, notification)).toBeNull()
    return JSON.parse(decryptPush(requests.at(-1)!.body, ecdh, auth)) as Record<string, string>
  }
  const labels = { alertname: 'Disk & co', instance: 'web1' }
  const alert = alertOf(labels, { ackUrl: 'http://monitor.example:9090/ack/TOKEN' })
  expect(await pushed(notificationOf([alert]))).toMatchObject({ url: `alerts?${new URLSearchParams({ search: 'alertname="Disk & co" instance="web1"' })}`, ack: 'ack/TOKEN' })
  const ended = await pushed(notificationOf([{ ...alert, status: 'resolved', endsAtMs: AT_MS }]))
  expect([ended['url'], ended['ack']]).toEqual([`alerts?${new URLSearchParams({ view: 'resolved', search: 'alertname="Disk & co" instance="web1"' })}`, undefined])
  const several = await pushed(notificationOf([alert, alertOf({ ...labels, instance: 'web2' })]))
  expect([several['url'], several['ack']]).toEqual(['alerts?search=alertname%3D%22Down%22', undefined])
  expect((await pushed(notificationOf([alertOf({ alertname: 'x'.repeat(600) })])))['url']).toBe('alerts')
  const odd = await pushed(notificationOf([alert], { commonAnnotations: new Map([['summary', '\u0001"\n'.repeat(3000)]]) }))
  expect(odd['body']!.length).toBeGreaterThan(400)
})

it('says when nobody has subscribed, and when the store cannot be read', async () => {
  const config = readText(one('webpush', '')).receivers[0]!.integrations[0]!
  expect(await attempt(makeReceiver(config, ground()))).toMatchObject({ isRetryable: true, message: 'the subscriptions of browsers cannot be read: there is none' })
  const store = openStore(tempFolder())
  onTestFinished(() => store.close())
  expect(await attempt(makeReceiver(config, ground({ push: () => PushSubscriptions.open(store) })))).toMatchObject({ isRetryable: true, message: expect.stringContaining('nobody has subscribed') as string })
})

it('reads short forms with the senders of the globals', () => {
  const yaml = parseYaml('{smtp_smarthost: "m:25", smtp_from: m@example.com, sms_account_sid: AC, sms_auth_token: t, sms_from: "+15550000000"}', () => undefined)
  const problems = new Problems(yaml.position, true)
  const globals = readReceiverGlobals(new MapReader(problems, yaml.root?.kind === 'map' ? yaml.root : null, 'alerting'), '/')
  const none = readReceiverGlobals(new MapReader(problems, null, 'alerting'), '/')
  expect(problems.errors()).toEqual([])
  expect(readShortForm('email:ops@example.com', globals)).toMatchObject({ config: { kind: 'email', to: 'ops@example.com', from: 'm@example.com', isResolvedSent: true } })
  expect(readShortForm('sms:+15551234567', globals)).toMatchObject({ config: { kind: 'sms', to: ['+15551234567'], twilio: { accountSid: 'AC' } } })
  expect(readShortForm('push:all', globals)).toMatchObject({ config: { kind: 'webpush', users: [] } })
  expect(readShortForm('push:ann', globals)).toMatchObject({ config: { kind: 'webpush', users: ['ann'] } })
  expect(readShortForm('webhook:https://x/y', globals)).toMatchObject({ config: { kind: 'webhook', url: { text: 'https://x/y' } } })
  for (const [text, error] of [
    ['email:ops', '"ops" is no mail address'], ['email:a@b.c, d@e.f', 'is no mail address'], ['sms:0155', 'is no number such as'], ['slack:#ops', 'is no short form'], ['team-x', 'is no short form'], ['webhook:ftp://x', 'is no URL'],
  ] as const) expect(readShortForm(text, globals), text).toMatchObject({ error: expect.stringContaining(error) as string })
  expect(readShortForm('email:ops@example.com', none)).toMatchObject({ error: expect.stringContaining('smtp_smarthost') as string })
  expect(readShortForm('sms:+15551234567', none)).toMatchObject({ error: expect.stringContaining('sms_account_sid') as string })
})

it('keeps a service\'s pace after a burst, in order', async () => {
  const clock = new FakeClock()
  const pace = new Pace(clock, 1000)
  const passed: number[] = []
  const turns = Array.from({ length: 8 }, (_, i) => pace.turn(new AbortController().signal).then(() => void passed.push(i)))
  await clock.advance(0)
  expect(passed).toEqual([0, 1, 2, 3, 4])
  await clock.advance(1999)
  expect(passed).toEqual([0, 1, 2, 3, 4, 5])
  await clock.advance(2000)
  await Promise.all(turns)
  expect(passed).toEqual([0, 1, 2, 3, 4, 5, 6, 7])
})

it('cuts texts by runes and by bytes, never within a rune', () => {
  expect(truncateRunes('abcdef', 5)).toBe('abcd…')
  expect(truncateRunes('😀😀😀😀😀', 5)).toBe('😀😀😀😀😀')
  expect(truncateRunes('😀😀😀😀😀', 4)).toBe('😀😀😀…')
  expect(truncateRunes('abc', 2)).toBe('ab')
  expect(truncateBytes('éééé', 8)).toBe('éééé')
  expect(truncateBytes('éééé', 7)).toBe('éé…')
  expect(truncateBytes('éééé', 6)).toBe('é…')
  expect(truncateBytes('éééé', 3)).toBe('…')
  expect(truncateBytes('éééé', 2)).toBe('..')
})

it('says that a message was taken once all have it, and not of a part', async () => {
  let refused = '+15550000001'
  const world = await httpWorld((response, { body }) => response.writeHead(form(body)['To'] === refused ? 503 : 201).end('{}'))
  const taken = async (receiver: Receiver): Promise<number> => {
    let count = 0
    await receiver.notify(DOWN, new AbortController().signal, { told: null, onTaken: () => count++ }).catch(() => undefined)
    return count
  }
  const sms = receiverOf(one('sms', `to: ["+15550000001", "+15550000002"], api_url: "${world.url}", account_sid: AC1, auth_token: t, from: "+15559999999"`))
  expect(await taken(sms)).toBe(0)
  refused = ''
  expect(await taken(sms)).toBe(1)
  const { url } = await httpWorld((response, { path }) => response.writeHead(path === '/busy' ? 503 : 201).end())
  const store = openStore(tempFolder())
  onTestFinished(() => store.close())
  await store.putValue('webpush_subscriptions', JSON.stringify(['/here', '/busy'].map((path) => ({ ...(browser().json(`${url}${path}`) as object), user: '' }))))
  expect(await taken(receiverOf(one('webpush', ''), { push: () => PushSubscriptions.open(store) }))).toBe(0)
  const bot = await httpWorld((response, { path }) => response.writeHead(200, { 'content-type': 'application/json' }).end(path.endsWith('/chat.update') ? '{"ok":true,"channel":"C1","ts":"1.5"}' : '{"ok":false,"error":"internal_error"}'))
  const slack = receiverOf(one('slack', `app_token: xoxb, app_url: "${bot.url}/api/chat.postMessage", channel: "#c", update_message: true, post_updates_to_thread: true`))
  let count = 0
  await slack.notify({ ...DOWN, memory: '{"channel":"C1","ts":"1.5"}' }, new AbortController().signal, { told: null, onTaken: () => count++ }).catch(() => undefined)
  expect([count, bot.requests.length]).toEqual([0, 2])
})
