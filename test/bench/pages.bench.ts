// From a breach to an accepted mail: a target that shows it when it is scraped, Monitor as its user starts it, a real SMTP server.
// Time runs from the answer to the first scrape that shows the breach, a moment before the sample is stored.
//   node test/bench/pages.bench.ts [CASE…]
//
//   second      scrapes and rules every second, group_wait 0
//   shipped     intervals of monitor.yml as it is shipped, its group_wait
//   the others  shipped, while one part is restarted every 20 s (test/support/breach-run.ts); mail and targets are away for 10 s
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { breachLine, PARTS, runBreaches } from '../support/breach-run.ts'

const SHAPE = { incidents: 400, targets: 40, seed: 1, breachMs: 60_000, everyMs: 20_000, awayMs: 10_000 }
/** p99, ms. */
const PROMISED = { second: 5000, shipped: 18_000, restarts: 60_000 }

const asked = process.argv.slice(2)
for (const name of asked.length > 0 ? asked : ['second', 'shipped', ...PARTS]) await run(name)

async function run(name: string): Promise<void> {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'monitor-bench-'))
  try {
    const report = await runBreaches({ ...SHAPE, folder, part: PARTS.find((part) => part === name) ?? null, isQuick: name === 'second' })
    const promisedMs = PROMISED[name as keyof typeof PROMISED] ?? PROMISED.restarts
    const isKept = report.delaysMs[Math.floor(0.99 * report.delaysMs.length)]! <= promisedMs
    console.log(`${name}: ${breachLine(report)}; p99 of ${promisedMs / 1000} s ${isKept ? 'kept' : 'NOT KEPT'}`)
    if (!isKept) process.exitCode = 1
  } finally {
    fs.rmSync(folder, { recursive: true, force: true })
  }
}
