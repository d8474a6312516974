// A start after kill -9: how fast the log is replayed, and when the program gives its first right answer. The folder is
// filled and left by a process that kills itself; each look is at a copy of it.
//   node test/bench/restart.bench.ts [SERIES ROWS]…
import { spawn, spawnSync } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { Database } from '../../storage/database.ts'

const ROOT = path.resolve(import.meta.dirname, '../..')
/** 2 M samples in the log; a million series. */
const CASES = [100_000, 20, 1_000_000, 4]
const PER_APPEND = 5000
const STEP_MS = 10_000
const PORT = 27_480
const ANSWER_MS_MAX = 60_000
const LOOKS = 3

/** Labels of the i-th series: eight, two of them its own. */
function labelsAt(i: number): string[] {
  const host = Math.floor(i / 100)
  return [
    '__name__', `node_metric_${i % 100}_total`, 'dc', `dc-${host % 5}`, 'env', host % 10 === 0 ? 'staging' : 'prod', 'instance', `host-${host}:9100`,
    'job', 'node', 'mode', `m${i % 8}`, 'rack', `r${Math.floor(host / 40)}`, 'serial', `s-${i}`,
  ]
}

/** Fills the folder as senders do, and dies. */
async function fill(folder: string, series: number, rows: number): Promise<void> {
  const db = new Database({ folder, retentionMs: Infinity })
  const refs = Uint32Array.from({ length: series }, (_, i) => db.series(labelsAt(i)))
  const values = new Float64Array(series)
  const verdicts = new Uint8Array(PER_APPEND)
  const start = Math.floor(Date.now() / STEP_MS) * STEP_MS - rows * STEP_MS
  for (let r = 0; r < rows; r++) {
    for (let i = 0; i < series; i++) values[i] = i % 3 === 0 ? i : values[i]! + (i * 7919 + r * 104_729) % 1000
    for (let at = 0; at < series; at += PER_APPEND) {
      const n = Math.min(PER_APPEND, series - at)
      db.append({ count: n, refs: refs.subarray(at, at + n), values: values.subarray(at, at + n), t: start + r * STEP_MS, times: null, stale: null }, verdicts)
      if (db.log.unsyncedBytes > 1 << 23) await db.commit()
    }
  }
  await db.commit()
  process.kill(process.pid, 'SIGKILL')
}

/** Opens the store alone, and dies. */
function open(folder: string): void {
  const { user, system } = process.cpuUsage()
  const { recovery } = new Database({ folder, retentionMs: Infinity })
  const used = process.cpuUsage({ user, system })
  fs.writeSync(1, `${JSON.stringify({ ms: recovery.durationMs, cpuMs: (used.user + used.system) / 1000, samples: recovery.replayedSamples, series: recovery.series })}\n`)
  process.kill(process.pid, 'SIGKILL')
}

interface Opened {
  ms: number
  cpuMs: number
  samples: number
  series: number
}

interface Started {
  readyMs: number
  answerMs: number
  cpuMs: number
}

async function start(folder: string, series: number): Promise<Started> {
  const config = path.join(folder, 'monitor.yml')
  fs.writeFileSync(config, 'global:\n  scrape_interval: 15s\n')
  const from = performance.now()
  const child = spawn('sh', ['cmd/node.sh', 'cmd/monitor.ts', `--config.file=${config}`, `--storage.tsdb.path=${folder}`, `--web.listen-address=127.0.0.1:${PORT}`], { cwd: ROOT, stdio: 'ignore' })
  const ended = new Promise((resolve) => child.once('exit', resolve))
  try {
    const expected = String(Math.ceil(series / 100))
    const query = `http://127.0.0.1:${PORT}/api/v1/query?query=${encodeURIComponent('count(last_over_time(node_metric_0_total[10m]))')}`
    let readyMs = 0
    while (performance.now() - from < ANSWER_MS_MAX && child.exitCode === null) {
      const isReady = readyMs !== 0 || (await fetch(`http://127.0.0.1:${PORT}/-/ready`).then(({ ok }) => ok, () => false))
      if (isReady) readyMs ||= performance.now() - from
      const text = isReady ? await fetch(query).then((reply) => reply.text(), () => '') : ''
      if (text.includes(`"${expected}"]`)) return { readyMs, answerMs: performance.now() - from, cpuMs: cpuMsOf(child.pid!) }
      await wait(5)
    }
    throw new Error(`no right answer within ${ANSWER_MS_MAX} ms`)
  } finally {
    child.kill('SIGKILL')
    await ended
  }
}

/** User and system time of a process, in ticks of 10 ms. */
function cpuMsOf(pid: number): number {
  const text = fs.readFileSync(`/proc/${pid}/stat`, 'utf8')
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) * 10
}

function copyOf(folder: string): string {
  const copy = `${folder}-copy`
  fs.rmSync(copy, { recursive: true, force: true })
  fs.cpSync(folder, copy, { recursive: true })
  // On the device, as what was acknowledged before a kill is.
  for (const { parentPath, name } of fs.readdirSync(copy, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())) {
    const fd = fs.openSync(path.join(parentPath, name), 'r+')
    fs.fsyncSync(fd)
    fs.closeSync(fd)
  }
  return copy
}

function child(...args: string[]): string {
  const { stdout, stderr, signal } = spawnSync(process.execPath, [import.meta.filename, ...args], { encoding: 'utf8' })
  if (signal !== 'SIGKILL') throw new Error(stderr)
  return stdout
}

async function measure(series: number, rows: number): Promise<void> {
  const work = fs.mkdtempSync(path.join(os.tmpdir(), 'monitor-bench-'))
  process.on('exit', () => fs.rmSync(work, { recursive: true, force: true }))
  const folder = path.join(work, 'data')
  child('fill', folder, String(series), String(rows))
  const name = `${series} series, ${series * rows} samples in the log`
  for (let look = 0; look < LOOKS; look++) {
    const opened = JSON.parse(child('open', copyOf(folder))) as Opened
    if (opened.samples !== series * rows || opened.series !== series) throw new Error(`found ${opened.samples} samples of ${opened.series} series`)
    console.log(`${name}: store open in ${opened.ms.toFixed(0)} ms (CPU ${opened.cpuMs.toFixed(0)} ms), ${(opened.samples / opened.cpuMs / 1000).toFixed(2)} M samples/s of CPU, definitions included`)
  }
  for (let look = 0; look < LOOKS; look++) {
    const { readyMs, answerMs, cpuMs } = await start(copyOf(folder), series)
    console.log(`${name}: ready after ${readyMs.toFixed(0)} ms, first right answer after ${answerMs.toFixed(0)} ms (CPU ${cpuMs} ms)`)
  }
  fs.rmSync(work, { recursive: true, force: true })
}

const [what, ...rest] = process.argv.slice(2)
if (what === 'fill') await fill(rest[0]!, Number(rest[1]), Number(rest[2]))
else if (what === 'open') open(rest[0]!)
else {
  // As npm start does.
  spawnSync('sh', ['cmd/node.sh', 'cmd/bundle.ts', '--if-missing'], { cwd: ROOT, stdio: 'inherit' })
  const cases = process.argv.length > 2 ? process.argv.slice(2).map(Number) : CASES
  for (let i = 0; i + 1 < cases.length; i += 2) await measure(cases[i]!, cases[i + 1]!)
}
