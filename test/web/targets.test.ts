// Targets and their metadata over HTTP.
import { describe, expect, it } from 'vitest'
import { compileSelector } from '../../cmd/selector.ts'
import type { ServerParts } from '../../web/parts.ts'
import { NOW } from '../support/web-server.ts'
import { failure, get, start, success } from './requests.ts'

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
      activeTargets: () => [{ ...active, scrapePool: 'q', lastScrapeMs: 0, health: 'unknown' as const }, active],
      droppedTargets: () => [{ discoveredLabels: new Map([['__address__', 'd:1']]), scrapePool: 'p' }],
      droppedCounts: () => new Map([['p', 3], ['q', 0]]),
    },
    metadata: { metadata: (metric) => entries.filter((entry) => metric === '' || entry.metric === metric) },
    selectors: { compile: compileSelector },
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

  it('are in pools', async () => {
    const { base } = await start(parts)
    expect(await get(`${base}/api/v1/scrape_pools`)).toEqual(success({ scrapePools: ['p', 'q'] }))
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
    expect(await get(`${base}/api/v1/targets/metadata?metric=m&limit=9223372036854775807&match_target=${encodeURIComponent('{job=~".*"}')}`)).toEqual(success([{ ...b, target: { job: 'a' } }, b]))
    expect(await get(`${base}/api/v1/targets/metadata?limit=1`)).toEqual(success([{ ...b, target: { job: 'a' }, metric: 'm' }]))
    expect(await get(`${base}/api/v1/targets/metadata?metric=none`)).toEqual(success([]))
    expect(await get(`${base}/api/v1/targets/metadata?match_target=x{`)).toEqual(failure(400, 'bad_data', 'invalid parameter "match_target": 1:3: parse error: unexpected end of input inside braces'))
  })
})
