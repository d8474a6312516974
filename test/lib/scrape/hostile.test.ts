// Targets that misbehave: each is named in lastError, stores nothing but up = 0 and scrape_*, ends on time, and costs
// bounded memory. Real sockets and the real clock, with short intervals.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ScrapeConfig } from '../../../lib/config/scrape-config.ts'
import { ScrapeManager, type ActiveTarget } from '../../../lib/scrape/manager.ts'
import { systemClock } from '../../../lib/std/clock.ts'
import { silentLogger } from '../../../lib/std/log.ts'
import { Metrics } from '../../../lib/std/metrics.ts'
import { HostileTarget, type HostileMode } from '../../support/hostile-target.ts'
import { MemoryStorage } from '../../support/memory-storage.ts'
import { NO_LIMITS, PLAIN_HTTP, config, group, scrapeConfig, stored } from '../../support/scrape-fixture.ts'

/** Of targets that are expected to run into it. */
const TIMEOUT_MS = 400
/** Of the others, which answer at once: so long that a busy machine does not turn them into those. */
const LONG_MS = 3000
/** Until a test stops waiting. */
const PATIENCE_MS = 20_000
const BODY_MAX = 1 << 20

let hostile: HostileTarget
let elsewhere: HostileTarget

beforeAll(async () => {
  hostile = await HostileTarget.start()
  elsewhere = await HostileTarget.start()
  hostile.elsewhere = elsewhere.address
})

afterAll(async () => {
  await hostile.close()
  await elsewhere.close()
})

interface Result {
  target: ActiveTarget
  storage: MemoryStorage
  metrics: string
}

/** Scrapes one mode once, or until the test's patience ends. */
function scrapeOnce(mode: HostileMode, changes: Partial<ScrapeConfig> = {}, scrapeTimeoutMs = TIMEOUT_MS): Promise<Result> {
  return scrape(mode, { scrapeIntervalMs: scrapeTimeoutMs + 100, scrapeTimeoutMs, ...changes }, 1)
}

/** Scrapes one mode until `up` was stored so many times. */
async function scrape(mode: HostileMode, changes: Partial<ScrapeConfig>, times: number): Promise<Result> {
  const storage = new MemoryStorage({ now: () => Date.now() })
  const metrics = new Metrics()
  const manager = new ScrapeManager({ appender: storage, clock: systemClock, logger: silentLogger, metrics, version: 'test' })
  const limits = { ...NO_LIMITS, bodySizeBytes: BODY_MAX, labelValueLength: 65_536 }
  manager.applyConfig(config(scrapeConfig({ metricsPath: `/${mode}`, limits, ...changes })))
  manager.updateTargets('test', [group([{ __address__: hostile.address }])])
  const until = Date.now() + PATIENCE_MS
  while ((stored(storage)['up']?.length ?? 0) < times && Date.now() < until) await new Promise((resolve) => setTimeout(resolve, 5))
  const target = manager.targets().active[0]!
  await manager.stop()
  return { target, storage, metrics: await metrics.registry.metrics() }
}

/** Values stored, last of each series. */
function values(storage: MemoryStorage): Record<string, string> {
  return Object.fromEntries(Object.entries(stored(storage)).map(([name, samples]) => [name, samples.at(-1)!.split(':')[1]!]))
}

const NOTHING = { up: '0', scrape_samples_scraped: '0', scrape_samples_post_metric_relabeling: '0', scrape_series_added: '0' }

describe('a hostile target', () => {
  const f = (mode: HostileMode, message: string | RegExp, isTimeout = false): void => {
    it.concurrent(`that does "${mode}" is named and stores nothing`, async ({ expect }) => {
      const { target, storage } = await scrapeOnce(mode, {}, isTimeout ? TIMEOUT_MS : LONG_MS)
      expect(target.lastError).toMatch(message)
      expect(target.health).toBe('down')
      expect(values(storage)).toEqual(NOTHING)
      // Not before the timeout, and not when the target pleases, which is never.
      if (isTimeout) expect(target.lastScrapeDurationMs).toBeGreaterThan(TIMEOUT_MS - 5)
      expect(target.lastScrapeDurationMs).toBeLessThan(PATIENCE_MS)
    })
  }
  f('never-answer', /^Get "http:\/\/127.0.0.1:\d+\/never-answer": context deadline exceeded$/, true)
  f('hang-after-headers', 'context deadline exceeded (after 0 bytes of the body)', true)
  f('drip', /context deadline exceeded \(after \d bytes of the body\)$/, true)
  f('reset', 'connection reset by peer')
  f('close', 'EOF: connection closed without an answer')
  f('half-body', 'unexpected EOF')
  f('cut-chunks', /unexpected EOF|malformed HTTP body/)
  f('cut-gzip', 'gzip: unexpected end of file')
  f('gzip-bomb', 'body size limit exceeded')
  f('huge', 'body size limit exceeded')
  f('endless-chunks', 'body size limit exceeded')
  f('wrong-type', 'received unsupported Content-Type "application/json" and no fallback_scrape_protocol specified for target')
  f('no-type', 'non-compliant scrape target sending blank Content-Type')
  f('html', 'received unsupported Content-Type "text/html; charset=utf-8"')
  f('partial', 'server returned HTTP status 206 Partial Content')
  f('error', 'server returned HTTP status 500 Internal Server Error')
  f('not-http', 'malformed HTTP response')
  f('redirect-loop', 'stopped after 10 redirects')
  f('big-headers', 'response headers are larger than 16 KiB')

  it.concurrent('that hangs is tried at each interval, also where the timeout is as long', async ({ expect }) => {
    const { storage, metrics } = await scrape('never-answer', { scrapeIntervalMs: TIMEOUT_MS, scrapeTimeoutMs: TIMEOUT_MS }, 5)
    expect(stored(storage)['up']).toHaveLength(5)
    // One, where a busy machine had the timers come late.
    expect(metrics).toMatch(/^monitor_target_scrapes_skipped_total [01]$/m)
  })

  it('with invalid UTF-8 is refused, never repaired', async () => {
    const { target, storage } = await scrapeOnce('bad-utf8')
    expect(target.lastError).toMatch(/^line 3: invalid UTF-8/)
    expect(values(storage)).toMatchObject({ up: '0', scrape_samples_scraped: '2' })
    expect(JSON.stringify(storage.dump())).not.toContain('good_metric')
  })

  it('with a label of 2 MB is over the limit', async () => {
    const { target, storage } = await scrapeOnce('big-label', { limits: { ...NO_LIMITS, labelValueLength: 65_536 } })
    expect(target.lastError).toContain('label_value_length_limit exceeded (metric: big, label name: label')
    expect(target.lastError.length).toBeLessThan(400)
    expect(values(storage)).toMatchObject({ up: '0' })
    expect(Object.keys(values(storage))).toHaveLength(4)
  })

  it('with duplicates keeps the first of each, and is up', async () => {
    const { target, storage, metrics } = await scrapeOnce('duplicates')
    expect(target.lastError).toBe('')
    expect(values(storage)).toMatchObject({ twice: '1', once: '3', up: '1', scrape_samples_scraped: '3' })
    expect(metrics).toContain('prometheus_target_scrapes_sample_duplicate_timestamp_total 1')
  })

  it('with times far ahead loses those samples only', async () => {
    const { target, storage, metrics } = await scrapeOnce('future')
    expect(target.lastError).toBe('')
    expect(values(storage)).toMatchObject({ now: '2', up: '1' })
    expect(values(storage)).not.toHaveProperty('ahead')
    expect(metrics).toContain('prometheus_target_scrapes_sample_out_of_bounds_total 1')
  })

  it('is cut off while it streams: neither 100 MB nor a bomb are held', async () => {
    const sentBefore = hostile.sentBytes
    const before = process.memoryUsage.rss()
    const { target, metrics } = await scrapeOnce('huge')
    expect(target.lastError).toContain(`body size limit exceeded (${BODY_MAX} bytes, uncompressed)`)
    expect(metrics).toContain('prometheus_target_scrapes_exceeded_body_size_limit_total 1')
    // What the socket buffers of two processes hold, far from 100 MiB.
    expect(hostile.sentBytes - sentBefore).toBeLessThan(30 << 20)
    expect(process.memoryUsage.rss() - before).toBeLessThan(80 << 20)
  })
})

describe('a redirect', () => {
  const secret = { ...PLAIN_HTTP, authorization: { type: 'Bearer', credentials: 'the-token', credentialsFile: '' }, httpHeaders: new Map([['X-Key', ['the-key']]]) }

  it('to another host goes without credentials', async () => {
    const { target } = await scrapeOnce('redirect-away', { http: secret })
    expect(target.lastError).toBe('')
    const asked = hostile.requests.findLast((request) => request.path === '/redirect-away')!
    expect(asked.headers.get('authorization')).toBe('Bearer the-token')
    expect(asked.headers.get('x-key')).toBe('the-key')
    const followed = elsewhere.requests.findLast((request) => request.path === '/good')!
    expect(followed.headers.has('authorization')).toBe(false)
    expect(followed.headers.has('x-key')).toBe(false)
    expect(JSON.stringify([...followed.headers])).not.toMatch(/the-token|the-key/)
  })

  it('on the same host keeps them', async () => {
    const { target } = await scrapeOnce('redirect-home', { http: secret })
    expect(target.lastError).toBe('')
    expect(hostile.requests.findLast((request) => request.path === '/good')!.headers.get('authorization')).toBe('Bearer the-token')
  })

  it('is an error with follow_redirects: false', async () => {
    const { target } = await scrapeOnce('redirect-home', { http: { ...PLAIN_HTTP, followRedirects: false } })
    expect(target.lastError).toBe('server returned HTTP status 302 Found')
  })
})

describe('a request', () => {
  it('says what it takes, in which order, and how long it waits', async () => {
    await scrapeOnce('good', { params: new Map([['match[]', ['a b', 'c']]]) })
    const { path, headers } = hostile.requests.findLast((request) => request.path.startsWith('/good'))!
    expect(path).toBe('/good?match%5B%5D=a+b&match%5B%5D=c')
    expect(headers.get('accept')).toBe(
      'application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5,'
      + 'text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2')
    expect(headers.get('accept-encoding')).toBe('gzip')
    expect(headers.get('user-agent')).toBe('Monitor/test')
    expect(headers.get('x-prometheus-scrape-timeout-seconds')).toBe('0.4')
  })

  it('carries basic_auth', async () => {
    await scrapeOnce('good', { http: { ...PLAIN_HTTP, basicAuth: { username: 'me', password: 'p:w', usernameFile: '', passwordFile: '' } } })
    expect(hostile.requests.at(-1)!.headers.get('authorization')).toBe(`Basic ${Buffer.from('me:p:w').toString('base64')}`)
  })

  it('uses the fallback protocol for a target without a type', async () => {
    const { target, storage } = await scrapeOnce('no-type', { fallbackScrapeProtocol: 'PrometheusText0.0.4' })
    expect(target.lastError).toBe('')
    expect(values(storage)).toMatchObject({ 'good_metric{a="b"}': '1', up: '1' })
  })

  it('to nobody says so', async () => {
    const gone = await HostileTarget.start()
    const { address } = gone
    await gone.close()
    const { target } = await scrapeOnce('good', { relabelConfigs: [{ sourceLabels: [], separator: ';', regex: '(.*)', modulus: 0, targetLabel: '__address__', replacement: address, action: 'replace' }] })
    expect(target.lastError).toBe(`Get "http://${address}/good": connect: connection refused`)
  })
})
