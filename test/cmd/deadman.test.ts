// The dead man's switch, its clock turned by hand; what it is told and tells goes over real HTTP and SMTP.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { Deadman } from '../../cmd/deadman/deadman.ts'
import { readFlags } from '../../cmd/deadman/flags.ts'
import { FakeClock } from '../../lib/std/clock.ts'
import { waitFor } from '../support/monitor-process.ts'
import { httpWorld, type HttpWorld } from '../support/receiver-fixture.ts'
import { smtpWorld, type SmtpWorld } from '../support/smtp-world.ts'

const START_MS = 1_700_000_000_000

interface World {
  clock: FakeClock
  url: string
  pager: HttpWorld
  post: (body: unknown) => Promise<number>
  lines: string[]
  texts: () => { status: string; text: string; stopped: string[] }[]
}

async function world({ monitor = 'http://127.0.0.1:1', mail = null as SmtpWorld | null, heartbeat = '', pagerStatus = (): number => 200 } = {}): Promise<World> {
  const clock = new FakeClock(START_MS)
  const lines: string[] = []
  const pager = await httpWorld((response) => response.writeHead(pagerStatus()).end())
  const deadman = new Deadman({
    listen: { host: '127.0.0.1', port: 0 }, monitorUrl: monitor, silenceMs: 180_000, repeatMs: 1_800_000, webhookUrl: `${pager.url}/page`, heartbeatUrl: heartbeat,
    mail: mail === null ? null : { url: `smtp://127.0.0.1:${mail.port}?ignoreTLS=true`, from: 'deadman@example.com', to: 'ops@example.com' }, clock, log: (line) => lines.push(line),
  })
  const url = `http://127.0.0.1:${await deadman.start()}`
  const schedule = (): void => void clock.after(5000, () => {
    looking = looking.then(() => deadman.look())
    schedule()
  })
  let looking = Promise.resolve()
  schedule()
  onTestFinished(() => deadman.stop())
  return {
    clock, url, pager, lines, post: async (body) => (await fetch(url, { method: 'POST', body: JSON.stringify(body) })).status,
    texts: () => pager.requests.map(({ json }) => json as { status: string; text: string; stopped: string[] }),
  }
}

const watchdog = { alerts: [{ status: 'firing', labels: { alertname: 'Watchdog' } }] }

/** Turns the clock on in steps, so that what a step begins can come to its end. */
async function pass(clock: FakeClock, ms: number, isDone: () => boolean): Promise<void> {
  await clock.advance(ms)
  await waitFor('what was to happen', () => Promise.resolve(isDone()))
}

it('pages after three minutes without a Watchdog, again after half an hour, and tells when it is back', async () => {
  const { clock, pager, post, texts } = await world()
  await clock.advance(120_000)
  expect(await post(watchdog)).toBe(200)
  await clock.advance(175_000)
  expect(pager.requests).toEqual([])
  await pass(clock, 5000, () => pager.requests.length === 1)
  expect(texts()[0]).toMatchObject({ status: 'firing', text: expect.stringContaining('Monitor has been silent for 180 s: http://127.0.0.1:1 does not answer') as string, stopped: [] })
  await clock.advance(1_790_000)
  expect(pager.requests).toHaveLength(1)
  await pass(clock, 15_000, () => pager.requests.length === 2)
  expect(await post(watchdog)).toBe(200)
  await pass(clock, 5000, () => pager.requests.length === 3)
  expect(texts()[2]).toMatchObject({ status: 'resolved', text: 'Monitor is heard again' })
})

it('pages when Monitor never comes, by mail, too', async () => {
  const mail = await smtpWorld()
  const { clock } = await world({ mail })
  await pass(clock, 180_000, () => mail.mails.length === 1)
  expect(mail.mails[0]).toMatchObject({ from: 'deadman@example.com', to: ['ops@example.com'], text: expect.stringMatching(/^Subject: \[FIRING\] Monitor's dead man's switch\r$/m) as string })
})

it('names the part that stopped', async () => {
  const at = START_MS / 1000
  const lines = (rules: number): string => `monitor_heartbeat_timestamp_seconds{component="scrape"} ${at + 175}\nmonitor_heartbeat_timestamp_seconds{component="rules"} ${rules}\n`
  let metrics = lines(at + 30)
  const monitor = await httpWorld((response) => response.end(metrics))
  const first = await world({ monitor: monitor.url })
  await pass(first.clock, 180_000, () => first.pager.requests.length === 1)
  expect(first.texts()[0]).toMatchObject({ text: 'Monitor has been silent for 180 s: stopped: rules', stopped: ['rules'] })
  metrics = lines(at + 175)
  const second = await world({ monitor: monitor.url.replace('//', '//ops:p%40ss@') })
  await pass(second.clock, 180_000, () => second.pager.requests.length === 1)
  expect(second.texts()[0]!.text).toContain('all of its parts work; look at the rule Watchdog, its route and its receiver')
  expect(monitor.requests.at(-1)!.headers['authorization']).toBe(`Basic ${Buffer.from('ops:p@ss').toString('base64')}`)
  expect(second.texts()[0]!.text).not.toMatch(/ops|p%40ss/)
})

it('counts no Watchdog that is repeated while nobody evaluates its rule, but one of a clock that differs', async () => {
  const at = START_MS / 1000
  const page = (rules: number, others: number): string => `monitor_heartbeat_timestamp_seconds{component="scrape"} ${at + others}\nmonitor_heartbeat_timestamp_seconds{component="rules"} ${at + rules}\n`
  let metrics = page(0, 0)
  const monitor = await httpWorld((response) => response.end(metrics))
  const { clock, pager, post, texts, url } = await world({ monitor: monitor.url })
  const silentSeconds = async (): Promise<number> => ((await (await fetch(url)).json()) as { silent_seconds: number }).silent_seconds
  await clock.advance(60_000)
  await post(watchdog)
  expect(await silentSeconds()).toBe(0)
  await clock.advance(100_000)
  metrics = page(-3600, -3600)
  await post(watchdog)
  expect(await silentSeconds()).toBe(0)
  await clock.advance(100_000)
  metrics = page(160, 255)
  expect(await post(watchdog)).toBe(200)
  expect(await silentSeconds()).toBe(100)
  metrics = page(160, 330)
  await pass(clock, 80_000, () => pager.requests.length === 1)
  expect(texts()[0]).toMatchObject({ text: 'Monitor has been silent for 180 s: stopped: rules', stopped: ['rules'] })
})

it('tries a page again that did not get out', async () => {
  let status = 503
  const { clock, pager } = await world({ pagerStatus: () => status })
  await pass(clock, 180_000, () => pager.requests.length === 1)
  status = 200
  // The next tick, once the try before it has ended.
  await waitFor('a second try', async () => {
    await clock.advance(5000)
    return pager.requests.length === 2
  })
  await clock.advance(60_000)
  expect(pager.requests).toHaveLength(2)
})

it('tries again by the way that failed alone, with growing pauses, while the other one has told', async () => {
  let status = 503
  const mail = await smtpWorld()
  const { clock, pager, lines, post } = await world({ mail, pagerStatus: () => status })
  await pass(clock, 180_000, () => mail.mails.length === 1 && lines.some((line) => line.includes('cannot page by webhook, tried again in 5 s: status 503')))
  for (const seconds of [10, 20, 40]) {
    await waitFor('another try', async () => {
      await clock.advance(5000)
      return lines.some((line) => line.includes(`cannot page by webhook, tried again in ${seconds} s`))
    })
  }
  status = 200
  await waitFor('the webhook to be told', async () => {
    await clock.advance(5000)
    return pager.requests.length === 5
  })
  expect(pager.requests.at(-1)!.json).toMatchObject({ status: 'firing' })
  await clock.advance(600_000)
  expect([mail.mails.length, pager.requests.length]).toEqual([1, 5])
  // The end goes by either, once.
  status = 503
  await post(watchdog)
  await pass(clock, 5000, () => mail.mails.length === 2 && pager.requests.length === 6)
  status = 200
  await waitFor('the end by the webhook', async () => {
    await clock.advance(5000)
    return pager.requests.length === 7
  })
  expect([mail.mails.length, pager.requests.at(-1)!.json]).toEqual([2, expect.objectContaining({ status: 'resolved' })])
})

it('takes nothing but a Watchdog that fires', async () => {
  const { clock, url, post } = await world()
  for (const body of [{}, { alerts: [{ status: 'firing', labels: { alertname: 'Other' } }] }, 7, { ...watchdog, more: 'x'.repeat(1 << 20) }]) expect(await post(body)).toBe(400)
  await clock.advance(60_000)
  // That it has ended is no fault of whoever tells it, and no sign of life.
  expect(await post({ alerts: [{ status: 'resolved', labels: { alertname: 'Watchdog' } }] })).toBe(200)
  expect(await (await fetch(url)).json()).toEqual({ silent_seconds: 60, paged: false })
  // One has ended and another fires, in whatever order.
  expect(await post({ alerts: ['resolved', 'firing'].map((status) => ({ status, labels: { alertname: 'Watchdog' } })) })).toBe(200)
  expect(await (await fetch(url)).json()).toEqual({ silent_seconds: 0, paged: false })
})

it('tells an outside service that it hears the Watchdog, also of one that comes a little early, and says when it refuses', async () => {
  let status = 200
  const outside = await httpWorld((response) => response.writeHead(status).end())
  const pings = (): string[] => outside.requests.filter(({ path: asked }) => asked === '/ping').map(({ method }) => method)
  const { clock, post, lines } = await world({ heartbeat: `${outside.url}/ping` })
  await post(watchdog)
  await waitFor('a request', () => Promise.resolve(pings().length === 1))
  await post(watchdog)
  // What that one sent would be there before this.
  await fetch(`${outside.url}/other`)
  expect(pings()).toEqual(['GET'])
  await clock.advance(59_000)
  status = 404
  await post(watchdog)
  await waitFor('a line', () => Promise.resolve(lines.length > 0))
  expect(lines).toEqual(['the heartbeat URL does not answer as it should (status 404)'])
  expect(pings()).toEqual(['GET', 'GET'])
})

it('reads addresses of both kinds, and wants both of --from and --to', () => {
  expect(readFlags(['--listen=[::1]:9099', '--webhook-url=http://x'])).toMatchObject({ listen: { host: '::1', port: 9099 }, mail: null })
  for (const flag of ['--from=a@b.c', '--to=a@b.c']) expect(() => readFlags(['--smtp-url=smtp://x', flag])).toThrow('mail wants --from and --to')
})

it('says what its flags lack', async () => {
  const run = async (...argv: readonly string[]): Promise<[number | null, string]> => {
    const child = spawn(process.execPath, [path.resolve(import.meta.dirname, '../../cmd/monitor.ts'), 'deadman', ...argv], { stdio: ['ignore', 'pipe', 'pipe'] })
    let text = ''
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (text += chunk.toString()))
    const [code] = (await once(child, 'close')) as [number | null]
    return [code, text]
  }
  expect(await run()).toEqual([2, expect.stringContaining('it has no one to page: set --smtp-url') as string])
  expect(await run('--webhook-url=http://x', '--silence=soon')).toEqual([2, expect.stringContaining('--silence: want seconds, got "soon"') as string])
  expect(await run('--smtp-url=smtp://x')).toEqual([2, expect.stringContaining('mail wants --from and --to') as string])
  expect(await run('--webhook-url=http://x', '--monitor=monitor:9090x y')).toEqual([2, expect.stringContaining('--monitor: want a URL such as http://127.0.0.1:9090') as string])
  expect((await run('--help'))[0]).toBe(0)
}, 120_000)
