// kill -9 at named places of the code: a slice of `npm run prove -- points`.
import fs from 'node:fs'
import { describe, expect, it } from 'vitest'
import { FAULT_POINTS, type FaultPoint } from '../../lib/std/fault-point.ts'
import { Random } from '../../lib/std/random.ts'
import { runFaultPoint } from '../prove/fault-points.ts'
import { testSeed } from '../support/seed.ts'
import { tempFolder } from '../support/temp-folder.ts'

/** These wait for the upkeep, 15 s after the start. */
const SLOW: readonly FaultPoint[] = ['flush.synced', 'flush.log-cut', 'cut.released', 'compact.removed']

describe('kill -9 at a fault point', () => {
  const random = new Random(testSeed())
  const fast = FAULT_POINTS.filter((point) => !SLOW.includes(point))
  const someOf = (part: string): FaultPoint => random.pick(fast.filter((point) => point.startsWith(part)))
  const lanes = [[random.pick(SLOW)], [someOf('log.'), someOf('flush.'), someOf('cut.'), someOf('compact.')]]

  it(`loses nothing that was acknowledged (${lanes.flat().join(', ')})`, async () => {
    const folder = tempFolder()
    // Beside the others, one after the other: the slow one waits for most of its time.
    await Promise.all(lanes.map(async (points) => {
      for (const point of points) {
        fs.mkdirSync(`${folder}/${point}`)
        const { acknowledged, ...report } = await runFaultPoint(`${folder}/${point}`, point, 1)
        expect(report).toEqual({ point, hasDied: true, lost: [] })
        expect(acknowledged, point).toBeGreaterThan(1000)
      }
    }))
  }, 300_000)
})
