import net from 'node:net'
import { posix } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startServer, type TestServer } from '../support/web-server.ts'

let server: TestServer
beforeAll(async () => {
  server = await startServer()
})
afterAll(() => server.stop())

const get = (path: string, headers: Record<string, string> = {}): Promise<Response> => fetch(server.base + path, { headers, redirect: 'manual' })
const HTML = { Accept: 'text/html,application/xhtml+xml,*/*;q=0.8' }

/** A path as it is, without the client's tidying up. */
function raw(path: string, more = ''): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = net.connect(server.port, '127.0.0.1', () => socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${more}\r\n`))
    let answer = ''
    socket.on('data', (chunk) => (answer += chunk.toString('latin1')))
    socket.on('error', reject)
    socket.on('close', () => resolve(answer))
  })
}

describe('the pages', () => {
  it('open at /query', async () => {
    const response = await get('/', HTML)
    expect([response.status, response.headers.get('location')]).toEqual([302, '/query'])
  })

  it('are one page under every path, each time with another nonce', async () => {
    const nonces = new Set<string>()
    for (const path of ['/query', '/query?g0.expr=up', '/targets', '/some/later/page', '/index.html']) {
      const response = await get(path, HTML)
      const policy = response.headers.get('content-security-policy')!
      const nonce = /style-src 'self' 'nonce-([A-Za-z0-9+/]{22}==)'/.exec(policy)?.[1]
      expect([response.status, response.headers.get('content-type'), response.headers.get('cache-control')]).toEqual([200, 'text/html; charset=utf-8', 'no-cache'])
      expect(await response.text()).toBe(`<!doctype html><base href="/"><meta name="external-url" content="http://monitor.example"><meta name="csp-nonce" content="${nonce}"><p>app</p>`)
      expect(policy).toMatch(/^default-src 'none'; script-src 'self'; /)
      expect(policy).toContain("frame-ancestors 'none'")
      expect(policy).not.toMatch(/unsafe|\*/)
      expect([response.headers.get('referrer-policy'), response.headers.get('cross-origin-opener-policy'), response.headers.get('x-content-type-options')]).toEqual(['no-referrer', 'same-origin', 'nosniff'])
      nonces.add(nonce!)
    }
    expect(nonces.size).toBe(5)
  })

  it('answer probes too', async () => {
    for (const path of ['/query', '/graph?g0.expr=up', '/targets']) expect((await get(path, { Accept: '*/*' })).status, path).toBe(200)
  })

  it('stand in for nothing else', async () => {
    const f = async (path: string, headers: Record<string, string>, status: number): Promise<void> => expect((await get(path, headers)).status, path).toBe(status)
    await f('/nope', { Accept: '*/*' }, 404)
    await f('/assets/gone-123.js', HTML, 404)
    await f('/assets/gone', HTML, 404)
    await f('/gone.js', HTML, 404)
    await f('/api/v1/nope', HTML, 404)
    await f('/-/nope', HTML, 404)
    expect((await fetch(`${server.base}/query`, { method: 'POST', headers: HTML })).status).toBe(404)
  })
})

describe('the assets', () => {
  it('come compressed where the client can, and stay for a year', async () => {
    const f = async (encodings: string, want: string): Promise<void> => {
      const response = await raw('/assets/main-abc.js', `Accept-Encoding: ${encodings}\r\n`)
      expect(response.split('\r\n\r\n')[1]).toBe(want)
      expect(response).toMatch(/cache-control: public, max-age=31536000, immutable\r\n/i)
      expect(response).toMatch(/content-type: (text|application)\/javascript/i)
      expect(response).toMatch(/x-content-type-options: nosniff/i)
    }
    await f('gzip, br', 'brotli')
    await f('gzip', 'gzip')
    await f('identity', 'plain')
  })

  it('without a hash in the name are asked for again', async () => {
    const response = await get('/icon.svg')
    expect([response.status, response.headers.get('cache-control'), response.headers.get('content-type')]).toEqual([200, 'no-cache', 'image/svg+xml'])
  })

  it('do not lead out of their folder', async () => {
    for (const path of ['/../package.json', '/assets/../../package.json', '/..%2fpackage.json', '/%2e%2e/package.json', '/%252e%252e/package.json', '/..\\package.json', '/assets/%00', '/.built', '/assets//../../x', '//etc/passwd']) {
      // Paths with dots and empty elements are sent to the plain path, which has no file either.
      const answer = await raw(path)
      const to = /^location: (.*)\r$/im.exec(answer)?.[1]
      expect(to === undefined ? answer : await raw(to), path).toMatch(/^HTTP\/1.1 (400|403|404) /)
      if (to !== undefined) expect(to).toBe(posix.normalize(path))
    }
  })
})
