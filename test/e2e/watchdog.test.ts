// The watch over Monitor itself, as it is shipped: rules that read what it exposes, heartbeats, and the Watchdog that reaches the
// dead man's switch through rule, route and receiver.
import fs from 'node:fs'
import path from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { Deadman } from '../../cmd/deadman/deadman.ts'
import { FakeClock } from '../../lib/std/clock.ts'
import { MonitorProcess, waitFor } from '../support/monitor-process.ts'
import { httpWorld } from '../support/receiver-fixture.ts'
import { tempFolder } from '../support/temp-folder.ts'
import { hangThread } from '../support/thread-end.ts'

const rules = path.resolve(import.meta.dirname, '../../lib/config/monitor-rules.yml')

it('reaches the dead man\'s switch, which names the part that hangs, and shows what its rules ask for', async () => {
  const deadman = await httpWorld()
  const monitor = await MonitorProcess.start(tempFolder(), { config: `
rule_files: [${rules}]
alerting:
  route: {receiver: deadman, group_wait: 0s, group_interval: 1s, repeat_interval: 1m}
  receivers: [{name: deadman, webhook_configs: [{url: "${deadman.url}/"}]}]
`, env: { NODE_OPTIONS: '--inspect=127.0.0.1:0' } })
  onTestFinished(() => monitor.kill9())
  await waitFor('the Watchdog', async () => deadman.requests.length > 0, 40_000)
  expect(deadman.requests[0]!.json).toMatchObject({ status: 'firing', alerts: [{ labels: { alertname: 'Watchdog', severity: 'none' }, annotations: { summary: 'Alerts reach you as long as this one fires.' } }] })
  const page = (await monitor.get('/metrics')).text
  const asked = new Set(Array.from(fs.readFileSync(rules, 'utf8').matchAll(/\b(?:monitor|prometheus|alertmanager)_[a-z_]+(?=[\s[{)])/g), ([name]) => name))
  expect(asked.size).toBeGreaterThan(15)
  expect([...asked].filter((name) => !page.includes(`# HELP ${name} `))).toEqual([])
  const beats = async (): Promise<Map<string, number>> => new Map(Array.from((await monitor.get('/metrics')).text.matchAll(/^monitor_heartbeat_timestamp_seconds\{component="(\w+)"\} (\S+)$/gm), ([, component, at]) => [component!, Number(at)]))
  const others = ['head', 'ingest', 'log', 'maintenance', 'notify', 'query', 'scrape']
  expect([...(await beats()).keys()].toSorted()).toEqual([...others, 'rules'].toSorted())
  // Set anew by each part that works: they begin with the time of the start.
  const startedAt = Number(/^process_start_time_seconds (\S+)$/m.exec(page)![1])
  await waitFor('a heartbeat of each part', async () => Array.from((await beats()).values()).every((at) => at > startedAt + 8), 30_000)
  await hangThread(monitor, 'rules')
  await waitFor('another of all parts but one', async () => {
    const now = await beats()
    return others.every((part) => now.get(part)! > now.get('rules')! + 5)
  }, 30_000)
  const hungFor = Date.now() / 1000 - (await beats()).get('rules')!
  // As if a minute had passed since the last one of the rules, and less since those of the others.
  const clock = new FakeClock(Date.now() + 1000 * (61 - hungFor))
  const silent = new Deadman({ listen: { host: '127.0.0.1', port: 0 }, monitorUrl: monitor.base, silenceMs: 0, repeatMs: 1_800_000, webhookUrl: `${deadman.url}/page`, heartbeatUrl: '', mail: null, clock, log: () => {} })
  await silent.look()
  expect(deadman.requests.find(({ path }) => path === '/page')!.json).toMatchObject({ status: 'firing', text: expect.stringContaining('stopped: rules') as string, stopped: ['rules'] })
}, 120_000)
