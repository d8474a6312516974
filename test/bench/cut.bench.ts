// Cutting a head of a million series while scrapes go on: how long main is held in one turn, by CPU (other work on the machine
// does not count) and by the clock, and how late scrapes are for it.
//   node test/bench/cut.bench.ts [SERIES…]
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { systemClock } from '../../lib/std/clock.ts'
import { Database } from '../../storage/database.ts'
import { BLOCK_RANGE_MS } from '../../storage/block-plan.ts'

const COUNTS = [200_000, 1_000_000]
const PER_TARGET = 1000
const ROWS = 44
const STEP_MS = 10_000
/** Of the rows, those that are not cut. */
const ROWS_AFTER = 6
const CUT_AFTER_MS = 20 * 60_000
/** Idle rows are encoded after so long. */
const IDLE_MS = 16 * 60_000

interface Turns {
  cpuMsMax: number
  wallMsMax: number
  /** Turns of more than 10 ms of CPU. */
  long: number
}

/** Of this thread. */
function cpuMs(): number {
  const { user, system } = process.threadCpuUsage()
  return (user + system) / 1000
}

/** Watches main's turns until it is stopped: each looks at the clock and asks for the next. */
function watchTurns(): () => Turns {
  const turns: Turns = { cpuMsMax: 0, wallMsMax: 0, long: 0 }
  let isOn = true
  let cpu = cpuMs()
  let wall = performance.now()
  const look = (): void => {
    const nowCpu = cpuMs()
    const nowWall = performance.now()
    turns.cpuMsMax = Math.max(turns.cpuMsMax, nowCpu - cpu)
    turns.wallMsMax = Math.max(turns.wallMsMax, nowWall - wall)
    if (nowCpu - cpu > 10) turns.long++
    cpu = nowCpu
    wall = nowWall
    if (isOn) setTimeout(look, 0)
  }
  setTimeout(look, 0)
  return () => {
    isOn = false
    return turns
  }
}

/** Appends one row of a target every 10 ms until it is stopped; ms that the latest of them was late, by the clock. */
function scrapeOn(db: Database, refs: Uint32Array, now: () => number): () => { late: number; count: number } {
  const values = new Float64Array(PER_TARGET).fill(1)
  const verdicts = new Uint8Array(PER_TARGET)
  let late = 0
  let count = 0
  let due = performance.now() + 10
  const scrape = (): void => {
    late = Math.max(late, performance.now() - due)
    const at = (count++ * PER_TARGET) % refs.length
    db.append({ count: PER_TARGET, refs: refs.subarray(at, at + PER_TARGET), values, t: now(), times: null, stale: null }, verdicts)
    due = Math.max(due + 10, performance.now())
    timer = setTimeout(scrape, Math.max(0, due - performance.now()))
  }
  let timer = setTimeout(scrape, 10)
  return () => {
    clearTimeout(timer)
    return { late, count }
  }
}

async function measure(count: number): Promise<void> {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'monitor-bench-'))
  process.on('exit', () => fs.rmSync(folder, { recursive: true, force: true }))
  const boundary = Math.floor(Date.now() / BLOCK_RANGE_MS) * BLOCK_RANGE_MS
  let ahead = boundary + ROWS_AFTER * STEP_MS - Date.now()
  let monotonicAhead = 0
  const clock = { ...systemClock, now: () => Date.now() + ahead, monotonic: () => performance.now() + monotonicAhead }
  const db = new Database({ folder, retentionMs: Infinity, clock, jobUrl: new URL('../../cmd/maintenance-worker.ts', import.meta.url) })
  const refs = new Uint32Array(count)
  let newMsMax = 0
  for (let at = 0; at < count; at += PER_TARGET) {
    const from = cpuMs()
    for (let i = at; i < at + PER_TARGET; i++) {
      refs[i] = db.series(['__name__', `node_metric_${i % PER_TARGET}_total`, 'device', `d${i % 7}`, 'instance', `host-${Math.floor(i / PER_TARGET)}:9100`, 'job', 'node', 'serial', `s-${i}`])
    }
    newMsMax = Math.max(newMsMax, cpuMs() - from)
    // Definitions reach the disk as they do between scrapes.
    if (at % (20 * PER_TARGET) === 0) await db.commit()
  }
  console.log(`${count} series, made ${PER_TARGET} at a time: the longest time ${newMsMax.toFixed(1)} ms of CPU`)
  const values = new Float64Array(count)
  const verdicts = new Uint8Array(PER_TARGET)
  for (let r = 0; r < ROWS; r++) {
    for (let i = 0; i < count; i++) values[i] = i % 3 === 0 ? i : values[i]! + (i * 7919 + r * 104_729) % 1000
    for (let at = 0; at < count; at += PER_TARGET) {
      db.append({ count: PER_TARGET, refs: refs.subarray(at, at + PER_TARGET), values: values.subarray(at, at + PER_TARGET), t: boundary + (r - ROWS + ROWS_AFTER) * STEP_MS + at / PER_TARGET, times: null, stale: null }, verdicts)
      if (db.log.unsyncedBytes > 1 << 23) await db.commit()
    }
  }
  await db.commit()
  const report = async (what: string, work: () => Promise<void>, isScraped = true): Promise<void> => {
    const stopScrapes = isScraped ? scrapeOn(db, refs, clock.now) : () => ({ late: 0, count: 0 })
    await wait(50)
    const stop = watchTurns()
    const from = performance.now()
    await work()
    const { cpuMsMax, wallMsMax, long } = stop()
    const scrapes = stopScrapes()
    console.log(`${count} series, ${what.padEnd(34)} ${((performance.now() - from) / 1000).toFixed(1).padStart(5)} s: longest turn ${cpuMsMax.toFixed(1).padStart(6)} ms of CPU, ${wallMsMax.toFixed(1).padStart(6)} by the clock, ${long} above 10 ms; latest of ${scrapes.count} scrapes ${scrapes.late.toFixed(1)} ms late`)
  }
  await report('nothing to do', () => wait(1000))
  monotonicAhead = IDLE_MS
  await report('upkeep: idle rows are encoded', () => db.maintain())
  ahead += CUT_AFTER_MS
  await report('cut, and upkeep behind it', async () => {
    await db.maintain()
    await db.blocks.idle()
    await db.maintain()
    await db.blocks.idle()
  })
  if (db.blocks.done.cut === 0) throw new Error('nothing was cut')
  await report('scrapes end, what is left is cut', async () => {
    // The first look tells when the newest sample came, the second that it is long ago.
    db.blocks.tick()
    ahead += 3 * BLOCK_RANGE_MS
    monotonicAhead += IDLE_MS
    db.blocks.tick()
    await db.blocks.idle()
    await db.maintain()
    await db.blocks.idle()
  }, false)
  if (db.blocks.done.cut < 2) throw new Error('what was left was not cut')
  await db.close()
  fs.rmSync(folder, { recursive: true, force: true })
}

for (const count of process.argv.length > 2 ? process.argv.slice(2).map(Number) : COUNTS) await measure(count)
