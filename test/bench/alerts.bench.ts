// Very many alerts at once, through Monitor as its user starts it, to real webhooks: when the last one is told, and how late the
// event loop of each thread came round meanwhile: `late` by the clock, `worked` of it in the thread itself, the longest of each.
//   node test/bench/alerts.bench.ts [CASE…]
//
//   together   10,000 alerts that one rule fires, in one message
//   apart      the same, a message for each
//   posted     100,000 alerts in one POST to Alertmanager's API, in one group; beside it single alerts, whose pages are timed
//   parts      the same in 20 POSTs, one after the other, to a receiver of a webhook, mail, Slack and PagerDuty
//   fired      100,000 alerts that one rule fires, to the same receiver
//   rules      1,000 rules made by API, one request after the other
// Beside all of them /-/healthy is asked ten times a second: the longest answer.
import { once } from 'node:events'
import fs from 'node:fs'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { isMainThread, parentPort, Worker, workerData, type MessagePort } from 'node:worker_threads'
import { SMTPServer } from 'smtp-server'
import { MonitorProcess } from '../support/monitor-process.ts'

const FIRING = 10_000
const POSTED = 100_000
const RULES = 1000
const SETTLE_MS = 5000
const TOLD_MS_MAX = 60_000
const PROBE_MS = 250
const HEALTHY_MS = 100
const PARTS = 20
/** Promised, ms. */
const STALL_MS = 50

const gaps = new URL('../support/thread-gaps.ts', import.meta.url).href

interface World {
  monitor: MonitorProcess
  hook: Hook
  target: Target
  mail: MailServer
  /** What is measured begins now. */
  begin: () => Promise<void>
}

interface Urls {
  hook: string
  target: string
  mail: string
}

const CASES: Readonly<Record<string, { config: (urls: Urls) => string; run: (world: World) => Promise<string> }>> = {
  together: { config: (urls) => ruleConfig(urls, 'alertname'), run: (world) => fire(world, FIRING) },
  apart: { config: (urls) => ruleConfig(urls, "'...'"), run: (world) => fire(world, FIRING) },
  posted: { config: (urls) => alertingConfig(urls, 'alertname', '1s'), run: post },
  parts: { config: (urls) => alertingConfig(urls, 'alertname', '1s', manyWays(urls)), run: postParts },
  fired: { config: (urls) => ruleConfig(urls, 'alertname', '5s', manyWays(urls)), run: (world) => fire(world, POSTED) },
  rules: { config: (urls) => ruleConfig(urls, 'alertname'), run: makeRules },
}

async function measure(name: string): Promise<void> {
  const { config, run } = CASES[name]!
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'monitor-bench-'))
  const [hook, target, mail] = [new Hook(), new Target(), new MailServer()]
  const urls = { hook: await hook.start(), target: await target.start(), mail: await mail.start() }
  const monitor = await MonitorProcess.start(folder, { config: config(urls), env: { NODE_OPTIONS: `--import=${gaps}` } })
  try {
    await wait(SETTLE_MS)
    const start = { from: 0, cpu: 0, health: new Health(monitor) }
    const begin = async (): Promise<void> => {
      await start.health.stop()
      Object.assign(start, { from: monitor.output.length, cpu: await cpuSeconds(monitor), health: new Health(monitor) })
    }
    const report = await run({ monitor, hook, target, mail, begin })
    const healthyMs = await start.health.stop()
    console.log(`${name}: ${report}; ${((await cpuSeconds(monitor)) - start.cpu).toFixed(1)} s of CPU, ${peakMib(monitor)} MiB at most; /-/healthy within ${healthyMs.map((ms) => ms.toFixed(0)).join(', ')} ms (the middle, 99 of 100, all)`)
    console.log(stalls(monitor.output.slice(start.from)))
  } finally {
    await monitor.kill9()
    await Promise.all([hook.stop(), target.stop(), mail.stop()])
    fs.rmSync(folder, { recursive: true, force: true })
  }
}

/** Sections of a receiver that is told by several ways. */
function manyWays({ hook, mail }: Urls): string {
  return `, email_configs: [{to: ops@example.com, from: m@example.com, smarthost: '${mail}', require_tls: false}], `
    + `slack_configs: [{api_url: '${hook}slack', channel: ops}], pagerduty_configs: [{routing_key: k, url: '${hook}pagerduty'}]`
}

function alertingConfig({ hook }: Urls, groupBy: string, groupWait: string, moreWays = ''): string {
  return `alerting:
  route: {receiver: hook, group_by: [${groupBy}], group_wait: ${groupWait}, group_interval: 5s}
  inhibit_rules: [{source_matchers: [severity=critical], target_matchers: [severity=warning], equal: [instance]}]
  receivers: [{name: hook, webhook_configs: [{url: '${hook}'}]${moreWays}}]
`
}

/** As many series each as a scrape takes new ones. */
function targetsOf({ target }: Urls): string {
  return Array.from({ length: POSTED / FIRING }, (_, i) => `{targets: ['${target}'], labels: {part: '${i}', __param_part: '${i}'}}`).join(', ')
}

/** `interval`: of scrapes and rules. */
function ruleConfig(urls: Urls, groupBy: string, interval = '2s', moreWays = ''): string {
  return `global: {scrape_interval: ${interval}, scrape_timeout: ${interval}, evaluation_interval: ${interval}}
scrape_configs: [{job_name: t, static_configs: [${targetsOf(urls)}]}]
${alertingConfig(urls, groupBy, '1s', moreWays)}rules: [{name: g, rules: [{alert: NodeDown, expr: incident == 1, labels: {severity: page}, annotations: {summary: '{{ $labels.incident }} is down', description: 'The host has not been reached for five minutes and more.'}}]}]
`
}

async function fire({ monitor, hook, target, mail, begin }: World, count: number): Promise<string> {
  target.count = count
  // All are stored, and evaluated, before they break.
  while ((await monitor.query('count(incident)'))[0]?.value[1] !== String(count)) await wait(1000)
  await wait(SETTLE_MS)
  await begin()
  const from = performance.now()
  target.isBroken = true
  await hook.until(count, TOLD_MS_MAX)
  await wait(SETTLE_MS)
  return `${hook.toldMs.size} of ${count} alerts told in ${hook.messages} messages, the last ${((hook.lastMs - from) / 1000).toFixed(1)} s after the breach${otherWays(hook, mail, from)}`
}

async function postParts({ monitor, hook, mail, begin }: World): Promise<string> {
  await begin()
  const from = performance.now()
  let longestMs = 0
  for (let part = 0; part < PARTS; part++) {
    const body = JSON.stringify(Array.from({ length: POSTED / PARTS }, (_, i) => alertOf('NodeDown', `host-${part * (POSTED / PARTS) + i}.example.com:9100`)))
    const sentMs = performance.now()
    const status = await postJson(`${monitor.base}/alertmanager/api/v2/alerts`, body)
    if (status !== 200) throw new Error(`alerts were answered with ${status}`)
    longestMs = Math.max(longestMs, performance.now() - sentMs)
  }
  const postedMs = performance.now() - from
  await hook.until(POSTED, TOLD_MS_MAX * 2)
  await wait(SETTLE_MS)
  return `${POSTED} alerts posted in ${(postedMs / 1000).toFixed(1)} s, ${(longestMs / 1000).toFixed(1)} s a part at most; ${hook.toldMs.size} told in ${hook.messages} messages, the last ${((hook.lastMs - from) / 1000).toFixed(1)} s after the first was posted${otherWays(hook, mail, from)}`
}

function otherWays(hook: Hook, mail: MailServer, from: number): string {
  const at = (ms: number[]): string => ms.map((one) => ((one - from) / 1000).toFixed(1)).join(' ')
  return [...hook.othersMs, ['mail', mail.receivedMs] as const].map(([way, ms]) => `; ${way} at ${at(ms)} s`).join('')
}

async function post({ monitor, hook, begin }: World): Promise<string> {
  await begin()
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

async function makeRules({ monitor, begin }: World): Promise<string> {
  await begin()
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
  /** By path: `performance.now()` of each message that is no webhook's. */
  readonly othersMs = new Map<string, number[]>()
  readonly #server = http.createServer((request, response) => {
    const pieces: Buffer[] = []
    request.on('data', (piece: Buffer) => pieces.push(piece))
    request.on('end', () => {
      const way = request.url!.slice(1)
      response.writeHead(way === 'pagerduty' ? 202 : 200, { 'content-type': 'application/json' }).end('{"ok":true}')
      if (way !== '') this.othersMs.set(way, [...(this.othersMs.get(way) ?? []), performance.now()])
      else this.#take(JSON.parse(Buffer.concat(pieces).toString()) as { alerts: { fingerprint: string; labels: { alertname: string } }[] })
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

/** Takes any mail. */
class MailServer {
  readonly receivedMs: number[] = []
  readonly #server = new SMTPServer({
    authOptional: true, disabledCommands: ['STARTTLS'],
    onData: (stream, _session, done) => void stream.resume().on('end', () => {
      this.receivedMs.push(performance.now())
      done()
    }),
  })

  async start(): Promise<string> {
    await new Promise<void>((resolve) => void this.#server.listen(0, '127.0.0.1', resolve))
    return `127.0.0.1:${(this.#server.server.address() as AddressInfo).port}`
  }

  stop(): Promise<void> {
    return new Promise((resolve) => this.#server.close(() => resolve()))
  }
}

/** How long /-/healthy takes, asked by a thread of its own: this one parses messages of 50 MB. */
class Health {
  readonly #thread: Worker

  constructor(monitor: MonitorProcess) {
    this.#thread = new Worker(new URL(import.meta.url), { workerData: `${monitor.base}/-/healthy` })
  }

  /** ms: of all answers the middle one, the 99th of 100, the longest. */
  async stop(): Promise<number[]> {
    this.#thread.postMessage('stop')
    const [ms] = await once(this.#thread, 'message') as [number[]]
    return [0.5, 0.99, 1].map((part) => ms[Math.ceil(part * ms.length) - 1]!)
  }
}

/** Asks until it is told to stop, however long answers take; tells how long they took, from the shortest on. */
function askHealth(url: string, port: MessagePort): void {
  const asked: Promise<number>[] = []
  const timer = setInterval(() => {
    const from = performance.now()
    asked.push(fetch(url).then(async (answer) => {
      await answer.arrayBuffer()
      return performance.now() - from
    }))
  }, HEALTHY_MS)
  port.once('message', () => {
    clearInterval(timer)
    void Promise.all(asked).then((ms) => port.postMessage(ms.toSorted((a, b) => a - b)))
  })
}

/** Ten targets with a series for each alert to be. */
class Target {
  isBroken = false
  count = FIRING
  readonly #server = http.createServer((request, response) => {
    const from = Number(new URL(request.url!, 'http://t').searchParams.get('part')) * FIRING
    response.setHeader('content-type', 'text/plain')
    response.end(Array.from({ length: Math.max(0, Math.min(this.count - from, FIRING)) }, (_, i) => `incident{incident="host-${from + i}.example.com"} ${this.isBroken ? 1 : 0}\n`).join(''))
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

function peakMib(monitor: MonitorProcess): string {
  return (Number(/^VmHWM:\s+(\d+) kB/m.exec(fs.readFileSync(`/proc/${monitor.child.pid}/status`, 'utf8'))![1]) / 1024).toFixed(0)
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

if (isMainThread) {
  const asked = process.argv.slice(2)
  for (const name of asked.length > 0 ? asked : Object.keys(CASES)) await measure(name)
  process.exit()
}
askHealth(workerData as string, parentPort!)
