// A slice of `npm run prove -- restart-courier` and its like: whatever part ends amid breaches, each has its mail, and one.
import { expect, it } from 'vitest'
import { breachLine, runBreaches, type Part } from '../support/breach-run.ts'
import { testSeed } from '../support/seed.ts'
import { tempFolder } from '../support/temp-folder.ts'

const PARTS: readonly Part[] = ['courier', 'rules', 'maintenance']

it('has a mail of each breach while one part ends again and again', async () => {
  const seed = testSeed()
  // Side by side: each waits for most of its time.
  const runs = PARTS.map(async (part) => ({
    part, report: await runBreaches({ folder: tempFolder(), incidents: 20, targets: 5, seed, breachMs: 8000, part, everyMs: 2500, awayMs: 0, isQuick: true }),
  }))
  for (const { part, report } of await Promise.all(runs)) {
    const line = `${part}, seed ${seed}: ${breachLine(report)}`
    expect(report.restarts, line).toBeGreaterThan(0)
    expect(report.delaysMs.filter((ms) => ms === Infinity), line).toEqual([])
    // Of a mail that is under way with a courier that is killed, nobody knows whether it was taken.
    expect(report.doubled, line).toBeLessThanOrEqual(part === 'courier' ? report.restarts : 0)
  }
}, 240_000)
