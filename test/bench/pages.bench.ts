// From a breach to an accepted mail: a target that shows it when it is scraped, Monitor as its user starts it, a real SMTP server.
// Time runs from the answer to the first scrape that shows the breach, a moment before the sample is stored.
//   node test/bench/pages.bench.ts [CASE…]
//
//   second      scrapes and rules every second, group_wait 0
//   shipped     intervals of monitor.yml as it is shipped, its group_wait
//   the others  shipped, while one part is restarted every 20 s: monitor (killed), stopped (SIGTERM), mail (away for 10 s),
//               targets (away for 10 s), rules, meta, query (the thread ends)
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { loadConfig } from '../../lib/config/load.ts'
import { Random } from '../../lib/std/random.ts'
import { BreachWorld } from '../support/breach-world.ts'
import { freePort, MonitorProcess } from '../support/monitor-process.ts'
import { endThread, THREADS } from '../support/thread-end.ts'

const INCIDENTS = 400
const TARGETS = 40
const BREACH_MS = 60_000
const RESTART_EVERY_MS = 20_000
const AWAY_MS = 10_000
const LAST_MAIL_MS = 90_000
/** p99, ms. */
const PROMISED = { second: 5000, shipped: 18_000, restarts: 60_000 }

interface Ground {
  world: BreachWorld
  monitor: MonitorProcess
  start: () => Promise<MonitorProcess>
}

/** Restarts a part; gives the process that runs then. */
const RESTARTS: Readonly<Record<string, (ground: Ground) => Promise<MonitorProcess>>> = {
  monitor: async ({ monitor, start }) => {
    await monitor.kill9()
    return start()
  },
  stopped: async ({ monitor, start }) => {
    await monitor.stop()
    return start()
  },
  mail: async ({ world, monitor }) => {
    await world.stopMail()
    await wait(AWAY_MS)
    await world.startMail()
    return monitor
  },
  targets: async ({ world, monitor }) => {
    await world.stopTargets()
    await wait(AWAY_MS)
    await world.startTargets()
    return monitor
  },
  ...Object.fromEntries(THREADS.map((name) => [name, async ({ monitor }: Ground) => {
    await endThread(monitor, name)
    return monitor
  }])),
}

const asked = process.argv.slice(2)
for (const name of asked.length > 0 ? asked : ['second', 'shipped', ...Object.keys(RESTARTS)]) await run(name)

async function run(name: string): Promise<void> {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'monitor-bench-'))
  const world = new BreachWorld({ incidents: INCIDENTS, targets: TARGETS })
  await world.start()
  const [port, config, random] = [await freePort(), configOf(world, name), new Random(1)]
  const inspects = THREADS.includes(name as typeof THREADS[number])
  const start = (): Promise<MonitorProcess> => MonitorProcess.start(folder, { config, port, ...(inspects && { env: { NODE_OPTIONS: '--inspect=127.0.0.1:0' } }) })
  let monitor = await start()
  try {
    await wait(5000)
    const breaches = Promise.all(world.incidents.map(async (_, i) => {
      await wait(random.int(BREACH_MS))
      world.breach(i)
    }))
    const restart = RESTARTS[name]
    for (const from = performance.now(); restart !== undefined && performance.now() - from < BREACH_MS;) {
      const next = wait(RESTART_EVERY_MS)
      monitor = await restart({ world, monitor, start })
      await next
    }
    await breaches
    for (const from = performance.now(); !world.allMailed && performance.now() - from < LAST_MAIL_MS;) await wait(100)
    report(name, world)
  } finally {
    await monitor.kill9()
    await world.stop()
    fs.rmSync(folder, { recursive: true, force: true })
  }
}

function configOf(world: BreachWorld, name: string): string {
  const rules = 'rules: [{name: breach, rules: [{alert: Breach, expr: incident == 1}]}]'
  if (name === 'second') return `global: {scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}${world.config('', ', group_wait: 0s')}${rules}`
  const shipped = path.resolve(import.meta.dirname, '../../monitor.yml')
  const { scrapeIntervalMs, evaluationIntervalMs } = loadConfig(fs.readFileSync(shipped, 'utf8'), shipped, { strict: true, env: {} }).config.global
  return `global: {scrape_interval: ${scrapeIntervalMs}ms, evaluation_interval: ${evaluationIntervalMs}ms}${world.config('', '')}${rules}`
}

function report(name: string, world: BreachWorld): void {
  const delays = world.delaysMs()
  const at = (share: number): string => `${(delays[Math.min(delays.length - 1, Math.floor(share * delays.length))]! / 1000).toFixed(2)} s`
  const doubled = world.incidents.filter(({ mailedMs }) => mailedMs.length > 1).length
  const promisedMs = PROMISED[name as keyof typeof PROMISED] ?? PROMISED.restarts
  const isKept = delays[Math.floor(0.99 * delays.length)]! <= promisedMs
  console.log(`${name}: ${INCIDENTS} breaches, p50 ${at(0.5)}, p99 ${at(0.99)}, the slowest ${at(1)}; ${delays.filter((ms) => ms === Infinity).length} without a mail, ${doubled} mailed twice; p99 of ${promisedMs / 1000} s ${isKept ? 'kept' : 'NOT KEPT'}`)
  if (!isKept) process.exitCode = 1
}
