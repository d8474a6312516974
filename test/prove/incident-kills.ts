// kill -9 of the alert pipeline at random: incidents are pushed all the while, each is a series that fires an alert; counted are
// those whose push was acknowledged and of which no page came, and those that were paged twice.
import { Random } from '../../lib/std/random.ts'
import { freePort, MonitorProcess, waitFor } from '../support/monitor-process.ts'
import { PageServer } from '../support/page-server.ts'
import { writeBody } from '../support/remote-write-body.ts'

export interface IncidentReport {
  kills: number
  /** Incidents whose push was acknowledged. */
  incidents: number
  missed: string[]
  doubled: string[]
  /** The longest time from an acknowledged push to its page, ms; kills and restarts lie between. */
  slowestMs: number
}

const PUSH_EVERY_MS = 100
const LAST_PAGE_MS = 60_000

const config = (hook: string): string => `
alerting:
  route: {receiver: hook, group_by: [incident], group_wait: 0s, group_interval: 1s, repeat_interval: 1d}
  receivers: [{name: hook, webhook_configs: [{url: "${hook}"}]}]
rules:
- name: incidents
  interval: 1s
  rules: [{alert: Incident, expr: incident == 1}]
`

/** Pushes incidents until it is stopped; those that were acknowledged, with their moment. */
class Incidents {
  readonly acknowledged = new Map<string, number>()
  readonly #url: string
  #running: Promise<void> | null = null
  #isStopped = false

  constructor(port: number) {
    this.#url = `http://127.0.0.1:${port}/api/v1/write`
    this.#running = this.#run()
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    await this.#running
  }

  async #run(): Promise<void> {
    for (let i = 0; !this.#isStopped; i++) {
      const body = writeBody([{ labels: [['__name__', 'incident'], ['incident', String(i)]], samples: [[1, Date.now()]] }])
      try {
        const { status } = await fetch(this.#url, { method: 'POST', body: new Uint8Array(body), headers: { 'content-type': 'application/x-protobuf', 'content-encoding': 'snappy' } })
        if (status === 204) this.acknowledged.set(String(i), Date.now())
      } catch {
        // The server is being killed, or starts again: what was not acknowledged is promised to no one.
      }
      await new Promise((resolve) => setTimeout(resolve, PUSH_EVERY_MS))
    }
  }
}

export async function runIncidentKills({ folder, kills, seed, print }: { folder: string; kills: number; seed: number; print: (line: string) => void }): Promise<IncidentReport> {
  const random = new Random(seed)
  const port = await freePort()
  const server = await PageServer.start()
  const start = (): Promise<MonitorProcess> => MonitorProcess.start(folder, { config: config(server.url), port })
  let monitor = await start()
  const incidents = new Incidents(port)
  try {
    for (let round = 1; round <= kills; round++) {
      await new Promise((resolve) => setTimeout(resolve, 300 + random.int(2500)))
      await monitor.kill9()
      monitor = await start()
      print(`kill ${round}: ${incidents.acknowledged.size} incidents, ${server.firings('incident').size} paged`)
    }
    await incidents.stop()
    const missing = (): string[] => [...incidents.acknowledged.keys()].filter((id) => !server.firings('incident').has(id))
    await waitFor('the last page', async () => missing().length === 0, LAST_PAGE_MS).catch(() => {})
    return {
      kills, incidents: incidents.acknowledged.size, missed: missing(),
      doubled: [...server.firings('incident')].filter(([, count]) => count > 1).map(([id]) => id), slowestMs: slowest(incidents, server),
    }
  } finally {
    await incidents.stop()
    await monitor.kill9()
    await server.stop()
  }
}

function slowest({ acknowledged }: Incidents, { pages }: PageServer): number {
  let slowestMs = 0
  const seen = new Set<string>()
  for (const { alerts, atMs } of pages) {
    for (const { status, labels } of alerts) {
      const id = labels['incident'] ?? ''
      const pushedMs = acknowledged.get(id)
      if (status !== 'firing' || seen.has(id) || pushedMs === undefined) continue
      seen.add(id)
      slowestMs = Math.max(slowestMs, atMs - pushedMs)
    }
  }
  return slowestMs
}
