// A slice of the model runs; `npm run prove` has thousands.
import { describe, expect, it } from 'vitest'
import { Random, freshSeed } from '../../lib/std/random.ts'
import { tempFolder } from '../support/temp-folder.ts'
import { modelRun, type ModelReport } from './database-model.ts'

describe('Database, cut into blocks', () => {
  it('agrees with a plain Map over days of random batches, cuts, compactions, restarts and retention', async () => {
    const seed = freshSeed()
    const sum: ModelReport = { cuts: 0, compactions: 0, retentions: 0, restarts: 0, samples: 0 }
    for (let round = 0; round < 15; round++) {
      const report = await modelRun(new Random(seed + round), tempFolder(), 100, `seed ${seed} round ${round}`)
      for (const key of Object.keys(sum) as (keyof ModelReport)[]) sum[key] += report[key]
    }
    // What did not happen was not tried.
    for (const [what, times] of Object.entries(sum)) expect(times, what).toBeGreaterThan(0)
  }, 240_000)
})
