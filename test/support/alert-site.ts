// A Monitor with a few alerts that fire, one that is pending and a rule that fails, and the receiver of its webhooks.
import { onTestFinished } from 'vitest'
import { buildPages } from './browser.ts'
import { MonitorProcess, freePort, waitFor } from './monitor-process.ts'
import { PageServer, type Page } from './page-server.ts'
import { tempFolder } from './temp-folder.ts'

function alertConfig(port: number, hook: string, moreRules: string): string {
  return `global: { scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s }
scrape_configs:
  - job_name: self
    static_configs: [{ targets: ['127.0.0.1:${port}'] }]
rules:
  - name: machines
    rules:
      - { alert: DiskFull, expr: 'vector(97.5)', labels: { severity: critical, instance: db1, mount: /var }, annotations: { summary: 'disk /var of db1 is full in 2 h', runbook: 'https://wiki.example/disk' } }
      - { alert: CpuHigh, expr: 'vector(88)', labels: { severity: warning, instance: web1 }, annotations: { summary: 'web1 works at 88 %' } }
      - { alert: Slow, expr: 'vector(1)', for: 1h, labels: { severity: info } }
      - { record: 'answer', expr: 'vector(42)' }
${moreRules}      - { record: 'broken:rule', expr: 'vector(1) + on () (label_replace(vector(1), "a", "b", "", "") or vector(1))' }
alerting:
  route: { receiver: team, escalation: oncall, group_by: [alertname], group_wait: 0s, group_interval: 1s }
  receivers:
    - { name: team, webhook_configs: [{ url: '${hook}' }] }
    - { name: ops-sms, webhook_configs: [{ url: '${hook}' }] }
  escalations:
    oncall: [{ after: 10m, receiver: ops-sms }]
`
}

export interface AlertSite {
  monitor: MonitorProcess
  got: readonly Page[]
  /** Its data, and monitor.yml. */
  folder: string
  /** Starts it anew over the same folder, on the same port. */
  again: () => Promise<MonitorProcess>
}

/** Resolves when both alerts have been told of. */
export async function startAlertSite({ flags = [], moreRules = '' }: { flags?: readonly string[]; moreRules?: string } = {}): Promise<AlertSite> {
  buildPages()
  const [port, hook, folder] = [await freePort(), await PageServer.start(), tempFolder()]
  onTestFinished(() => hook.stop())
  const start = async (): Promise<MonitorProcess> => {
    const monitor = await MonitorProcess.start(folder, { port, flags, config: alertConfig(port, hook.url, moreRules) })
    onTestFinished(() => monitor.kill9())
    return monitor
  }
  const monitor = await start()
  await waitFor('both messages', () => Promise.resolve(hook.pages.length >= 2), 30_000)
  return { monitor, got: hook.pages, folder, again: start }
}
