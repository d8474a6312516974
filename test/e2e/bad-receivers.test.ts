// Receivers that hang, cut, refuse and lie, each beside all others and a good one: nobody else is told late, what can be delivered is
// delivered once, and what cannot is told as such. BAD_RECEIVER_ALERTS takes another number of alerts.
import fs from 'node:fs'
import { expect, it, onTestFinished } from 'vitest'
import { BadReceivers } from '../support/bad-receivers.ts'
import { MonitorProcess, waitFor } from '../support/monitor-process.ts'
import { PageServer } from '../support/page-server.ts'
import { tempFolder } from '../support/temp-folder.ts'

const ALERTS = Number(process.env['BAD_RECEIVER_ALERTS'] ?? 40)
/** More at once would each be a message for each of them. */
const RSS_BYTES_MAX = 700e6

it(`of ${ALERTS} alerts everyone is told who can be, whatever other receivers do`, async () => {
  const bad = new BadReceivers()
  const receivers = await bad.start()
  onTestFinished(() => bad.stop())
  const good = await PageServer.start()
  onTestFinished(() => good.stop())
  const faults = [...receivers.keys()]
  const config = `alerting:
  route:
    receiver: good
    group_by: ['...']
    group_wait: 0s
    group_interval: 30s
    repeat_interval: 4h
    routes: [${[...faults.map((fault) => `{receiver: "${fault}", continue: true}`), '{receiver: good}'].join(', ')}]
  receivers:
  - { name: good, webhook_configs: [{ url: "${good.url}" }] }
${faults.map((fault) => `  - { name: "${fault}", ${receivers.get(fault)!.section} }\n`).join('')}`
  const monitor = await MonitorProcess.start(tempFolder(), { config })
  onTestFinished(() => monitor.kill9())
  const postedMs = performance.now()
  const endsAt = new Date(Date.now() + 86_400_000).toISOString()
  const body = JSON.stringify(Array.from({ length: ALERTS }, (_, i) => ({ labels: { alertname: `A${i}` }, endsAt })))
  expect((await fetch(`${monitor.base}/alertmanager/api/v2/alerts`, { method: 'POST', headers: { 'content-type': 'application/json' }, body })).status).toBe(200)

  await waitFor('all pages of the good one', () => Promise.resolve(good.firings('alertname').size === ALERTS), 120_000)
  const goodMs = performance.now() - postedMs
  /** Messages of one alert that came to a receiver, by alert. */
  const cameTo = (fault: string): Map<string, number> => {
    const counts = new Map<string, number>()
    for (const text of bad.served.get(fault)!.came) {
      const name = /"alertname":"(A\d+)"/.exec(text)?.[1] ?? /^x-alert: (A\d+)\r?$/im.exec(text)?.[1]
      if (name !== undefined) counts.set(name, (counts.get(name) ?? 0) + 1)
    }
    return counts
  }
  const taking = faults.filter((fault) => receivers.get(fault)!.takes === 'once')
  await waitFor('messages that can be delivered', () => Promise.resolve(taking.every((fault) => cameTo(fault).size === ALERTS)), 120_000)
    .catch((error: unknown) => expect(Object.fromEntries(taking.map((fault) => [fault, cameTo(fault).size])), String(error)).toEqual({}))
  const tries = async (): Promise<Map<string, { delivered: number; failed: number }>> => {
    const all = new Map<string, { delivered: number; failed: number }>()
    for (const [, receiver, outcome, value] of (await monitor.get('/metrics')).text.matchAll(/^monitor_notification_tries_total\{receiver="([^"]+)",.*outcome="(\w+)"\} (\d+)$/gm)) {
      const one = all.get(receiver!) ?? { delivered: 0, failed: 0 }
      all.set(receiver!, { ...one, [outcome!]: Number(value) })
    }
    return all
  }
  const failing = faults.filter((fault) => receivers.get(fault)!.takes === null)
  await waitFor('each fault to be met', async () => {
    const all = await tries()
    return failing.every((fault) => all.get(fault)!.failed > 0) && taking.every((fault) => all.get(fault)!.delivered === ALERTS)
  }, 120_000)
  const all = await tries()
  for (const fault of failing) expect(all.get(fault)!.delivered, fault).toBe(0)
  expect(all.get('good')).toEqual({ delivered: ALERTS, failed: 0 })
  expect([...good.firings('alertname').values()].every((count) => count === 1)).toBe(true)
  for (const fault of taking) expect(Math.max(...cameTo(fault).values()), fault).toBe(fault === 'is busy at first' ? 2 : 1)
  // No receiver's fault is one of ours.
  expect(monitor.output).not.toMatch(/BUG|unhandled|TypeError|RangeError/i)
  expect(monitor.child.exitCode).toBe(null)
  const rssBytes = Number(/^VmHWM:\s+(\d+)/m.exec(fs.readFileSync(`/proc/${monitor.child.pid}/status`, 'utf8'))![1]) * 1024
  expect(rssBytes).toBeLessThan(RSS_BYTES_MAX)
  if (process.env['BAD_RECEIVER_ALERTS'] !== undefined) console.log(`good one told after ${goodMs.toFixed(0)} ms, all that take after ${(performance.now() - postedMs).toFixed(0)} ms, ${(rssBytes / 1e6).toFixed(0)} MB`)
}, 420_000)
