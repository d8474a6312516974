// What the server says of itself, and how it is managed: status pages, health, reload, its own metrics.
import { once } from 'node:events'
import net from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { QueryReply } from '../../lang/job.ts'
import { ENDING, RELOAD_FAILED, STARTING, type Notifications } from '../../web/notifications.ts'
import { writeBody } from '../support/remote-write-body.ts'
import { NOW } from '../support/web-server.ts'
import { failure, get, start, success } from './requests.ts'

describe('status', () => {
  it('says what runs and how', async () => {
    const { base, clock } = await start()
    await clock.advance(5000)
    expect(await get(`${base}/api/v1/status/flags`)).toEqual(success({ 'config.file': 'monitor.yml', 'web.listen-address': '127.0.0.1:9090' }))
    expect(await get(`${base}/api/v1/status/config`)).toEqual(success({ yaml: 'global: {}\n' }))
    const [, build] = await get(`${base}/api/v1/status/buildinfo`)
    expect((await get(`${base}/version`))[1]).toEqual((build as { data: unknown }).data)
    expect(build).toMatchObject({ status: 'success', data: { version: '3.14.0', revision: 'abc', application: 'monitor', applicationVersion: '0.1.0' } })
    // As Prometheus and Alertmanager say it: without a charset.
    for (const path of ['/api/v1/status/buildinfo', '/version', '/api/v1/nope', '/api/v1/query']) expect((await fetch(base + path)).headers.get('content-type'), path).toBe('application/json')
    // Grafana takes a server with features for a Mimir.
    expect(build).not.toHaveProperty('data.features')
    expect((await get(`${base}/api/v1/status/runtimeinfo`))[1]).toMatchObject({ data: { startTime: '2023-11-14T22:13:20.000Z', serverTime: '2023-11-14T22:13:25.000Z', reloadConfigSuccess: true, storageRetention: '7d', corruptionCount: 3 } })
  })

  it('asks a worker what the index is made of', async () => {
    const { base, jobs } = await start()
    for (const query of ['', '?limit=3']) expect((await get(`${base}/api/v1/status/tsdb${query}`))[0]).toBe(200)
    expect(jobs).toMatchObject([{ kind: 'cardinality', limit: 10 }, { kind: 'cardinality', limit: 3 }])
    for (const limit of ['0', '-1', 'x', '1.5']) {
      expect(await get(`${base}/api/v1/status/tsdb?limit=${limit}`)).toEqual(failure(400, 'bad_data', 'limit must be a positive number'))
    }
    expect(await get(`${base}/api/v1/status/tsdb?limit=10001`)).toEqual(failure(400, 'bad_data', 'limit must not exceed 10000'))
  })

  it('answers what Grafana probes for with empty lists', async () => {
    const { base } = await start()
    expect(await get(`${base}/api/v1/rules`)).toEqual(success({ groups: [] }))
    expect(await get(`${base}/api/v1/alerts`)).toEqual(success({ alerts: [] }))
  })
})

describe('notifications', () => {
  /** Events of a stream, as they come. */
  async function* events(url: string): AsyncGenerator<unknown> {
    const response = await fetch(url)
    expect([response.status, response.headers.get('content-type'), response.headers.get('cache-control')]).toEqual([200, 'text/event-stream', 'no-cache'])
    let text = ''
    for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
      const parts = (text + chunk).split('\n\n')
      text = parts.pop()!
      for (const part of parts) if (part.startsWith('data: ')) yield JSON.parse(part.slice(6))
    }
  }
  const told = (text: string, active: boolean, date = '2023-11-14T22:13:20.000Z'): object => ({ text, date, active })

  it('are there from the start on, and told to those who listen until the end', async () => {
    let notifications: Notifications | undefined
    const { base, server, clock } = await start((parts) => ({ notifications: (notifications = parts.notifications) }), false)
    const all = (): Promise<[number, unknown]> => get(`${base}/api/v1/notifications`)
    expect(await all()).toEqual(success([told(STARTING, true)]))
    const stream = events(`${base}/api/v1/notifications/live`)
    const next = async (): Promise<unknown> => (await stream.next()).value
    expect(await next()).toEqual(told(STARTING, true))
    server.ready()
    expect(await next()).toEqual(told(STARTING, false))
    expect(await all()).toEqual(success([]))
    await clock.advance(60_000)
    notifications!.add(RELOAD_FAILED)
    expect(await next()).toEqual(told(RELOAD_FAILED, true, '2023-11-14T22:14:20.000Z'))
    expect(await all()).toEqual(success([told(RELOAD_FAILED, true, '2023-11-14T22:14:20.000Z')]))
    // Nobody's stream holds up the end: the clock stands still.
    await server.stop()
    expect(await next()).toEqual(told(ENDING, true, '2023-11-14T22:14:20.000Z'))
    expect(await stream.next()).toEqual({ done: true, value: undefined })
  })

  it('refuse more than 16 listeners without a body, as Prometheus', async () => {
    const { base } = await start()
    const statuses: number[] = []
    for (let i = 0; i < 17; i++) statuses.push((await fetch(`${base}/api/v1/notifications/live`)).status)
    expect(statuses).toEqual([...Array<number>(16).fill(200), 204])
    expect((await fetch(`${base}/api/v1/notifications/live`, { method: 'HEAD' })).status).toBe(200)
  })
})

describe('management', () => {
  it('is ready only when told, and refuses the API until then', async () => {
    const { base, server, jobs } = await start(undefined, false)
    expect(await get(`${base}/-/healthy`)).toEqual([200, 'Monitor is Healthy.\n'])
    expect(await get(`${base}/-/ready`)).toEqual([503, 'Service Unavailable'])
    expect(await get(`${base}/api/v1/query?query=1`)).toEqual(failure(503, 'unavailable', 'the server is starting'))
    expect((await fetch(`${base}/api/v1/labels`)).headers.get('retry-after')).toBe('5')
    expect(await get(`${base}/api/v1/status/walreplay`)).toEqual(success({ min: 0, max: 4, current: 1 }))
    expect((await fetch(`${base}/api/v1/write`, { method: 'POST' })).status, 'pushes are the writer\'s business').toBe(400)
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
    const drained = server.drain()
    answer({ status: 200, body: Buffer.from('{"status":"success","data":1}') })
    expect(await response).toEqual(success(1))
    await drained
    expect((await get(`${base}/-/healthy`))[0], 'it listens until it stops').toBe(200)
    await server.stop()
    await expect(fetch(`${base}/-/healthy`)).rejects.toThrow()
  })

  it('tells balancers first that it will stop, and serves on', async () => {
    const { base, server } = await start()
    server.leave()
    const ready = await fetch(`${base}/-/ready`)
    expect([ready.status, ready.headers.get('x-prometheus-stopping'), ready.headers.get('connection')]).toEqual([503, 'true', 'close'])
    expect((await get(`${base}/api/v1/query?query=1`))[0]).toBe(200)
    expect((await fetch(`${base}/api/v1/write`, { method: 'POST' })).status, 'the writer has looked at it').toBe(400)
  })

  it('listens while it drains, and tells who comes to come again', async () => {
    let isReloaded = false
    const { base, port, server, appender } = await start(({ config, options }) => ({ config: { ...config, reload: async () => void (isReloaded = true) }, options: { ...options, isLifecycleEnabled: true } }))
    const kept = net.connect(port, '127.0.0.1')
    onTestFinished(() => void kept.destroy())
    kept.write('GET /-/ready HTTP/1.1\r\nHost: a\r\n\r\n')
    expect(String((await once(kept, 'data'))[0])).toMatch(/^HTTP\/1.1 200 /)
    await server.drain()
    kept.write('GET /-/ready HTTP/1.1\r\nHost: a\r\n\r\n')
    expect(String((await once(kept, 'data'))[0]), 'on a connection that was there').toMatch(/^HTTP\/1.1 503 [^]*connection: close/i)
    const ready = await fetch(`${base}/-/ready`)
    expect([ready.status, ready.headers.get('x-prometheus-stopping')]).toEqual([503, 'true'])
    const pushed = await fetch(`${base}/api/v1/write`, { method: 'POST', body: new Uint8Array(writeBody([{ labels: [['__name__', 'm']], samples: [[1, NOW]] }])), headers: { 'content-type': 'application/x-protobuf' } })
    expect([pushed.status, pushed.headers.get('retry-after')]).toEqual([503, '5'])
    expect(appender.stored).toEqual([])
    expect(await get(`${base}/api/v1/query?query=1`)).toEqual(failure(503, 'unavailable', 'the server is stopping'))
    expect([(await get(`${base}/-/reload`, { method: 'POST' }))[0], isReloaded]).toEqual([503, false])
    for (const path of ['/-/healthy', '/metrics?name[]=up']) expect((await get(`${base}${path}`))[0]).toBe(200)
  })

  it('reloads only where enabled, by POST or PUT, from the same site', async () => {
    const off = await start()
    for (const path of ['/-/reload', '/alertmanager/-/reload']) expect(await get(`${off.base}${path}`, { method: 'POST' })).toEqual([403, 'Lifecycle API is not enabled.'])
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
    // Plain HTTP on another host than loopback: browsers tell the origin alone.
    for (const Origin of ['http://evil.example', 'null']) {
      expect(await get(`${base}/-/reload`, { method: 'POST', headers: { Origin } })).toEqual([403, 'Cross-site requests are refused.'])
    }
    expect(reloads).toBe(3)
    expect(await get(`${base}/-/reload`, { method: 'POST', headers: { Origin: base } })).toEqual([200, ''])
    // Sidecars that write alertmanager.yml.
    expect(await get(`${base}/alertmanager/-/reload`, { method: 'POST' })).toEqual([200, ''])
    expect(await get(`${base}/alertmanager/-/reload`, { method: 'POST', headers: { Origin: 'null' } })).toEqual([403, 'Cross-site requests are refused.'])
    expect(reloads).toBe(5)
  })

  it('ends the program only where enabled, by POST or PUT, from the same site', async () => {
    const off = await start()
    expect(await get(`${off.base}/-/quit`, { method: 'POST' })).toEqual([403, 'Lifecycle API is not enabled.'])
    let quits = 0
    const { base } = await start((parts) => ({ options: { ...parts.options, isLifecycleEnabled: true, onQuit: () => void quits++ } }))
    expect(await get(`${base}/-/quit`)).toEqual([405, 'Only POST or PUT requests allowed'])
    expect(await get(`${base}/-/quit`, { method: 'POST', headers: { 'Sec-Fetch-Site': 'cross-site' } })).toEqual([403, 'Cross-site requests are refused.'])
    expect(quits).toBe(0)
    expect(await get(`${base}/-/quit`, { method: 'PUT' })).toEqual([200, 'Requesting termination... Goodbye!'])
    expect(quits).toBe(1)
  })

  it('says what serves instead of what only Prometheus has', async () => {
    const { base } = await start()
    expect(await get(`${base}/api/v1/read`, { method: 'POST' })).toEqual(failure(404, 'not_found', 'remote read is not built; ask /api/v1/query and /api/v1/query_range'))
    const body = new FormData()
    body.set('query', 'up')
    expect(await get(`${base}/api/v1/query`, { method: 'POST', body })).toEqual(failure(415, 'bad_data', expect.stringContaining('curl --data-urlencode') as string))
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
