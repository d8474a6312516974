// Breaches while one part of what takes them to people is restarted again and again: how long each takes to its mail, which had none
// and which two. Monitor as its user starts it, with the intervals that it is shipped with, or all of a second.
import fs from 'node:fs'
import path from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { loadConfig } from '../../lib/config/load.ts'
import { Random } from '../../lib/std/random.ts'
import { BreachWorld } from './breach-world.ts'
import { Neighbour, startAgent, startAlertmanager } from './breach-neighbours.ts'
import { freePort, MonitorProcess, waitFor } from './monitor-process.ts'
import { endThread, THREADS } from './thread-end.ts'

/**
 * monitor is killed, stopped gets a SIGTERM, mail and targets are away for a while, the courier's process is killed, the threads end:
 * rules, meta, query, and maintenance amid what a snapshot asks of it. alertmanager: it takes the mails in place of Monitor's own receivers;
 * agent: a process that pushes what Monitor scrapes else, and is killed with what waits in it.
 */
export const PARTS = ['monitor', 'stopped', 'mail', 'targets', 'courier', 'rules', 'meta', 'query', 'maintenance', 'alertmanager', 'agent'] as const
export type Part = (typeof PARTS)[number]

export interface BreachOptions {
  folder: string
  incidents: number
  targets: number
  seed: number
  /** Breaches begin within this. */
  breachMs: number
  /** Restarted all the while; null: nothing is. */
  part: Part | null
  everyMs: number
  awayMs: number
  /** Intervals of a second and no group_wait; else those of monitor.yml as it is shipped. */
  isQuick: boolean
}

export interface BreachReport {
  restarts: number
  /** From the first scrape that showed it to its mail, ms, in order; Infinity where none came. */
  delaysMs: number[]
  /** Breaches that had more than one mail. */
  doubled: number
}

interface Ground {
  world: BreachWorld
  monitor: MonitorProcess
  start: () => Promise<MonitorProcess>
  neighbour: Neighbour | null
  awayMs: number
}

const LAST_MAIL_MS = 90_000
const SETTLE_MS = 5000

export async function runBreaches({ folder, incidents, targets, seed, breachMs, part, everyMs, awayMs, isQuick }: BreachOptions): Promise<BreachReport> {
  const world = new BreachWorld({ incidents, targets })
  await world.start()
  const [port, random] = [await freePort(), new Random(seed)]
  const intervals = isQuick ? QUICK : shippedIntervals()
  const neighbour = part === 'alertmanager' ? await startAlertmanager(folder, world.alertingConfig(intervals.route))
    : part === 'agent' ? await startAgent(world.targetUrls(), `http://127.0.0.1:${port}`, intervals.scrapeMs) : null
  const config = configOf(world, intervals, { part, neighbour })
  const inspects = THREADS.some((name) => name === part)
  const start = (): Promise<MonitorProcess> => MonitorProcess.start(folder, { config, port, flags: ['--web.enable-admin-api'], ...(inspects && { env: { NODE_OPTIONS: '--inspect=127.0.0.1:0' } }) })
  let monitor = await start()
  let restarts = 0
  try {
    await wait(SETTLE_MS)
    const breaches = Promise.all(world.incidents.map(async (_, i) => {
      await wait(random.int(breachMs))
      world.breach(i)
    }))
    for (const from = performance.now(); part !== null && performance.now() - from < breachMs; restarts++) {
      const next = wait(everyMs)
      monitor = await restart(part, { world, monitor, start, neighbour, awayMs })
      await next
    }
    await breaches
    await waitFor('the last mail', () => Promise.resolve(world.allMailed), LAST_MAIL_MS).catch(() => {})
    return { restarts, delaysMs: world.delaysMs(), doubled: world.incidents.filter(({ mailedMs }) => mailedMs.length > 1).length }
  } finally {
    await monitor.kill9()
    await neighbour?.stop()
    await world.stop()
  }
}

/** The process that runs then. */
async function restart(part: Part, { world, monitor, start, neighbour, awayMs }: Ground): Promise<MonitorProcess> {
  switch (part) {
    case 'monitor':
      await monitor.kill9()
      return start()
    case 'stopped':
      await monitor.stop()
      return start()
    case 'mail':
      await world.stopMail()
      await wait(awayMs)
      await world.startMail()
      return monitor
    case 'targets':
      await world.stopTargets()
      await wait(awayMs)
      await world.startTargets()
      return monitor
    case 'alertmanager':
    case 'agent':
      await neighbour!.stop()
      await wait(awayMs)
      await neighbour!.start()
      return monitor
    case 'courier': {
      // After an early end this process carries for a while.
      const pid = monitor.courierPid()
      if (pid !== null) process.kill(pid, 'SIGKILL')
      return monitor
    }
    case 'maintenance':
      // Its thread is there while it has something to do, and for a while afterwards.
      void fetch(`${monitor.base}/api/v1/admin/tsdb/snapshot`, { method: 'POST' }).catch(() => {})
      await endThread(monitor, part)
      return monitor
    case 'rules':
    case 'meta':
    case 'query':
      await endThread(monitor, part)
      return monitor
  }
}

interface Intervals {
  scrapeMs: number
  evaluationMs: number
  /** Keys of the route. */
  route: string
}

const QUICK: Intervals = { scrapeMs: 1000, evaluationMs: 1000, route: ', group_wait: 0s' }

function shippedIntervals(): Intervals {
  const shipped = path.resolve(import.meta.dirname, '../../monitor.yml')
  const { scrapeIntervalMs, evaluationIntervalMs } = loadConfig(fs.readFileSync(shipped, 'utf8'), shipped, { strict: true, env: {} }).config.global
  // What keys inside monitor.yml default to, for an Alertmanager that has a default of its own.
  return { scrapeMs: scrapeIntervalMs, evaluationMs: evaluationIntervalMs, route: ', group_wait: 5s' }
}

function configOf(world: BreachWorld, { scrapeMs, evaluationMs, route }: Intervals, { part, neighbour }: { part: Part | null; neighbour: Neighbour | null }): string {
  const [global, rules] = [`global: {scrape_interval: ${scrapeMs}ms, scrape_timeout: ${scrapeMs}ms, evaluation_interval: ${evaluationMs}ms}`, 'rules: [{name: breach, rules: [{alert: Breach, expr: incident == 1}]}]']
  if (part === 'alertmanager') return `${global}${world.scrapeConfig('')}alerting: {alertmanagers: [{static_configs: [{targets: ["${neighbour!.address}"]}]}]}\n${rules}`
  if (part === 'agent') return `${global}\nalerting:\n${world.alertingConfig(route).replace(/^/gm, '  ')}\n${rules}`
  return `${global}${world.config('', route)}${rules}`
}

/** One line of what was seen. */
export function breachLine({ restarts, delaysMs, doubled }: BreachReport): string {
  const missed = delaysMs.filter((ms) => ms === Infinity).length
  return `${delaysMs.length} breaches${restarts === 0 ? '' : `, ${restarts} restarts`}: p50 ${secondsAt(delaysMs, 0.5)}, p99 ${secondsAt(delaysMs, 0.99)}, the slowest ${secondsAt(delaysMs, 1)}; ${missed} without a mail, ${doubled} mailed twice`
}

function secondsAt(delaysMs: readonly number[], share: number): string {
  return `${(delaysMs[Math.min(delaysMs.length - 1, Math.floor(share * delaysMs.length))]! / 1000).toFixed(2)} s`
}
