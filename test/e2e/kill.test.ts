// kill -9 at any moment: what was acknowledged, and every scrape that a query showed, is there after the restart.
import { describe, expect, it } from 'vitest'
import { runKills } from '../prove/kills.ts'
import { testSeed } from '../support/seed.ts'
import { tempFolder } from '../support/temp-folder.ts'

describe('kill -9', () => {
  it('loses no acknowledged push and no scrape that a query showed', async () => {
    const report = await runKills({ folder: tempFolder(), kills: 2, seed: testSeed(), print: () => {} })
    expect(report.lost).toEqual([])
    expect(report.kills).toBe(2)
    expect(report.acknowledged).toBeGreaterThan(100)
    expect(report.scrapesSeen).toBeGreaterThan(2)
  }, 120_000)
})
