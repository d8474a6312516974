import fs from 'node:fs'
import { describe, expect, it, onTestFinished } from 'vitest'
import { DiscoveryManager, DiscoveryMetrics } from '../../discovery/manager.ts'
import { FakeClock } from '../../lib/std/clock.ts'
import { silentLogger } from '../../lib/std/log.ts'
import { Metrics } from '../../lib/std/metrics.ts'
import type { ScrapeConfig } from '../../lib/config/scrape-config.ts'
import { tempFolder } from '../support/temp-folder.ts'

/** Only what discovery looks at. */
function config(jobName: string, addresses: readonly string[], files: readonly string[] = []): ScrapeConfig {
  const part: Pick<ScrapeConfig, 'jobName' | 'staticConfigs' | 'fileSdConfigs' | 'httpSdConfigs' | 'dnsSdConfigs'> = {
    jobName,
    staticConfigs: addresses.length === 0 ? [] : [{ source: '0', targets: addresses.map((address) => new Map([['__address__', address]])), labels: new Map() }],
    httpSdConfigs: [],
    dnsSdConfigs: [],
    fileSdConfigs: files.length === 0 ? [] : [{ files, refreshIntervalMs: 30_000 }],
  }
  return part as ScrapeConfig
}

function start(): { manager: DiscoveryManager; clock: FakeClock; updates: [string, string][]; sources: string[]; metrics: Metrics } {
  const clock = new FakeClock()
  const updates: [string, string][] = []
  /** Of the last update. */
  const sources: string[] = []
  const metrics = new Metrics()
  const manager = new DiscoveryManager({
    name: 'scrape', version: '1.2.3', clock, metrics: new DiscoveryMetrics(metrics), logger: silentLogger,
    update: (job, groups) => {
      updates.push([job, groups.flatMap((group) => group.targets.map((target) => target.get('__address__'))).join()])
      sources.splice(0, Infinity, ...groups.map(({ source }) => source))
    },
  })
  onTestFinished(() => manager.stop())
  return { manager, clock, updates, sources, metrics }
}

describe('DiscoveryManager', () => {
  it('hands over static targets at once and counts them', async () => {
    const { manager, updates, metrics } = start()
    manager.applyConfig([config('a', ['x:1', 'y:2']), config('b', ['z:3'])])
    expect(updates).toEqual([['a', 'x:1,y:2'], ['b', 'z:3']])
    expect(await metrics.registry.metrics()).toContain('prometheus_sd_discovered_targets{name="scrape",config="a"} 2')
  })

  it('throttles updates to one in 5 s', async () => {
    const folder = tempFolder()
    fs.writeFileSync(`${folder}/t.json`, '[{"targets": ["a:1"]}]')
    const { manager, clock, updates, sources } = start()
    manager.applyConfig([config('a', ['s:1'], [`${folder}/t.json`])])
    expect(updates).toEqual([['a', 'a:1,s:1']])
    expect(sources).toEqual([`0/${folder}/t.json:0`, '1/0'])
    fs.writeFileSync(`${folder}/t.json`, '[{"targets": ["b:1"]}]')
    await clock.advance(30_000)
    expect(updates[1]).toEqual(['a', 'b:1,s:1'])
    manager.applyConfig([config('a', ['t:1'], [`${folder}/t.json`])])
    await clock.advance(4999)
    expect(updates.length).toBe(2)
    await clock.advance(1)
    expect(updates[2]).toEqual(['a', 'b:1,t:1'])
  })

  it('keeps what is unchanged running over a reload and drops what is gone', async () => {
    const { manager, clock, updates, metrics } = start()
    manager.applyConfig([config('a', ['x:1']), config('b', ['z:3'])])
    manager.applyConfig([config('a', ['x:1', 'y:2'])])
    expect(await metrics.registry.getSingleMetricAsString('prometheus_sd_discovered_targets')).not.toContain('config="b"')
    await clock.advance(5000)
    expect(updates.slice(2)).toEqual([['a', 'x:1,y:2']])
    manager.applyConfig([config('a', [])])
    await clock.advance(5000)
    expect(updates.at(-1)).toEqual(['a', ''])
  })
})
