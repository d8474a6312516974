// Schedule, staleness and reload, on a clock turned by hand over real sockets: after each turn the test waits until
// the scrapes it set off have been stored.
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import type { ScrapeConfig } from '../../../lib/config/scrape-config.ts'
import { ScrapeManager } from '../../../lib/scrape/manager.ts'
import { FakeClock } from '../../../lib/std/clock.ts'
import { silentLogger } from '../../../lib/std/log.ts'
import { Metrics } from '../../../lib/std/metrics.ts'
import { MemoryStorage } from '../../support/memory-storage.ts'
import { NO_LIMITS, config, group, relabelConfig, scrapeConfig, stored } from '../../support/scrape-fixture.ts'

const START = 1_700_000_000_000

/** Its timers go off late by what it slept. */
class SleepyClock extends FakeClock {
  lateMs = 0

  override monotonic(): number {
    return super.monotonic() + this.lateMs
  }
}

class Site {
  body = 'a 1\n'
  requests = 0
  isSlow = false
  readonly clock = new SleepyClock(START)
  readonly storage = new MemoryStorage()
  readonly metrics = new Metrics()
  readonly manager = new ScrapeManager({ appender: this.storage, clock: this.clock, logger: silentLogger, metrics: this.metrics, version: 'test' })
  readonly #held: http.ServerResponse[] = []
  readonly #server = http.createServer((_, response) => {
    this.requests++
    response.writeHead(200, { 'content-type': 'text/plain' })
    if (this.isSlow) this.#held.push(response)
    else response.end(this.body)
  })

  async listen(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve))
  }

  get address(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  apply(changes: Partial<ScrapeConfig> = {}): void {
    this.manager.applyConfig(config(scrapeConfig(changes)))
  }

  discover(...targets: Record<string, string>[]): void {
    this.manager.updateTargets('test', [group(targets.length > 0 ? targets : [{ __address__: this.address }])])
  }

  /** Turns the clock in steps of 100 ms and lets each step's scrapes end. */
  async advance(ms: number): Promise<void> {
    for (let done = 0; done < ms; done += 100) {
      const before = this.requests
      await this.clock.advance(100)
      await this.settle(before)
    }
  }

  /** Turns the clock by the length of an interval in which no scrape ends by its deadline. */
  async turn(ms: number): Promise<void> {
    const before = this.requests
    await this.clock.advance(ms)
    await this.settle(before)
  }

  /** Waits until every scrape begun is answered and stored, or a moment if none begins. */
  async settle(before: number): Promise<void> {
    for (let quiet = 0, seen = before; quiet < 8;) {
      await new Promise((resolve) => setTimeout(resolve, 1))
      quiet = this.requests === seen ? quiet + 1 : 0
      seen = this.requests
    }
  }

  times(series = 'a'): string[] {
    return stored(this.storage)[series] ?? []
  }

  async close(): Promise<void> {
    await this.manager.stop()
    for (const response of this.#held) response.destroy()
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }
}

let site: Site
beforeEach(async () => {
  site = new Site()
  await site.listen()
})
afterEach(() => site.close())

const FAST = { scrapeIntervalMs: 1000, scrapeTimeoutMs: 500 }
const at = (samples: string[]): number[] => samples.map((sample) => Number(sample.split(':')[0]))

describe('the schedule', () => {
  it('scrapes once per interval, at the same place of each', async () => {
    site.apply(FAST)
    site.discover()
    await site.advance(4000)
    const times = at(site.times())
    expect(times).toHaveLength(4)
    for (const t of times) expect(t % 1000).toBe(times[0]! % 1000)
    expect(times[3]! - times[0]!).toBe(3000)
    expect(times[0]!).toBeGreaterThan(START)
  })

  it('follows a wall clock that is set, without a burst', async () => {
    site.apply(FAST)
    site.discover()
    await site.advance(2000)
    site.clock.jump(-60_000)
    await site.advance(2000)
    const times = at(site.times()).toSorted((x, y) => x - y)
    expect(times).toHaveLength(4)
    expect(times[1]! - times[0]!).toBe(1000)
    expect(times[2]! - times[1]!).toBe(60_000 - 3000)
  })

  it('keeps its times even once the clock was set, though it wobbles', async () => {
    site.apply()
    site.discover()
    await site.turn(10_000)
    site.clock.jump(3_600_000)
    await site.turn(10_000)
    const before = site.times().length
    for (const ms of [1, -1, 1]) {
      site.clock.jump(ms)
      await site.turn(10_000)
    }
    const times = at(site.times()).slice(before)
    expect([times[1]! - times[0]!, times[2]! - times[1]!]).toEqual([10_000, 10_000])
  })

  it('leaves out what it slept through, and counts it', async () => {
    site.apply(FAST)
    site.discover()
    await site.advance(2000)
    site.clock.lateMs += 3000
    site.clock.jump(3000)
    await site.advance(2000)
    const times = at(site.times())
    expect(times.map((t, i) => (i === 0 ? 0 : t - times[i - 1]!))).toEqual([0, 1000, 4000, 1000])
    expect(await site.metrics.registry.getSingleMetricAsString('monitor_target_scrapes_skipped_total')).toMatch(/ 3$/)
  })

  it('merges equal targets', async () => {
    site.apply(FAST)
    site.discover({ __address__: site.address }, { __address__: site.address, __meta_only: 'this' })
    expect(site.manager.targets().active).toHaveLength(1)
    await site.advance(1000)
    expect(site.requests).toBe(1)
  })

  it('ends a scrape at its timeout, and the next one comes on time', async () => {
    site.apply(FAST)
    site.discover()
    site.isSlow = true
    await site.advance(2000)
    expect(site.manager.targets().active[0]!.lastError).toContain('context deadline exceeded')
    site.isSlow = false
    await site.advance(1000)
    const ups = site.times('up')
    expect(ups.map((sample) => sample.split(':')[1]).slice(0, 1)).toEqual(['0'])
    expect(ups.at(-1)).toMatch(/:1$/)
    const times = at(ups)
    expect(times.at(-1)! - times.at(-2)!).toBe(1000)
  })
})

describe('an end', () => {
  it('aborts the scrapes that are under way, and no others: each costs an error with its stack', async () => {
    const abort = vi.spyOn(AbortController.prototype, 'abort')
    onTestFinished(() => abort.mockRestore())
    // Timeouts go by the real clock, and a machine at work takes long for these turns.
    const patient = { scrapeIntervalMs: 10_000, scrapeTimeoutMs: 10_000 }
    site.apply(patient)
    site.discover()
    await site.clock.advance(10_000)
    await vi.waitFor(() => expect(site.times('up')).toHaveLength(1), 5000)
    await site.manager.stop()
    expect(abort).toHaveBeenCalledTimes(0)
    site.isSlow = true
    site.apply(patient)
    site.discover()
    await site.clock.advance(10_000)
    await vi.waitFor(() => expect(site.requests).toBe(2), 5000)
    await site.manager.stop()
    expect(abort).toHaveBeenCalledTimes(1)
    expect(site.times('up')).toHaveLength(1)
  })
})

describe('staleness', () => {
  it('of a removed target comes after two intervals and a tenth, at the tick it missed', async () => {
    site.apply(FAST)
    site.discover()
    await site.advance(2000)
    const last = at(site.times()).at(-1)!
    site.manager.updateTargets('test', [])
    await site.clock.advance(last + 2100 - site.clock.now() - 1)
    expect(site.times()).toHaveLength(2)
    await site.clock.advance(2)
    expect(site.times().slice(2)).toEqual([`${last + 1000}:stale`])
    expect(site.times('up').slice(2)).toEqual([`${last + 1000}:stale`])
  })

  it('of one that goes after the wall clock was set is written at the time it is by then', async () => {
    site.apply(FAST)
    site.discover()
    await site.advance(2000)
    site.clock.jump(3_600_000)
    const goneMs = site.clock.now()
    site.manager.updateTargets('test', [])
    await site.clock.advance(5000)
    expect(site.times().slice(2)).toEqual([`${goneMs}:stale`])
  })

  it('does not befall a target that comes back in time', async () => {
    site.apply(FAST)
    site.discover()
    await site.advance(2000)
    site.manager.updateTargets('test', [])
    await site.advance(500)
    site.discover()
    await site.advance(5000)
    expect(site.times().filter((sample) => sample.endsWith('stale'))).toEqual([])
    expect(site.times('up').filter((sample) => sample.endsWith('stale'))).toEqual([])
  })

  it('does not come with a shutdown', async () => {
    site.apply(FAST)
    site.discover()
    await site.advance(1500)
    const before = stored(site.storage)
    await site.manager.stop()
    await site.clock.advance(10_000)
    expect(stored(site.storage)).toEqual(before)
  })

  it('of a job that is no longer configured comes as well', async () => {
    site.apply(FAST)
    site.discover()
    await site.advance(1000)
    site.manager.applyConfig(config())
    await site.clock.advance(4000)
    expect(site.times().at(-1)).toMatch(/:stale$/)
    expect(site.manager.targets().active).toEqual([])
  })
})

describe('a reload', () => {
  it('with the same configuration changes nothing', async () => {
    site.apply(FAST)
    site.discover()
    await site.advance(1000)
    site.apply(FAST)
    await site.advance(2000)
    expect(at(site.times()).map((t, i, all) => (i === 0 ? 0 : t - all[i - 1]!))).toEqual([0, 1000, 1000])
  })

  it('with another one keeps cache, schedule and state of its targets, and marks nothing', async () => {
    site.apply(FAST)
    site.discover()
    await site.advance(1000)
    site.apply({ ...FAST, scrapeTimeoutMs: 600, extraScrapeMetrics: true })
    expect(site.manager.targets().active[0]!.health).toBe('up')
    await site.advance(4000)
    const times = at(site.times())
    expect(times.map((t, i) => (i === 0 ? 0 : t - times[i - 1]!))).toEqual([0, 1000, 1000, 1000, 1000])
    expect(JSON.stringify(stored(site.storage))).not.toContain('stale')
    expect(site.times('scrape_series_added').map((sample) => sample.split(':')[1])).toEqual(['1', '0', '0', '0', '0'])
    expect(site.times('scrape_timeout_seconds').at(-1)).toMatch(/:0.6$/)
  })

  it('that makes two targets one scrapes that once', async () => {
    site.apply(FAST)
    site.discover({ __address__: site.address, __param_x: '1' }, { __address__: site.address, __param_x: '2' })
    await site.advance(1000)
    expect(site.requests).toBe(2)
    site.apply({ ...FAST, relabelConfigs: [relabelConfig({ sourceLabels: ['__param_x'], regex: '2', action: 'drop' })] })
    expect(site.manager.targets().active).toHaveLength(1)
    await site.advance(3000)
    expect(site.requests).toBe(5)
  })

  it('that changes external_labels puts targets at other places of their interval', async () => {
    site.apply({})
    site.discover()
    for (let n = 0; n < 2; n++) await site.turn(10_000)
    const given = config(scrapeConfig({}))
    site.manager.applyConfig({ ...given, global: { ...given.global, externalLabels: new Map([['replica', 'b']]) } })
    for (let n = 0; n < 2; n++) await site.turn(10_000)
    const places = at(site.times()).map((t) => t % 10_000)
    expect(places).toHaveLength(4)
    expect([places[1] === places[0], places[2] === places[1], places[3] === places[2]]).toEqual([true, false, true])
  })

  it('that changes metric_relabel_configs applies them to known series', async () => {
    site.body = 'a 1\nb 1\n'
    site.apply(FAST)
    site.discover()
    await site.advance(1000)
    site.apply({ ...FAST, metricRelabelConfigs: [relabelConfig({ sourceLabels: ['__name__'], regex: 'b', action: 'drop' })] })
    await site.advance(1000)
    expect(site.times('a').map((sample) => sample.split(':')[1])).toEqual(['1', '1'])
    expect(site.times('b').map((sample) => sample.split(':')[1])).toEqual(['1', 'stale'])
  })
})

describe('limits and lists', () => {
  it('fails all targets over target_limit, and none under it', async () => {
    site.apply({ ...FAST, limits: { ...NO_LIMITS, targets: 1 } })
    site.discover({ __address__: site.address }, { __address__: site.address, x: 'y' })
    await site.advance(1000)
    expect(site.manager.targets().active.map((target) => target.lastError)).toEqual(Array(2).fill('target_limit exceeded (number of targets: 2, limit: 1)'))
    expect(site.requests).toBe(0)
    site.discover()
    await site.advance(1000)
    expect(site.manager.targets().active.map((target) => target.health)).toEqual(['up'])
  })

  it('shows targets as the API needs them', async () => {
    site.apply({ ...FAST, limits: { ...NO_LIMITS, keepDroppedTargets: 1 }, relabelConfigs: [relabelConfig({ sourceLabels: ['drop'], regex: 'yes', action: 'drop' })] })
    site.discover({ __address__: site.address }, { __address__: 'x:1', drop: 'yes' }, { __address__: 'x:2', drop: 'yes' })
    expect(site.manager.targets().active[0]).toMatchObject({ health: 'unknown', lastError: '', lastScrapeMs: 0 })
    await site.advance(1000)
    const { active, dropped, droppedTargetCounts } = site.manager.targets()
    expect(active).toMatchObject([{
      scrapePool: 'test', scrapeUrl: `http://${site.address}/metrics`, globalUrl: `http://${site.address}/metrics`, health: 'up', lastError: '',
      labels: ['instance', site.address, 'job', 'test'], scrapeIntervalMs: 1000, scrapeTimeoutMs: 500, lastScrapeMs: at(site.times())[0],
    }])
    expect(dropped).toHaveLength(1)
    expect(dropped[0]!.discoveredLabels).toContain('x:1')
    expect(droppedTargetCounts).toEqual(new Map([['test', 2]]))
    site.apply({ ...FAST, limits: { ...NO_LIMITS, keepDroppedTargets: 0 }, relabelConfigs: [relabelConfig({ sourceLabels: ['drop'], regex: 'yes', action: 'drop' })] })
    expect(site.manager.targets().dropped).toHaveLength(2)
    const metrics = await site.metrics.registry.metrics()
    expect(metrics).toContain('prometheus_target_scrape_pool_targets{scrape_job="test"} 1')
  })

  it('tells the metadata of the last body', async () => {
    site.body = '# HELP a Some \\\\ help.\n# TYPE a counter\na 1\nb 2\n# TYPE c gauge\n'
    site.apply(FAST)
    site.discover()
    expect([...site.manager.metadata()][0]!.metadata.size).toBe(0)
    await site.advance(1000)
    const [target] = [...site.manager.metadata()]
    expect(target!.labels).toEqual(['instance', site.address, 'job', 'test'])
    expect(target!.metadata).toEqual(new Map([['a', { type: 'counter', help: 'Some \\ help.', unit: '' }], ['c', { type: 'gauge', help: '', unit: '' }]]))
  })
})
