// Very many alerts at once, through Monitor as its user starts it, to real webhooks: when the last one is told, and how late the
// event loop of each thread came round meanwhile: `late` by the clock, `worked` of it in the thread itself, the longest of each.
//   node test/bench/alerts.bench.ts [CASE…]
//
//   together   10,000 alerts that one rule fires, in one message
//   apart      the same, a message for each
//   posted     100,000 alerts in one POST to Alertmanager's API, in one group; beside it single alerts, whose pages are timed
//   rules      1,000 rules made by API, one request after the other
import fs from 'node:fs'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { MonitorProcess } from '../support/monitor-process.ts'

const FIRING = 10_000
const POSTED = 100_000
const RULES = 1000
const SETTLE_MS = 5000
const TOLD_MS_MAX = 60_000
const PROBE_MS = 250
/** Promised, ms. */
const STALL_MS = 50

const gaps = new URL('../support/thread-gaps.ts', import.meta.url).href

interface World {
  monitor: MonitorProcess
  hook: Hook
  target: Target
}

const CASES: Readonly<Record<string, { config: (urls: { hook: string; target: string }) => string; run: (world: World) => Promise<string> }>> = {
  together: { config: (urls) => ruleConfig(urls, 'alertname'), run: fire },
  apart: { config: (urls) => ruleConfig(urls, "'...'"), run: fire },
  posted: { config: (urls) => alertingConfig(urls, 'alertname', '1s'), run: post },
  rules: { config: (urls) => ruleConfig(urls, 'alertname'), run: makeRules },
}

async function measure(name: string): Promise<void> {
  const { config, run } = CASES[name]!
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'monitor-bench-'))
  const [hook, target] = [new Hook(), new Target()]
  const urls = { hook: await hook.start(), target: await target.start() }
  const monitor = await MonitorProcess.start(folder, { config: config(urls), env: { NODE_OPTIONS: `--import=${gaps}` } })
  try {
    await wait(SETTLE_MS)
    const [from, cpu] = [monitor.output.length, await cpuSeconds(monitor)]
    const report = await run({ monitor, hook, target })
    console.log(`${name}: ${report}; ${((await cpuSeconds(monitor)) - cpu).toFixed(1)} s of CPU`)
    console.log(stalls(monitor.output.slice(from)))
  } finally {
    await monitor.kill9()
    await Promise.all([hook.stop(), target.stop()])
    fs.rmSync(folder, { recursive: true, force: true })
  }
}

function alertingConfig({ hook }: { hook: string }, groupBy: string, groupWait: string): string {
  return `alerting:
  route: {receiver: hook, group_by: [${groupBy}], group_wait: ${groupWait}, group_interval: 5m}
  inhibit_rules: [{source_matchers: [severity=critical], target_matchers: [severity=warning], equal: [instance]}]
  receivers: [{name: hook, webhook_configs: [{url: '${hook}'}]}]
`
}

function ruleConfig(urls: { hook: string; target: string }, groupBy: string): string {
  return `global: {scrape_interval: 2s, scrape_timeout: 2s, evaluation_interval: 2s}
scrape_configs: [{job_name: t, static_configs: [{targets: ['${urls.target}']}]}]
${alertingConfig(urls, groupBy, '1s')}rules: [{name: g, rules: [{alert: NodeDown, expr: incident == 1, labels: {severity: page}, annotations: {summary: '{{ $labels.incident }} is down', description: 'The host has not been reached for five minutes and more.'}}]}]
`
}

async function fire({ hook, target }: World): Promise<string> {
  const from = performance.now()
  target.isBroken = true
  await hook.until(FIRING, TOLD_MS_MAX)
  await wait(SETTLE_MS)
  return `${hook.toldMs.size} of ${FIRING} alerts told in ${hook.messages} messages, the last ${((hook.lastMs - from) / 1000).toFixed(1)} s after the breach`
}

async function post({ monitor, hook }: World): Promise<string> {
  const alerts = Array.from({ length: POSTED }, (_, i) => alertOf('NodeDown', `host-${i}.example.com:9100`))
  const body = JSON.stringify(alerts)
  const probes = new Probes(monitor, hook)
  const from = performance.now()
  const status = await postJson(`${monitor.base}/alertmanager/api/v2/alerts`, body)
  const answeredMs = performance.now() - from
  await hook.until(POSTED + probes.sentMs.size, TOLD_MS_MAX)
  await wait(SETTLE_MS)
  const delays = await probes.stop()
  return `${POSTED} alerts (${(body.length / 1e6).toFixed(1)} MB) answered ${status} in ${(answeredMs / 1000).toFixed(1)} s, the last told after ${((hook.lastMs - from) / 1000).toFixed(1)} s; `
    + `${delays.length} single alerts beside them told after ${delays[delays.length >> 1]!.toFixed(0)} ms in the middle, ${delays.at(-1)!.toFixed(0)} at most`
}

async function makeRules({ monitor }: World): Promise<string> {
  const msOf: number[] = []
  for (let i = 0; i < RULES; i++) {
    const from = performance.now()
    const body = { name: `rule ${i}`, metric: `metric_${i % 50}`, condition: { operator: 'gt', threshold: i, window: '5m', aggregation: 'avg' }, severity: 'warning', notify: [] }
    const status = await postJson(`${monitor.base}/api/alerts/rules`, JSON.stringify(body))
    if (status !== 201) throw new Error(`a rule was answered with ${status}`)
    msOf.push(performance.now() - from)
  }
  const mean = (from: number, to: number): string => (msOf.slice(from, to).reduce((sum, ms) => sum + ms, 0) / (to - from)).toFixed(1)
  await wait(SETTLE_MS)
  return `${RULES} rules in ${(msOf.reduce((sum, ms) => sum + ms, 0) / 1000).toFixed(1)} s: ${mean(0, 100)} ms each of the first hundred, ${mean(RULES - 100, RULES)} of the last, ${Math.max(...msOf).toFixed(0)} at most`
}

function alertOf(alertname: string, instance: string): object {
  return {
    labels: { alertname, instance, job: 'node', severity: 'page', region: 'eu', env: 'prod' }, generatorURL: 'http://m.example.com/graph?g0.expr=up',
    annotations: { summary: `${instance} is down`, description: 'The host has not been reached for five minutes and more.' },
  }
}

/** Alerts by themselves, four a second, in groups of their own. */
class Probes {
  readonly sentMs = new Map<string, number>()
  readonly #hook: Hook
  readonly #timer: NodeJS.Timeout

  constructor(monitor: MonitorProcess, hook: Hook) {
    this.#hook = hook
    this.#timer = setInterval(() => {
      const name = `Probe${this.sentMs.size}`
      this.sentMs.set(name, performance.now())
      void postJson(`${monitor.base}/alertmanager/api/v2/alerts`, JSON.stringify([alertOf(name, 'probe')]))
    }, PROBE_MS)
  }

  /** Ms from the request to the page, from the shortest to the longest; Infinity of those that nobody was told of. */
  async stop(): Promise<number[]> {
    clearInterval(this.#timer)
    await wait(SETTLE_MS)
    return Array.from(this.sentMs, ([name, ms]) => (this.#hook.firstMs.get(name) ?? Infinity) - ms).toSorted((a, b) => a - b)
  }
}

/** A webhook that answers at once and remembers of whom it was told. */
class Hook {
  /** By fingerprint, and by name: `performance.now()` of the first message. */
  readonly toldMs = new Map<string, number>()
  readonly firstMs = new Map<string, number>()
  messages = 0
  lastMs = 0
  readonly #server = http.createServer((request, response) => {
    const pieces: Buffer[] = []
    request.on('data', (piece: Buffer) => pieces.push(piece))
    request.on('end', () => {
      response.end()
      this.#take(JSON.parse(Buffer.concat(pieces).toString()) as { alerts: { fingerprint: string; labels: { alertname: string } }[] })
    })
  })

  async start(): Promise<string> {
    return `http://${await listen(this.#server)}/`
  }

  stop(): Promise<void> {
    return close(this.#server)
  }

  async until(count: number, msMax: number): Promise<void> {
    for (const from = performance.now(); this.toldMs.size < count && performance.now() - from < msMax;) await wait(100)
  }

  #take({ alerts }: { alerts: { fingerprint: string; labels: { alertname: string } }[] }): void {
    const nowMs = performance.now()
    this.messages++
    for (const { fingerprint, labels: { alertname } } of alerts) {
      if (!this.toldMs.has(fingerprint)) {
        this.toldMs.set(fingerprint, nowMs)
        if (!alertname.startsWith('Probe')) this.lastMs = nowMs
      }
      if (!this.firstMs.has(alertname)) this.firstMs.set(alertname, nowMs)
    }
  }
}

/** One target with a series for each alert to be. */
class Target {
  isBroken = false
  readonly #server = http.createServer((_request, response) => {
    response.setHeader('content-type', 'text/plain')
    response.end(Array.from({ length: FIRING }, (_, i) => `incident{incident="host-${i}.example.com"} ${this.isBroken ? 1 : 0}\n`).join(''))
  })

  start(): Promise<string> {
    return listen(this.#server)
  }

  stop(): Promise<void> {
    return close(this.#server)
  }
}

async function listen(server: http.Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return `127.0.0.1:${(server.address() as AddressInfo).port}`
}

async function close(server: http.Server): Promise<void> {
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
}

async function postJson(url: string, body: string): Promise<number> {
  const reply = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body })
  await reply.arrayBuffer()
  return reply.status
}

async function cpuSeconds(monitor: MonitorProcess): Promise<number> {
  return Number(/^process_cpu_seconds_total (\S+)/m.exec((await monitor.get('/metrics')).text)![1])
}

/** By thread, from what thread-gaps.ts told. */
function stalls(output: string): string {
  const all = Array.from(output.matchAll(/^GAP (\S+) (\d+) (\d+) (\d+)$/gm), ([, thread, ...ms]) => ({ thread: thread!, late: Number(ms[0]), worked: Number(ms[1]), collected: Number(ms[2]) }))
  return [...Map.groupBy(all, ({ thread }) => thread)].map(([thread, own]) => {
    const over = own.filter(({ worked }) => worked > STALL_MS)
    const longest = own.toSorted((a, b) => b.worked - a.worked)[0]!
    return `  ${thread}: late ${Math.max(...own.map(({ late }) => late))} ms, worked ${longest.worked} (${longest.collected} of it collecting), ${over.length} times over ${STALL_MS}`
  }).join('\n')
}

const asked = process.argv.slice(2)
for (const name of asked.length > 0 ? asked : Object.keys(CASES)) await measure(name)
process.exit()
