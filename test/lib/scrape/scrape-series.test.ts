// What `up` and the scrape_* series say over scrapes that fail, against what Prometheus says of the same targets
// (test/golden/scrape-series.json, recorded): the whole way from the socket to the store, on a clock turned by hand.
import fs from 'node:fs'
import path from 'node:path'
import { beforeAll, describe, expect, it, vi } from 'vitest'
import { loadConfig } from '../../../lib/config/load.ts'
import { ScrapeManager } from '../../../lib/scrape/manager.ts'
import { FakeClock } from '../../../lib/std/clock.ts'
import { silentLogger } from '../../../lib/std/log.ts'
import { Metrics } from '../../../lib/std/metrics.ts'
import { CASES, SCRAPES, SERIES, casePath, caseServer } from '../../golden/scrape-series-cases.ts'
import { MemoryStorage } from '../../support/memory-storage.ts'
import { group } from '../../support/scrape-fixture.ts'

type Counts = Record<string, number[]>

const recorded = JSON.parse(fs.readFileSync(path.resolve(import.meta.dirname, '../../golden/scrape-series.json'), 'utf8')) as { cases: Record<string, Counts> }

/** What we say of every case, each a job with one target. */
async function scrapeAll(): Promise<Record<string, Counts>> {
  const clock = new FakeClock(1_700_000_000_000)
  const storage = new MemoryStorage({ now: () => clock.now(), outOfOrderWindowMs: 0 })
  const { server, address } = await caseServer(() => clock.now())
  const jobs = CASES.map((one) => ({ job_name: one.name, metrics_path: casePath(one), scrape_interval: '1m', scrape_timeout: '1m', ...one.config }))
  const { config } = loadConfig(JSON.stringify({ scrape_configs: jobs }), 'cases.yml', { strict: true, env: {} })
  const manager = new ScrapeManager({ appender: storage, clock, logger: silentLogger, metrics: new Metrics(), version: 'test' })
  try {
    manager.applyConfig(config)
    for (const { name } of CASES) manager.updateTargets(name, [group([{ __address__: address }])])
    for (let scrape = 1; scrape <= SCRAPES; scrape++) {
      // Sets off one scrape of each target; no timeout passes before the next turn of the clock.
      await clock.advance(60_000)
      await vi.waitFor(() => expect(countOf(storage, 'up')).toBe(CASES.length * scrape), { timeout: 20_000, interval: 5 })
    }
  } finally {
    await manager.stop()
    server.closeAllConnections()
    server.close()
  }
  const all: Record<string, Counts> = Object.fromEntries(CASES.map(({ name }) => [name, {}]))
  for (const { labels, samples } of storage.dump()) {
    const metric = valueOf(labels, '__name__')
    if (SERIES.includes(metric)) all[valueOf(labels, 'job')]![metric] = samples.filter(({ isStale }) => !isStale).map(({ v }) => v)
  }
  return all
}

function valueOf(labels: readonly string[], name: string): string {
  return labels[labels.indexOf(name) + 1]!
}

function countOf(storage: MemoryStorage, metric: string): number {
  return storage.dump().reduce((sum, { labels, samples }) => sum + (valueOf(labels, '__name__') === metric ? samples.length : 0), 0)
}

describe('up and scrape_*', () => {
  let ours: Record<string, Counts>
  beforeAll(async () => {
    ours = await scrapeAll()
  }, 120_000)

  it('have a recording of every case', () => {
    expect(CASES.map(({ name }) => name)).toEqual(Object.keys(recorded.cases))
  })

  it.each(CASES.map(({ name }) => name))('are those of Prometheus: %s', (name) => {
    expect(ours[name]).toEqual(recorded.cases[name])
  })
})
