import net from 'node:net'
import { gunzipSync } from 'node:zlib'
import { afterEach, describe, expect, it } from 'vitest'
import type { QueryJob, QueryReply } from '../../lang/job.ts'
import type { ServerParts } from '../../web/parts.ts'
import { writeBody } from '../support/remote-write-body.ts'
import { NOW, echoJob, startServer, type TestServer } from '../support/web-server.ts'

let running: TestServer | null = null

async function start(change?: (parts: ServerParts) => Partial<ServerParts>, isReady = true): Promise<TestServer> {
  running = await startServer(change, isReady)
  return running
}

afterEach(async () => {
  await running?.stop()
  running = null
})

/** Status and body, parsed where it is JSON. */
async function get(url: string, init?: RequestInit): Promise<[status: number, body: unknown]> {
  const response = await fetch(url, { redirect: 'manual', ...init })
  const text = await response.text()
  return [response.status, response.headers.get('content-type')?.startsWith('application/json') ? JSON.parse(text) : text]
}
const form = (text: string): RequestInit => ({ method: 'POST', body: text, headers: { 'Content-Type': 'application/x-www-form-urlencoded' } })
const success = (data: unknown): [number, unknown] => [200, { status: 'success', data }]
const failure = (status: number, errorType: string, error: string): [number, unknown] => [status, { status: 'error', errorType, error }]

/** Sends raw bytes, gives all that came back until the server closed. */
function raw(port: number, text: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1', () => socket.write(text))
    let answer = ''
    socket.on('data', (chunk) => (answer += chunk.toString('latin1')))
    // A server that closes before it has read all resets the connection; what it said counts.
    socket.on('error', () => {})
    socket.on('close', () => resolve(answer))
  })
}

describe('queries', () => {
  const instant = { kind: 'instant', timeMs: NOW, limit: 0, timeoutMs: 120_000, lookbackMs: 300_000, query: 'up', stats: '' }
  const range = { kind: 'range', startMs: 1000, endMs: 61_000, stepMs: 15_000, limit: 0, timeoutMs: 120_000, lookbackMs: 300_000, query: 'up', stats: '' }

  it('become jobs, from URL or form', async () => {
    const { base } = await start()
    const f = async (path: string, want: object, init?: RequestInit): Promise<void> => expect(await get(`${base}/api/v1/${path}`, init)).toEqual(success(want))
    await f('query?query=up', instant)
    await f('query', instant, form('query=up'))
    await f('query?query=other&time=5', { ...instant, timeMs: 5000 }, form('query=up'))
    await f('query?query=up&time=4.5&timeout=30s&limit=7&lookback_delta=1m&stats=all', { ...instant, timeMs: 4500, timeoutMs: 30_000, limit: 7, lookbackMs: 60_000, stats: 'all' })
    await f('query?query=up&timeout=10m&lookback_delta=0&stats=1', { ...instant, stats: 'true' })
    await f('query?query=%7Ba%3D%22%C3%A9%2B%22%7D', { ...instant, query: '{a="é+"}' })
    await f('query', { ...instant, query: '' })
    await f('query_range?query=up&start=1&end=61&step=15', range)
    await f('query_range', range, form('query=up&start=1970-01-01T00:00:01Z&end=61&step=15s'))
    await f('query_range?query=up&start=0&end=11000&step=1', { ...range, startMs: 0, endMs: 11_000_000, stepMs: 1000 })
    const labels = { matches: [] as string[], limit: 0, startMs: -8.64e15, endMs: 8.64e15, timeoutMs: 120_000 }
    await f('series?match[]=up&match%5B%5D=down&start=1&end=2', { ...labels, kind: 'series', matches: ['up', 'down'], startMs: 1000, endMs: 2000 })
    await f('series', { ...labels, kind: 'series', matches: ['up'], limit: 40_000 }, form('match[]=up&limit=40000'))
    await f('labels', { ...labels, kind: 'labels' })
    await f('labels', { ...labels, kind: 'labels', matches: ['up'] }, form('match[]=up'))
    await f('label/job/values?match[]=up', { ...labels, kind: 'labelValues', name: 'job', matches: ['up'] })
    await f('label/U__a_20_b/values', { ...labels, kind: 'labelValues', name: 'a b' })
    await f('label/a%2Fb/values', { ...labels, kind: 'labelValues', name: 'a/b' })
  })

  it('with bad parameters are refused in the words of Prometheus 3.5', async () => {
    const { base, jobs } = await start()
    const f = async (path: string, error: string): Promise<void> => expect(await get(`${base}/api/v1/${path}`)).toEqual(failure(400, 'bad_data', error))
    await f('query?query=1&time=abc', `invalid parameter "time": invalid time value for 'time': cannot parse "abc" to a valid timestamp`)
    await f('query?query=1&timeout=abc', 'invalid parameter "timeout": cannot parse "abc" to a valid duration')
    await f('query?query=1&limit=-1', 'invalid parameter "limit": limit must be non-negative')
    await f('query?query=1&limit=x', 'invalid parameter "limit": strconv.Atoi: parsing "x": invalid syntax')
    await f('query?query=1&lookback_delta=x', 'error parsing lookback delta duration: cannot parse "x" to a valid duration')
    await f('query_range?query=1', 'invalid parameter "start": cannot parse "" to a valid timestamp')
    await f('query_range?query=1&start=1&end=x&step=1', 'invalid parameter "end": cannot parse "x" to a valid timestamp')
    await f('query_range?query=1&start=1&end=0&step=1', 'invalid parameter "end": end timestamp must not be before start time')
    await f('query_range?query=1&start=1&end=2&step=x', 'invalid parameter "step": cannot parse "x" to a valid duration')
    for (const step of ['0', '-1', '0.0001']) {
      await f(`query_range?query=1&start=1&end=2&step=${step}`, 'invalid parameter "step": zero or negative query resolution step widths are not accepted. Try a positive integer')
    }
    await f('query_range?query=1&start=0&end=11001&step=1', 'exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution (?step=XX)')
    await f('query_range?query=1&start=0&end=1&step=1e300', 'invalid parameter "step": cannot parse "1e300" to a valid duration. It overflows int64')
    await f('series', 'no match[] parameter provided')
    await f('series?match[]=up&start=x', `invalid parameter "start": invalid time value for 'start': cannot parse "x" to a valid timestamp`)
    await f('labels?limit=x', 'invalid parameter "limit": strconv.Atoi: parsing "x": invalid syntax')
    expect(jobs).toEqual([])
    const [, body] = await get(`${base}/api/v1/query?query=1&time=${'x'.repeat(5000)}`)
    expect(JSON.stringify(body).length).toBeLessThan(450)
  })

  it('are answered with the bytes and the status of the worker', async () => {
    const replies: Record<string, QueryReply> = {
      bad: { status: 422, body: Buffer.from('{"status":"error","errorType":"execution","error":"no"}') },
      full: { status: 503, body: Buffer.from('{"status":"error","errorType":"timeout","error":"queue"}') },
    }
    const { base } = await start(() => ({ queries: { run: async (job: QueryJob) => replies['query' in job ? job.query : ''] ?? echoJob(job) } }))
    expect(await get(`${base}/api/v1/query?query=bad`)).toEqual(failure(422, 'execution', 'no'))
    const response = await fetch(`${base}/api/v1/query?query=full`)
    expect([response.status, response.headers.get('retry-after'), response.headers.get('x-content-type-options')]).toEqual([503, '5', 'nosniff'])
  })

  it('are compressed where they are large and the client asks', async () => {
    const body = Buffer.from(JSON.stringify({ status: 'success', data: 'x'.repeat(100_000) }))
    const { port } = await start(() => ({ queries: { run: async (job: QueryJob) => ('query' in job && job.query === 'small' ? { status: 200, body: body.subarray(0, 100) } : { status: 200, body }) } }))
    const f = async (query: string, accept: string): Promise<string> => raw(port, `GET /api/v1/query?query=${query} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${accept}\r\n`)
    const packed = await f('large', 'Accept-Encoding: gzip\r\n')
    expect(packed).toMatch(/^HTTP\/1.1 200 .*content-encoding: gzip\r\n/is)
    expect(gunzipSync(Buffer.from(packed.slice(packed.indexOf('\r\n\r\n') + 4), 'latin1')).equals(body)).toBe(true)
    expect(await f('large', '')).not.toMatch(/content-encoding/i)
    expect(await f('large', '')).toMatch(/vary: accept-encoding/i)
    expect(await f('small', 'Accept-Encoding: gzip\r\n')).not.toMatch(/content-encoding/i)
  })

  it('are cancelled when the client goes away, and counted as 499', async () => {
    let started = (): void => {}
    const isStarted = new Promise<void>((resolve) => (started = resolve))
    let aborted = (_reason: unknown): void => {}
    const isAborted = new Promise<unknown>((resolve) => (aborted = resolve))
    const { port, metrics } = await start(() => ({
      queries: {
        run: (_job: QueryJob, signal: AbortSignal) => new Promise<QueryReply>((_resolve, reject) => {
          signal.addEventListener('abort', () => {
            aborted(signal.reason)
            reject(signal.reason as Error)
          })
          started()
        }),
      },
    }))
    const socket = net.connect(port, '127.0.0.1', () => socket.write('GET /api/v1/query?query=slow HTTP/1.1\r\nHost: x\r\n\r\n'))
    await isStarted
    socket.destroy()
    expect(await isAborted).toMatchObject({ code: 'canceled' })
    expect(await metrics.registry.metrics()).toContain('prometheus_http_requests_total{handler="/api/v1/query",code="499"} 1')
  })

  it('that throw are 500 internal, and logged', async () => {
    const { base, log } = await start(() => ({ queries: { run: () => Promise.reject(new RangeError('a bug')) } }))
    expect(await get(`${base}/api/v1/query?query=1`)).toEqual(failure(500, 'internal', 'a bug'))
    expect(log.join('')).toMatch(/msg="request failed".*err="a bug"/)
  })
})

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
    expect(await response.text()).toBe('1 of 2 samples refused (1 invalid_labels), 1 stored; first: no metric name\n')
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
    await f({ 'Content-Type': 'application/x-protobuf;proto=io.prometheus.write.v2.Request' },
      'io.prometheus.write.v2.Request protobuf message is not accepted by this server; only accepts prometheus.WriteRequest')
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
    appender.commitError = new LogError('cannot sync log: ENOSPC')
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

describe('targets and metadata', () => {
  const active = {
    discoveredLabels: new Map([['job', 'j'], ['__address__', 'h:1']]), labels: new Map([['instance', 'h:1'], ['__proto__', 'x']]), scrapePool: 'p', scrapeUrl: 'http://h:1/metrics', globalUrl: 'http://h:1/metrics',
    lastError: '', lastScrapeMs: NOW, lastScrapeDurationSeconds: 0.005, health: 'up' as const, scrapeIntervalMs: 15_000, scrapeTimeoutMs: 90_000,
  }
  const entries = [
    { target: new Map([['job', 'a']]), metric: 'm', metadata: { type: 'counter' as const, help: 'M.', unit: '' } },
    { target: new Map([['job', 'b']]), metric: 'm', metadata: { type: 'counter' as const, help: 'M.', unit: '' } },
    { target: null, metric: 'm', metadata: { type: 'gauge' as const, help: 'Other.', unit: 'bytes' } },
    { target: new Map([['job', 'b']]), metric: 'n', metadata: { type: 'unknown' as const, help: '', unit: '' } },
  ]
  const parts = (): Partial<ServerParts> => ({
    targets: {
      activeTargets: () => [active, { ...active, scrapePool: 'q', lastScrapeMs: 0, health: 'unknown' as const }],
      droppedTargets: () => [{ discoveredLabels: new Map([['__address__', 'd:1']]), scrapePool: 'p' }],
      droppedCounts: () => new Map([['p', 3], ['q', 0]]),
    },
    metadata: { metadata: (metric) => entries.filter((entry) => metric === '' || entry.metric === metric) },
    selectors: {
      compile(selector) {
        const value = /^\{job="(.)"\}$/.exec(selector)?.[1]
        if (value === undefined) throw new Error('1:1: parse error: unexpected')
        return (labels) => labels.get('job') === value
      },
    },
  })

  it('are listed as Prometheus lists them', async () => {
    const { base } = await start(parts)
    const [status, body] = await get(`${base}/api/v1/targets`)
    expect(status).toBe(200)
    const { data } = body as { data: { activeTargets: object[]; droppedTargets: object[]; droppedTargetCounts: object } }
    expect(JSON.stringify(data.activeTargets[0])).toBe('{"discoveredLabels":{"__address__":"h:1","job":"j"},"labels":{"__proto__":"x","instance":"h:1"},"scrapePool":"p",' +
      '"scrapeUrl":"http://h:1/metrics","globalUrl":"http://h:1/metrics","lastError":"","lastScrape":"2023-11-14T22:13:20.000Z","lastScrapeDuration":0.005,"health":"up",' +
      '"scrapeInterval":"15s","scrapeTimeout":"1m30s"}')
    expect(data.activeTargets[1]).toMatchObject({ scrapePool: 'q', lastScrape: '0001-01-01T00:00:00Z' })
    expect(data.droppedTargets).toEqual([{ discoveredLabels: { __address__: 'd:1' }, scrapePool: 'p' }])
    expect(data.droppedTargetCounts).toEqual({ p: 3, q: 0 })
    const counts = async (query: string): Promise<unknown[]> => {
      const { data: part } = (await get(`${base}/api/v1/targets?${query}`))[1] as { data: { activeTargets: object[]; droppedTargets: object[]; droppedTargetCounts: object | null } }
      return [part.activeTargets.length, part.droppedTargets.length, part.droppedTargetCounts]
    }
    expect(await counts('state=active')).toEqual([2, 0, null])
    expect(await counts('state=dropped')).toEqual([0, 1, { p: 3, q: 0 }])
    expect(await counts('state=any&scrapePool=q')).toEqual([1, 0, { p: 3, q: 0 }])
    expect(await counts('state=foo')).toEqual([0, 0, null])
  })

  it('have metadata, each word once', async () => {
    const { base } = await start(parts)
    const m = [{ type: 'counter', unit: '', help: 'M.' }, { type: 'gauge', unit: 'bytes', help: 'Other.' }]
    const f = async (query: string, want: object): Promise<void> => expect(await get(`${base}/api/v1/metadata${query}`)).toEqual(success(want))
    await f('', { m, n: [{ type: 'unknown', unit: '', help: '' }] })
    await f('?metric=m', { m })
    await f('?metric=none', {})
    await f('?limit=1', { m })
    await f('?limit=0', {})
    await f('?limit_per_metric=1&metric=m', { m: [m[0]] })
    expect(await get(`${base}/api/v1/metadata?limit=x`)).toEqual(failure(400, 'bad_data', 'limit must be a number'))
    expect(await get(`${base}/api/v1/metadata?limit_per_metric=x`)).toEqual(failure(400, 'bad_data', 'limit_per_metric must be a number'))
  })

  it('have metadata by target', async () => {
    const { base } = await start(parts)
    const b = { target: { job: 'b' }, type: 'counter', help: 'M.', unit: '' }
    expect(await get(`${base}/api/v1/targets/metadata?metric=m&match_target=${encodeURIComponent('{job="b"}')}`)).toEqual(success([b]))
    expect(await get(`${base}/api/v1/targets/metadata?limit=1`)).toEqual(success([{ ...b, target: { job: 'a' }, metric: 'm' }]))
    expect(await get(`${base}/api/v1/targets/metadata?metric=none`)).toEqual(failure(404, 'not_found', 'specified metadata not found'))
    expect(await get(`${base}/api/v1/targets/metadata?match_target=x{`)).toEqual(failure(400, 'bad_data', 'invalid parameter "match_target": 1:1: parse error: unexpected'))
  })
})

describe('status', () => {
  it('says what runs and how', async () => {
    const { base, clock } = await start()
    await clock.advance(5000)
    expect(await get(`${base}/api/v1/status/flags`)).toEqual(success({ 'config.file': 'monitor.yml', 'web.listen-address': '127.0.0.1:9090' }))
    expect(await get(`${base}/api/v1/status/config`)).toEqual(success({ yaml: 'global: {}\n' }))
    const [, build] = await get(`${base}/api/v1/status/buildinfo`)
    expect(build).toMatchObject({ status: 'success', data: { version: '3.14.0', revision: 'abc', application: 'monitor', applicationVersion: '0.1.0' } })
    // Grafana takes a server with features for a Mimir.
    expect(build).not.toHaveProperty('data.features')
    expect((await get(`${base}/api/v1/status/runtimeinfo`))[1]).toMatchObject({ data: { startTime: '2023-11-14T22:13:20.000Z', serverTime: '2023-11-14T22:13:25.000Z', reloadConfigSuccess: true, storageRetention: '7d' } })
  })

  it('answers what Grafana probes for with empty lists', async () => {
    const { base } = await start()
    expect(await get(`${base}/api/v1/rules`)).toEqual(success({ groups: [] }))
    expect(await get(`${base}/api/v1/alerts`)).toEqual(success({ alerts: [] }))
    expect(await get(`${base}/api/v1/query_exemplars?query=up&start=1700000000000&end=1700000000001`)).toEqual(success([]))
    expect(await get(`${base}/api/v1/query_exemplars`, form('query=up'))).toEqual(success([]))
  })
})

describe('management', () => {
  it('is ready only when told, and refuses the API until then', async () => {
    const { base, server, jobs } = await start(undefined, false)
    expect(await get(`${base}/-/healthy`)).toEqual([200, 'Monitor is Healthy.\n'])
    expect(await get(`${base}/-/ready`)).toEqual([503, 'Service Unavailable'])
    expect(await get(`${base}/api/v1/query?query=1`)).toEqual(failure(503, 'unavailable', 'the server is starting'))
    expect((await fetch(`${base}/api/v1/write`, { method: 'POST' })).headers.get('retry-after')).toBe('5')
    server.ready()
    expect(await get(`${base}/-/ready`)).toEqual([200, 'Monitor is Ready.\n'])
    expect(jobs).toEqual([])
    expect((await get(`${base}/api/v1/query?query=1`))[0]).toBe(200)
  })

  it('lets running requests end when it stops', async () => {
    let answer = (_reply: QueryReply): void => {}
    let started = (): void => {}
    const isStarted = new Promise<void>((resolve) => (started = resolve))
    const { base, server } = await start(() => ({
      queries: {
        run: () => new Promise<QueryReply>((resolve) => {
          answer = resolve
          started()
        }),
      },
    }))
    const response = get(`${base}/api/v1/query?query=1`)
    await isStarted
    const stopped = server.stop()
    answer({ status: 200, body: Buffer.from('{"status":"success","data":1}') })
    expect(await response).toEqual(success(1))
    await stopped
    await expect(fetch(`${base}/-/healthy`)).rejects.toThrow()
  })

  it('reloads only where enabled, by POST or PUT, from the same site', async () => {
    const off = await start()
    expect(await get(`${off.base}/-/reload`, { method: 'POST' })).toEqual([403, 'Lifecycle API is not enabled.'])
    expect(await get(`${off.base}/-/reload`)).toEqual([405, 'Only POST or PUT requests allowed'])
    await off.stop()
    let reloads = 0
    const { base } = await start((parts) => ({
      options: { ...parts.options, isLifecycleEnabled: true },
      config: {
        ...parts.config,
        reload: async () => {
          if (++reloads === 3) throw new Error('monitor.yml:3:1: unknown key "jobs"')
        },
      },
    }))
    expect(await get(`${base}/-/reload`, { method: 'POST' })).toEqual([200, ''])
    expect(await get(`${base}/-/reload`, { method: 'PUT' })).toEqual([200, ''])
    expect(await get(`${base}/-/reload`, { method: 'POST' })).toEqual([500, 'failed to reload config: monitor.yml:3:1: unknown key "jobs"\n'])
    expect(await get(`${base}/-/reload`, { method: 'POST', headers: { 'Sec-Fetch-Site': 'cross-site' } })).toEqual([403, 'Cross-site requests are refused.'])
    expect(reloads).toBe(3)
  })

  it('shows its metrics in the format asked for', async () => {
    const { base } = await start()
    await get(`${base}/api/v1/query?query=1`)
    await get(`${base}/no/such/page`)
    const text = await fetch(`${base}/metrics`)
    expect(text.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8')
    const body = await text.text()
    expect(body).toContain('prometheus_http_requests_total{handler="/api/v1/query",code="200"} 1\n')
    expect(body).toContain('prometheus_http_requests_total{handler="other",code="404"} 1\n')
    expect(body).toContain('prometheus_http_request_duration_seconds_count{handler="/api/v1/query"} 1\n')
    const open = await fetch(`${base}/metrics`, { headers: { Accept: 'application/openmetrics-text;version=1.0.0;q=0.5,text/plain;q=0.2' } })
    expect(open.headers.get('content-type')).toBe('application/openmetrics-text; version=1.0.0; charset=utf-8')
    expect(await open.text()).toMatch(/# TYPE prometheus_http_requests counter\n[^]*\n# EOF\n$/)
  })
})

describe('the door', () => {
  it('answers unknown paths with 404 and wrong methods with 405 and Allow', async () => {
    const { base } = await start()
    expect(await get(`${base}/api/v1/nope`)).toEqual(failure(404, 'not_found', 'no such endpoint: /api/v1/nope'))
    for (const name of ['', 'U__']) expect(await get(`${base}/api/v1/label/${name}/values`)).toEqual(failure(400, 'bad_data', 'invalid label name: ""'))
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

  it('grants no other site anything', async () => {
    const { base } = await start()
    for (const method of ['GET', 'OPTIONS']) {
      const response = await fetch(`${base}/api/v1/query?query=1`, { method, headers: { Origin: 'https://evil.example' } })
      expect([...response.headers.keys()].filter((name) => name.startsWith('access-control'))).toEqual([])
    }
  })

  it('refuses what is too large or not HTTP', async () => {
    const { base, port } = await start()
    expect(await get(`${base}/api/v1/query`, form(`query=${'x'.repeat(1 << 20)}`))).toEqual(failure(413, 'bad_data', 'Request body is too large'))
    expect(await raw(port, `GET / HTTP/1.1\r\nHost: x\r\nX: ${'x'.repeat(65_536)}\r\n\r\n`)).toMatch(/^HTTP\/1.1 431 /)
    expect(await raw(port, 'POST /api/v1/write HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n')).toMatch(/^HTTP\/1.1 400 /)
    expect(await raw(port, 'not http at all\r\n\r\n')).toMatch(/^HTTP\/1.1 400 /)
    expect((await get(`${base}/api/v1/label/%ff/values`))[0]).toBe(400)
    expect((await get(`${base}/-/healthy`))[0]).toBe(200)
  })

  it('does not mind a form of another type', async () => {
    const { base } = await start()
    const [status, body] = await get(`${base}/api/v1/query?query=up`, { method: 'POST', body: '{"a":', headers: { 'Content-Type': 'application/json' } })
    expect([status, body]).toMatchObject([200, { data: { query: 'up' } }])
  })
})
