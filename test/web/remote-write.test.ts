// The remote-write receiver over HTTP: what it stores, what it refuses, in which words.
import net from 'node:net'
import { describe, expect, it } from 'vitest'
import { writeBody } from '../support/remote-write-body.ts'
import { NOW } from '../support/web-server.ts'
import { raw, start } from './requests.ts'

describe('remote write', () => {
  const T = NOW
  const headers = { 'Content-Type': 'application/x-protobuf', 'Content-Encoding': 'snappy', 'X-Prometheus-Remote-Write-Version': '0.1.0' }
  const good = writeBody([{ labels: [['__name__', 'm']], samples: [[1, T]] }])
  const push = (base: string, body: Uint8Array, more: Record<string, string> = {}): Promise<Response> => fetch(`${base}/api/v1/write`, { method: 'POST', body: Buffer.from(body), headers: { ...headers, ...more } })

  it('stores and says how much', async () => {
    const { base, appender } = await start()
    const response = await push(base, good)
    expect(response.status).toBe(204)
    expect(['samples', 'histograms', 'exemplars'].map((kind) => response.headers.get(`x-prometheus-remote-write-${kind}-written`))).toEqual(['1', '0', '0'])
    expect(appender.dump()).toEqual({ m: [{ t: T, v: 1, stale: false }] })
    // Old senders leave the headers out.
    expect((await fetch(`${base}/api/v1/write`, { method: 'POST', body: Buffer.from(good) })).status).toBe(204)
  })

  it('keeps what is good and says what is not', async () => {
    const { base } = await start()
    const response = await push(base, writeBody([{ labels: [['__name__', 'm']], samples: [[1, T]] }, { labels: [['a', 'b']], samples: [[1, T]] }]))
    expect([response.status, response.headers.get('x-prometheus-remote-write-samples-written')]).toEqual([400, '1'])
    expect(await response.text()).toBe('1 of 2 samples refused (1 invalid_labels), 1 stored; first: no metric name (__name__) in {a="b"}\n')
  })

  it('refuses other media types with 415 and the words of Prometheus', async () => {
    const { base, appender } = await start()
    const f = async (more: Record<string, string>, want: string): Promise<void> => {
      const response = await push(base, good, more)
      expect([response.status, await response.text()]).toEqual([415, `${want}\n`])
    }
    await f({ 'Content-Type': 'text/plain' }, 'expected application/x-protobuf as the first (media) part, got text/plain content-type')
    await f({ 'Content-Type': 'application/json' }, 'expected application/x-protobuf as the first (media) part, got application/json content-type')
    await f({ 'Content-Encoding': 'gzip' }, 'gzip encoding (compression) is not accepted by this server; only snappy is acceptable')
    await f({ 'Content-Encoding': 'br' }, 'br encoding (compression) is not accepted by this server; only snappy is acceptable')
    await f({ 'Content-Type': 'application/x-protobuf;proto=io.prometheus.write.v3.Request' },
      'io.prometheus.write.v3.Request protobuf message is not accepted by this server; only accepts prometheus.WriteRequest and io.prometheus.write.v2.Request')
    expect((await push(base, good, { 'Content-Type': 'application/x-protobuf;proto=prometheus.WriteRequest' })).status).toBe(204)
    expect(appender.batches.length).toBe(1)
  })

  it('answers bad bodies with 4xx, never 5xx, and a disk that refuses with 503', async () => {
    const { base, appender } = await start()
    const f = async (body: Uint8Array, status: number, text: RegExp): Promise<void> => {
      const response = await push(base, body)
      expect(response.status).toBe(status)
      expect(await response.text()).toMatch(text)
    }
    await f(new Uint8Array(0), 400, /^snappy: bad length header\n$/)
    await f(Buffer.from('garbage'), 400, /^snappy: /)
    await f(Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0x0f), 413, /^decoded size exceeds 32 MiB\n$/)
    expect(appender.batches).toEqual([])
    const { LogError } = await import('../../storage/errors.ts')
    appender.commitError = new LogError('cannot sync log: ENOSPC', 'disk_error')
    const response = await push(base, good)
    expect([response.status, response.headers.get('retry-after'), await response.text()]).toEqual([503, '5', 'cannot sync log: ENOSPC\n'])
  })

  it('refuses bodies over 32 MiB, said or streamed', async () => {
    const { base, port, appender } = await start()
    expect(await raw(port, 'POST /api/v1/write HTTP/1.1\r\nHost: x\r\nContent-Length: 33554433\r\n\r\n')).toMatch(/^HTTP\/1.1 413 .*body exceeds 32 MiB\n$/s)
    const chunk = new Uint8Array(1 << 20)
    let sent = 0
    const stream = new ReadableStream<Uint8Array>({ pull: (controller) => (sent++ < 40 ? controller.enqueue(chunk) : controller.close()) })
    // The server may answer and close while the client still writes.
    const status = await fetch(`${base}/api/v1/write`, { method: 'POST', body: stream, duplex: 'half', headers } as RequestInit).then((response) => response.status, () => 'closed')
    expect([413, 'closed']).toContain(status)
    expect(appender.batches).toEqual([])
    expect((await push(base, good)).status).toBe(204)
  })

  it('forgets a body whose sender goes away', async () => {
    const { base, port, appender } = await start()
    await new Promise<void>((resolve) => {
      const socket = net.connect(port, '127.0.0.1', () => socket.write('POST /api/v1/write HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf', () => socket.destroy()))
      socket.on('close', () => resolve())
    })
    expect((await push(base, good)).status).toBe(204)
    expect(appender.batches.length).toBe(1)
  })
})
