// Mail, sent to a real SMTP server.
import fs from 'node:fs'
import net, { type AddressInfo } from 'node:net'
import os from 'node:os'
import path from 'node:path'
import type { SMTPServerOptions } from 'smtp-server'
import { expect, it, onTestFinished } from 'vitest'
import type { Notification } from '../../../../lib/model/notification.ts'
import { FakeClock } from '../../../../lib/std/clock.ts'
import { Authority, hasOpenssl } from '../../../support/certificates.ts'
import { alertOf, attempt, DOWN, notificationOf, receiverOf } from '../../../support/receiver-fixture.ts'
import { smtpReply, smtpWorld } from '../../../support/smtp-world.ts'

const mail = (port: number, more = 'require_tls: false'): string =>
  `receivers: [{name: a, email_configs: [{to: "ops@example.com", from: "Monitor <monitor@example.com>", smarthost: "127.0.0.1:${port}", ${more}}]}]`

/** A part's text, decoded. */
const decoded = (text: string): string => Buffer.from(text.replace(/=\r\n/g, '').replace(/=([0-9A-F]{2})/g, (_, hex: string) => `%${hex}`).replace(/%([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(parseInt(hex, 16))), 'latin1').toString('utf8')

it('sends HTML with what it says of alerts escaped', async () => {
  const world = await smtpWorld()
  expect(await attempt(receiverOf(mail(world.port)))).toBe(null)
  expect(world.mails).toHaveLength(1)
  const [{ from, to, text }] = world.mails as [typeof world.mails[0] & object]
  expect({ from, to }).toEqual({ from: 'monitor@example.com', to: ['ops@example.com'] })
  expect(text).toMatch(/^Subject: \[FIRING:1\] Down \(critical\)\r$/m)
  expect(text).toMatch(/^From: Monitor <monitor@example.com>\r$/m)
  expect(text).toMatch(/^Content-Type: text\/html/m)
  expect(decoded(text)).toContain('summary = it is &lt;down&gt; &amp; out<br>')
})

it('sends text and HTML as alternatives, and headers of the user', async () => {
  const world = await smtpWorld()
  await attempt(receiverOf(mail(world.port, 'require_tls: false, text: "{{ .Status }} é", html: "<p>{{ .CommonAnnotations.summary }}</p>", headers: {subject: "S {{ .Status }}", x-team: "{{ .Receiver }}", cc: "boss@example.com"}')))
  const { text } = world.mails[0]!
  expect(text).toMatch(/^Content-Type: multipart\/alternative/m)
  expect(text.indexOf('text/plain')).toBeLessThan(text.indexOf('text/html'))
  expect(text).toMatch(/^Subject: S firing\r$/m)
  expect(text).toMatch(/^X-Team: team-x\r$/m)
  expect(text).toMatch(/^Cc: boss@example.com\r$/m)
  expect(decoded(text)).toContain('firing é')
  // As in Alertmanager: a header is not an address to send to.
  expect(world.mails[0]!.to).toEqual(['ops@example.com'])
})

it('keeps line breaks of labels out of headers', async () => {
  const world = await smtpWorld()
  const hostile = notificationOf([alertOf({ alertname: 'Down' })], { groupLabels: new Map([['alertname', 'Down\r\nBcc: victim@example.com\r\n\r\nbody']]) })
  expect(await attempt(receiverOf(mail(world.port)), hostile)).toBe(null)
  expect(world.mails[0]!.to).toEqual(['ops@example.com'])
  const head = world.mails[0]!.text.split('\r\n\r\n')[0]!
  expect(head).not.toMatch(/^Bcc/m)
  expect(head).toContain('Down Bcc: victim@example.com body')
})

it('tries a greylisting server again, and tells only those who have not got the mail', async () => {
  const seen = new Map<string, number>()
  const world = await smtpWorld({
    onRcptTo({ address }, _, callback) {
      const count = (seen.get(address) ?? 0) + 1
      seen.set(address, count)
      callback(address.startsWith('grey') && count === 1 ? smtpReply(451, 'greylisted, try again later') : null)
    },
  })
  const receiver = receiverOf(mail(world.port).replace('ops@example.com', 'a@example.com, grey@example.com'))
  expect(await attempt(receiver)).toMatchObject({ isRetryable: true, message: expect.stringMatching(/refused for 1 of 2 recipients: grey@example.com .*451/) as string })
  expect(await attempt(receiver)).toBe(null)
  expect(world.mails.map(({ to }) => to)).toEqual([['a@example.com'], ['grey@example.com']])
})

it('takes 4xx for a while and 5xx of the mail for good', async () => {
  for (const [code, isRetryable] of [[421, true], [451, true], [550, false], [554, false]] as const) {
    const world = await smtpWorld({ onRcptTo: (_, __, callback) => callback(smtpReply(code, 'no')) })
    expect(await attempt(receiverOf(mail(world.port)))).toMatchObject({ isRetryable, message: expect.stringContaining(String(code)) as string })
  }
})

it('tries again where nobody listens, and where the server hangs', async () => {
  expect(await attempt(receiverOf(mail(1)))).toMatchObject({ isRetryable: true, message: expect.stringContaining('127.0.0.1:1: connect ECONNREFUSED') as string })
  const clock = new FakeClock()
  let reach = (): void => undefined
  const reached = new Promise<void>((resolve) => (reach = resolve))
  const silent = net.createServer((socket) => {
    socket.on('error', () => undefined)
    reach()
  })
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void silent.close())
  const tried = attempt(receiverOf(mail((silent.address() as AddressInfo).port), { clock }))
  await reached
  await clock.advance(10_100)
  expect(await tried).toMatchObject({ isRetryable: true, message: expect.stringContaining('took longer than 10 s') as string })
})

it('says what is no address', async () => {
  expect(await attempt(receiverOf(mail(1).replace('ops@example.com', '{{ .CommonLabels.nobody }}')))).toMatchObject({ isRetryable: false, message: 'to holds no address, or something that is none' })
})

it('keeps the mails of a group together where it is told to', async () => {
  const world = await smtpWorld()
  const receiver = receiverOf(mail(world.port, 'require_tls: false, threading: {enabled: true, thread_by_date: none}'))
  await attempt(receiver)
  await attempt(receiver, { ...DOWN, timeMs: DOWN.timeMs + 1 })
  const [first, second] = world.mails.map(({ text }) => /^References: (.*)\r$/m.exec(text)?.[1])
  expect(first).toMatch(/^<alert-[0-9a-f]{16}-@alertmanager>$/)
  expect(second).toBe(first)
})

const withTls = async (options: SMTPServerOptions, use: (world: Awaited<ReturnType<typeof smtpWorld>>, caFile: string) => Promise<void>): Promise<void> => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'smtp-'))
  onTestFinished(() => fs.rmSync(folder, { recursive: true }))
  const authority = new Authority(folder, 'ca')
  const { cert, key } = authority.sign('IP:127.0.0.1')
  await use(await smtpWorld({ cert, key, ...options }), authority.certFile)
}

const named = (name: string): string => (hasOpenssl ? name : `${name} (needs the package openssl)`)

it.skipIf(!hasOpenssl)(named('speaks STARTTLS when it must, and sends nothing where it cannot'), async () => {
  const plain = await smtpWorld()
  expect(await attempt(receiverOf(mail(plain.port, 'require_tls: true')))).toMatchObject({ isRetryable: true })
  expect(plain.mails).toEqual([])
  await withTls({ disabledCommands: [] }, async (world, caFile) => {
    expect(await attempt(receiverOf(mail(world.port, `tls_config: {ca_file: ${caFile}}`)))).toBe(null)
    expect(world.mails).toMatchObject([{ isSecure: true }])
    expect(await attempt(receiverOf(mail(world.port, 'require_tls: true')))).toMatchObject({ isRetryable: true, message: expect.stringContaining('certificate') as string })
    expect(world.mails).toHaveLength(1)
  })
})

it.skipIf(!hasOpenssl)(named('speaks TLS from the first byte, and gives its credentials'), async () => {
  const tried: string[] = []
  const onAuth: SMTPServerOptions['onAuth'] = (auth, _, callback) => {
    const { method, username, password } = auth
    tried.push(`${method} ${username} ${method === 'CRAM-MD5' ? auth.validatePassword!('secret') : password}`)
    callback(null, { user: username ?? '' })
  }
  await withTls({ secure: true, authOptional: false, authMethods: ['PLAIN', 'LOGIN', 'CRAM-MD5'], onAuth }, async (world, caFile) => {
    const tls = `force_implicit_tls: true, tls_config: {ca_file: ${caFile}}`
    expect(await attempt(receiverOf(mail(world.port, `${tls}, auth_username: u, auth_password: p`)))).toBe(null)
    expect(await attempt(receiverOf(mail(world.port, `${tls}, auth_username: u, auth_secret: secret`)))).toBe(null)
    expect(await attempt(receiverOf(mail(world.port, `${tls}, auth_username: u, auth_password: p, auth_identity: me`)))).toBe(null)
    expect(tried).toEqual(['PLAIN u p', 'CRAM-MD5 u true', 'PLAIN u p'])
    expect(world.mails.map(({ user, isSecure }) => ({ user, isSecure }))).toEqual(Array.from({ length: 3 }, () => ({ user: 'u', isSecure: true })))
  })
})

it.each([
  [['PLAIN', 'LOGIN', 'CRAM-MD5'], 'auth_password: p, auth_secret: secret', 'PLAIN p'], [['CRAM-MD5', 'PLAIN'], 'auth_password: p, auth_secret: secret', 'CRAM-MD5 true'],
  [['CRAM-MD5', 'LOGIN', 'PLAIN'], 'auth_password: "p\u00e4ss \u2713"', 'LOGIN p\u00e4ss \u2713'], [['CRAM-MD5'], 'auth_password: p, auth_secret: secret', 'CRAM-MD5 true'], [['CRAM-MD5'], 'auth_password: secret', 'CRAM-MD5 true'],
  [['PLAIN', 'LOGIN'], 'auth_secret: secret', 'no credentials for what the server takes (PLAIN, LOGIN): auth_password is for PLAIN and LOGIN, auth_secret for CRAM-MD5'],
])('takes the first of %s that it has credentials for, given %s', async (authMethods, given, want) => {
  let tried = ''
  const world = await smtpWorld({
    authOptional: false, allowInsecureAuth: true, authMethods,
    onAuth: (auth, _, callback) => {
      const { method, username, password } = auth
      tried = `${method} ${method === 'CRAM-MD5' ? auth.validatePassword!('secret') : password}`
      callback(null, { user: username ?? '' })
    },
  })
  const error = await attempt(receiverOf(mail(world.port, `require_tls: false, auth_username: u, ${given}`)))
  expect(error?.message.replace(/^[\d.:]+ /, '') ?? tried).toBe(want)
})

it('may be told the password tomorrow', async () => {
  const world = await smtpWorld({ authOptional: false, allowInsecureAuth: true, onAuth: (_, __, callback) => callback(smtpReply(535, 'bad password')) })
  expect(await attempt(receiverOf(mail(world.port, 'require_tls: false, auth_username: u, auth_password: p')))).toMatchObject({ isRetryable: true, message: expect.stringContaining('535') as string })
})

it('remembers over all tries who has got the mail, and gives up on those who are refused for good', async () => {
  const left = new Map([['b@example.com', 1], ['c@example.com', 2]])
  const world = await smtpWorld({
    onRcptTo({ address }, _, callback) {
      const count = left.get(address) ?? 0
      left.set(address, count - 1)
      callback(address.startsWith('gone') ? smtpReply(550, 'no such user') : count > 0 ? smtpReply(451, 'later') : null)
    },
  })
  const receiver = receiverOf(mail(world.port).replace('ops@example.com', 'a@example.com, b@example.com, c@example.com'))
  for (const want of [{ isRetryable: true }, { isRetryable: true }]) expect(await attempt(receiver)).toMatchObject(want)
  expect(await attempt(receiver)).toBe(null)
  expect(world.mails.map(({ to }) => to)).toEqual([['a@example.com'], ['b@example.com'], ['c@example.com']])
  const half = receiverOf(mail(world.port).replace('ops@example.com', 'a@example.com, gone@example.com'))
  expect(await attempt(half)).toMatchObject({ isRetryable: false, isPartlyTaken: true, message: expect.stringMatching(/refused for 1 of 2 recipients: gone@example.com .*550/) as string })
})

it('brings nobody the same mail at each flush while another address waits, and waits for that an hour', async () => {
  const world = await smtpWorld({ onRcptTo: ({ address }, _, callback) => callback(address.startsWith('full') ? smtpReply(452, 'mailbox full') : null) })
  const clock = new FakeClock()
  const receiver = receiverOf(mail(world.port).replace('ops@example.com', 'a@example.com, full@example.com'), { clock })
  for (const minutes of [0, 5, 10]) expect(await attempt(receiver, { ...DOWN, timeMs: DOWN.timeMs + minutes * 60_000 })).toMatchObject({ isRetryable: true, isPartlyTaken: true })
  await clock.advance(3_600_000)
  expect(await attempt(receiver, DOWN)).toMatchObject({ isRetryable: false, isPartlyTaken: true, message: expect.stringContaining('452') as string })
  // The next news is for all.
  expect(await attempt(receiver, { ...DOWN, previousMs: 1 })).toMatchObject({ isRetryable: true, isPartlyTaken: true })
  expect(world.mails.map(({ to }) => to)).toEqual([['a@example.com'], ['a@example.com']])
})

it('begins a thread of its own each day where it is told to', async () => {
  const world = await smtpWorld()
  const receiver = receiverOf(mail(world.port, 'require_tls: false, threading: {enabled: true, thread_by_date: daily}'))
  for (const days of [0, 1]) await attempt(receiver, { ...DOWN, timeMs: DOWN.timeMs + days * 86_400_000 })
  const roots = world.mails.map(({ text }) => /^References: (.*)\r$/m.exec(text)?.[1])
  expect(roots).toEqual([0, 1].map((days) => expect.stringMatching(`^<alert-[0-9a-f]{16}-${new Date(DOWN.timeMs + days * 86_400_000).toISOString().slice(0, 10)}@alertmanager>$`) as string))
})

it('sends without credentials where the server asks for none', async () => {
  const world = await smtpWorld({ disabledCommands: ['STARTTLS', 'AUTH'] })
  expect(await attempt(receiverOf(mail(world.port, 'require_tls: false, auth_username: u, auth_password: p')))).toBe(null)
  expect(world.mails).toMatchObject([{ user: '' }])
})

/** A server on loopback; null where it cannot have the port. */
async function listener(port: number, onConnection: (socket: net.Socket) => void): Promise<number | null> {
  const server = net.createServer((socket) => {
    socket.on('error', () => undefined)
    onConnection(socket)
  })
  const isListening = await new Promise<boolean>((resolve) => {
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => resolve(true))
  })
  if (!isListening) return null
  onTestFinished(() => void server.close())
  return (server.address() as AddressInfo).port
}

it('says on whose behalf it logs in', async () => {
  const lines: string[] = []
  let isData = false
  const replyTo = (line: string): string => {
    if (isData && line !== '.') return ''
    isData = line === 'DATA'
    return line.startsWith('EHLO') ? '250-here\r\n250 AUTH PLAIN' : line.startsWith('AUTH') ? '235 welcome' : isData ? '354 go on' : '250 fine'
  }
  const port = await listener(0, (socket) => {
    socket.write('220 here\r\n')
    socket.on('data', (bytes) => {
      for (const line of bytes.toString('latin1').split('\r\n').slice(0, -1)) {
        lines.push(line)
        const reply = replyTo(line)
        if (reply !== '') socket.write(`${reply}\r\n`)
      }
    })
  })
  expect(await attempt(receiverOf(mail(port!, 'require_tls: false, auth_username: u, auth_password: p, auth_identity: me')))).toBe(null)
  expect(lines).toContain(`AUTH PLAIN ${Buffer.from('me\0u\0p').toString('base64')}`)
})

it('speaks TLS from the first byte on port 465', async (context) => {
  let first = (_byte: number): void => undefined
  const firstByte = new Promise<number>((resolve) => (first = resolve))
  const port = await listener(465, (socket) => socket.once('data', (bytes) => {
    first(bytes[0]!)
    socket.destroy()
  }))
  if (port === null) return context.skip('the port is not free to this user')
  expect(await attempt(receiverOf(mail(465)))).toMatchObject({ isRetryable: true })
  // A handshake of TLS.
  expect(await firstByte).toBe(0x16)
})

it('gives what is told once more after a kill the Message-Id of before, and a repeat another one', async () => {
  const world = await smtpWorld()
  const receiver = receiverOf(mail(world.port))
  const told = DOWN
  for (const notification of [told, { ...told, timeMs: told.timeMs + 9000 }, { ...told, previousMs: told.timeMs }, { ...told, alerts: [{ ...told.alerts[0]!, startsAtMs: 1 }] }]) expect(await attempt(receiver, notification)).toBe(null)
  const [first, again, repeat, anew] = world.mails.map(({ text }) => /^Message-Id: (.+)\r$/im.exec(text)?.[1])
  expect(first).toMatch(/^<[0-9a-f]{40}@example\.com>$/)
  expect(again).toBe(first)
  expect(repeat).toMatch(/^<[0-9a-f]{40}@.+>$/)
  expect(anew).toMatch(/^<[0-9a-f]{40}@.+>$/)
  expect(new Set([first, repeat, anew]).size).toBe(3)
})

it('tells of ten thousand alerts the first hundreds, how many there are, and that there are more', async () => {
  const world = await smtpWorld()
  const many = (count: number, description: string): Notification => notificationOf([
    alertOf({ alertname: 'Old', instance: 'gone' }, { status: 'resolved', endsAtMs: 1 }),
    ...Array.from({ length: count }, (_, i) => alertOf({ alertname: 'Down', instance: `web${i}` }, { annotations: new Map([['description', description]]) })),
  ])
  const seen = async (notification: Notification): Promise<{ text: string; shown: number }> => {
    expect(await attempt(receiverOf(mail(world.port)), notification)).toBe(null)
    const text = decoded(world.mails.at(-1)!.text)
    return { text, shown: text.match(/instance = web\d+<br>/g)!.length }
  }
  const first = await seen(many(10_000, 'x'))
  expect(first.text).toMatch(/^Subject: \[FIRING:10000\]/m)
  expect(first.text).toContain('<strong>10001 alerts</strong>')
  expect(first.shown).toBe(300)
  expect(first.text).toContain('>and 9700 more</td>')
  expect(first.text).toContain('[1] Resolved')
  expect(first.text).toContain('>and 1 more</td>')
  // A mail of so many would be too large.
  const long = await seen(many(2000, 'long '.repeat(2000)))
  expect(long.shown).toBe(38)
  expect(long.text).toContain('>and 1962 more</td>')
})
