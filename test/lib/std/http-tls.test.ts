// The HTTP client over TLS and through CONNECT proxies: real servers and proxies on loopback, certificates made by
// openssl. The errors' words are those of Go's crypto/tls and x509, which Prometheus shows.
import fs from 'node:fs'
import http from 'node:http'
import http2 from 'node:http2'
import https from 'node:https'
import net, { type AddressInfo } from 'node:net'
import os from 'node:os'
import path from 'node:path'
import type { TLSSocket } from 'node:tls'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { systemClock } from '../../../lib/std/clock.ts'
import { HttpClient, type HttpClientOptions, type TlsOptions } from '../../../lib/std/http.ts'
import { Authority, hasOpenssl, type Certificate } from '../../support/certificates.ts'

const PLAIN: HttpClientOptions = {
  basicAuth: null, authorization: null, oauth2: null, tls: null, followRedirects: true, enableHttp2: true, proxyUrl: '', noProxy: '',
  proxyFromEnvironment: false, proxyConnectHeader: new Map(), httpHeaders: new Map(),
}
const TLS: TlsOptions = {
  ca: '', caFile: '', cert: '', certFile: '', key: '', keyFile: '', serverName: '', insecureSkipVerify: false, minVersion: '', maxVersion: '',
}

const closers: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close()
})

async function listen(server: net.Server): Promise<number> {
  const sockets = new Set<net.Socket>()
  server.on('connection', (socket: net.Socket) => sockets.add(socket))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closers.push(() => {
    for (const socket of sockets) socket.destroy()
    return new Promise((resolve) => server.close(resolve))
  })
  return (server.address() as AddressInfo).port
}

/** `200 body`, or the error's `code message`. */
async function get(url: string, options: Partial<HttpClientOptions>): Promise<string> {
  const client = new HttpClient({ ...PLAIN, ...options }, systemClock, 5000)
  closers.push(() => client.close())
  try {
    const response = await client.get({ url: new URL(url), headers: {}, timeoutMs: 5000, signal: null, bodyBytesMax: 0, bodyBytesHint: 0 })
    return `${response.status} ${Buffer.from(response.body).toString()}`
  } catch (error) {
    const { code, message } = error as { code: string; message: string }
    return `${code} ${message}`
  }
}

describe.skipIf(!hasOpenssl)(hasOpenssl ? 'TLS' : 'TLS (needs the package openssl)', () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'tls-'))
  let ours: Authority
  let other: Authority
  let server: Certificate
  let named: Certificate
  let client: Certificate
  let stranger: Certificate
  beforeAll(() => {
    ours = new Authority(folder, 'ours')
    other = new Authority(folder, 'other')
    server = ours.sign('IP:127.0.0.1')
    named = ours.sign('DNS:exporter.test')
    client = ours.sign('')
    stranger = other.sign('')
  })
  afterAll(() => fs.rmSync(folder, { recursive: true }))

  const serve = async (options: https.ServerOptions): Promise<string> => {
    const made = https.createServer(options, (request, response) => {
      const socket = request.socket as TLSSocket
      // What the client asked for by SNI; not in the type.
      const name = 'servername' in socket ? socket.servername : undefined
      response.end(`${typeof name === 'string' ? name : 'no name'} ${socket.getProtocol()}`)
    })
    return `https://127.0.0.1:${await listen(made)}/metrics`
  }

  it('takes a certificate that the given authority has signed, from file or text', async () => {
    const url = await serve(server)
    expect(await get(url, { tls: { ...TLS, caFile: ours.certFile } })).toBe('200 no name TLSv1.3')
    expect(await get(url, { tls: { ...TLS, ca: fs.readFileSync(ours.certFile, 'utf8') } })).toBe('200 no name TLSv1.3')
  })

  it('refuses one that another has signed, or nobody it knows', async () => {
    const url = await serve(server)
    const want = 'TLS tls: failed to verify certificate: x509: certificate signed by unknown authority'
    expect(await get(url, { tls: { ...TLS, caFile: other.certFile } })).toBe(want)
    expect(await get(url, { tls: TLS })).toBe(want)
    expect(await get(url, {})).toBe(want)
  })

  it('refuses one for another name, and asks for server_name', async () => {
    const url = await serve(named)
    expect(await get(url, { tls: { ...TLS, caFile: ours.certFile } })).toMatch(/^TLS tls: failed to verify certificate: x509: .*127\.0\.0\.1/)
    expect(await get(url, { tls: { ...TLS, caFile: ours.certFile, serverName: 'exporter.test' } })).toBe('200 exporter.test TLSv1.3')
    expect(await get(url, { tls: { ...TLS, caFile: ours.certFile, serverName: 'other.test' } })).toMatch(/^TLS tls: failed to verify certificate: x509: .*other\.test/)
  })

  it('takes any with insecure_skip_verify', async () => {
    const url = await serve(named)
    expect(await get(url, { tls: { ...TLS, insecureSkipVerify: true } })).toBe('200 no name TLSv1.3')
  })

  it('shows its own certificate to a server that wants one', async () => {
    const url = await serve({ ...server, ca: fs.readFileSync(ours.certFile), requestCert: true, rejectUnauthorized: true })
    const trusting = { ...TLS, caFile: ours.certFile }
    expect(await get(url, { tls: { ...trusting, certFile: client.certFile, keyFile: client.keyFile } })).toBe('200 no name TLSv1.3')
    expect(await get(url, { tls: { ...trusting, cert: client.cert, key: client.key } })).toBe('200 no name TLSv1.3')
    // With TLS 1.3 the server's refusal comes after the client's handshake is done: as an alert, or a closed connection.
    expect(await get(url, { tls: trusting })).toMatch(/^(TLS remote error: tls: |RESET |CLOSED )/)
    const old = { ...trusting, maxVersion: 'TLS12' }
    expect(await get(url, { tls: { ...old, certFile: client.certFile, keyFile: client.keyFile } })).toBe('200 no name TLSv1.2')
    expect(await get(url, { tls: { ...old, certFile: stranger.certFile, keyFile: stranger.keyFile } })).toMatch(/^(TLS remote error: tls: |RESET |CLOSED )/)
  })

  it('reads its files again for each connection, and names one that is not there', async () => {
    const url = await serve(server)
    const caFile = path.join(folder, 'later.crt')
    expect(await get(url, { tls: { ...TLS, caFile } })).toMatch(/later\.crt: no such file or directory \(ENOENT\)/)
    fs.copyFileSync(ours.certFile, caFile)
    expect(await get(url, { tls: { ...TLS, caFile } })).toBe('200 no name TLSv1.3')
  })

  it('keeps to min_version and max_version', async () => {
    const url = await serve({ ...server, minVersion: 'TLSv1.3' })
    expect(await get(url, { tls: { ...TLS, caFile: ours.certFile, maxVersion: 'TLS12' } })).toMatch(/^TLS remote error: tls: /)
    const older = await serve({ ...server, maxVersion: 'TLSv1.2' })
    expect(await get(older, { tls: { ...TLS, caFile: ours.certFile } })).toBe('200 no name TLSv1.2')
    expect(await get(older, { tls: { ...TLS, caFile: ours.certFile, minVersion: 'TLS13' } })).toMatch(/^TLS remote error: tls: /)
  })

  it('names a server that speaks plain HTTP', async () => {
    const port = await listen(http.createServer((_, response) => response.end('plain')))
    expect(await get(`https://127.0.0.1:${port}/`, { tls: { ...TLS, caFile: ours.certFile } })).toMatch(/^TLS tls: first record does not look like a TLS handshake/)
  })

  it('speaks HTTP/2 where the server does, unless it may not', async () => {
    const made = http2.createSecureServer({ ...server, allowHTTP1: true }, (request, response) => {
      response.setHeader('content-type', 'text/plain')
      response.end(`HTTP/${request.httpVersion} ${request.headers['user-agent'] ?? ''}`)
    })
    const url = `https://127.0.0.1:${await listen(made)}/metrics`
    const tls = { ...TLS, caFile: ours.certFile }
    expect(await get(url, { tls })).toBe('200 HTTP/2.0 ')
    expect(await get(url, { tls, enableHttp2: false })).toBe('200 HTTP/1.1 ')
  })

  describe('through a proxy', () => {
    const connects: http.IncomingMessage[] = []
    const tunnel = async (answer: (request: http.IncomingMessage) => string): Promise<string> => {
      connects.length = 0
      const proxy = http.createServer((_, response) => response.writeHead(500).end('not a CONNECT'))
      proxy.on('connect', (request: http.IncomingMessage, socket: net.Socket) => {
        connects.push(request)
        const status = answer(request)
        socket.on('error', () => {})
        if (!status.startsWith('200')) {
          socket.end(`HTTP/1.1 ${status}\r\nContent-Length: 0\r\n\r\n`)
          return
        }
        const [host, port] = request.url!.split(':')
        const onward = net.connect(Number(port), host, () => {
          socket.write(`HTTP/1.1 ${status}\r\n\r\n`)
          onward.pipe(socket).pipe(onward)
        })
        onward.on('error', () => socket.destroy())
        socket.on('close', () => onward.destroy())
      })
      return `http://127.0.0.1:${await listen(proxy)}`
    }

    it('is one tunnel from end to end, with proxy_connect_header for the proxy alone', async () => {
      let seen: http.IncomingHttpHeaders = {}
      const made = https.createServer(server, (request, response) => {
        seen = request.headers
        response.end('inside')
      })
      const port = await listen(made)
      const proxyUrl = await tunnel(() => '200 Connection established')
      const options = { proxyUrl, proxyConnectHeader: new Map([['X-Tenant', ['blue']]]) }
      expect(await get(`https://127.0.0.1:${port}/`, { ...options, tls: { ...TLS, caFile: ours.certFile } })).toBe('200 inside')
      expect(connects.map(({ url, headers }) => [url, headers['x-tenant']])).toEqual([[`127.0.0.1:${port}`, 'blue']])
      expect(seen).not.toHaveProperty('x-tenant')
      expect(await get(`https://127.0.0.1:${port}/`, { ...options, tls: { ...TLS, caFile: other.certFile } }))
        .toBe('TLS tls: failed to verify certificate: x509: certificate signed by unknown authority')
    })

    it('fails where the proxy refuses, or is not there', async () => {
      const url = await serve(server)
      const tls = { ...TLS, caFile: ours.certFile }
      expect(await get(url, { proxyUrl: await tunnel(() => '403 Forbidden'), tls })).toBe('CONNECT proxyconnect: 403 Forbidden')
      expect(await get(url, { proxyUrl: await tunnel(() => '407 Proxy Authentication Required'), tls })).toBe('CONNECT proxyconnect: 407 Proxy Authentication Required')
      const gone = net.createServer()
      const port = await listen(gone)
      await closers.pop()!()
      expect(await get(url, { proxyUrl: `http://127.0.0.1:${port}`, tls })).toBe(`CONNECT proxyconnect 127.0.0.1:${port}: connect: connection refused`)
    })
  })
})
