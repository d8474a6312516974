// A slice of the model runs; `npm run prove -- model` has thousands.
import fs from 'node:fs'
import { describe, expect, it } from 'vitest'
import { Random } from '../../lib/std/random.ts'
import { testSeed } from '../support/seed.ts'
import { tempFolder } from '../support/temp-folder.ts'
import { emptyReport, modelRun, type ModelReport } from './database-model.ts'

const RUNS = Number(process.env['PROVE_MODEL_RUNS'] ?? 12)
const COMMANDS = 100

describe('Database, cut into blocks', () => {
  it('agrees with a plain Map over days of random batches, deletes, cleaning, cuts, compactions, snapshots, restarts and retention', async () => {
    const seed = Number(process.env['PROVE_SEED'] ?? testSeed())
    const sum = emptyReport()
    for (let run = 0; run < RUNS; run++) {
      const folder = tempFolder()
      const report = await modelRun(new Random(seed + run), folder, COMMANDS, `PROVE_SEED=${seed + run}`)
      fs.rmSync(folder, { recursive: true })
      for (const key of Object.keys(sum) as (keyof ModelReport)[]) sum[key] += report[key]
    }
    // What did not happen was not tried; what is rare need not happen in few runs.
    const rare: readonly string[] = RUNS < 100 ? ['retentions', 'compactions', 'snapshots', 'again', 'hidden', 'forgotten', 'regrouped'] : []
    for (const [what, times] of Object.entries(sum)) if (!rare.includes(what)) expect(times, what).toBeGreaterThan(0)
    console.log(`${RUNS} runs of ${COMMANDS} commands, seed ${seed}: ${Object.entries(sum).map(([what, times]) => `${times} ${what}`).join(', ')}`)
  }, 120_000 + RUNS * 5000)
})
