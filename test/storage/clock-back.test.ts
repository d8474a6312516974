// A wall clock that is set back by two hours and, later, right again: scrapes and rules go on, what was stored stays as it is, and
// alerts that bear a missing sample, by `for` and `keep_firing_for`, stay as they are.
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, it, onTestFinished, vi } from 'vitest'
import { Engine } from '../../lang/engine.ts'
import { RuleManager } from '../../lib/rules/manager.ts'
import { engineQuery } from '../../lib/rules/rule-query.ts'
import { RuleWriter } from '../../lib/rules/rule-writer.ts'
import { ScrapeManager } from '../../lib/scrape/manager.ts'
import { FakeClock } from '../../lib/std/clock.ts'
import { silentLogger } from '../../lib/std/log.ts'
import { Metrics } from '../../lib/std/metrics.ts'
import { StoreQueryable } from '../../storage/store-querier.ts'
import { alertRule, ruleGroup } from '../support/rules-fixture.ts'
import { config, group, scrapeConfig } from '../support/scrape-fixture.ts'
import { tempFolder } from '../support/temp-folder.ts'
import { NOW, open, readAll } from './store.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE

it.each([['three hours old', 180], ['younger than that', 20]])('a store that is %s', async (_, minutes) => {
  let requests = 0
  const server = http.createServer((_request, response) => {
    requests++
    response.writeHead(200, { 'content-type': 'text/plain' }).end(`bad 1\nscrapes_total ${requests}\n`)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  const clock = new FakeClock(NOW - NOW % (2 * HOUR) + HOUR)
  const db = open(tempFolder(), { clock })
  const queryable = new StoreQueryable(db.handle(), 1)
  const scrape = new ScrapeManager({ appender: db, clock, logger: silentLogger, metrics: new Metrics(), version: 'test' })
  scrape.applyConfig(config(scrapeConfig({ scrapeIntervalMs: MINUTE, scrapeTimeoutMs: MINUTE })))
  scrape.updateTargets('test', [group([{ __address__: `127.0.0.1:${(server.address() as AddressInfo).port}` }])])
  const writer = new RuleWriter(db)
  const rules = new RuleManager({
    query: engineQuery(new Engine({ clock }), queryable, { timeoutMs: 10_000, lookbackMs: 300_000 }), write: (timeMs, rows) => Promise.resolve(writer.write(timeMs, rows)),
    queryable, features: {}, clock, logger: silentLogger,
  })
  await rules.apply({
    groups: [ruleGroup([alertRule('Bad', 'bad == 1', { forMs: 5 * MINUTE, keepFiringForMs: 5 * MINUTE }), alertRule('Gone', 'absent(up) or up == 0', { forMs: 3 * MINUTE })], { intervalMs: MINUTE })],
    evaluationIntervalMs: MINUTE, queryOffsetMs: 0, externalLabels: new Map(), externalUrl: 'http://monitor.example',
  })
  const states = (): string[] => rules.groups()[0]!.rules.map((rule) => ('state' in rule ? rule.state() : ''))
  /** One scrape and one evaluation a minute. */
  const pass = async (passed: number): Promise<void> => {
    for (let minute = 0; minute < passed; minute++) {
      const marks = (): number[] => [scrape.targets().active[0]!.lastScrapeMs, rules.groups()[0]!.counts.iterations]
      const before = marks()
      await clock.advance(MINUTE)
      await vi.waitFor(() => expect(marks().map((mark, i) => mark !== before[i])).toEqual([true, true]), { timeout: 30_000, interval: 1 })
    }
  }
  await pass(minutes)
  expect(states()).toEqual(['firing', 'inactive'])
  await db.commit()
  const before = readAll(db)
  const kept = (): void => {
    const now = readAll(db)
    for (const [key, points] of before) {
      const there = new Map(now.get(key))
      for (const [t, v] of points) expect(there.get(t), `${key} at ${t}`).toBe(v)
    }
  }
  clock.jump(-2 * HOUR)
  for (let minute = 0; minute < 15; minute++) {
    await pass(1)
    expect(states()[0]).toBe('firing')
    expect(states()[1]).not.toBe('firing')
  }
  kept()
  clock.jump(2 * HOUR)
  for (let minute = 0; minute < 10; minute++) {
    await pass(1)
    expect(states()[0]).toBe('firing')
    expect(states()[1]).not.toBe('firing')
  }
  kept()
  const newest = [...readAll(db).values()].map((points) => points.at(-1)![0])
  expect(Math.max(...newest)).toBeGreaterThan(clock.now() - 2 * MINUTE)
  await rules.stop()
  await scrape.stop()
  queryable.close()
  await db.close()
}, 120_000)
