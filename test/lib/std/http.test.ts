// The HTTP client against real servers on loopback: credentials, proxies, idle connections, limits.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import http from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { FakeClock, systemClock, type Clock } from '../../../lib/std/clock.ts'
import { AnswerMemory, HttpClient, HttpError, type HttpClientOptions } from '../../../lib/std/http.ts'
import { BodyBuffers } from '../../../lib/std/http-exchange.ts'
import { proxyFor } from '../../../lib/std/http-proxy.ts'

const PLAIN: HttpClientOptions = {
  basicAuth: null, authorization: null, oauth2: null, tls: null, followRedirects: true, enableHttp2: true, proxyUrl: '', noProxy: '',
  proxyFromEnvironment: false, proxyConnectHeader: new Map(), httpHeaders: new Map(),
}
const closers: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close()
})

async function serve(listener: http.RequestListener, options: http.ServerOptions = {}): Promise<string> {
  const server = http.createServer(options, listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closers.push(() => {
    server.closeAllConnections()
    return new Promise((resolve) => server.close(resolve))
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

function client(changes: Partial<HttpClientOptions> = {}, clock: Clock = systemClock): HttpClient {
  const made = new HttpClient({ ...PLAIN, ...changes }, clock, 5000)
  closers.push(() => made.close())
  return made
}

const get = async (from: HttpClient, url: string, bodyBytesMax = 0, bodyBytesHint = 0): Promise<string> => {
  const response = await from.get({ url: new URL(url), headers: {}, timeoutMs: 5000, signal: null, bodyBytesMax, bodyBytesHint })
  return `${response.status} ${Buffer.from(response.body).toString()}`
}

describe('the client', () => {
  it('uses a connection again, and makes a new one where the server has closed it meanwhile', async () => {
    const sockets = new Set<unknown>()
    const closed = Promise.withResolvers<void>()
    const url = await serve((request, response) => {
      sockets.add(request.socket)
      // Closes right behind the answer, without saying so.
      if (request.url === '/last') response.end('bye', () => request.socket.once('close', () => closed.resolve()).destroySoon())
      else response.end('ok')
    })
    const from = client()
    for (const [request, answer] of [['/', '200 ok'], ['/', '200 ok'], ['/last', '200 bye']] as const) {
      expect(await get(from, url + request)).toBe(answer)
      // The connection is free once the answer has been dealt with.
      await new Promise((resolve) => setImmediate(resolve))
    }
    expect(sockets.size).toBe(1)
    await closed.promise
    expect(await get(from, `${url}/`)).toBe('200 ok')
    expect(sockets.size).toBe(2)
  })

  it.each([['ends', (socket: Socket) => socket.destroy()], ['is reset', (socket: Socket) => socket.resetAndDestroy()]])('asks once more when an idle connection %s under the request', async (_, end) => {
    const seen: string[] = []
    const url = await serve((request, response) => {
      seen.push(request.url!)
      if (request.url === '/b' && seen.length === 2) end(request.socket)
      else response.end(request.url)
    })
    const from = client()
    expect(await get(from, `${url}/a`)).toBe('200 /a')
    expect(await get(from, `${url}/b`)).toBe('200 /b')
    expect(seen).toEqual(['/a', '/b', '/b'])
  })

  it('refuses a body of the limit or more, inflated on either path', async () => {
    const body = Buffer.alloc(5000, 0x61)
    const url = await serve((request, response) => {
      if (request.url === '/gzip') response.setHeader('content-encoding', 'gzip').end(gzipSync(body))
      else response.end(body)
    })
    const from = client()
    for (const kind of ['/gzip', '/plain']) {
      for (const hint of [0, 4000, 300_000]) {
        expect((await get(from, url + kind, 5001, hint)).length).toBe(5004)
        await expect(get(from, url + kind, 5000, hint)).rejects.toThrow('body size limit exceeded (5000 bytes, uncompressed)')
      }
    }
  })

  it('does not mix bodies up when their memory is used again', async () => {
    const url = await serve((request, response) => response.end(request.url!.repeat(3000)))
    const from = client()
    await Promise.all(Array.from({ length: 40 }, async (_, i) => {
      const response = await from.get({ url: new URL(`${url}/${i % 7}`), headers: {}, timeoutMs: 5000, signal: null, bodyBytesMax: 0, bodyBytesHint: i * 100 })
      expect(Buffer.from(response.body).toString()).toBe(`/${i % 7}`.repeat(3000))
      from.release(response)
    }))
  })

  it('does not mix packed bodies up that came whole, inflated at once or by another thread', async () => {
    const bodyOf = (at: string): string => Array.from({ length: 3000 }, (_, i) => `${at} ${i * 7919 % 1000}\n`).join('')
    const url = await serve((request, response) => response.setHeader('content-encoding', 'gzip').end(gzipSync(bodyOf(request.url!))))
    const from = client()
    for (const bodyBytesHint of [0, 100, 40_000, 300_000]) {
      await Promise.all(Array.from({ length: 20 }, async (_, i) => {
        const response = await from.get({ url: new URL(`${url}/${i}`), headers: {}, timeoutMs: 5000, signal: null, bodyBytesMax: 0, bodyBytesHint })
        expect(Buffer.from(response.body).toString() === bodyOf(`/${i}`), `${i}, ${bodyBytesHint} bytes expected`).toBe(true)
        from.release(response)
      }))
    }
  })

  it('keeps no memory for bodies that is not its own: a small body of zlib lies in the pool of all Buffers', () => {
    const buffers = new BodyBuffers()
    let pooled = Buffer.allocUnsafe(16_384)
    for (let i = 0; i < 8 && pooled.byteOffset !== 0; i++) pooled = Buffer.allocUnsafe(16_384)
    expect(pooled.byteOffset).toBe(0)
    buffers.release(pooled)
    expect(buffers.acquire(16_384).buffer).not.toBe(pooled.buffer)
    const own = buffers.acquire(20_000)
    buffers.release(own.subarray(0, 5))
    expect(buffers.acquire(20_000).buffer).toBe(own.buffer)
  })

  it('keeps the largest memory of bodies, and no more than 16 of them', () => {
    const buffers = new BodyBuffers()
    const small = Array.from({ length: 16 }, () => buffers.acquire(20_000))
    const large = Array.from({ length: 3 }, () => buffers.acquire(100_000))
    for (const buffer of [...small, ...large]) buffers.release(buffer)
    const again = Array.from({ length: 3 }, () => buffers.acquire(100_000).buffer)
    expect(new Set(again)).toEqual(new Set(large.map(({ buffer }) => buffer)))
    const kept = Array.from({ length: 16 }, () => buffers.acquire(20_000).buffer)
    expect(small.filter(({ buffer }) => kept.includes(buffer)).length).toBe(13)
  })

  it('takes memory for bodies that clients share', async () => {
    const url = await serve((request, response) => response.end(request.url!.repeat(9000)))
    const memory = new AnswerMemory()
    const bodyOf = async (at: string): Promise<ArrayBufferLike> => {
      const from = new HttpClient(PLAIN, systemClock, 5000, memory)
      closers.push(() => from.close())
      const response = await from.get({ url: new URL(url + at), headers: {}, timeoutMs: 5000, signal: null, bodyBytesMax: 0, bodyBytesHint: 0 })
      expect(Buffer.from(response.body).toString()).toBe(at.repeat(9000))
      from.release(response)
      return response.body.buffer
    }
    expect(await bodyOf('/two')).toBe(await bodyOf('/one'))
  })

  it('takes what is sent on to another address of the host where 307 and 308 ask for the same, and nowhere else', async () => {
    const came: string[] = []
    let location = ''
    let status = 308
    const url = await serve((request, response) => {
      let body = ''
      request.on('data', (chunk: Buffer) => (body += chunk.toString()))
      request.on('end', () => {
        came.push(`${request.method} ${request.url} ${body} ${request.headers.authorization}`)
        if (request.url === '/to') response.end('taken')
        else response.writeHead(status, { location }).end()
      })
    })
    const heads: number[] = []
    const send = async (from: HttpClient): Promise<string> => {
      const response = await from.send({ url: new URL(`${url}/from`), method: 'POST', headers: {}, body: 'b', timeoutMs: 5000, signal: null, bodyBytesMax: 0, bodyBytesHint: 0, onHead: (head) => heads.push(head.status) })
      return `${response.status} ${Buffer.from(response.body).toString()}`
    }
    const from = client({ basicAuth: { username: 'u', password: 'p', usernameFile: '', passwordFile: '' } })
    const basic = `Basic ${Buffer.from('u:p').toString('base64')}`
    for (status of [307, 308]) for (location of ['/to', `${url}/to`]) {
      expect(await send(from)).toBe('200 taken')
      expect(came.splice(0)).toEqual([`POST /from b ${basic}`, `POST /to b ${basic}`])
    }
    expect(heads.splice(0)).toEqual([200, 200, 200, 200])
    for ([status, location] of [[301, '/to'], [302, '/to'], [303, '/to'], [307, url.replace('127.0.0.1', 'localhost')], [307, 'ftp://127.0.0.1/'], [308, 'http://[']] as const) expect(await send(from)).toBe(`${status} `)
    expect([came.splice(0).length, heads.splice(0)]).toEqual([6, [301, 302, 303, 307, 307, 308]])
    status = 307
    location = '/to'
    expect(await send(client({ followRedirects: false }))).toBe('307 ')
    location = '/from'
    await expect(send(from)).rejects.toMatchObject({ code: 'REDIRECT', message: 'stopped after 10 redirects' })
  })

  it('ends with its signal', async () => {
    const url = await serve(() => {})
    const aborter = new AbortController()
    const pending = client().get({ url: new URL(url), headers: {}, timeoutMs: 5000, signal: aborter.signal, bodyBytesMax: 0, bodyBytesHint: 0 })
    setTimeout(() => aborter.abort(), 20)
    await expect(pending).rejects.toMatchObject({ code: 'ABORTED' })
  })
})

describe('credentials', () => {
  it('in files are read again', async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'http-'))
    closers.push(() => Promise.resolve(rmSync(folder, { recursive: true })))
    const file = path.join(folder, 'token')
    const url = await serve((request, response) => response.end(request.headers.authorization))
    const clock = new FakeClock()
    const from = client({ authorization: { type: 'Bearer', credentials: '', credentialsFile: file } }, clock)
    await expect(get(from, url)).rejects.toThrow('unable to read credentials file')
    writeFileSync(file, 'one\n')
    expect(await get(from, url)).toBe('200 Bearer one')
    writeFileSync(file, 'two\n')
    await clock.advance(1001)
    expect(await get(from, url)).toBe('200 Bearer two')
  })

  it('are not waited for in a pipe', async () => {
    const url = await serve((_, response) => response.end('ok'))
    const pipe = path.join(mkdtempSync(path.join(tmpdir(), 'monitor-http-')), 'token')
    closers.push(async () => rmSync(path.dirname(pipe), { recursive: true }))
    spawnSync('mkfifo', [pipe])
    const from = client({ authorization: { type: 'Bearer', credentials: '', credentialsFile: pipe } })
    await expect(get(from, url)).rejects.toThrow('it is a pipe, a device or a folder; give a regular file')
  })

  it('by oauth2 are fetched once, and again when they end', async () => {
    const asked: string[] = []
    const tokens = await serve((request, response) => {
      let form = ''
      request.on('data', (chunk: Buffer) => (form += chunk.toString()))
      request.on('end', () => {
        asked.push(`${request.method} ${form} ${Buffer.from(request.headers.authorization!.slice(6), 'base64').toString()}`)
        response.end(JSON.stringify({ access_token: `token-${asked.length}`, expires_in: 60 }))
      })
    })
    const url = await serve((request, response) => response.end(request.headers.authorization))
    const clock = new FakeClock()
    const oauth2 = { clientId: 'me', clientSecret: 's', clientSecretFile: '', scopes: ['a', 'b'], tokenUrl: `${tokens}/t`, endpointParams: new Map([['x', 'y']]) }
    const from = client({ oauth2 }, clock)
    expect(await Promise.all([get(from, url), get(from, url)])).toEqual(['200 Bearer token-1', '200 Bearer token-1'])
    await clock.advance(51_000)
    expect(await get(from, url)).toBe('200 Bearer token-2')
    expect(asked[0]).toBe('POST grant_type=client_credentials&x=y&scope=a+b me:s')
    expect(asked).toHaveLength(2)
  })
})

describe('a proxy', () => {
  it('gets plain requests whole', async () => {
    const proxy = await serve((request, response) => response.end(`proxied ${request.url}`))
    expect(await get(client({ proxyUrl: proxy }), 'http://nowhere.invalid/metrics?x=y')).toBe('200 proxied http://nowhere.invalid/metrics?x=y')
  })

  it('that none can be made of fails the request by its name, and only that', async () => {
    const tls = { ca: '', caFile: '/nowhere/ca.pem', cert: '', certFile: '', key: '', keyFile: '', serverName: '', insecureSkipVerify: false, minVersion: '', maxVersion: '' }
    const f = async (options: Partial<HttpClientOptions>, environment: string, want: string): Promise<void> => {
      vi.stubEnv('http_proxy', environment)
      const failure = await get(client(options), 'http://a.invalid/').catch((error: unknown) => error)
      expect(failure).toBeInstanceOf(HttpError)
      expect((failure as HttpError).message).toContain(want)
    }
    await f({ proxyUrl: 'http://127.0.0.1:1', tls }, '', 'cannot read /nowhere/ca.pem: no such file or directory (ENOENT)')
    await f({ proxyUrl: 'http://127.0.0.1:1' }, '', 'proxyconnect 127.0.0.1:1: connect: connection refused')
    await f({ proxyFromEnvironment: true }, 'http://', 'cannot use the proxy or its certificates: Invalid URL')
    vi.unstubAllEnvs()
  })

  const f = (url: string, options: Partial<HttpClientOptions>, want: boolean, environment: NodeJS.ProcessEnv = {}): void => {
    it(`${want ? 'is used' : 'is passed by'} for ${url} with ${JSON.stringify({ ...options, ...environment })}`, () => {
      expect(proxyFor(new URL(url), { ...PLAIN, ...options }, environment) !== null).toBe(want)
    })
  }
  const proxyUrl = 'http://proxy:1'
  f('http://127.0.0.1/', { proxyUrl }, true)
  f('http://127.0.0.1/', { proxyUrl, noProxy: 'x' }, false)
  f('http://a.example.com/', { proxyUrl, noProxy: 'example.com' }, false)
  f('http://example.com/', { proxyUrl, noProxy: '.example.com' }, true)
  f('http://badexample.com/', { proxyUrl, noProxy: 'example.com' }, true)
  f('http://10.1.2.3:9100/', { proxyUrl, noProxy: '10.0.0.0/8' }, false)
  f('http://11.1.2.3:9100/', { proxyUrl, noProxy: '10.0.0.0/8, 11.1.2.3:80' }, true)
  f('http://11.1.2.3/', { proxyUrl, noProxy: '11.1.2.3:80' }, false)
  f('http://a/', { proxyUrl, noProxy: '*' }, false)
  f('http://a/', { proxyFromEnvironment: true }, true, { http_proxy: 'http://p:1' })
  f('https://a/', { proxyFromEnvironment: true }, false, { HTTP_PROXY: 'http://p:1' })
  f('https://a/', { proxyFromEnvironment: true }, false, { HTTPS_PROXY: 'http://p:1', NO_PROXY: 'a' })
  f('http://a/', {}, false, { HTTP_PROXY: 'http://p:1' })

  it('may stand in the environment without a scheme', () => {
    expect(proxyFor(new URL('http://a/'), { ...PLAIN, proxyFromEnvironment: true }, { HTTP_PROXY: 'p:3128' })).toBe('http://p:3128')
  })
})
