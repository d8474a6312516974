// `node test/bench/tier-query.bench.ts [DAYS]`: queries of 100 series over 30 days of the 1-minute tier of a real store, scraped
// every 15 s, raw samples gone but for the last day. CPU of the thread, and what passed on the clock, which other work delays.
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { Engine } from '../../lang/engine.ts'
import type { RangeJob } from '../../lang/job.ts'
import { FakeClock } from '../../lib/std/clock.ts'
import { Random } from '../../lib/std/random.ts'
import { Database } from '../../storage/database.ts'
import { StoreQueryable } from '../../storage/store-querier.ts'

const SERIES = 100
const SCRAPE_MS = 15_000
const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
const days = Number(process.argv[2] ?? 30)
const T0 = 1_700_000_000_000 - 1_700_000_000_000 % DAY_MS

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'monitor-bench-'))
process.on('exit', () => fs.rmSync(folder, { recursive: true, force: true }))
const clock = new FakeClock(T0)
const db = new Database({ folder, clock, headBytesMax: 256 << 20, retentionMs: DAY_MS, minuteRetentionMs: 400 * DAY_MS })
const refs = Uint32Array.from({ length: SERIES }, (_, i) => db.series(['__name__', 'cpu_seconds_total', 'cpu', String(i % 8), 'instance', `host-${i}`]))

/** Counters of hundredths, most of them busy. */
async function fill(): Promise<void> {
  const random = new Random(1)
  const values = new Float64Array(SERIES)
  const verdicts = new Uint8Array(SERIES)
  for (let t = T0; t < T0 + days * DAY_MS; t += 2 * HOUR_MS) {
    await clock.advance(2 * HOUR_MS)
    for (let at = t; at < t + 2 * HOUR_MS; at += SCRAPE_MS) {
      for (let i = 0; i < SERIES; i++) values[i] = random.int(200_000) === 0 ? 0 : Math.round(values[i]! * 100 + random.int(1500)) / 100
      db.append({ count: SERIES, refs, values, t: at + 7123, times: null, stale: null }, verdicts)
    }
    for (let round = 0; round < 3; round++) {
      await db.maintain()
      await db.blocks.idle()
    }
  }
  await clock.advance(61 * 60_000)
  for (let round = 0; round < 3; round++) {
    await db.maintain()
    await db.blocks.idle()
  }
}

function cpuMs(): number {
  const { user, system } = process.threadCpuUsage()
  return (user + system) / 1000
}

function measure(store: StoreQueryable, query: string, stepMs: number): void {
  const engine = new Engine()
  const job: RangeJob = {
    kind: 'range', query, startMs: T0 + HOUR_MS, endMs: T0 + days * DAY_MS - 2 * DAY_MS, stepMs, lookbackMs: 300_000, stats: 'true', timeoutMs: 60_000, limit: 0,
  }
  const cpu: number[] = []
  const wall: number[] = []
  let tiers = ''
  for (let run = 0; run < 7; run++) {
    const [cpuFrom, from] = [cpuMs(), performance.now()]
    const reply = engine.run(job, store)
    cpu.push(cpuMs() - cpuFrom)
    wall.push(performance.now() - from)
    const text = new TextDecoder().decode(reply.body.subarray(-1000))
    tiers = /"tiers":\[.*?\]/.exec(text)?.[0] ?? text
  }
  const median = (list: number[]): string => list.toSorted((a, b) => a - b)[3]!.toFixed(0)
  console.log(`${query.padEnd(42)} step ${String(stepMs / 60_000).padStart(3)} min: CPU ${median(cpu).padStart(5)} ms (first ${cpu[0]!.toFixed(0)}), clock ${median(wall).padStart(5)} ms  ${tiers}`)
}

const started = performance.now()
await fill()
const queryable = new StoreQueryable(db.handle(), 1)
console.log(`${days} days of ${SERIES} series, filled in ${((performance.now() - started) / 1000).toFixed(0)} s; queries of all but the last two days`)
for (const func of ['avg_over_time', 'max_over_time', 'rate', 'count_over_time', 'last_over_time', 'stddev_over_time', 'irate']) measure(queryable, `${func}(cpu_seconds_total[1h])`, HOUR_MS)
measure(queryable, 'cpu_seconds_total', HOUR_MS)
measure(queryable, 'sum by (cpu) (rate(cpu_seconds_total[5m]))', 300_000)
measure(queryable, 'quantile_over_time(0.5, cpu_seconds_total[1d])', DAY_MS)
measure(queryable, 'quantile_over_time(0.5, cpu_seconds_total[1h])', HOUR_MS)
queryable.close()
await db.close()
