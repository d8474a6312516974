// An anomaly rule over a day of imported history: what is odd fires, what is new borrows the baseline of its like and says that it
// is learning, and who says that an alert was false is not told of it again.
import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { MonitorProcess, waitFor } from '../support/monitor-process.ts'
import { httpWorld } from '../support/receiver-fixture.ts'
import { tempFolder } from '../support/temp-folder.ts'

const HOUR_S = 3600
const WAIT_MS = 40_000
const series = (server: string): string => `cpu{server_id="${server}",service="api",env="prod"}`

interface Shown {
  name: string
  learning?: number
  alerts?: { labels: Record<string, string> }[]
}

it('fires for what is odd, says what is learning, and is widened by who says that it was false', async () => {
  const folder = tempFolder()
  const now = Date.now() / 1000
  // The hour around this time of yesterday, 48 and 52 in turns; of "new" nothing is known.
  const past = ['odd', 'usual'].flatMap((server) => Array.from({ length: 121 }, (_, k) => `${series(server).slice(0, -1)},job="a",instance="i"} ${k % 2 === 0 ? 48 : 52} ${Math.round(now - 25 * HOUR_S + k * 60)}`))
  fs.writeFileSync(path.join(folder, 'past.om'), `# TYPE cpu gauge\n${past.join('\n')}\n# EOF\n`)
  const imported = spawnSync(process.execPath, [path.resolve(import.meta.dirname, '../../cmd/monitor.ts'), 'tsdb', 'create-blocks-from', 'openmetrics', `${folder}/past.om`, `${folder}/data`], { encoding: 'utf8' })
  expect(imported.status, imported.stderr).toBe(0)
  const target = await httpWorld((response) => response.writeHead(200, { 'content-type': 'text/plain' }).end(`${series('odd')} 90\n${series('usual')} 50\n${series('new')} 90\n`))
  const monitor = await MonitorProcess.start(folder, { config: `
scrape_configs: [{job_name: a, scrape_interval: 1s, scrape_timeout: 1s, static_configs: [{targets: ['${target.url.slice(7)}'], labels: {instance: i}}]}]
alerting: {route: {receiver: a, group_wait: 0s}, receivers: [{name: a}]}
` })
  onTestFinished(() => monitor.kill9())
  const post = async (where: string, body: object): Promise<{ id: string; data: { id: string; widened?: object[] } }> => await (await fetch(`${monitor.base}/api/alerts${where}`, { method: 'POST', body: JSON.stringify(body) })).json() as never
  const rule = { name: 'Odd', kind: 'anomaly', metric: 'cpu', interval: '1s', condition: { sigma: 15, window: '10s', season: 'hour_of_day', baseline: '1d' }, resolve_after: '0s' }
  const { id } = await post('/rules', rule)
  const rules = async (): Promise<Shown[]> => ((await monitor.get('/api/v1/rules')).json().data as { groups: { rules: Shown[] }[] }).groups.flatMap((group) => group.rules)
  const firing = async (): Promise<string[]> => (await rules())[0]!.alerts!.map(({ labels }) => `${labels['server_id']} ${labels['baseline'] ?? ''}`.trim()).toSorted()
  // (90 - 50) / 2 of either, the median of its service and env for the new one.
  await waitFor('both alerts', async () => (await firing()).join() === 'new learning,odd', WAIT_MS)
  expect((await rules()).map(({ name, learning }) => [name, learning])).toEqual([['Odd', 1], ['monitor_anomaly_learning_series', undefined]])
  expect(await monitor.value(`monitor_anomaly_learning_series{rule_id="${id}"}`)).toBe(1)
  const kept = await waitFor('the episode', async () => {
    const { data } = await (await fetch(`${monitor.base}/api/alerts?status=open`)).json() as { data: { alert_id: string; server_id: string; metric_value: number }[] }
    return data.find(({ server_id: server }) => server === 'odd')
  }, WAIT_MS)
  expect(Math.round(kept.metric_value)).toBe(20)
  await post(`/${kept.alert_id}/feedback`, { verdict: 'false_positive', by: 'ana' })
  await waitFor('it to end, and only it', async () => (await firing()).join() === 'new learning', WAIT_MS)
  const { data } = await (await fetch(`${monitor.base}/api/alerts/rules/${id}`)).json() as { data: { widened: object[] } }
  expect(data.widened).toEqual([{ labels: { server_id: 'odd', service: 'api', env: 'prod', job: 'a', instance: 'i' }, factor: 1.5 }])
}, 4 * WAIT_MS)
