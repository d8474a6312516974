// http_sd_configs against a real server.
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { setImmediate } from 'node:timers/promises'
import { describe, expect, it, onTestFinished } from 'vitest'
import { DiscoveryManager, DiscoveryMetrics } from '../../discovery/manager.ts'
import { HttpDiscoverer } from '../../discovery/http.ts'
import { loadConfig } from '../../lib/config/load.ts'
import type { ScrapeConfig } from '../../lib/config/scrape-config.ts'
import type { TargetGroup } from '../../lib/model/target-group.ts'
import { FakeClock } from '../../lib/std/clock.ts'
import { Logger, silentLogger } from '../../lib/std/log.ts'
import { Metrics } from '../../lib/std/metrics.ts'

interface Answer {
  status?: number
  type?: string
  body: string
}

/** A server that gives `answers.now`, and what it was asked. */
async function listServer(): Promise<{ url: string; answers: { now: Answer }; asked: http.IncomingMessage[] }> {
  const answers: { now: Answer } = { now: { body: '[]' } }
  const asked: http.IncomingMessage[] = []
  const server = http.createServer((request, reply) => {
    asked.push(request)
    const { status = 200, type = 'application/json', body } = answers.now
    reply.writeHead(status, { 'content-type': type }).end(body)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/list`, answers, asked }
}

function jobOf(url: string, more = ''): ScrapeConfig {
  const { config } = loadConfig(`scrape_configs: [{job_name: a, http_sd_configs: [{url: '${url}'${more}}]}]`, 'monitor.yml', { strict: true, env: {} })
  return config.scrapeConfigs[0]!
}

interface Watched {
  clock: FakeClock
  log: string[]
  /** What comes of the next refresh: groups as `source labels: targets`, or `failed`. */
  next: () => Promise<string[]>
  stop: () => Promise<void>
}

function watch(config: ScrapeConfig): Watched {
  const clock = new FakeClock()
  const log: string[] = []
  const logger = new Logger({ level: 'info', format: 'logfmt', clock, write: (line) => log.push(line) })
  const done: string[][] = []
  let wake = (): void => {}
  const give = (what: string[]): void => {
    done.push(what)
    wake()
  }
  const stop = new AbortController()
  const discoverer = new HttpDiscoverer({ config: config.httpSdConfigs[0]!, clock, logger, version: '1.2.3', onError: () => give(['failed']) })
  const ended = discoverer.run((groups) => give(groups.map(shown)), stop.signal)
  const watched: Watched = {
    clock, log,
    next: async () => {
      while (done.length === 0) await new Promise<void>((resolve) => (wake = resolve))
      // The timer of the refresh that follows is set in the same turn.
      await setImmediate()
      return done.shift()!
    },
    stop: () => {
      stop.abort()
      return ended
    },
  }
  onTestFinished(() => watched.stop())
  return watched
}

function shown({ source, labels, targets }: TargetGroup): string {
  const own = [...labels].map(([name, value]) => `${name}=${value}`).join()
  return `${source.replace(/^.*\/list/, '/list')} ${own.replace(/http:\S*\/list/, '/list')}: ${targets.map((target) => target.get('__address__')).join()}`
}

describe('http_sd_configs', () => {
  it('asks as Prometheus asks, takes groups, and takes away those that are gone', async () => {
    const { url, answers, asked } = await listServer()
    answers.now = { type: 'application/json; charset=utf-8', body: '[{"targets":["a:1","b:1"],"labels":{"env":"prod"}},{"targets":["c:1"]}]' }
    const { clock, next } = watch(jobOf(url, ', refresh_interval: 30s, basic_auth: {username: u, password: p}, http_headers: {X-Scope: {values: [t]}}'))
    expect(await next()).toEqual(['/list:0 env=prod,__meta_url=/list: a:1,b:1', '/list:1 __meta_url=/list: c:1'])
    expect(asked[0]!.headers).toMatchObject({
      accept: 'application/json', 'user-agent': 'Monitor/1.2.3', 'x-prometheus-refresh-interval-seconds': '30', authorization: 'Basic dTpw', 'x-scope': 't',
    })
    answers.now = { body: '[{"targets":["b:1"],"labels":{"env":"prod"}}]' }
    await clock.advance(29_999)
    expect(asked).toHaveLength(1)
    await clock.advance(1)
    expect(await next()).toEqual(['/list:0 env=prod,__meta_url=/list: b:1', '/list:1 __meta_url=/list: '])
    // Programs in Go write an empty list so.
    answers.now = { body: 'null' }
    await clock.advance(30_000)
    expect(await next()).toEqual(['/list:0 env=prod,__meta_url=/list: '])
  })

  it('keeps what came last while there is no good answer, and says why', async () => {
    const { url, answers } = await listServer()
    answers.now = { body: '[{"targets":["a:1"]},{"targets":["b:1"]}]' }
    const { clock, log, next } = watch(jobOf(url))
    expect(await next()).toHaveLength(2)
    const f = async (answer: Answer, reason: string): Promise<void> => {
      answers.now = answer
      await clock.advance(60_000)
      expect(await next()).toEqual(['failed'])
      expect(log.pop()).toContain(reason)
    }
    await f({ status: 503, body: '[]' }, 'server returned HTTP status 503 Service Unavailable')
    await f({ status: 204, body: '' }, 'server returned HTTP status 204')
    await f({ type: 'text/html', body: '[]' }, 'unsupported content type')
    await f({ body: '{"targets": []}' }, 'want a list of {targets, labels}')
    await f({ body: '[{"targets":["a:1"]},{"target":["b:1"]}]' }, 'entry 2: unknown key')
    await f({ body: '[null]' }, 'entry 1: want {targets, labels}')
    await f({ body: '[' }, '/list:1:')
    answers.now = { body: '[]' }
    await clock.advance(60_000)
    expect(await next()).toEqual(['/list:0 __meta_url=/list: ', '/list:1 __meta_url=/list: '])
  })

  it('hands on what each of two gave to the one in its place', async () => {
    const servers = [await listServer(), await listServer()]
    servers.forEach(({ answers }, i) => (answers.now = { body: `[{"targets":["${'ab'[i]}:1"]}]` }))
    const clock = new FakeClock()
    const metrics = new Metrics()
    const updates: string[] = []
    const manager = new DiscoveryManager({
      name: 'scrape', version: '1', clock, metrics: new DiscoveryMetrics(metrics), logger: silentLogger,
      update: (_, groups) => updates.push(groups.flatMap(({ targets }) => targets.map((target) => target.get('__address__'))).join()),
    })
    onTestFinished(() => manager.stop())
    const jobs = (more: string): ScrapeConfig => ({ ...jobOf(servers[0]!.url, more), httpSdConfigs: servers.flatMap(({ url }) => jobOf(url, more).httpSdConfigs) })
    manager.applyConfig([jobs('')])
    while (!(await metrics.registry.metrics()).includes('prometheus_sd_received_updates_total{name="scrape"} 2')) await setImmediate()
    await clock.advance(5000)
    for (const { answers } of servers) answers.now = { status: 500, body: '' }
    await clock.advance(5000)
    manager.applyConfig([jobs(', refresh_interval: 7s')])
    expect(updates.at(-1)).toBe('a:1,b:1')
  })

  it('goes on through a reload that leaves it alone, and ends with its job', async () => {
    const { url, answers, asked } = await listServer()
    answers.now = { body: '[{"targets":["a:1"]}]' }
    const clock = new FakeClock()
    const metrics = new Metrics()
    let wake = (): void => {}
    const updates: string[] = []
    const manager = new DiscoveryManager({
      name: 'scrape', version: '1', clock, metrics: new DiscoveryMetrics(metrics), logger: silentLogger,
      update: (_, groups) => {
        updates.push(groups.flatMap(({ targets }) => targets.map((target) => target.get('__address__'))).join())
        wake()
      },
    })
    onTestFinished(() => manager.stop())
    const job = jobOf(url)
    manager.applyConfig([job])
    // Nothing is known yet; what comes is handed on 5 s after that.
    expect(updates).toEqual([''])
    while (!(await metrics.registry.metrics()).includes('prometheus_sd_received_updates_total{name="scrape"} 1')) await setImmediate()
    manager.applyConfig([jobOf(url)])
    await clock.advance(5000)
    expect(updates).toEqual(['', 'a:1'])
    expect(asked).toHaveLength(1)
    // Another configuration asks anew; until its answer is here what is known stays.
    answers.now = { status: 500, body: '' }
    await clock.advance(5000)
    manager.applyConfig([jobOf(url, ', refresh_interval: 7s')])
    expect(updates.slice(2)).toEqual(['a:1'])
    while (!(await metrics.registry.metrics()).includes('prometheus_sd_http_failures_total 1')) await setImmediate()
    await clock.advance(5000)
    expect(updates.slice(2).filter((targets) => targets !== 'a:1')).toEqual([])
    answers.now = { body: '[{"targets":["b:1"]}]' }
    await clock.advance(2000)
    while (!(await metrics.registry.metrics()).includes('prometheus_sd_received_updates_total{name="scrape"} 2')) await setImmediate()
    await clock.advance(5000)
    expect(updates.at(-1)).toBe('b:1')
    const count = asked.length
    manager.applyConfig([])
    await clock.advance(300_000)
    expect(asked).toHaveLength(count)
  })
})
