// The watch over Monitor itself, as it is shipped: rules that read what it exposes, heartbeats, and the Watchdog that reaches the
// dead man's switch through rule, route and receiver.
import fs from 'node:fs'
import path from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { MonitorProcess, waitFor } from '../support/monitor-process.ts'
import { httpWorld } from '../support/receiver-fixture.ts'
import { tempFolder } from '../support/temp-folder.ts'

const rules = path.resolve(import.meta.dirname, '../../lib/config/monitor-rules.yml')

it('reaches the dead man\'s switch, and shows what its rules ask for', async () => {
  const deadman = await httpWorld()
  const monitor = await MonitorProcess.start(tempFolder(), { config: `
rule_files: [${rules}]
alerting:
  route: {receiver: deadman, group_wait: 0s, group_interval: 1s, repeat_interval: 1m}
  receivers: [{name: deadman, webhook_configs: [{url: "${deadman.url}/"}]}]
` })
  onTestFinished(() => monitor.kill9())
  await waitFor('the Watchdog', async () => deadman.requests.length > 0, 40_000)
  expect(deadman.requests[0]!.json).toMatchObject({ status: 'firing', alerts: [{ labels: { alertname: 'Watchdog', severity: 'none' }, annotations: { summary: 'Alerts reach you as long as this one fires.' } }] })
  const page = (await monitor.get('/metrics')).text
  const asked = new Set(Array.from(fs.readFileSync(rules, 'utf8').matchAll(/\b(?:monitor|prometheus|alertmanager)_[a-z_]+(?=[\s[{)])/g), ([name]) => name))
  expect(asked.size).toBeGreaterThan(15)
  expect([...asked].filter((name) => !page.includes(`# HELP ${name} `))).toEqual([])
  const beats = (): string[] => Array.from(page.matchAll(/^monitor_heartbeat_timestamp_seconds\{component="(\w+)"\}/gm), ([, component]) => component!)
  expect(beats().toSorted()).toEqual(['head', 'ingest', 'log', 'maintenance', 'notify', 'query', 'rules', 'scrape'])
  // Set anew by each part that works: later than the start by then.
  const oldest = async (): Promise<number> => Math.min(...Array.from((await monitor.get('/metrics')).text.matchAll(/^monitor_heartbeat_timestamp_seconds\S+ (\S+)$/gm), ([, at]) => Number(at)))
  const before = await oldest()
  await waitFor('another heartbeat of each part', async () => (await oldest()) > before, 30_000)
}, 120_000)
