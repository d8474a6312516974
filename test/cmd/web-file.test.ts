// The file of --web.config.file on a real server: who is let in, over what, and what a changed file does.
import fs from 'node:fs'
import https from 'node:https'
import { describe, expect, it, onTestFinished } from 'vitest'
import { PasswordThread } from '../../cmd/password-thread.ts'
import { WebFile, readWebFile } from '../../cmd/web-file.ts'
import { FakeClock, systemClock } from '../../lib/std/clock.ts'
import { Logger } from '../../lib/std/log.ts'
import { Authority, hasOpenssl, type Certificate } from '../support/certificates.ts'
import { tempFolder } from '../support/temp-folder.ts'
import { form, get, raw, start } from '../web/requests.ts'

/** Of "secret", "päss:wörd"; cost 4. */
const HASHES = { ops: '$2y$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW', dev: '$2b$04$abcdefghijklmnopqrstuukt5gEdxhyYU8q7nPVxOXoWsXfLuYbs6' }
const USERS = `basic_auth_users:\n  ops: ${HASHES.ops}\n  dev: ${HASHES.dev}\n`

const basic = (text: string): RequestInit => ({ headers: { Authorization: `Basic ${Buffer.from(text).toString('base64')}` } })

interface World {
  base: string
  port: number
  clock: FakeClock
  log: string[]
  write: (text: string) => Promise<void>
}

async function serve(folder: string, text: string): Promise<World> {
  const file = `${folder}/web.yml`
  fs.writeFileSync(file, text)
  const log: string[] = []
  const clock = new FakeClock(0)
  const door = new WebFile(file, { clock, logger: new Logger({ level: 'info', format: 'logfmt', clock, write: (line) => log.push(line) }), hasThreads: true })
  onTestFinished(() => door.stop())
  const { base, port } = await start(() => ({ door, clock }))
  const write = async (next: string): Promise<void> => {
    fs.writeFileSync(file, next)
    await clock.advance(1000)
  }
  return { base, port, clock, log, write }
}

interface Asked {
  ca: string
  client?: Certificate
  path?: string
  auth?: string
  maxVersion?: 'TLSv1.2'
}

/** Status, or the error's code; and the serial of the server's certificate. */
function askTls(port: number, { ca, client, path = '/-/healthy', auth, maxVersion }: Asked): Promise<{ said: number | string; serial: string }> {
  return new Promise((resolve) => {
    let serial = ''
    const request = https.get({ port, host: '127.0.0.1', path, ca: fs.readFileSync(ca), agent: false, ...(client && { cert: client.cert, key: client.key }), ...(auth !== undefined && { auth }), ...(maxVersion && { maxVersion }) })
    request.on('socket', (socket) => socket.on('secureConnect', () => (serial = (socket as import('node:tls').TLSSocket).getPeerCertificate().serialNumber)))
    request.on('response', (response) => resolve({ said: response.resume().statusCode!, serial }))
    request.on('error', (error: NodeJS.ErrnoException) => resolve({ said: error.code ?? error.message, serial }))
  })
}

describe('passwords', () => {
  it('lets in who knows one, and nobody else, whatever is asked for', async () => {
    const { base } = await serve(tempFolder(), USERS)
    const f = async (path: string, init: RequestInit, status: number): Promise<void> => {
      expect((await get(base + path, init))[0], `${path} ${JSON.stringify(init)}`).toBe(status)
    }
    for (const path of ['/', '/-/healthy', '/metrics', '/api/v1/query?query=1', '/nope', '/api/v1/nope', '/icon.svg', '/ack/x', '/alertmanager/api/v2/status', '/federate', '//-/healthy']) await f(path, {}, 401)
    await f('/api/v1/write', { method: 'POST', body: 'x' }, 401)
    await f('/api/v1/query', form('query=1'), 401)
    for (const right of ['ops:secret', 'dev:päss:wörd']) for (let i = 0; i < 2; i++) await f('/-/healthy', basic(right), 200)
    for (const wrong of ['ops:Secret', 'ops:', 'ops', ':secret', 'nobody:secret', 'dev:secret', 'OPS:secret', `ops:${'x'.repeat(5000)}`, '']) for (let i = 0; i < 2; i++) await f('/-/healthy', basic(wrong), 401)
    for (const header of ['Basic', 'Basic !', 'Bearer secret', `Digest ${Buffer.from('ops:secret').toString('base64')}`]) await f('/-/healthy', { headers: { Authorization: header } }, 401)
    await f('/-/healthy', { headers: { Authorization: `BASIC ${Buffer.from('ops:secret').toString('base64')}` } }, 200)
    const refused = await fetch(`${base}/-/healthy`)
    expect([refused.headers.get('www-authenticate'), await refused.text()]).toEqual(['Basic realm="Monitor", charset="UTF-8"', 'Unauthorized\n'])
  })

  it('are asked for as the file says now; what it says wrongly changes nothing', async () => {
    const { base, clock, log, write } = await serve(tempFolder(), USERS)
    const f = async (right: string, status: number): Promise<void> => expect((await get(`${base}/-/healthy`, basic(right)))[0]).toBe(status)
    await f('ops:secret', 200)
    await write(`basic_auth_users: { new: "${HASHES.ops}" }\n`)
    await f('ops:secret', 401)
    await f('new:secret', 200)
    await write('basic_auth_user: {}\n')
    await f('new:secret', 200)
    await clock.advance(1000)
    await f('new:secret', 200)
    const refusals = log.filter((line) => line.includes('web configuration refused'))
    expect(refusals).toHaveLength(1)
    expect(refusals[0]).toContain('web.yml:1:1: unknown key')
    await write(`basic_auth_users: { new: "${HASHES.dev}" }\n`)
    await f('new:secret', 401)
    await f('new:päss:wörd', 200)
    await write('')
    await f('', 200)
  })

  it.each([true, false])('are held against hashes one after the other; who comes when many wait is told to come again (in a thread: %s)', async (hasThreads) => {
    const thread = new PasswordThread(systemClock, hasThreads)
    onTestFinished(() => thread.stop())
    const outcomes = await Promise.allSettled(Array.from({ length: 65 }, (_, i) => thread.check(i % 2 === 0 ? 'secret' : 'Secret', HASHES.ops)))
    expect(outcomes.slice(0, 64).map((one) => one.status === 'fulfilled' && one.value)).toEqual(Array.from({ length: 64 }, (_, i) => i % 2 === 0))
    expect(outcomes[64]).toMatchObject({ status: 'rejected', reason: { message: 'too many passwords wait to be looked at; try again in a second' } })
    expect(await thread.check('secret', HASHES.ops)).toBe(true)
  })

  it('may cost seconds each, of which is warned once', async () => {
    const slow = USERS.replace('$04$', '$17$')
    const { base, log, write } = await serve(tempFolder(), USERS)
    await write(slow)
    await get(`${base}/-/healthy`)
    await write(`${slow}# changed\n`)
    await get(`${base}/-/healthy`)
    expect(log.filter((line) => line.includes('with a cost of'))).toEqual([expect.stringMatching(/web.yml:2:8: basic_auth_users.ops: with a cost of 17 each new password is looked at for many seconds/)])
  })

  it('begin another thread where the one before has ended for want of work', async () => {
    const clock = new FakeClock(0)
    const thread = new PasswordThread(clock, true)
    onTestFinished(() => thread.stop())
    for (let i = 0; i < 3; i++) {
      expect(await thread.check('secret', HASHES.ops)).toBe(true)
      // The old one is still on its way out when the next password comes.
      void clock.advance(60_000)
    }
  })

  it('that cannot be looked at now are answered 503', async () => {
    const door = { config: () => ({ tls: null, headers: new Map(), users: new Map([['ops', HASHES.ops]]), rateLimit: null, warnings: [] }), checkPassword: () => Promise.reject(new Error('too many')), makeServer: null }
    const { base } = await start(() => ({ door }))
    const reply = await fetch(`${base}/-/healthy`, basic('ops:secret'))
    expect([reply.status, reply.headers.get('retry-after'), await reply.text()]).toEqual([503, '1', 'too many\n'])
  })
})

it('sends the headers that are asked for, refused or not', async () => {
  const { base } = await serve(tempFolder(), `${USERS}http_server_config: { headers: { X-Frame-Options: deny, Strict-Transport-Security: max-age=60 } }\n`)
  for (const init of [{}, basic('ops:secret')]) {
    const { headers } = await fetch(`${base}/-/healthy`, init)
    expect([headers.get('x-frame-options'), headers.get('strict-transport-security'), headers.get('x-content-type-options')]).toEqual(['deny', 'max-age=60', 'nosniff'])
  }
})

it('answers so many requests a second, and so many at once', async () => {
  const { base, clock } = await serve(tempFolder(), 'rate_limit: { interval: 100ms, burst: 3 }\n')
  const f = async (...want: number[]): Promise<void> => {
    for (const status of want) expect((await get(`${base}/-/healthy`))[0]).toBe(status)
  }
  await f(200, 200, 200, 429, 429)
  await clock.advance(100)
  await f(200, 429)
  await clock.advance(60_000)
  await f(200, 200, 200, 429)
})

describe.runIf(hasOpenssl)('TLS', () => {
  const tlsOf = ({ certFile, keyFile }: Certificate, more = ''): string => `tls_server_config: { cert_file: ${certFile}, key_file: ${keyFile}${more} }\n`

  it('serves with the certificate that lies there now', async () => {
    const folder = tempFolder()
    const authority = new Authority(folder, 'ca')
    const [first, second] = [authority.sign('IP:127.0.0.1'), authority.sign('IP:127.0.0.1')]
    const { port, clock, write, log } = await serve(folder, tlsOf(first) + USERS)
    const ask = (auth?: string) => askTls(port, { ca: authority.certFile, ...(auth !== undefined && { auth }) })
    expect(await ask()).toEqual({ said: 401, serial: '01' })
    expect(await ask('ops:secret')).toEqual({ said: 200, serial: '01' })
    // Renewed in two steps, as tools do it: between them the old one is served.
    fs.copyFileSync(second.certFile, first.certFile)
    await clock.advance(1000)
    expect(await ask('ops:secret')).toEqual({ said: 200, serial: '01' })
    expect(log.join('\n')).toContain('key values mismatch')
    fs.copyFileSync(second.keyFile, first.keyFile)
    await clock.advance(1000)
    expect(await ask('ops:secret')).toEqual({ said: 200, serial: '02' })
    await write(USERS)
    expect((await ask('ops:secret')).said).toBe(200)
    expect(log.join('\n')).toContain('TLS has been switched off; that takes effect at the next start')
  })

  it('tells who speaks plain HTTP to it', async () => {
    const folder = tempFolder()
    const { port } = await serve(folder, tlsOf(new Authority(folder, 'ca').sign('IP:127.0.0.1')))
    // As Go's server.
    for (const method of ['GET', 'POST']) expect(await raw(port, `${method} /-/healthy HTTP/1.1\r\nHost: x\r\n\r\n`)).toBe('HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n')
    expect(await raw(port, 'what\r\n')).not.toContain('Client')
  })

  it('speaks the versions and ciphers that are allowed', async () => {
    const folder = tempFolder()
    const authority = new Authority(folder, 'ca')
    const { port, write } = await serve(folder, tlsOf(authority.sign('IP:127.0.0.1'), ', min_version: TLS13'))
    expect((await askTls(port, { ca: authority.certFile, maxVersion: 'TLSv1.2' })).said).toMatch(/^E/)
    expect((await askTls(port, { ca: authority.certFile })).said).toBe(200)
    await write(tlsOf(authority.sign('IP:127.0.0.1'), ', max_version: TLS12, cipher_suites: [TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256], curve_preferences: [CurveP256]'))
    expect((await askTls(port, { ca: authority.certFile })).said).toBe(200)
    await write(tlsOf(authority.sign('IP:127.0.0.1'), ', max_version: TLS12, cipher_suites: [TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256]'))
    expect((await askTls(port, { ca: authority.certFile })).said).toMatch(/^E/)
  })

  it('lets in clients by their certificates', async () => {
    const folder = tempFolder()
    const [authority, other] = [new Authority(folder, 'ca'), new Authority(folder, 'other')]
    const own = authority.sign('IP:127.0.0.1')
    const clients = { none: undefined, ours: authority.sign('DNS:agent.example'), theirs: other.sign('DNS:agent.example'), bare: authority.sign('') }
    const f = async (settings: string, letIn: readonly (keyof typeof clients)[]): Promise<void> => {
      const { port } = await serve(folder, tlsOf(own, `, ${settings}`))
      for (const [name, client] of Object.entries(clients)) {
        const { said } = await askTls(port, { ca: authority.certFile, ...(client && { client }) })
        if (letIn.includes(name as keyof typeof clients)) expect(said, `${settings}: ${name}`).toBe(200)
        else expect(said, `${settings}: ${name}`).toMatch(/^E/)
      }
    }
    const ca = `client_ca_file: ${authority.certFile}`
    await f('client_auth_type: NoClientCert', ['none', 'ours', 'theirs', 'bare'])
    await f('client_auth_type: RequestClientCert', ['none', 'ours', 'theirs', 'bare'])
    await f('client_auth_type: RequireAnyClientCert', ['ours', 'theirs', 'bare'])
    await f(`client_auth_type: VerifyClientCertIfGiven, ${ca}`, ['none', 'ours', 'bare'])
    await f(`client_auth_type: RequireAndVerifyClientCert, ${ca}`, ['ours', 'bare'])
    await f(`client_auth_type: RequireAndVerifyClientCert, ${ca}, client_allowed_sans: [other.example, agent.example]`, ['ours'])
    await f(`client_auth_type: RequireAndVerifyClientCert, ${ca}, client_allowed_sans: [agent]`, [])
  })

  it('says what is wrong with certificates and keys', () => {
    const folder = tempFolder()
    const authority = new Authority(folder, 'ca')
    const own = authority.sign('IP:127.0.0.1')
    const f = (text: string, fault: RegExp): void => {
      fs.writeFileSync(`${folder}/web.yml`, text)
      expect(() => readWebFile(`${folder}/web.yml`)).toThrow(fault)
    }
    f(tlsOf({ ...own, certFile: 'nope.crt' }), /^web configuration .*web.yml: cannot read .*\/nope\.crt/)
    f(tlsOf({ ...own, certFile: own.keyFile }), /certificate is not in PEM form/)
    f(tlsOf({ ...own, keyFile: own.certFile }), /certificate and key cannot be used/)
    f(tlsOf({ ...own, keyFile: authority.sign('').keyFile }), /key values mismatch/)
    f(tlsOf(own, `, client_auth_type: RequireAndVerifyClientCert, client_ca_file: ${own.keyFile}`), /authority of clients is not in PEM form/)
    expect(() => readWebFile(`${folder}/none.yml`)).toThrow(/web configuration .*none.yml: cannot/)
  })
})
