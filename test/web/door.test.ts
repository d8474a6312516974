// What every request meets before its route: unknown paths, wrong methods, bad HTTP, other sites.
import net from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { waitFor } from '../support/monitor-process.ts'
import { failure, form, get, raw, start } from './requests.ts'

describe('the door', () => {
  it('answers unknown paths with 404 and wrong methods with 405 and Allow', async () => {
    const { base } = await start()
    expect(await get(`${base}/api/v1/nope`)).toEqual(failure(404, 'not_found', 'no such endpoint: /api/v1/nope'))
    expect(await get(`${base}/api/v1/label/U__/values`)).toEqual(failure(400, 'bad_data', 'invalid label name: ""'))
    expect(await get(`${base}/favicon.png`)).toEqual([404, '404 page not found\n'])
    const f = async (method: string, path: string, status: number, allow: string): Promise<void> => {
      const response = await fetch(base + path, { method, ...(method === 'DELETE' && { body: 'x' }) })
      expect([response.status, response.headers.get('allow')]).toEqual([status, allow])
    }
    await f('DELETE', '/api/v1/query', 405, 'GET, OPTIONS, POST')
    await f('POST', '/api/v1/label/job/values', 405, 'GET, OPTIONS')
    await f('GET', '/api/v1/write', 405, 'OPTIONS, POST')
    await f('POST', '/-/healthy', 405, 'GET, OPTIONS')
    await f('OPTIONS', '/api/v1/query', 204, 'GET, OPTIONS, POST')
    expect((await fetch(`${base}/-/healthy`, { method: 'HEAD' })).status).toBe(200)
  })

  it('is the same at each address, and ends at all', async () => {
    const served = await start()
    const { port, server } = served
    const ports = [port, (await server.listen('127.0.0.1', 0)).port, (await server.listen('127.0.0.1', 0)).port]
    for (const one of ports) {
      expect(await get(`http://127.0.0.1:${one}/-/healthy`)).toEqual([200, 'Monitor is Healthy.\n'])
      // Who has said all of its request is still answered.
      const answer = await new Promise<string>((resolve) => {
        let text = ''
        const socket = net.connect(one, '127.0.0.1', () => socket.end('GET /-/healthy HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'))
        socket.on('data', (chunk) => (text += chunk.toString())).on('close', () => resolve(text))
      })
      expect(answer).toMatch(/^HTTP\/1.1 200 OK/)
    }
    await expect(server.listen('127.0.0.1', ports[1]!)).rejects.toMatchObject({ code: 'EADDRINUSE' })
    await served.stop()
    for (const one of ports) await expect(fetch(`http://127.0.0.1:${one}/-/healthy`)).rejects.toMatchObject({ cause: { code: 'ECONNREFUSED' } })
  })

  it('grants no other site anything', async () => {
    const { base } = await start()
    for (const method of ['GET', 'OPTIONS']) {
      const response = await fetch(`${base}/api/v1/query?query=1`, { method, headers: { Origin: 'https://evil.example' } })
      expect([...response.headers.keys()].filter((name) => name.startsWith('access-control'))).toEqual([])
    }
  })

  it('refuses what is too large or not HTTP', async () => {
    const { base, port } = await start()
    expect(await get(`${base}/api/v1/query`, form(`query=${'x'.repeat(1 << 20)}`))).toEqual(failure(413, 'bad_data', 'the body is too large: at most 1 MiB are read here'))
    const f = async (text: string, status: number, error: string): Promise<void> => {
      const [head, body] = (await raw(port, text)).split('\r\n\r\n') as [string, string]
      expect(head).toMatch(new RegExp(`^HTTP/1.1 ${status} [A-Z].*\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n`, 's'))
      expect([status, JSON.parse(body)]).toEqual(failure(status, 'bad_data', error))
    }
    await f(`GET / HTTP/1.1\r\nHost: x\r\nX: ${'x'.repeat(600_000)}\r\n\r\n`, 431, 'request headers are larger than 512 KiB; send a long query as a form, by POST')
    const long = encodeURIComponent(`up{job=~"${'a|'.repeat(60_000)}"}`)
    expect((await get(`${base}/api/v1/query?query=${long}`))[0]).toBe(200)
    await f('POST /api/v1/write HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n', 400, 'malformed HTTP request')
    await f('not http at all\r\n\r\n', 400, 'malformed HTTP request')
    expect((await get(`${base}/api/v1/label/%ff/values`))[0]).toBe(400)
    expect((await get(`${base}/-/healthy`))[0]).toBe(200)
  })

  it('sends paths with empty and dotted elements to the plain path, on this host', async () => {
    const { port } = await start()
    const f = async (target: string, location: string): Promise<void> => {
      const answer = await raw(port, `GET ${target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`)
      expect([answer.split(' ', 2)[1], /^location: (.*)\r$/im.exec(answer)?.[1]], target).toEqual(['301', location])
    }
    // As Prometheus 3.5.3 answers.
    await f('//api/v1/query?query=1', '/api/v1/query?query=1')
    await f('/api//v1/query?query=//1', '/api/v1/query?query=//1')
    await f('/api/v1/../v1/query?query=1', '/api/v1/query?query=1')
    await f('/./api/v1/query', '/api/v1/query')
    await f('//-/healthy', '/-/healthy')
    await f('//evil.com/', '/evil.com/')
    await f('///evil.com//..', '/')
    await f('/api/v1/label//values', '/api/v1/label/values')
    const plain = await raw(port, 'GET /api/v1/query?query=a//b HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')
    expect(plain).toMatch(/^HTTP\/1.1 200 /)
  })

  it('cuts a client that asks and does not read', async () => {
    const { port, metrics } = await start((parts) => ({
      options: { ...parts.options, idleMs: 300 },
      queries: { run: async () => ({ status: 200, body: Buffer.alloc(64 << 20, 0x20) }) },
    }))
    const socket = net.connect(port, '127.0.0.1', () => socket.write('GET /api/v1/query?query=1 HTTP/1.1\r\nHost: x\r\n\r\n'))
    onTestFinished(() => void socket.destroy())
    await waitFor('the cut', async () => (await metrics.registry.metrics()).includes('prometheus_http_requests_total{handler="/api/v1/query",code="499"} 1'))
    // What lay in the buffers of the system is read, and no more.
    let bytes = 0
    socket.on('data', (chunk) => (bytes += chunk.length)).on('error', () => {})
    await waitFor('the end of the connection', () => Promise.resolve(socket.destroyed))
    expect(bytes).toBeLessThan(64 << 20)
  })

  it('does not mind a form of another type', async () => {
    const { base } = await start()
    const [status, body] = await get(`${base}/api/v1/query?query=up`, { method: 'POST', body: '{"a":', headers: { 'Content-Type': 'application/json' } })
    expect([status, body]).toMatchObject([200, { data: { query: 'up' } }])
  })
})
