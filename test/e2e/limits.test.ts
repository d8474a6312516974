// Limits of a server: what is over them is left out, counted and named; what is known, and everybody else, goes on.
import fs from 'node:fs'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, it, onTestFinished } from 'vitest'
import { MonitorProcess, freePort, waitFor } from '../support/monitor-process.ts'
import { writeBody } from '../support/remote-write-body.ts'
import { tempFolder } from '../support/temp-folder.ts'

interface Target {
  address: string
  /** From now on its page has 30 series more at each scrape. */
  grow: () => void
}

async function target(): Promise<Target> {
  let lines = 30
  let grows = false
  const server = http.createServer((_, response) => {
    if (grows) lines += 30
    const body = Array.from({ length: lines }, (__, i) => `requests_total{id="${i}"} ${i}`).join('\n')
    response.setHeader('content-type', 'text/plain; version=0.0.4')
    response.end(`${body}\n`)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  return { address: `127.0.0.1:${(server.address() as AddressInfo).port}`, grow: () => (grows = true) }
}

it('refuses what is over its limits of new and active series and of label sizes, and nothing else', async () => {
  const folder = tempFolder()
  const [growing, steady] = [await target(), await target()]
  const configOf = (activeSeries: number, pushed: number): string => `
global: {scrape_interval: 500ms, push_new_series_limit: ${pushed}, label_value_length_limit: 40, label_limit: 6, label_name_length_limit: 12}
storage: {limits: {active_series: ${activeSeries}}}
scrape_configs:
  - {job_name: growing, new_series_limit: 100, static_configs: [{targets: ["${growing.address}"]}]}
  - {job_name: steady, new_series_limit: 100, static_configs: [{targets: ["${steady.address}"]}]}
`
  const monitor = await MonitorProcess.start(folder, { flags: ['--web.enable-lifecycle'], port: await freePort(), config: configOf(0, 50) })
  onTestFinished(() => monitor.kill9())
  const metric = async (name: string): Promise<number> => {
    const { text } = await monitor.get('/metrics')
    return Number(text.split('\n').find((line) => line.startsWith(`${name} `))!.slice(name.length))
  }
  const nowMs = Date.now()
  let step = 0
  const push = (series: readonly (readonly [name: string, value: string][])[]): Promise<Response> => {
    step++
    return fetch(`${monitor.base}/api/v1/write`, { method: 'POST', body: Buffer.from(writeBody(series.map((labels, i) => ({ labels: labels.map(([name, value]): [string, string] => [name, value]), samples: [[i, nowMs + step]] })))) })
  }
  const of = (job: string, count: number): [string, string][][] => Array.from({ length: count }, (_, i) => [['__name__', 'pushed'], ['id', String(i)], ['instance', 'h1'], ['job', job]])

  // Scrapes: the first page is free, then 100 an hour; what is known goes on, and so does the other target.
  await waitFor('the first pages', async () => (await monitor.value('count(requests_total)', Date.now() / 1000)) === 60)
  growing.grow()
  await waitFor('a scrape over the limit', async () => (await metric('monitor_target_samples_over_new_series_limit_total')) > 60)
  const seconds = Date.now() / 1000
  expect(await monitor.value('count(requests_total{job="growing"})', seconds)).toBe(130)
  expect(await monitor.value('count(requests_total{job="steady"})', seconds)).toBe(30)
  await waitFor('known series of later scrapes', async () => (await monitor.value('min(timestamp(requests_total{id="0"}))', Date.now() / 1000)) > seconds)
  expect(monitor.output).toMatch(/level=WARN msg="a target has more new series in an hour than it may, and they are left out: [^"]*" component=scrape job=growing instance=\S+ samples=\d+/)
  await waitFor('good scrapes of both', async () => (await monitor.value('min(up)', Date.now() / 1000)) === 1)

  // Pushes: 50 an hour of a job and instance.
  const over = await push(of('a', 80))
  expect([over.status, await over.text()]).toEqual([400, expect.stringContaining('30 of 80 samples refused (30 new_series_limit), 50 stored; first: over global.push_new_series_limit in an hour of its job and instance at pushed{id="50"')])
  expect((await push(of('a', 50))).status, 'known series').toBe(204)
  expect((await push(of('b', 50))).status, 'another source').toBe(204)
  expect(await metric('monitor_remote_write_refused_samples_total{reason="new_series_limit"}')).toBe(30)

  // Sizes of labels: those of `global`, as for scrapes.
  const f = async (labels: [string, string][], want: string): Promise<void> => {
    const response = await push([...of('a', 1), [['__name__', 'pushed'], ...labels]])
    expect([response.status, await response.text()]).toEqual([400, expect.stringContaining(`1 of 2 samples refused (1 invalid_labels), 1 stored; first: ${want}`)])
  }
  await f([['id', 'x'.repeat(41)]], 'label value of 41 bytes exceeds 40')
  await f([['a_long_label_name', 'x']], 'label name of 17 bytes exceeds 12')
  await f(Array.from({ length: 6 }, (_, i) => [`l${i}`, 'x']), 'more than 6 labels')

  // Active series, and limits that a reload lifts.
  const reload = async (config: string): Promise<void> => {
    fs.writeFileSync(`${folder}/monitor.yml`, config)
    expect((await fetch(`${monitor.base}/-/reload`, { method: 'POST' })).status).toBe(200)
  }
  await reload(configOf(1, 50))
  const full = await push([...of('b', 50), ...of('c', 2)])
  expect([full.status, await full.text()]).toEqual([400, expect.stringContaining('2 of 52 samples refused (2 series_limit), 50 stored')])
  expect(await metric('monitor_remote_write_refused_samples_total{reason="series_limit"}')).toBe(2)
  await reload(configOf(0, 0))
  expect((await push(of('a', 80))).status).toBe(204)
  expect((await push(of('c', 2))).status).toBe(204)
}, 120_000)
