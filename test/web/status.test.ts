// What the server says of itself, and how it is managed: status pages, health, reload, its own metrics.
import { describe, expect, it } from 'vitest'
import type { QueryReply } from '../../lang/job.ts'
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

describe('management', () => {
  it('is ready only when told, and refuses the API until then', async () => {
    const { base, server, jobs } = await start(undefined, false)
    expect(await get(`${base}/-/healthy`)).toEqual([200, 'Monitor is Healthy.\n'])
    expect(await get(`${base}/-/ready`)).toEqual([503, 'Service Unavailable'])
    expect(await get(`${base}/api/v1/query?query=1`)).toEqual(failure(503, 'unavailable', 'the server is starting'))
    expect((await fetch(`${base}/api/v1/labels`)).headers.get('retry-after')).toBe('5')
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
    const stopped = server.stop()
    answer({ status: 200, body: Buffer.from('{"status":"success","data":1}') })
    expect(await response).toEqual(success(1))
    await stopped
    await expect(fetch(`${base}/-/healthy`)).rejects.toThrow()
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
