// The alert pipeline of a running Monitor: amtool against it, pages to a real receiver, what a kill leaves.
import { spawnSync } from 'node:child_process'
import { describe, expect, it, onTestFinished } from 'vitest'
import { runIncidentKills } from '../prove/incident-kills.ts'
import { MonitorProcess, waitFor } from '../support/monitor-process.ts'
import { PageServer } from '../support/page-server.ts'
import { testSeed } from '../support/seed.ts'
import { tempFolder } from '../support/temp-folder.ts'

const hasAmtool = spawnSync('amtool', ['--version']).status === 0

async function start(config: (hook: string) => string, folder: string = tempFolder()): Promise<{ monitor: MonitorProcess; server: PageServer; folder: string; restart: () => Promise<MonitorProcess> }> {
  const server = await PageServer.start()
  onTestFinished(() => server.stop())
  const run = async (): Promise<MonitorProcess> => {
    const monitor = await MonitorProcess.start(folder, { config: config(server.url) })
    onTestFinished(() => monitor.kill9())
    return monitor
  }
  return { monitor: await run(), server, folder, restart: run }
}

const INLINE = (hook: string): string => `
alerting:
  route: {receiver: hook, group_by: [alertname], group_wait: 0s, group_interval: 1s}
  receivers: [{name: hook, webhook_configs: [{url: "${hook}"}]}]
`

describe.skipIf(!hasAmtool)(hasAmtool ? 'amtool' : 'amtool (needs the package prometheus-alertmanager)', () => {
  it('adds alerts and silences, lists and ends them, and shows the configuration', async () => {
    const { monitor, server } = await start(INLINE)
    const amtool = (...args: string[]): string => {
      const run = spawnSync('amtool', [`--alertmanager.url=${monitor.base}/alertmanager`, ...args], { encoding: 'utf8' })
      if (run.status !== 0) throw new Error(`amtool ${args.join(' ')}: ${run.stderr}${run.stdout}`)
      return run.stdout
    }
    const silences = (): unknown[] => JSON.parse(amtool('silence', 'query', '-o', 'json')) as unknown[]
    const alerts = (...args: string[]): unknown[] => JSON.parse(amtool('alert', 'query', '-o', 'json', ...args)) as unknown[]
    amtool('alert', 'add', 'alertname=Disk', 'instance=a')
    await waitFor('a page', async () => server.firings('alertname').get('Disk') === 1)
    expect(alerts('instance=a')).toMatchObject([{ labels: { alertname: 'Disk', instance: 'a' }, receivers: [{ name: 'hook' }], status: { state: 'active' } }])
    const id = amtool('silence', 'add', 'instance=~a|b', '--comment=at work', '--author=me', '--duration=1h').trim()
    expect(silences()).toMatchObject([{ id, comment: 'at work', createdBy: 'me', matchers: [{ name: 'instance', value: 'a|b', isRegex: true }], status: { state: 'active' } }])
    expect(alerts()).toEqual([])
    expect(alerts('--silenced')).toMatchObject([{ status: { state: 'suppressed', silencedBy: [id] } }])
    amtool('alert', 'add', 'alertname=Memory', 'instance=b')
    amtool('alert', 'add', 'alertname=Load', 'instance=c')
    await waitFor('the page of what is not silenced', async () => server.firings('alertname').has('Load'))
    expect(server.firings('alertname').has('Memory')).toBe(false)
    amtool('silence', 'expire', id)
    expect(silences()).toEqual([])
    await waitFor('the page of what was silenced', async () => server.firings('alertname').has('Memory'))
    expect(amtool('config', 'show')).toContain('group_by:\n    - alertname')
    expect(amtool('config', 'show')).not.toContain(server.url)
  }, 120_000)
})

describe('the alert pipeline', () => {
  it('keeps a silence that was answered, and who was told, over a kill; resolved alerts are told after it', async () => {
    const { monitor, server, restart } = await start(INLINE)
    const api = (at: MonitorProcess, path: string, body: unknown): Promise<Response> => fetch(`${at.base}/alertmanager/api/v2/${path}`, { method: 'POST', body: JSON.stringify(body), headers: { 'content-type': 'application/json' } })
    const fire = (at: MonitorProcess, name: string): Promise<Response> => api(at, 'alerts', [{ labels: { alertname: name } }])
    await fire(monitor, 'Told')
    await waitFor('a page', async () => server.pages.length === 1)
  
    await new Promise((resolve) => setTimeout(resolve, 200))
    const silence = await api(monitor, 'silences', { matchers: [{ name: 'alertname', value: 'Hidden', isRegex: false }], startsAt: new Date().toISOString(), endsAt: '2099-01-01T00:00:00Z', createdBy: 'me', comment: 'x' })
    expect(silence.status).toBe(200)
    await monitor.kill9()
    const again = await restart()
    expect(await (await fetch(`${again.base}/alertmanager/api/v2/silences`)).json()).toMatchObject([{ matchers: [{ value: 'Hidden' }], status: { state: 'active' } }])
    for (const name of ['Told', 'Hidden', 'New']) await fire(again, name)
    await waitFor('the new page', async () => server.firings('alertname').has('New'))
    await new Promise((resolve) => setTimeout(resolve, 1500))
    expect([...server.firings('alertname')]).toEqual([['Told', 1], ['New', 1]])
    await api(again, 'alerts', [{ labels: { alertname: 'Told' }, endsAt: new Date().toISOString() }])
    await waitFor('the end', async () => server.pages.some(({ status, alerts }) => status === 'resolved' && alerts[0]!.labels['alertname'] === 'Told'))
  }, 120_000)

  it('misses no page over kills at random, and doubles hardly one', async () => {
    const kills = 3
    const { incidents, missed, doubled } = await runIncidentKills({ folder: tempFolder(), kills, seed: testSeed(), print: () => {} })
    expect(missed).toEqual([])
    // Between a page and its entry in the log lies a moment in which a kill doubles it, and others that are under way.
    expect(doubled.length).toBeLessThanOrEqual(2 * kills)
    expect(incidents).toBeGreaterThan(20)
  }, 120_000)

  it('names what is wrong in alertmanager.yml, and starts with nothing of it', async () => {
    const folder = tempFolder()
    const { writeFileSync } = await import('node:fs')
    writeFileSync(`${folder}/am.yml`, 'route:\n  receiver: tema\n  routes: [{matchers: ["a=(("], mute_time_intervals: [night]}]\nreceivers:\n- name: team\n')
    const monitor = await MonitorProcess.launch(folder, { config: 'alerting: {config_file: am.yml}\n' })
    expect(await monitor.exited).toBe(1)
    expect(monitor.output).toContain(`${folder}/am.yml:2:13: route.receiver: undefined receiver "tema" used in route; did you mean "team"?`)
    expect(monitor.output).toContain(`${folder}/am.yml:3:55: route.routes[0].mute_time_intervals[0]: undefined time interval "night" used in route`)
  }, 120_000)
})
