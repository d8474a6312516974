// Receivers that hang, drip, cut, refuse and lie, each beside all others and a good one: nobody else is told late, what can be delivered is
// delivered once, and what cannot is told as such. `npm run prove -- receivers` takes 1,500 alerts, and looks at the time.
import { fork } from 'node:child_process'
import fs from 'node:fs'
import { expect, it, onTestFinished } from 'vitest'
import type { BadReceiver } from '../support/bad-receivers.ts'
import type { CameTo, FromBadReceivers } from '../support/bad-receivers-process.ts'
import { MonitorProcess, waitFor } from '../support/monitor-process.ts'
import { PageServer } from '../support/page-server.ts'
import { tempFolder } from '../support/temp-folder.ts'

const ALERTS = Number(process.env['PROVE_BAD_RECEIVER_ALERTS'] ?? 40)
/** Of 1,500 alerts the good one hears the last within this. */
const GOOD_MS_MAX = 45_000
/** More at once would each be a message for each of them. */
const RSS_BYTES_MAX = 700e6

interface World {
  receivers: ReadonlyMap<string, BadReceiver>
  /** What has come to the receivers. */
  came: () => Promise<CameTo>
}

async function badReceivers(): Promise<World> {
  const child = fork(new URL('../support/bad-receivers-process.ts', import.meta.url), { execArgv: [] })
  onTestFinished(() => void child.kill('SIGKILL'))
  const next = (): Promise<FromBadReceivers> => new Promise((resolve) => child.once('message', (message: FromBadReceivers) => resolve(message)))
  const first = await next()
  if (first.kind !== 'receivers') throw new Error('it must say first what there is')
  return {
    receivers: new Map(first.receivers),
    async came() {
      const answer = next()
      child.send('came')
      const message = await answer
      return message.kind === 'came' ? message.came : {}
    },
  }
}

it(`of ${ALERTS} alerts everyone is told who can be, whatever other receivers do`, async () => {
  const { receivers, came } = await badReceivers()
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
  const isProof = process.env['PROVE_BAD_RECEIVER_ALERTS'] !== undefined
  if (isProof) console.log(`${faults.length} bad receivers, ${ALERTS} alerts: the good one told of the last after ${(goodMs / 1000).toFixed(1)} s`)
  if (isProof) expect(goodMs).toBeLessThan(GOOD_MS_MAX)
  const taking = faults.filter((fault) => receivers.get(fault)!.takes === 'once')
  await waitFor('messages that can be delivered', async () => {
    const all = await came()
    return taking.every((fault) => Object.keys(all[fault]!).length === ALERTS)
  }, 200_000)
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
  }, 200_000)
  const all = await tries()
  for (const fault of failing) expect(all.get(fault)!.delivered, fault).toBe(0)
  expect(all.get('good')).toEqual({ delivered: ALERTS, failed: 0 })
  expect([...good.firings('alertname').values()].every((count) => count === 1)).toBe(true)
  const seen = await came()
  for (const fault of taking) expect(Math.max(...Object.values(seen[fault]!)), fault).toBe(fault === 'is busy at first' ? 2 : 1)
  // No receiver's fault is one of ours.
  expect(monitor.output).not.toMatch(/BUG|unhandled|TypeError|RangeError/i)
  expect(monitor.child.exitCode).toBe(null)
  const rssBytes = Number(/^VmHWM:\s+(\d+)/m.exec(fs.readFileSync(`/proc/${monitor.child.pid}/status`, 'utf8'))![1]) * 1024
  expect(rssBytes).toBeLessThan(RSS_BYTES_MAX)
  if (isProof) console.log(`all that take told after ${((performance.now() - postedMs) / 1000).toFixed(1)} s, ${(rssBytes / 1e6).toFixed(0)} MB`)
}, 600_000)
