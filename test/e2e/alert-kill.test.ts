// A slice of `npm run prove -- pages`.
import { expect, it } from 'vitest'
import { runAlertKills } from '../prove/alert-kills.ts'
import { testSeed } from '../support/seed.ts'
import { tempFolder } from '../support/temp-folder.ts'

it('kill -9 loses no silence, acknowledgement, rule or page', async () => {
  const lines: string[] = []
  const seed = testSeed()
  const { lost, alerts, toldMore } = await runAlertKills({ folder: tempFolder(), kills: 3, seed, print: (line) => lines.push(line) })
  expect(lost, `seed ${seed}: ${lines.join('; ')}`).toEqual([])
  expect(toldMore).toBe(0)
  expect(alerts).toBeGreaterThan(3)
  expect(lines).toHaveLength(3)
}, 120_000)
