// A slice of the crash schedules that `npm run prove` runs in full.
import { describe, expect, it } from 'vitest'
import { runManySchedules, runSchedules } from '../prove/schedules.ts'
import { testSeed } from '../support/seed.ts'

const SCHEDULES = 5000
/** All of them, where two threads have a core each. */
const SLICE_MS = 60_000
const THREADS = 2

describe('a store on a disk that crashes, tears and refuses', () => {
  it('always opens, keeps what it promised, shows nothing that was not sent, and shows it again', async () => {
    const report = await runManySchedules({ first: testSeed(), count: SCHEDULES, limitMs: SLICE_MS }, THREADS, () => undefined)
    expect(report.failed.map(({ seed, violations }) => `npm run prove -- sim --seed ${seed}: ${violations[0]}`)).toEqual([])
    expect(report.schedules).toBeGreaterThan(20)
    expect(report.crashes).toBeGreaterThan(report.schedules)
    expect(report.faults).toBeGreaterThan(0)
    expect(report.promised).toBeGreaterThan(report.schedules)
  }, 120_000)

  it('runs the same life for the same seed', async () => {
    const first = testSeed()
    const f = async (): Promise<unknown> => {
      const { diskCalls, promised, crashes, faults } = await runSchedules({ first, count: 5, limitMs: Infinity })
      return { diskCalls, promised, crashes, faults }
    }
    expect(await f()).toEqual(await f())
  })
})
