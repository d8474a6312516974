// kill -9 rounds with a ledger client in a process of its own; counts what was acknowledged and is not found again.
import { spawn, type ChildProcess } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { Random } from '../../lib/std/random.ts'
import { LEDGER_SERIES } from '../support/ledger-client.ts'
import { MonitorProcess, freePort } from '../support/monitor-process.ts'

export interface KillReport {
  kills: number
  /** Acknowledged samples. */
  acknowledged: number
  /** Self-scrapes that a query showed at least 100 ms before a kill. */
  scrapesSeen: number
  /** What was promised and is gone. */
  lost: string[]
}

interface KillOptions {
  folder: string
  kills: number
  seed: number
  print: (line: string) => void
}

/** Scrapes itself. */
export const SELF_CONFIG: string = `global: { scrape_interval: 250ms, scrape_timeout: 250ms }
scrape_configs:
  - job_name: self
    static_configs: [{ targets: ['127.0.0.1:PORT'] }]
`

export async function runKills({ folder, kills, seed, print }: KillOptions): Promise<KillReport> {
  const random = new Random(seed)
  const port = await freePort()
  const ledgerPath = `${folder}/ledger`
  const client = startClient(port, ledgerPath, `s${seed}`)
  const report: KillReport = { kills: 0, acknowledged: 0, scrapesSeen: 0, lost: [] }
  const seen = new Set<number>()
  let monitor = await MonitorProcess.start(folder, { config: SELF_CONFIG.replace('PORT', String(port)), port })
  try {
    for (let round = 0; round < kills; round++) {
      await new Promise((resolve) => setTimeout(resolve, 400 + random.int(1200)))
      for (const t of await scrapeTimes(monitor)) seen.add(t)
      await new Promise((resolve) => setTimeout(resolve, 100))
      await monitor.kill9()
      report.kills++
      const promised = readLedger(ledgerPath)
      monitor = await MonitorProcess.start(folder, { config: SELF_CONFIG.replace('PORT', String(port)), port })
      const before = report.lost.length
      report.lost.push(...(await missing(monitor, promised, seen)).map((what) => `round ${round}: ${what}`))
      print(`kill ${round + 1}: ${promised.size * LEDGER_SERIES} acknowledged samples, ${seen.size} scrapes, ${report.lost.length - before} lost`)
    }
    report.acknowledged = readLedger(ledgerPath).size * LEDGER_SERIES
    report.scrapesSeen = seen.size
  } finally {
    client.kill('SIGKILL')
    await monitor.kill9()
  }
  return report
}

/** A client in a process of its own that sends and notes what was acknowledged, until it is ended. */
export function startClient(port: number, ledgerPath: string, prefix: string): ChildProcess {
  fs.writeFileSync(ledgerPath, '')
  return spawn(process.execPath, [path.resolve(import.meta.dirname, '../support/ledger-client.ts'), `http://127.0.0.1:${port}/api/v1/write`, ledgerPath, prefix], { stdio: 'ignore' })
}

/** Times (ms) of all self-scrapes a query shows. */
async function scrapeTimes(monitor: MonitorProcess): Promise<number[]> {
  const [series] = await matrix(monitor, 'up{job="self"}[1h]')
  return (series ?? []).map(([t]) => Math.round(t * 1000))
}

interface Series {
  values?: [number, string][]
  histograms?: [number, { count: string; buckets: unknown[] }][]
}

async function seriesOf(monitor: MonitorProcess, query: string): Promise<Series[]> {
  const reply = await monitor.get(`/api/v1/query?${new URLSearchParams({ query })}`)
  if (reply.status !== 200) throw new Error(`${query} is answered ${reply.status} ${reply.text.slice(0, 500)}`)
  return (reply.json().data as { result: Series[] }).result
}

async function matrix(monitor: MonitorProcess, query: string): Promise<[number, string][][]> {
  return (await seriesOf(monitor, query)).map(({ values }) => values ?? [])
}

/** request → time of all acknowledged requests. */
export function readLedger(file: string): Map<number, number> {
  const lines = fs.readFileSync(file, 'utf8').split('\n').slice(0, -1)
  return new Map(lines.map((line) => line.split(' ').map(Number) as [number, number]))
}

/** What of the promised is not there. */
export async function missing(monitor: MonitorProcess, promised: ReadonlyMap<number, number>, scrapes: ReadonlySet<number>): Promise<string[]> {
  const lost: string[] = []
  const stored = await matrix(monitor, 'ledger[1h]')
  if (promised.size > 0 && stored.length !== LEDGER_SERIES) lost.push(`${stored.length} of ${LEDGER_SERIES} series`)
  for (const [i, points] of stored.entries()) {
    const values = new Map(points.map(([t, v]) => [Math.round(t * 1000), Number(v)]))
    for (const [request, t] of promised) if (values.get(t) !== request) lost.push(`request ${request} of series ${i}`)
  }
  const [native] = await seriesOf(monitor, 'ledger_native[1h]')
  const histograms = new Map(native?.histograms?.map(([t, histogram]) => [Math.round(t * 1000), histogram]))
  for (const [request, t] of promised) {
    const held = histograms.get(t)
    if (held?.count !== String(request) || held.buckets.length !== 1) lost.push(`native histogram of request ${request}`)
  }
  const now = new Set(await scrapeTimes(monitor))
  for (const t of scrapes) if (!now.has(t)) lost.push(`scrape at ${t}`)
  return lost
}
