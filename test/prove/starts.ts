// How soon a start takes pushes, is ready and scrapes, over a folder as a server leaves it after hours: killed, and stopped.
import { spawnSync } from 'node:child_process'
import { FakeClock } from '../../lib/std/clock.ts'
import { Database } from '../../storage/database.ts'
import { MonitorProcess, freePort, waitFor } from '../support/monitor-process.ts'
import { writeBody } from '../support/remote-write-body.ts'

const TARGET_SERIES = 600
const STEP_MS = 10_000
/** For a start over a million series. */
const PATIENCE_MS = 120_000

export interface StartShape {
  series: number
  hours: number
  /** What Node may have for JavaScript, where it is bounded. */
  heapMb?: number
}

/** Milliseconds from the start of the process. */
export interface StartReport {
  firstPushMs: number
  readyMs: number
  firstScrapeMs: number
  /** From the SIGTERM before it to the first scrape, where there was one. */
  gapMs?: number
}

/** Fills `folder`/data as scrapes every 10 s do, up to now, and leaves it as a kill does. In a process of its own that ends so. */
export async function fillAndDie(folder: string, { series, hours }: StartShape): Promise<never> {
  const end = Date.now() - STEP_MS
  const clock = new FakeClock(end - hours * 3_600_000)
  const db = new Database({ folder: `${folder}/data`, retentionMs: Infinity, clock })
  const targets = Array.from({ length: Math.ceil(series / TARGET_SERIES) }, (_, g) => Uint32Array.from({ length: TARGET_SERIES }, (_, i) => db.series(['__name__', `metric_${i}`, 'instance', `host-${g}:9100`, 'job', 'node'])))
  const values = new Float64Array(TARGET_SERIES)
  const verdicts = new Uint8Array(TARGET_SERIES)
  for (let k = 0; clock.now() < end; k++) {
    for (const refs of targets) {
      for (let i = 0; i < TARGET_SERIES; i++) values[i] = i % 3 === 0 ? k * 7 + i : ((i * 7919 + k * 104729) % 1000) / 10
      db.append({ count: TARGET_SERIES, refs, values, t: clock.now(), times: null, stale: null }, verdicts)
    }
    await db.commit()
    await clock.advance(STEP_MS)
  }
  process.kill(process.pid, 'SIGKILL')
  throw new Error('killed, and still here')
}

/** Starts over the folder once after its kill and once after a SIGTERM. */
export async function runStarts(folder: string, shape: StartShape): Promise<{ afterKill: StartReport; afterStop: StartReport }> {
  const fill = `import { fillAndDie } from ${JSON.stringify(import.meta.filename)}; await fillAndDie(${JSON.stringify(folder)}, ${JSON.stringify(shape)})`
  const { signal, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', fill], { encoding: 'utf8' })
  if (signal !== 'SIGKILL') throw new Error(`the folder was not filled: ${stderr}`)
  const first = await measure(folder, shape)
  const stoppedMs = Date.now()
  await first.monitor.stop()
  const downMs = Date.now() - stoppedMs
  const second = await measure(folder, shape)
  await second.monitor.kill9()
  return { afterKill: first.report, afterStop: { ...second.report, gapMs: downMs + second.report.firstScrapeMs } }
}

async function measure(folder: string, { heapMb }: StartShape): Promise<{ monitor: MonitorProcess; report: StartReport }> {
  const port = await freePort()
  const config = `global: { scrape_interval: 1s, scrape_timeout: 1s }\nscrape_configs: [{ job_name: self, static_configs: [{ targets: ['127.0.0.1:${port}'] }] }]\n`
  const startedMs = Date.now()
  const monitor = await MonitorProcess.launch(folder, { config, port, env: heapMb === undefined ? {} : { NODE_OPTIONS: `--max-old-space-size=${heapMb}` } })
  const since = (): number => Date.now() - startedMs
  const reached = async (what: string, f: () => Promise<boolean>): Promise<number> => {
    await waitFor(what, f, PATIENCE_MS)
    return since()
  }
  const firstPushMs = await reached('a push', () => push(monitor))
  const readyMs = await reached('readiness', async () => (await monitor.get('/-/ready')).status === 200)
  const firstScrapeMs = await reached('a scrape', async () => (await monitor.value('max(timestamp(up))')) * 1000 > startedMs)
  return { monitor, report: { firstPushMs, readyMs, firstScrapeMs } }
}

async function push({ base }: MonitorProcess): Promise<boolean> {
  const body = new Uint8Array(writeBody([{ labels: [['__name__', 'pushed']], samples: [[1, Date.now()]] }]))
  const reply = await fetch(`${base}/api/v1/write`, { method: 'POST', headers: { 'content-encoding': 'snappy' }, body })
  await reply.arrayBuffer()
  return reply.status === 204
}
