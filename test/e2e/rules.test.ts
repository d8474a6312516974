// Rules in the program itself: evaluated in their thread, reloaded, and there again after a kill.
import fs from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, it, onTestFinished } from 'vitest'
import { MonitorProcess, waitFor } from '../support/monitor-process.ts'
import { tempFolder } from '../support/temp-folder.ts'

const RULES = `groups:
- name: file
  interval: 200ms
  rules:
  - {record: two, expr: vector(2)}
  - {alert: Always, expr: two > 1, labels: {severity: page}, annotations: {text: "{{ $value }} at {{ externalURL }}"}}
  - {alert: Never, expr: two > 3}
  - alert: Broken
    expr: two / on () group_left () (two or label_replace(two, "a", "b", "", ""))
`
const CONFIG = `global: {evaluation_interval: 300ms}
rule_files: ['rules/*.yml']
rules:
- name: inline
  rules: [{record: three, expr: two + 1}]
`

interface Group {
  name: string
  rules: { name: string; state?: string; health: string; lastError?: string; alerts?: { activeAt: string; annotations: Record<string, string> }[] }[]
}

async function groupsOf(monitor: MonitorProcess): Promise<Group[]> {
  return ((await monitor.get('/api/v1/rules')).json().data as { groups: Group[] }).groups
}

it.each([[[]], [['--threads=0']]])('rules are evaluated, reloaded and survive a kill (%s)', async (flags) => {
  const folder = tempFolder()
  fs.mkdirSync(`${folder}/rules`)
  fs.writeFileSync(`${folder}/rules/a.yml`, RULES)
  const start = (): Promise<MonitorProcess> => MonitorProcess.start(folder, { config: CONFIG, flags: [...flags, '--web.enable-lifecycle', '--web.external-url=http://monitor.example/'] })
  let monitor = await start()
  onTestFinished(() => monitor.kill9())
  await waitFor('rows of both groups', async () => (await monitor.value('three')) === 3 && (await monitor.query('ALERTS')).length > 0)
  const [file, inline] = (await groupsOf(monitor)).toSorted((a, b) => (a.name < b.name ? -1 : 1))
  expect(inline!.rules).toMatchObject([{ name: 'three', health: 'ok' }])
  expect(file!.rules).toMatchObject([
    { name: 'two', health: 'ok' },
    { name: 'Always', health: 'ok', state: 'firing', alerts: [{ annotations: { text: '2 at http://monitor.example' } }] },
    { name: 'Never', state: 'inactive' },
    { name: 'Broken', health: 'err', lastError: expect.stringContaining('found duplicate series for the match group') as string },
  ])
  expect((await monitor.get('/api/v1/alerts')).json().data).toMatchObject({ alerts: [{ labels: { alertname: 'Always', severity: 'page' }, state: 'firing', value: '2e+00' }] })
  expect((await monitor.get('/metrics')).text).toMatch(/prometheus_rule_evaluation_failures_total\{rule_group="[^"]*a\.yml;file"\} [1-9]/)

  fs.writeFileSync(`${folder}/rules/b.yml`, 'groups: [{name: x, rules: [{record: y, expr: "sum("}]}]')
  const refused = await fetch(`${monitor.base}/-/reload`, { method: 'POST' })
  expect(refused.status).toBe(500)
  expect(await refused.text()).toContain('b.yml:1:46: groups[0].rules[0].expr: could not parse expression')
  expect(await groupsOf(monitor)).toHaveLength(2)
  fs.writeFileSync(`${folder}/rules/b.yml`, 'groups: [{name: x, interval: 200ms, rules: [{record: y, expr: two * 2}]}]')
  const { activeAt } = file!.rules[1]!.alerts![0]!
  expect((await fetch(`${monitor.base}/-/reload`, { method: 'POST' })).status).toBe(200)
  await waitFor('the new group', async () => (await monitor.value('y')) === 4)
  const kept = (await groupsOf(monitor)).find(({ name }) => name === 'file')
  expect(kept!.rules[1]!.alerts![0]!.activeAt).toBe(activeAt)

  const before = await waitFor('some rows', async () => { const count = await monitor.value('count_over_time(three[1h])'); return count > 2 && count })
  await monitor.kill9()
  monitor = await start()
  await waitFor('the alert after the kill', async () => (await groupsOf(monitor)).flatMap(({ rules }) => rules).some(({ name, state }) => name === 'Always' && state === 'firing'))
  expect(await monitor.value('count_over_time(three[1h])')).toBeGreaterThanOrEqual(before)
  expect(await monitor.stop()).toBe(0)
}, 120_000)

it('alerts reach an Alertmanager, and so does their end', async () => {
  const folder = tempFolder()
  const told: { labels: Record<string, string>; startsAt: string; endsAt: string; generatorURL: string }[] = []
  const am = createServer((request, response) => {
    // A server of another test may have been meant, whose port this is now.
    if (request.method !== 'POST') return void response.writeHead(404).end()
    let body = ''
    request.on('data', (chunk: Buffer) => (body += chunk.toString()))
    request.on('end', () => {
      told.push(...(JSON.parse(body) as typeof told))
      response.end()
    })
  })
  await new Promise<void>((resolve) => am.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    am.closeAllConnections()
    am.close()
  })
  const address = `127.0.0.1:${(am.address() as AddressInfo).port}`
  const config = (value: number): string => `global: {external_labels: {dc: eu}}
alerting: {alertmanagers: [{static_configs: [{targets: ['${address}']}]}]}
rules:
- name: a
  interval: 200ms
  rules:
  - {record: x, expr: vector(${value})}
  - {alert: X, expr: x > 0}
`
  const monitor = await MonitorProcess.start(folder, { config: config(1), flags: ['--web.enable-lifecycle', '--web.external-url=http://monitor.example/'] })
  onTestFinished(() => monitor.kill9())
  await waitFor('the alert', () => Promise.resolve(told.length > 0))
  expect(told[0]).toMatchObject({ labels: { alertname: 'X', dc: 'eu' }, generatorURL: 'http://monitor.example/graph?g0.expr=x+%3E+0&g0.tab=1' })
  expect(Date.parse(told[0]!.endsAt) - Date.parse(told[0]!.startsAt)).toBe(240_000)
  expect((await monitor.get('/api/v1/alertmanagers')).json().data).toEqual({ activeAlertmanagers: [{ url: `http://${address}/api/v2/alerts` }], droppedAlertmanagers: [] })
  fs.writeFileSync(`${folder}/monitor.yml`, config(0))
  expect((await fetch(`${monitor.base}/-/reload`, { method: 'POST' })).status).toBe(200)
  await waitFor('its end', () => Promise.resolve(told.length > 1))
  expect(told[1]).toMatchObject({ labels: { alertname: 'X', dc: 'eu' }, startsAt: told[0]!.startsAt })
  expect(Date.parse(told[1]!.endsAt)).toBeLessThanOrEqual(Date.now())
  expect(await monitor.stop()).toBe(0)
}, 120_000)

it('a bad rule file keeps the server from starting, and says where', async () => {
  const folder = tempFolder()
  fs.mkdirSync(`${folder}/rules`)
  fs.writeFileSync(`${folder}/rules/a.yml`, 'groups:\n- name: a\n  rules:\n  - {alert: A, expr: up, anotations: {}}\n')
  const monitor = await MonitorProcess.launch(folder, { config: CONFIG })
  expect(await monitor.exited).toBe(1)
  expect(monitor.output).toContain(`${folder}/rules/a.yml:4:26: unknown key "anotations" in groups[0].rules[0]; did you mean "annotations"?`)
}, 120_000)
