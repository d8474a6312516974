// The plan of tiers: what need not be looked up.
import { expect, it } from 'vitest'
import { mayReplaceRaw, planTiers, type TierAsk } from '../../../lang/exec/tier-plan.ts'
import { makeWindows } from '../../../lang/exec/windows.ts'
import { Random } from '../../../lib/std/random.ts'
import type { TierCoverage } from '../../../storage/tier/bucket.ts'

const WHOLE: readonly TierCoverage[] = (['raw', '1m', '1h'] as const).map((name, i) => ({
  name, widthMs: [0, 60_000, 3_600_000][i]!, from: -Infinity, to: Infinity, localFrom: -Infinity, keptFrom: -Infinity, lacksHistograms: false,
}))

it('asks what tiers cover only where one of them may answer instead of raw samples that are all there', () => {
  const random = new Random(7)
  const pick = <T>(list: readonly T[]): T => list[random.u32() % list.length]!
  const seen = { may: 0, mayNot: 0 }
  for (let run = 0; run < 2000; run++) {
    const stepMs = pick([1000, 60_000, 300_000, 3_600_000, 1_234_567])
    const steps = { startMs: 1_699_999_200_000 + pick([0, 0, 1, 60_000, 1_800_000]), stepMs, count: pick([1, 30, 300, 3000]) }
    const shift = { offsetMs: pick([0, 0, 3_600_000, 17]), atMs: null, rangeMs: pick([60_000, 300_000, 3_600_000, 86_400_000, 90_001]) }
    const columns = pick([null, 1, 2, 5])
    const ask: TierAsk = { windows: makeWindows(steps, shift), isInstant: random.u32() % 3 === 0, columnsFor: (widthMs) => (widthMs > shift.rangeMs ? null : columns) }
    const may = mayReplaceRaw(ask)
    seen[may ? 'may' : 'mayNot']++
    expect(planTiers({ ...ask, coverage: WHOLE, wanted: null }) !== null, JSON.stringify({ steps, shift, columns })).toBe(may)
  }
  expect(seen.may).toBeGreaterThan(30)
  expect(seen.mayNot).toBeGreaterThan(50)
})
