// Queries and label lists over HTTP: parameters become jobs, jobs' bytes become answers.
import net from 'node:net'
import { gunzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import type { QueryJob, QueryReply } from '../../lang/job.ts'
import { NOW, echoJob } from '../support/web-server.ts'
import { failure, form, get, raw, start, success } from './requests.ts'

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
    const warnings = ['value "1" for parameter "stats" is deprecated and will be rejected in the next major release, use "true" or "all"']
    await f('query?query=up&timeout=10m&lookback_delta=0&stats=1', { ...instant, stats: 'true', warnings })
    await f('query?query=up&limit=9223372036854775807&timeout=9223372036.854775', { ...instant, limit: 2 ** 63 })
    await f('query?query=up&tier=1h', { ...instant, tier: '1h' })
    await f('query?query=%7Ba%3D%22%C3%A9%2B%22%7D', { ...instant, query: '{a="é+"}' })
    await f('query', { ...instant, query: '' })
    await f('query_range?query=up&start=1&end=61&step=15', range)
    await f('query_range', { ...range, tier: 'raw' }, form('query=up&start=1&end=61&step=15&tier=raw'))
    await f('query_range', range, form('query=up&start=1970-01-01T00:00:01Z&end=61&step=15s'))
    await f('query_range?query=up&start=0&end=11000&step=1', { ...range, startMs: 0, endMs: 11_000_000, stepMs: 1000 })
    const labels = { matches: [] as string[], limit: 0, startMs: -8.64e15, endMs: 8.64e15, timeoutMs: 120_000 }
    await f('series?match[]=up&match%5B%5D=down&start=1&end=2', { ...labels, kind: 'series', matches: ['up', 'down'], startMs: 1000, endMs: 2000 })
    await f('series', { ...labels, kind: 'series', matches: ['up'], limit: 40_000 }, form('match[]=up&limit=40000'))
    await f('labels', { ...labels, kind: 'labels' })
    await f('labels', { ...labels, kind: 'labels', matches: ['up'] }, form('match[]=up'))
    const exemplars = { kind: 'exemplars', query: 'up', limit: 0, startMs: 1000, endMs: 2000, timeoutMs: 120_000 }
    await f('query_exemplars?query=up&start=1&end=2', exemplars)
    await f('query_exemplars', { ...exemplars, startMs: -8.64e15, endMs: 8.64e15 }, form('query=up'))
    // Grafana's probe, with ms for seconds.
    await f('query_exemplars?query=up&start=1700000000000&end=1700000300000', { ...exemplars, startMs: 1_700_000_000_000_000, endMs: 1_700_000_300_000_000 })
    await f('label/job/values?match[]=up', { ...labels, kind: 'labelValues', name: 'job', matches: ['up'] })
    await f('label/U__a_20_b/values', { ...labels, kind: 'labelValues', name: 'a b' })
    await f('label/a%2Fb/values', { ...labels, kind: 'labelValues', name: 'a/b' })
  })

  it('with bad parameters are refused in the words of Prometheus 3.5', async () => {
    const { base, jobs } = await start()
    const f = async (path: string, error: string): Promise<void> => expect(await get(`${base}/api/v1/${path}`)).toEqual(failure(400, 'bad_data', error))
    await f('query?query=1&time=abc', `invalid parameter "time": invalid time value for 'time': cannot parse "abc" to a valid timestamp`)
    await f('query_exemplars?query=x&start=abc', `invalid parameter "start": invalid time value for 'start': cannot parse "abc" to a valid timestamp`)
    await f('query_exemplars?query=x&start=5&end=1', 'end timestamp must not be before start timestamp')
    await f('query?query=1&timeout=abc', 'invalid parameter "timeout": cannot parse "abc" to a valid duration')
    for (const timeout of ['0', '0s', '0.0', '-1', '-0.001']) {
      await f(`query?query=1&timeout=${timeout}`, 'invalid parameter "query": context deadline exceeded')
      await f(`query_range?query=1&start=1&end=2&step=1&timeout=${timeout}`, 'invalid parameter "query": context deadline exceeded')
    }
    await f('query?query=1&timeout=-1s', 'invalid parameter "timeout": cannot parse "-1s" to a valid duration')
    await f('query?query=1&timeout=99999999999999', 'invalid parameter "timeout": cannot parse "99999999999999" to a valid duration. It overflows int64')
    await f('query?query=1&tier=5m', 'invalid parameter "tier": there is no tier "5m"; there are raw, 1m, 1h')
    await f('query?query=1&limit=-1', 'invalid parameter "limit": limit must be non-negative')
    await f('query?query=1&limit=9223372036854775808', 'invalid parameter "limit": strconv.Atoi: parsing "9223372036854775808": value out of range')
    await f('query?query=1&timeout=-Inf', 'invalid parameter "timeout": cannot parse "-Inf" to a valid duration. It overflows int64')
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
    expect(await f('large', 'Accept-Encoding: gzip, zstd\r\n')).toMatch(/^HTTP\/1.1 200 .*content-encoding: zstd\r\n/is)
    expect(await f('large', '')).not.toMatch(/content-encoding/i)
    expect(await f('large', '')).toMatch(/vary: accept-encoding/i)
    expect(await f('small', 'Accept-Encoding: gzip\r\n')).not.toMatch(/content-encoding/i)
  })

  it.each(['gzip', 'zstd'])('are compressed in parts where they are larger still, each byte of them: %s', async (encoding) => {
    // Ends before, at and behind the end of a part.
    for (const length of [524_289, 1_048_576, 1_048_577, 3_000_001]) {
      const body = Buffer.alloc(length)
      for (let i = 0; i < length; i++) body[i] = (i * i) >>> 7
      const { base } = await start(() => ({ queries: { run: async () => ({ status: 200, body: Buffer.from(body) }) } }))
      const ask = async (): Promise<boolean> => {
        const reply = await fetch(`${base}/api/v1/query?query=large`, { headers: { 'accept-encoding': encoding } })
        return reply.headers.get('content-encoding') === encoding && Buffer.from(await reply.arrayBuffer()).equals(body)
      }
      expect(await ask()).toBe(true)
      // Threads are given back: there is one for the next.
      expect([await ask(), await ask(), await ask()]).toEqual([true, true, true])
    }
  })

  it('leave no memory behind once they are sent, large ones', async () => {
    const bodies = [300_000, 3_000_000].map((length) => new Uint8Array(length).fill(65))
    let asked = 0
    const { base } = await start(() => ({ queries: { run: async () => ({ status: 200, body: bodies[asked++]! }) } }))
    for (const [encoding, body] of [['identity', bodies[0]!], ['gzip', bodies[1]!]] as const) {
      const { length } = body
      const reply = await fetch(`${base}/api/v1/query?query=large`, { headers: { 'accept-encoding': encoding } })
      expect(await reply.text()).toBe('A'.repeat(length))
      await expect.poll(() => body.length).toBe(0)
    }
  })

  it.each(['gzip', 'zstd'])('are not packed for a HEAD: their memory is given back while that were under way: %s', async (encoding) => {
    const { base } = await start(() => ({ queries: { run: async () => ({ status: 200, body: new Uint8Array(20_000_000).fill(65) }) } }))
    for (let i = 0; i < 4; i++) {
      const { status, headers } = await fetch(`${base}/api/v1/query?query=large`, { method: 'HEAD', headers: { 'accept-encoding': encoding } })
      expect([status, headers.get('content-encoding'), headers.get('content-length'), headers.get('vary')]).toEqual([200, null, '20000000', 'Accept-Encoding'])
    }
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
