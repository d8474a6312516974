// A slice of `npm run prove -- pages`.
import fs from 'node:fs'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, it, onTestFinished } from 'vitest'
import { runAlertKills } from '../prove/alert-kills.ts'
import { MonitorProcess, waitFor } from '../support/monitor-process.ts'
import { testSeed } from '../support/seed.ts'
import { tempFolder } from '../support/temp-folder.ts'

it('kill -9 loses no silence, acknowledgement, rule or page', async () => {
  const lines: string[] = []
  const seed = testSeed()
  const { lost, alerts, toldMore } = await runAlertKills({ folder: tempFolder(), kills: 3, seed, isWhole: false, print: (line) => lines.push(line) })
  expect(lost, `seed ${seed}: ${lines.join('; ')}`).toEqual([])
  expect(toldMore).toBe(0)
  expect(alerts).toBeGreaterThan(3)
  expect(lines).toHaveLength(3)
}, 120_000)

interface HeldPage {
  name: string
  response: ServerResponse
}

/** A receiver that answers pages of alerts whose name begins with `Held` only when it is told to. */
async function holdingHook(): Promise<{ url: string; pages: string[]; held: HeldPage[] }> {
  const [pages, held]: [string[], HeldPage[]] = [[], []]
  const server = createServer((request, response) => {
    let body = ''
    request.on('data', (piece: Buffer) => (body += piece.toString()))
    request.on('end', () => {
      const name = (JSON.parse(body) as { alerts: { labels: { alertname: string } }[] }).alerts[0]!.labels.alertname
      pages.push(name)
      if (name.startsWith('Held') && pages.filter((one) => one === name).length === 1) held.push({ name, response })
      else response.end()
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, pages, held }
}

interface History {
  alert_id: string
  told_at: string | null
  history: { kind: string; detail: string }[]
}

/** Of the newest alert of that name, or of the one of an id. */
async function historyOf({ base }: MonitorProcess, name: string, id = ''): Promise<History> {
  const { data } = await (await fetch(`${base}/api/alerts?name=${name}`)).json() as { data: { alert_id: string }[] }
  return (await (await fetch(`${base}/api/alerts/${id === '' ? data[0]!.alert_id : id}`)).json() as { data: History }).data
}

it('a page that is under way at a kill -9 is told once if it is taken after it, and again if it is not', async () => {
  const folder = tempFolder()
  const hook = await holdingHook()
  const config = `alerting:
  route: { receiver: team, group_by: ['...'], group_wait: 0s, group_interval: 1s, repeat_interval: 4h }
  receivers: [{ name: team, webhook_configs: [{ url: '${hook.url}', send_resolved: false, timeout: 5m }] }]
  cooldowns: [{ matchers: ['alertname=~"Held.*"'], cooldown: 1h }]
`
  const first = await MonitorProcess.start(folder, { config })
  const post = async ({ base }: MonitorProcess, names: readonly string[], endsAtMs = Date.now() + 86_400_000): Promise<void> => {
    const body = JSON.stringify(names.map((alertname) => ({ labels: { alertname }, endsAt: new Date(endsAtMs).toISOString() })))
    expect((await fetch(`${base}/alertmanager/api/v2/alerts`, { method: 'POST', headers: { 'content-type': 'application/json' }, body })).status).toBe(200)
  }
  await post(first, ['HeldGood', 'HeldBad'])
  await waitFor('both pages', () => Promise.resolve(hook.held.length === 2))
  await first.kill9()
  const second = await MonitorProcess.start(folder, { config })
  onTestFinished(() => second.kill9())
  // Nothing else waits meanwhile.
  await post(second, ['Other'])
  await waitFor('the other page', () => Promise.resolve(hook.pages.includes('Other')))
  expect(hook.pages.toSorted()).toEqual(['HeldBad', 'HeldGood', 'Other'])
  for (const { name, response } of hook.held) response.writeHead(name === 'HeldGood' ? 200 : 503).end()
  await waitFor('the page that was refused', () => Promise.resolve(hook.pages.filter((name) => name === 'HeldBad').length === 2))
  // The courier of before has ended, and what it said is in the store.
  await waitFor('the log of the first to go', () => Promise.resolve(fs.readdirSync(`${folder}/data/meta`).filter((name) => name.startsWith('carried')).length === 1))
  const told = await historyOf(second, 'HeldGood')
  expect(told.history.filter(({ kind }) => kind === 'notified')).toEqual([expect.objectContaining({ detail: 'team/webhook/0 (firing)' })])
  expect(told.told_at).not.toBe(null)
  // Its cooldown holds the next episode back, and there is no second line at the next start.
  await second.kill9()
  const third = await MonitorProcess.start(folder, { config })
  onTestFinished(() => third.kill9())
  await post(third, ['HeldGood'], Date.now())
  await post(third, ['HeldGood'])
  await post(third, ['Last'])
  await waitFor('the last page', () => Promise.resolve(hook.pages.includes('Last')))
  expect(hook.pages.toSorted()).toEqual(['HeldBad', 'HeldBad', 'HeldGood', 'Last', 'Other'])
  expect((await historyOf(third, 'HeldGood', told.alert_id)).history.filter(({ kind }) => kind === 'notified')).toHaveLength(1)
}, 120_000)
