// The process that carries messages: what it answers, what it notes, and what becomes of messages when it ends.
import { fork } from 'node:child_process'
import fs from 'node:fs'
import { createServer as createTcpServer, type AddressInfo } from 'node:net'
import path from 'node:path'
import { SMTPServer } from 'smtp-server'
import { expect, it, onTestFinished } from 'vitest'
import type { NotificationEntry } from '../../../../lib/meta/interface.ts'
import { CarriedLogs } from '../../../../lib/notify/courier/carried-log.ts'
import type { CarriedRequest, HttpRoute, Receipt } from '../../../../lib/notify/courier/courier.ts'
import { ProcessCourier } from '../../../../lib/notify/courier/process-courier.ts'
import { systemClock, type Clock, type Timer } from '../../../../lib/std/clock.ts'
import type { HttpClientOptions } from '../../../../lib/std/http.ts'
import { Logger } from '../../../../lib/std/log.ts'
import { waitFor } from '../../../support/monitor-process.ts'
import { httpWorld } from '../../../support/receiver-fixture.ts'
import { tempFolder } from '../../../support/temp-folder.ts'

/** As the courier has them. */
const PING_MS = 5000
const PAUSE_MS = 30_000
const NEVER = new AbortController().signal
const PLAIN: HttpClientOptions = {
  basicAuth: { username: 'u', password: 'p', usernameFile: '', passwordFile: '' }, authorization: null, oauth2: null, proxyUrl: '', noProxy: '', proxyFromEnvironment: false,
  tls: null, followRedirects: false, enableHttp2: false, proxyConnectHeader: new Map(), httpHeaders: new Map([['x-team', ['a']]]),
}
const ENTRY: NotificationEntry = { groupKey: '{}', receiver: 'team/webhook/0', timeMs: 1000, firing: ['f1'], resolved: [], withheld: [], memory: '', target: 'h1', expiresAtMs: 1e15 }

const MESSAGE = { entry: ENTRY, firingIds: ['e1'], resolvedIds: [] }
/** As its log has it. */
const CARRIED = { ...MESSAGE, atMs: expect.any(Number) as number }

interface CourierWorld {
  courier: ProcessCourier
  route: HttpRoute
  folder: string
  logged: string[]
  /** What was said of each entry: whether it is kept. */
  taken: boolean[]
  receipt: Receipt
}

function world(timeoutMs = 60_000, clock: Clock = systemClock): CourierWorld {
  const folder = tempFolder()
  const logged: string[] = []
  const logger = new Logger({ level: 'warn', format: 'logfmt', write: (line) => void logged.push(line) })
  const courier = new ProcessCourier({ workerUrl: new URL('../../../../cmd/courier-worker.ts', import.meta.url), folder, clock, logger })
  onTestFinished(() => courier.close())
  const taken: boolean[] = []
  return { courier, folder, logged, taken, receipt: { told: MESSAGE, onTaken: (isKept) => void taken.push(isKept) }, route: courier.http(PLAIN, timeoutMs) }
}

function post(url: string, changes: Partial<CarriedRequest> = {}): CarriedRequest {
  return { url, method: 'POST', headers: { 'content-type': 'text/plain' }, body: 'hello', word: null, ...changes }
}

/** The pid of the courier's process, as its log is called. */
async function pidOf(folder: string): Promise<number> {
  const pid = await waitFor('its log', () => Promise.resolve(/carried-(\d+)-/.exec(fs.readdirSync(folder).join())?.[1]))
  return Number(pid)
}

/** A clock whose timers run when the test says so. */
class HandClock implements Clock {
  /** Monotonic ms beside those of the machine. */
  passed = 0
  readonly #timers = new Set<{ delayMs: number; f: () => void }>()

  now(): number {
    return systemClock.now()
  }

  monotonic(): number {
    return systemClock.monotonic() + this.passed
  }

  after(delayMs: number, f: () => void): Timer {
    const timer = { delayMs, f }
    this.#timers.add(timer)
    return { cancel: () => void this.#timers.delete(timer) }
  }

  /** Those of that length. */
  fire(delayMs: number): void {
    const due = [...this.#timers].filter((timer) => timer.delayMs === delayMs)
    for (const timer of due) {
      this.#timers.delete(timer)
      timer.f()
    }
  }
}

it('takes a request to where it goes, and brings the answer', async () => {
  const { route, taken, receipt, folder } = world()
  const http = await httpWorld((response) => response.writeHead(429, { 'retry-after': '7', 'content-type': 'text/x' }).end('slow'))
  expect(await route.send(post(`${http.url}/a?b=1`), NEVER, receipt)).toEqual({ status: 429, retryAfter: '7', contentType: 'text/x', text: 'slow', location: '' })
  expect(http.requests[0]).toMatchObject({ path: '/a?b=1', headers: { authorization: `Basic ${Buffer.from('u:p').toString('base64')}`, 'x-team': 'a' } })
  expect(http.requests[0]!.body.toString()).toBe('hello')
  expect(taken).toEqual([])
  expect(await new CarriedLogs(folder, systemClock).read()).toEqual({ told: [], doubts: [] })
})

it('notes what was taken before it says so, while the body is still on its way', async () => {
  const { route, taken, receipt, folder } = world()
  let finish = (): void => {}
  const http = await httpWorld((response) => {
    response.writeHead(200).write('o')
    finish = () => response.end('k')
  })
  const answer = route.send(post(http.url), NEVER, receipt)
  const logs = new CarriedLogs(folder, systemClock)
  await waitFor('the line', async () => (await logs.read()).told.length === 1)
  expect(taken).toEqual([])
  finish()
  expect((await answer).text).toBe('ok')
  expect(taken).toEqual([true])
  expect(await logs.read()).toEqual({ told: [CARRIED], doubts: [] })
})

it('believes a word in the body where that is what counts', async () => {
  const { route, taken, receipt } = world()
  const http = await httpWorld((response, { path: asked }) => response.end(asked === '/yes' ? '{"ok":true}' : asked === '/text' ? 'ok' : '{"ok":false}'))
  const word = { field: 'ok', value: true, text: 'ok' }
  await route.send(post(`${http.url}/no`, { word }), NEVER, receipt)
  expect(taken).toEqual([])
  for (const asked of ['/yes', '/text']) await route.send(post(http.url + asked, { word }), NEVER, receipt)
  expect(taken).toEqual([true, true])
})

it('names what fails as this process would', async () => {
  const { courier, route } = world()
  const server = createTcpServer((socket) => socket.destroy())
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await expect(route.send(post(`http://127.0.0.1:${port}/`), NEVER, null)).rejects.toMatchObject({ code: expect.stringMatching(/CLOSED|RESET/) as string })
  await new Promise((resolve) => server.close(resolve))
  await expect(route.send(post(`http://127.0.0.1:${port}/`), NEVER, null)).rejects.toMatchObject({ code: 'CONNECT', message: 'connect: connection refused' })
  const smtp = { server: { host: '127.0.0.1', port, hello: 'm', security: 'none' as const, tls: null, auth: null }, envelope: { from: 'a@x', to: ['b@x'] }, bytes: Buffer.from('a: b\r\n\r\nc'), timeoutMs: 10_000 }
  await expect(courier.mail(smtp, NEVER, null)).rejects.toMatchObject({ code: 'SMTP', stage: 'connect', replyCode: 0 })
})

it('wants all of an answer by which another request is made', async () => {
  const { route, receipt } = world()
  const http = await httpWorld((response) => response.writeHead(200, { 'content-length': 100 }).write('{"issues"', () => response.destroy()))
  await expect(route.send(post(http.url), NEVER, null)).rejects.toMatchObject({ code: 'CLOSED' })
  expect(await route.send(post(http.url), NEVER, receipt)).toMatchObject({ status: 200, text: '' })
})

it('ends a request at its own deadline', async () => {
  const { route } = world(300)
  const http = await httpWorld(() => {})
  await expect(route.send(post(http.url), NEVER, null)).rejects.toMatchObject({ code: 'TIMEOUT', message: 'context deadline exceeded' })
})

it('says of a mail that nobody knows, too', async () => {
  const { courier, folder } = world()
  const server = createTcpServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  const { port } = server.address() as AddressInfo
  const smtp = { server: { host: '127.0.0.1', port, hello: 'm', security: 'none' as const, tls: null, auth: null }, envelope: { from: 'a@x', to: ['b@x'] }, bytes: Buffer.from('a: b\r\n\r\nc'), timeoutMs: 60_000 }
  const met = new Promise<void>((resolve) => void server.once('connection', () => resolve()))
  const sent = expect(courier.mail(smtp, NEVER, null)).rejects.toMatchObject({ code: 'SMTP', message: 'the process that sends has ended (SIGKILL)' })
  await met
  process.kill(await pidOf(folder), 'SIGKILL')
  await sent
})

it('takes a mail, and tells who was refused', async () => {
  const { courier, receipt, taken, folder } = world()
  const mails: string[] = []
  const server = new SMTPServer({
    disabledCommands: ['AUTH', 'STARTTLS'], logger: false,
    onRcptTo: ({ address }, _, done) => done(address === 'no@x' ? Object.assign(new Error('who?'), { responseCode: 550 }) : null),
    onData: (stream, _, done) => {
      let text = ''
      stream.on('data', (piece: Buffer) => (text += piece.toString())).on('end', () => {
        mails.push(text)
        done()
      })
    },
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => new Promise((resolve) => server.close(resolve)))
  const { port } = server.server.address() as AddressInfo
  const mail = (to: string[]): Parameters<ProcessCourier['mail']>[0] => ({
    server: { host: '127.0.0.1', port, hello: 'm', security: 'none', tls: null, auth: null }, envelope: { from: 'a@x', to }, bytes: Buffer.from('Subject: x\r\n\r\nbytes'), timeoutMs: 60_000,
  })
  expect(await courier.mail(mail(['b@x', 'no@x']), NEVER, receipt)).toMatchObject([{ address: 'no@x', replyCode: 550 }])
  expect(taken).toEqual([])
  expect(await courier.mail(mail(['b@x']), NEVER, receipt)).toEqual([])
  expect(taken).toEqual([true])
  expect(mails).toHaveLength(2)
  expect(mails[1]).toContain('bytes')
  expect((await new CarriedLogs(folder, systemClock).read()).told).toEqual([CARRIED])
})

it('finishes what is under way when who started it is gone', async () => {
  const { courier, route, receipt, folder } = world()
  let answer = (): void => {}
  const http = await httpWorld((response) => (answer = () => response.end('ok')))
  const sent = route.send(post(http.url), NEVER, receipt)
  await waitFor('the request', () => Promise.resolve(http.requests.length === 1))
  // The other side of its connection ends, as with a kill.
  courier.close()
  await expect(sent).rejects.toMatchObject({ code: 'CLOSED', message: 'Monitor ends' })
  const logs = new CarriedLogs(folder, systemClock)
  const [doubt] = (await logs.read()).doubts
  expect(doubt).toMatchObject({ receiver: ENTRY.receiver, groupKey: ENTRY.groupKey })
  answer()
  expect(await logs.outcome(doubt!)).toEqual(CARRIED)
  await waitFor('its end', () => Promise.resolve(!fs.existsSync(`/proc/${doubt!.mark.split(' ')[0]}`)))
  await logs.removeDead()
  expect(fs.readdirSync(folder)).toEqual([])
})

it('says of what was under way that nobody knows, when it is killed, and this process carries on', async () => {
  const { route, folder, logged, taken, receipt } = world()
  let isHeld = true
  const http = await httpWorld((response) => void (isHeld || response.end('ok')))
  const sent = route.send(post(http.url), NEVER, receipt)
  const pid = await pidOf(folder)
  await waitFor('the request', () => Promise.resolve(http.requests.length === 1))
  process.kill(pid, 'SIGKILL')
  await expect(sent).rejects.toMatchObject({ code: 'CLOSED', message: 'the process that sends has ended (SIGKILL)' })
  isHeld = false
  expect((await route.send(post(http.url), NEVER, receipt)).text).toBe('ok')
  // It stands nowhere yet: who asked has to note it.
  expect(taken).toEqual([false])
  expect(logged.join()).toMatch(/the process that sends messages has ended/)
})

it('carries in this process where the connection to the other is gone, however many messages meet that', async () => {
  const script = path.join(tempFolder(), 'deaf.js')
  fs.writeFileSync(script, `require('node:fs').writeFileSync(process.argv[2] + '/deaf', ''); process.disconnect(); setTimeout(() => {}, 2000)`)
  const folder = tempFolder()
  const logged: string[] = []
  const logger = new Logger({ level: 'error', format: 'logfmt', write: (line) => void logged.push(line) })
  const courier = new ProcessCourier({ workerUrl: new URL(`file://${script}`), folder, clock: systemClock, logger })
  onTestFinished(() => courier.close())
  await waitFor('its script', () => Promise.resolve(fs.existsSync(`${folder}/deaf`)))
  const http = await httpWorld()
  await waitFor('word of it', () => {
    for (let i = 0; i < 3; i++) courier.http(PLAIN, 60_000)
    return Promise.resolve(logged.length > 0)
  })
  expect((await courier.http(PLAIN, 60_000).send(post(http.url), NEVER, null)).status).toBe(200)
  expect(logged).toHaveLength(1)
})

it('carries in this process where none can be started', async () => {
  const logger = new Logger({ level: 'error', format: 'logfmt', write: () => {} })
  const courier = new ProcessCourier({ workerUrl: new URL(`file://${path.join(tempFolder(), 'none.js')}`), folder: tempFolder(), clock: systemClock, logger })
  onTestFinished(() => courier.close())
  const http = await httpWorld()
  const route = courier.http(PLAIN, 60_000)
  // The first may meet the process that is just failing to start.
  const tried = async (): Promise<string> => (await route.send(post(http.url), NEVER, null)).text
  expect(await tried().catch(tried)).toBe('ok')
})

it('carries in this process while the system lets none begin, and has one once it does', async () => {
  const clock = new HandClock()
  const logged: string[] = []
  const logger = new Logger({ level: 'error', format: 'logfmt', write: (line) => void logged.push(line) })
  // The system refuses it as it would for want of memory: Node throws that.
  process.env['TOO_LONG'] = 'x'.repeat(1 << 20)
  onTestFinished(() => void delete process.env['TOO_LONG'])
  const courier = new ProcessCourier({ workerUrl: new URL('../../../../cmd/courier-worker.ts', import.meta.url), folder: tempFolder(), clock, logger })
  onTestFinished(() => courier.close())
  const http = await httpWorld()
  const route = courier.http(PLAIN, 60_000)
  expect((await route.send(post(http.url), NEVER, null)).text).toBe('ok')
  expect([courier.isRunning, logged.length]).toEqual([false, 1])
  expect(logged[0]).toMatch(/cannot be started: this one sends until it can.*E2BIG/)
  delete process.env['TOO_LONG']
  expect((await route.send(post(http.url), NEVER, null)).text).toBe('ok')
  expect(courier.isRunning).toBe(false)
  clock.passed += PAUSE_MS
  expect((await route.send(post(http.url), NEVER, null)).text).toBe('ok')
  expect(courier.isRunning).toBe(true)
})

it('goes on where its log cannot be written, and says so', async () => {
  const folder = `${tempFolder()}/file`
  fs.writeFileSync(folder, '')
  const logged: string[] = []
  const logger = new Logger({ level: 'warn', format: 'logfmt', write: (line) => void logged.push(line) })
  const courier = new ProcessCourier({ workerUrl: new URL('../../../../cmd/courier-worker.ts', import.meta.url), folder, clock: systemClock, logger })
  onTestFinished(() => courier.close())
  const http = await httpWorld()
  const taken: boolean[] = []
  await courier.http(PLAIN, 60_000).send(post(http.url), NEVER, { told: MESSAGE, onTaken: (isKept) => void taken.push(isKept) })
  expect(taken).toEqual([false])
  expect(logged.join()).toMatch(/cannot note what people were told/)
})

it('ends a process that hangs, whatever time its messages have, and no other', async () => {
  const clock = new HandClock()
  const { route, folder, logged, receipt } = world(300_000, clock)
  let isHeld = true
  const http = await httpWorld((response, { path: asked }) => void ((isHeld && asked !== '/quick') || response.end('ok')))
  const sent = route.send(post(http.url), NEVER, receipt)
  const ended = expect(sent).rejects.toMatchObject({ code: 'CLOSED', message: 'the process that sends has ended (it hangs and is ended)' })
  const pid = await pidOf(folder)
  await waitFor('the request', () => Promise.resolve(http.requests.length === 1))
  // It answers, though its message waits; what it is asked later it answers later.
  for (let i = 0; i < 10; i++) {
    clock.fire(PING_MS)
    await route.send(post(`${http.url}/quick`), NEVER, null)
  }
  expect(logged).toEqual([])
  process.kill(pid, 'SIGSTOP')
  await waitFor('its end', () => {
    clock.fire(PING_MS)
    return Promise.resolve(logged.length > 0)
  })
  await ended
  await waitFor('its being gone', () => Promise.resolve(!fs.existsSync(`/proc/${pid}`)))
  isHeld = false
  expect((await route.send(post(http.url), NEVER, receipt)).text).toBe('ok')
})

it('is not served by a process of another version', async () => {
  const child = fork(new URL('../../../../cmd/courier-worker.ts', import.meta.url), [tempFolder(), '1'], { stdio: 'ignore' })
  expect(await new Promise((resolve) => child.once('exit', resolve))).toBe(64)
})
