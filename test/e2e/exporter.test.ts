// End to end with a real exporter: what a query answers is what the exporter's own page says.
import { spawn } from 'node:child_process'
import fs from 'node:fs'
import { describe, expect, it, onTestFinished } from 'vitest'
import { REJECT_NAMES } from '../../storage/interface.ts'
import { MonitorProcess, freePort, waitFor } from '../support/monitor-process.ts'
import { tempFolder } from '../support/temp-folder.ts'

const exporter = '/usr/bin/prometheus-node-exporter'

describe('end to end', () => {
  const title = 'stores what node_exporter exposes, and what Monitor says of itself'
  it.skipIf(!fs.existsSync(exporter))(fs.existsSync(exporter) ? title : `${title} (needs the package prometheus-node-exporter)`, async () => {
    const port = await freePort()
    const child = spawn(exporter, [`--web.listen-address=127.0.0.1:${port}`], { stdio: 'ignore' })
    onTestFinished(() => void child.kill('SIGKILL'))
    const own = await freePort()
    const monitor = await MonitorProcess.start(tempFolder(), {
      port: own,
      config: `global: { scrape_interval: 1s, scrape_timeout: 1s }
scrape_configs:
  - job_name: node
    static_configs: [{ targets: ['127.0.0.1:${port}'] }]
  - job_name: self
    static_configs: [{ targets: ['127.0.0.1:${own}'] }]
`,
    })
    onTestFinished(() => monitor.kill9())
    await waitFor('both targets up', async () => (await monitor.query('up == 1')).length === 2)
    await waitFor('three scrapes', async () => (await monitor.value('min(count_over_time(up[1m]))')) >= 3)

    const page = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()
    const series = page.split('\n').filter((line) => line !== '' && !line.startsWith('#')).map((line) => line.slice(0, line.lastIndexOf(' ')))
    // Counts of the exporter's own go on; everything it names must be stored, with its labels.
    const stored = await monitor.query('{job="node"}')
    const names = new Set(stored.map(({ metric }) => metric['__name__']!))
    for (const line of series) expect(names).toContain(line.split('{')[0])
    const count = await monitor.value('scrape_samples_scraped{job="node"}')
    expect(Math.abs(count - series.length)).toBeLessThan(40)

    const constant = (name: string): number => Number(page.split('\n').find((line) => line.startsWith(`${name} `))!.split(' ')[1])
    for (const name of ['node_memory_MemTotal_bytes', 'node_boot_time_seconds']) expect(await monitor.value(name)).toBe(constant(name))
    const cpus = series.filter((line) => /^node_cpu_seconds_total\{.*mode="idle"/.test(line)).length
    expect(await monitor.value('count(node_cpu_seconds_total{mode="idle"})')).toBe(cpus)
    expect(await monitor.value('sum(rate(node_cpu_seconds_total[10s]))')).toBeGreaterThan(0)
    expect(await monitor.value('monitor_event_loop_stall_seconds')).toBeGreaterThanOrEqual(0)
    // Nothing of what two well-behaved targets sent was refused, from the first scrape on.
    const ownPage = await (await fetch(`http://127.0.0.1:${own}/metrics`)).text()
    const refused = ownPage.split('\n').filter((line) => line.startsWith('monitor_storage_refused_samples_total{'))
    expect(refused.map((line) => line.slice(line.indexOf('{')))).toEqual(REJECT_NAMES.slice(1).map((reason) => `{reason="${reason}"} 0`))
    expect(await monitor.stop()).toBe(0)
  }, 120_000)
})
