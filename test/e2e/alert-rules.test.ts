// Rules made by API in the program itself: evaluated beside those of files, and there again after a kill right behind the answer.
import fs from 'node:fs'
import { expect, it, onTestFinished } from 'vitest'
import { MonitorProcess, waitFor } from '../support/monitor-process.ts'
import { tempFolder } from '../support/temp-folder.ts'

/** A busy machine starts slowly. */
const WAIT_MS = 45_000

interface Shown {
  name: string
  file: string
  rules: { name: string; state: string; query: string; alerts: { labels: Record<string, string>; annotations: Record<string, string> }[] }[]
}

it.each([[[]], [['--threads=0']]])('a rule made by API fires, and survives kill -9 right after its answer (%s)', async (flags) => {
  const folder = tempFolder()
  const config = 'global: {evaluation_interval: 300ms}\nrules: [{name: inline, interval: 300ms, rules: [{record: cpu, expr: vector(90)}]}]\n'
  const start = (): Promise<MonitorProcess> => MonitorProcess.start(folder, { config, flags })
  let monitor = await start()
  onTestFinished(() => monitor.kill9())
  const post = (path: string, body: object): Promise<Response> => fetch(`${monitor.base}/api/alerts/rules${path}`, { method: 'POST', body: JSON.stringify(body) })
  const shown = async (): Promise<Shown | undefined> => ((await monitor.get('/api/v1/rules')).json().data as { groups: Shown[] }).groups.find(({ name }) => name.startsWith('api'))
  const rule = { name: 'Hot', metric: 'cpu', condition: { operator: 'gt', threshold: 80, window: '5m' }, severity: 'critical' }
  const made = await post('', rule)
  expect(made.status).toBe(201)
  const { id } = await made.json() as { id: string }
  const group = await waitFor('the alert', async () => {
    const found = await shown()
    return found?.rules[0]?.state === 'firing' && found
  }, WAIT_MS)
  expect(group).toMatchObject({ file: `${fs.realpathSync(folder)}/data/rules/api.yml`, rules: [{ name: 'Hot', query: 'avg_over_time(cpu[5m]) > 80' }] })
  expect(group.rules[0]!.alerts).toMatchObject([{ labels: { alertname: 'Hot', severity: 'critical', rule_id: id }, annotations: { summary: 'Hot: avg of cpu over 5m > 80, now 90' } }])

  const test = async (body: object, query: string): Promise<{ status: number; json: { data: { fired: number; expr: string; alerts: { labels: Record<string, string>; state: string; resolved_at: string | null }[] }; error: string } }> => {
    const reply = await post(`/test${query}`, body)
    return { status: reply.status, json: await reply.json() as never }
  }
  const range = `?from=${Date.now() / 1000 - 60}&step=1s`
  for (const body of [{ id }, rule, { alert: 'Hot' }, { alert: 'Hot', group: 'api' }]) {
    expect(await test(body, range), JSON.stringify(body)).toMatchObject({ status: 200, json: { data: { fired: 1, expr: 'avg_over_time(cpu[5m]) > 80', alerts: [{ state: 'firing', resolved_at: null, labels: { alertname: 'Hot' } }] } } })
  }
  expect((await test({ ...rule, condition: { operator: 'gt', threshold: 95 } }, range)).json.data.fired).toBe(0)
  expect(await test({ alert: 'None' }, '')).toMatchObject({ status: 422, json: { error: 'no rule file has an alert "None" there; GET /api/v1/rules lists those there are' } })
  expect(await test(rule, '?step=0')).toMatchObject({ status: 422, json: { error: 'the step is shorter than a millisecond; give one such as step=30s, or leave it out for the interval of the rule' } })
  expect(await test(rule, '?from=0&step=1s')).toMatchObject({ status: 422, json: { error: 'the range has more than 11000 steps of 1 s; give a longer step or a shorter range' } })
  expect(await test({ ...rule, severity: 'x' }, '')).toMatchObject({ status: 400 })

  await post('', { ...rule, name: 'Second' })
  await monitor.kill9()
  monitor = await start()
  const names = ((await monitor.get('/api/alerts/rules')).json().data as { name: string }[]).map(({ name }) => name)
  expect(names).toEqual(['Hot', 'Second'])
  await waitFor('both to fire', async () => {
    const states = (await shown())?.rules.map(({ state }) => state) ?? []
    return states.length === 2 && states.every((state) => state === 'firing')
  }, WAIT_MS)
}, 4 * WAIT_MS)
