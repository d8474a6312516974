// kill -9 at named places of the code: a slice of `npm run prove -- points`.
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
  for (const point of [someOf('log.'), someOf('flush.'), someOf('cut.'), someOf('compact.'), random.pick(SLOW)]) {
    it(`loses nothing that was acknowledged (${point})`, async () => {
      const { acknowledged, ...report } = await runFaultPoint(tempFolder(), point, 1)
      expect(report).toEqual({ point, hasDied: true, lost: [] })
      expect(acknowledged).toBeGreaterThan(1000)
    }, 120_000)
  }
})
