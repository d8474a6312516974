import { once } from 'node:events'
import { expect, it } from 'vitest'
import { FakeClock } from '../../../../lib/std/clock.ts'
import { alertOf, attempt, AT_MS, DOWN, httpWorld, notificationOf, receiverOf, UP } from '../../../support/receiver-fixture.ts'

const hook = (url: string, more = ''): string => `receivers: [{name: a, webhook_configs: [{url: "${url}"${more}}]}]`

it('posts Alertmanager\'s JSON of version 4', async () => {
  const world = await httpWorld()
  expect(await attempt(receiverOf(hook(`${world.url}/hook?a=b`)))).toBe(null)
  const [request] = world.requests
  expect(request).toMatchObject({ method: 'POST', path: '/hook?a=b' })
  expect(request!.headers).toMatchObject({ 'content-type': 'application/json', 'user-agent': 'Monitor/test' })
  expect(request!.json).toEqual({
    receiver: 'team-x', status: 'firing', version: '4', groupKey: '{}:{alertname="Down"}', truncatedAlerts: 0, externalURL: 'http://monitor.example:9090',
    groupLabels: { alertname: 'Down' }, commonLabels: { alertname: 'Down', severity: 'critical' }, commonAnnotations: { summary: 'it is <down> & out' },
    notification_reason: 'new alerts added', routeLabels: {},
    alerts: [{
      status: 'firing', labels: { alertname: 'Down', instance: 'web1', severity: 'critical' }, annotations: { summary: 'it is <down> & out' },
      startsAt: new Date(AT_MS - 60_000).toISOString(), endsAt: '0001-01-01T00:00:00Z', generatorURL: 'http://m:9090/graph?g0.expr=up+%3D%3D+0&g0.tab=1', fingerprint: '00ab00ab00ab00ab',
    }],
  })
})

it('tells the labels of the route, which are templates, and why it tells', async () => {
  const world = await httpWorld()
  const routeLabels = new Map([['desk', '{{ routeLabels "who" }} of {{ .GroupLabels.alertname }}'], ['who', '{{ .CommonLabels.severity | toUpper }}'], ['a', '{{ routeLabels "b" }}'], ['b', '{{ routeLabels "a" }}'], ['bad', '{{ nope }}'], ['plain', 'x']])
  const payload = ', payload: {desk: "{{ .RouteLabels.desk }}", who: "{{ routeLabels `who` }}{{ routeLabels `gone` }}", why: "{{ .NotificationReason }}", until: "{{ addDuration `1h` (mustToDate `2006-01-02` `2026-11-28`) }}", none: "{{ (toDate `2006` `x`).IsZero }}"}'
  const told = notificationOf(DOWN.alerts, { routeLabels, reason: 'first notification' })
  expect(await attempt(receiverOf(hook(`${world.url}/own`, payload)), told)).toBe(null)
  expect(world.requests[0]!.json).toEqual({ desk: 'CRITICAL of Down', who: 'CRITICAL', why: 'first notification', until: 1795827600000, none: true })
  expect(await attempt(receiverOf(hook(world.url)), told)).toBe(null)
  // Those that ask for each other in a circle, or are no templates, are left out.
  expect(world.requests[1]!.json).toMatchObject({ notification_reason: 'first notification' })
  expect((world.requests[1]!.json as { routeLabels: unknown }).routeLabels).toEqual({ desk: 'CRITICAL of Down', who: 'CRITICAL', plain: 'x' })
})

it('cuts the list at max_alerts and says how many are missing', async () => {
  const world = await httpWorld()
  const many = notificationOf([1, 2, 3].map((i) => alertOf({ alertname: 'Down', i: String(i) })))
  await attempt(receiverOf(hook(world.url, ', max_alerts: 2')), many)
  expect(world.requests[0]!.json).toMatchObject({ truncatedAlerts: 1, alerts: [{ labels: { i: '1' } }, { labels: { i: '2' } }] })
})

it('expands the URL and a payload of the user\'s own, with its types', async () => {
  const world = await httpWorld()
  const payload = ', payload: {n: "{{ len .Alerts }}", "k_{{ .Status }}": "{{ .CommonLabels.severity }}", raw: "{{ .Alerts | toJson }}", list: [1, true, "{{ .Receiver }}"], text: "a: b # c"}'
  await attempt(receiverOf(hook(`${world.url}/{{ .CommonLabels.severity }}`, payload)))
  expect(world.requests[0]!.path).toBe('/critical')
  expect(world.requests[0]!.json).toMatchObject({ n: 1, k_firing: 'critical', raw: [{ status: 'firing', labels: { instance: 'web1' } }], list: [1, true, 'team-x'], text: { a: 'b' } })
})

it.each([
  [500, true], [502, true], [429, true], [400, false], [404, false], [302, false],
])('takes status %i for a failure', async (status, isRetryable) => {
  const world = await httpWorld((response) => response.writeHead(status, { 'retry-after': '7' }).end('because'))
  const error = await attempt(receiverOf(hook(world.url)))
  expect(error).toMatchObject({ isRetryable, retryAfterMs: 7000 })
  expect(error!.message).toContain(`unexpected status code ${status}`)
})

it('reads Retry-After as a date, too, and never waits longer than an hour', async () => {
  const clock = new FakeClock(Date.parse('2026-11-28T10:00:00Z'))
  let header = 'Sat, 28 Nov 2026 10:00:30 GMT'
  const world = await httpWorld((response) => response.writeHead(503, { 'retry-after': header }).end())
  const receiver = receiverOf(hook(world.url), { clock })
  expect(await attempt(receiver)).toMatchObject({ retryAfterMs: 30_000 })
  header = '999999'
  expect(await attempt(receiver)).toMatchObject({ retryAfterMs: 3_600_000 })
  header = 'soon'
  expect(await attempt(receiver)).toMatchObject({ retryAfterMs: 0 })
})

it('gives up on a server that hangs after its timeout, to be tried again', async () => {
  const clock = new FakeClock()
  let arrived = (): void => undefined
  const reached = new Promise<void>((resolve) => (arrived = resolve))
  const world = await httpWorld(() => arrived())
  const tried = attempt(receiverOf(hook(world.url), { clock }))
  await reached
  await clock.advance(9_900)
  await clock.advance(200)
  expect(await tried).toMatchObject({ isRetryable: true, message: expect.stringContaining('context deadline exceeded') as string })
})

it('ends at once, with the signal\'s reason, when it is no longer wanted', async () => {
  const world = await httpWorld(() => controller.abort(new Error('group is gone')))
  const controller = new AbortController()
  const ended = once(controller.signal, 'abort')
  await expect(attempt(receiverOf(hook(world.url)), DOWN, controller.signal)).rejects.toThrow('group is gone')
  await ended
})

it('says that nobody listens, without the secrets of the URL', async () => {
  const error = await attempt(receiverOf(hook('http://user:hunter2@127.0.0.1:1/T0KEN')))
  expect(error).toMatchObject({ isRetryable: true, message: '127.0.0.1:1: connect: connection refused' })
})

it.each(['http://127.0.0.1:9/', 'http://[::1]:9/', 'http://169.254.169.254/latest', 'http://localhost:9/', 'https://10.1.2.3/', 'http://[::ffff:192.168.0.1]/'])('refuses the private address %s where that is forbidden', async (url) => {
  const error = await attempt(receiverOf(hook(url), { isPrivateAllowed: false }))
  expect(error?.message).toMatch(/refused: .* private address, which `webhook_allow_private: false` of global forbids$/)
  expect(error?.isRetryable).toBe(false)
})

it('tells a template that fails, and does not try it again', async () => {
  const error = await attempt(receiverOf(hook('http://x/{{ .Nothing }}')))
  expect(error).toMatchObject({ isRetryable: false, message: `cannot expand the template of url: template: :1:12: executing "" at <.Nothing>: can't evaluate field Nothing in type *template.Data` })
  expect(await attempt(receiverOf(hook('http://x/{{ .Status')))).toMatchObject({ isRetryable: false, message: expect.stringContaining('template: :1: unclosed action') as string })
})

it('says when an alert has ended', async () => {
  const world = await httpWorld()
  await attempt(receiverOf(hook(world.url)), UP)
  expect(world.requests[0]!.json).toMatchObject({ status: 'resolved', alerts: [{ status: 'resolved', endsAt: new Date(AT_MS - 1000).toISOString() }] })
})

it('takes the status for delivered, in the turn in which it comes, whatever becomes of the body', async () => {
  let cutOff = (): void => {}
  const world = await httpWorld((response) => {
    response.writeHead(200, { 'content-length': 100 }).write('{')
    cutOff = () => response.destroy()
  })
  const receiver = receiverOf(hook(world.url))
  const accepted = Promise.withResolvers<void>()
  const told = receiver.notify(DOWN, new AbortController().signal, { told: null, onTaken: () => accepted.resolve() })
  await accepted.promise
  cutOff()
  expect(await told).toBe(undefined)
})

it('does not take a refusal for accepted', async () => {
  const world = await httpWorld((response) => response.writeHead(503).end())
  let acceptedCount = 0
  await expect(receiverOf(hook(world.url)).notify(DOWN, new AbortController().signal, { told: null, onTaken: () => void acceptedCount++ })).rejects.toThrow('status code 503')
  expect(acceptedCount).toBe(0)
})

it.each([[500, true], [400, false]])('judges by the status %i, whatever becomes of its body', async (status, isRetryable) => {
  for (const end of ['long', 'cut'] as const) {
    const world = await httpWorld((response) => {
      response.writeHead(status, { 'content-length': 10 << 20 })
      if (end === 'long') response.end(Buffer.alloc(10 << 20, 'e'))
      else response.write('e', () => response.destroy())
    })
    expect(await attempt(receiverOf(hook(world.url))), end).toMatchObject({ message: `unexpected status code ${status}`, isRetryable })
  }
})

it('gives what is told once more after a kill the key of before, and other news another one', async () => {
  const world = await httpWorld()
  for (const notification of [DOWN, { ...DOWN, timeMs: AT_MS + 5000, reason: 'other' }, { ...DOWN, previousMs: AT_MS }, UP]) await attempt(receiverOf(hook(world.url)), notification)
  const [first, again, repeat, end] = world.requests.map(({ headers }) => headers['idempotency-key'])
  expect(first).toMatch(/^[0-9a-f]{64}$/)
  expect(again).toBe(first)
  expect(new Set([first, repeat, end]).size).toBe(3)
})
