// kill -9 at random while alerts come, people silence, acknowledge and make rules: what was answered is there after the
// start, and every alert that was taken is told at least once. Counts those told twice.
import { Worker } from 'node:worker_threads'
import { Random } from '../../lib/std/random.ts'
import { MonitorProcess, freePort, waitFor } from '../support/monitor-process.ts'

export interface AlertKillReport {
  kills: number
  /** Promises that were answered. */
  alerts: number
  silences: number
  acknowledgements: number
  rules: number
  /** Alerts told more than once, and more than twice. */
  toldTwice: number
  toldMore: number
  /** What was promised and is gone, or never told. */
  lost: string[]
}

interface AlertKillOptions {
  folder: string
  kills: number
  seed: number
  /** The process that sends is killed, too. */
  isWhole: boolean
  print: (line: string) => void
}

/** Alerts of a round may be told, and the server may answer, for so long. */
const TOLD_MS_MAX = 30_000

/** Every alert is a group of its own, so that a message is the page of one. */
function configOf(hook: string): string {
  return `alerting:
  route: { receiver: team, group_by: ['...'], group_wait: 0s, group_interval: 1s, repeat_interval: 4h }
  receivers: [{ name: team, webhook_configs: [{ url: '${hook}', send_resolved: false }] }]
`
}

export async function runAlertKills({ folder, kills, seed, isWhole, print }: AlertKillOptions): Promise<AlertKillReport> {
  const told = new Map<string, number>()
  const { hook, close } = await listen(told)
  const client = new AlertClient(new Random(seed))
  const options = { config: configOf(hook), port: await freePort() }
  const report: AlertKillReport = { kills: 0, alerts: 0, silences: 0, acknowledgements: 0, rules: 0, toldTwice: 0, toldMore: 0, lost: [] }
  let monitor = await MonitorProcess.start(folder, options)
  try {
    for (let round = 0; round < kills; round++) {
      const work = client.work(monitor.base)
      // By answers, not by time: a busy machine gives as many.
      const until = client.answered + 3 + client.random.int(60)
      await waitFor('answers', () => Promise.resolve(client.answered >= until), TOLD_MS_MAX)
      await new Promise((resolve) => setTimeout(resolve, client.random.int(20)))
      await (isWhole ? monitor.kill9Whole() : monitor.kill9())
      await work
      report.kills++
      monitor = await MonitorProcess.start(folder, options)
      const before = report.lost.length
      report.lost.push(...(await client.missing(monitor.base)).map((what) => `round ${round}: ${what}`))
      const silent = (): string[] => [...client.alerts].filter((name) => !told.has(name) && !client.mayBeSilent.has(name))
      await waitFor('pages', () => Promise.resolve(silent().length === 0), TOLD_MS_MAX).catch(() => report.lost.push(...silent().map((name) => `round ${round}: nobody was told of ${name}`)))
      print(`kill ${round + 1}: ${client.alerts.size} alerts taken, ${client.silences.size} silences, ${client.acknowledged.size} acknowledged, ${client.rules.size} rules; ${report.lost.length - before} lost`)
    }
  } finally {
    await monitor.kill9()
    await close()
  }
  const counts = [...client.alerts].map((name) => told.get(name) ?? 0)
  return {
    ...report, alerts: client.alerts.size, silences: client.silences.size, acknowledgements: client.acknowledged.size, rules: client.rules.size,
    toldTwice: counts.filter((n) => n > 1).length, toldMore: counts.filter((n) => n > 2).length,
  }
}

/** Answers webhooks, and counts how often each alert came. */
async function listen(told: Map<string, number>): Promise<{ hook: string; close: () => Promise<unknown> }> {
  const thread = new Worker(new URL('./hook-thread.ts', import.meta.url))
  const hook = await new Promise<string>((resolve) => {
    thread.on('message', (message: string | string[]) => {
      if (typeof message === 'string') resolve(message)
      else for (const name of message) told.set(name, (told.get(name) ?? 0) + 1)
    })
  })
  return { hook, close: () => thread.terminate() }
}

/** Asks for things one after another until the server dies, and remembers what was answered. */
class AlertClient {
  readonly random: Random
  /** Names of alerts that were taken. */
  readonly alerts = new Set<string>()
  readonly silences = new Set<string>()
  readonly rules = new Set<string>()
  /** Ids. */
  readonly acknowledged = new Set<string>()
  /** Acknowledged before they were told, perhaps. */
  readonly mayBeSilent = new Set<string>()
  answered = 0
  #lastName = 0

  constructor(random: Random) {
    this.random = random
  }

  /** Resolves when the server answers no more. */
  async work(base: string): Promise<void> {
    try {
      for (;; this.answered++) await this.#one(base)
    } catch (error) {
      if (!(error instanceof TypeError)) throw error
    }
  }

  async #one(base: string): Promise<void> {
    const name = `A${++this.#lastName}`
    const endsAt = new Date(Date.now() + 86_400_000).toISOString()
    const dice = this.random.int(10)
    if (dice < 6) {
      if ((await post(`${base}/alertmanager/api/v2/alerts`, [{ labels: { alertname: name }, endsAt }])).status === 200) this.alerts.add(name)
    } else if (dice < 7) {
      const matchers = [{ name: 'alertname', value: `S${name}`, isRegex: false, isEqual: true }]
      const answer = await post(`${base}/alertmanager/api/v2/silences`, { matchers, startsAt: new Date().toISOString(), endsAt, createdBy: 'prove', comment: 'prove' })
      if (answer.status === 200) this.silences.add((await answer.json() as { silenceID: string }).silenceID)
    } else if (dice < 8) {
      const answer = await post(`${base}/api/alerts/rules`, { name, metric: 'none', condition: { operator: 'gt', threshold: 1, window: '5m', aggregation: 'avg' }, severity: 'info', notify: [] })
      if (answer.status === 201) this.rules.add((await answer.json() as { id: string }).id)
    } else await this.#acknowledge(base)
  }

  async #acknowledge(base: string): Promise<void> {
    const { data } = await (await fetch(`${base}/api/alerts?status=open&limit=20`)).json() as { data: { alert_id: string; rule_name: string }[] }
    const one = data[this.random.int(Math.max(1, data.length))]
    if (one === undefined) return
    this.mayBeSilent.add(one.rule_name)
    if ((await post(`${base}/api/alerts/${one.alert_id}/ack`, { by: 'prove' })).status === 200) this.acknowledged.add(one.alert_id)
  }

  /** Promises that the server does not keep. */
  async missing(base: string): Promise<string[]> {
    const silences = new Set((await list<{ id: string }[]>(`${base}/alertmanager/api/v2/silences`)).map(({ id }) => id))
    const rules = new Set((await list<{ data: { id: string }[] }>(`${base}/api/alerts/rules`)).data.map(({ id }) => id))
    const alerts = new Map<string, string>()
    const names = new Set<string>()
    for (let after = ''; ;) {
      const page = await list<{ data: { alert_id: string; status: string; rule_name: string }[]; next: string | null }>(`${base}/api/alerts?limit=1000${after}`)
      for (const { alert_id: id, status, rule_name: name } of page.data) {
        names.add(name)
        alerts.set(id, status)
      }
      if (page.next === null) break
      after = `&after=${page.next}`
    }
    return [
      ...[...this.silences].filter((id) => !silences.has(id)).map((id) => `silence ${id}`), ...[...this.rules].filter((id) => !rules.has(id)).map((id) => `rule ${id}`),
      ...[...this.acknowledged].filter((id) => alerts.get(id) !== 'acknowledged').map((id) => `acknowledgement of ${id}`), ...[...this.alerts].filter((name) => !names.has(name)).map((name) => `alert ${name}`),
    ]
  }
}

function post(url: string, body: unknown): Promise<Response> {
  return fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) })
}

async function list<T>(url: string): Promise<T> {
  return await (await fetch(url)).json() as T
}
