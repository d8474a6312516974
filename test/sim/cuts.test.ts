// Cuts and compactions that end at each of their disk calls, one after the other, by the end of the process and a power
// cut: every sample that was acknowledged is there, once, and the next process finishes the work.
import { describe, expect, it } from 'vitest'
import { CUT_DELAY_MS } from '../../storage/block-plan.ts'
import { Random } from '../../lib/std/random.ts'
import { append, batchOf, readAll, seriesOf, type Points } from '../storage/store.ts'
import { testSeed } from '../support/seed.ts'
import { kill, maintained, startLife, type Life, type Wrong } from './life.ts'
import { SimNames } from './sim-names.ts'

const HOUR = 3_600_000
/** A call in so many; which, is drawn anew each time. `npm run prove -- cuts` takes each. */
const EVERY = Number(process.env['PROVE_EVERY'] ?? 8)
/** A boundary of six hours. */
const START = Math.floor(1_700_000_000_000 / (6 * HOUR)) * 6 * HOUR

function start(names: SimNames, now: number, wrong: Wrong = {}): Life {
  return startLife({ names, now, ...wrong }, { retentionMs: 80 * HOUR, headBytesMax: 8 * 2 ** 20 })
}

/** Two hours of rows of three series, and one sample behind which the head may be cut there; by a process that ended by itself. */
async function feed(names: SimNames, from: number): Promise<SimNames> {
  const { disk, db } = start(names, from + 2 * HOUR + CUT_DELAY_MS)
  const refs = seriesOf(db, 3)
  for (let k = 0; k < 80; k++) append(db, batchOf(from + k * 90_000, refs, [k, k / 3, 7]))
  append(db, batchOf(from + 2 * HOUR + CUT_DELAY_MS, seriesOf(db, 1, 3), [1]))
  await db.close()
  return disk.names
}

/** Three blocks of two hours are due to become one when the last of them is cut. */
async function blocksToCompact(): Promise<{ names: SimNames; want: Map<string, Points>; now: number }> {
  let names = new SimNames()
  for (let k = 0; k < 3; k++) {
    names = await feed(names, START + k * 2 * HOUR)
    if (k === 2) break
    const life = start(names, START + (k + 1) * 2 * HOUR + 15 * 60_000)
    await maintained(life)
    expect(life.db.blocks.done.cut, 'a block of two hours').toBe(1)
    names = await kill(life)
  }
  const now = START + 6 * HOUR + 15 * 60_000
  const life = start(names, now)
  const want = readAll(life.db)
  expect([...want.values()].map((points) => points.length).toSorted((a, b) => b - a)).toEqual([240, 240, 240, 3])
  return { names: await kill(life), want, now }
}

/** The disk calls that the work makes, behind those of the start. */
async function callsOfWork(image: SimNames, now: number): Promise<{ from: number; to: number }> {
  const whole = start(image.afterPowerCut(new Random(3), 'all'), now)
  const from = whole.disk.calls
  await maintained(whole)
  expect(whole.db.blocks.done).toMatchObject({ cut: 1, compact: 1, drop: 0, remove: 1 })
  expect(whole.db.blocks.blocks.map(({ meta }) => meta.level)).toEqual([2])
  const to = whole.disk.calls
  await kill(whole)
  expect(to - from).toBeGreaterThan(50)
  return { from, to }
}

describe('a cut and a compaction', () => {
  it('lose nothing, and are done in the end, whichever disk call is their last', async () => {
    const random = new Random(testSeed())
    const { names, want, now } = await blocksToCompact()
    const image = names.afterPowerCut(new Random(3), 'all')
    const { from, to } = await callsOfWork(image, now)
    for (let n = from + 1 + random.int(EVERY); n <= to; n += EVERY) {
      for (const survival of ['nothing', 'any'] as const) {
        const life = start(image.afterPowerCut(new Random(3), 'all'), now, { endsAt: n })
        await maintained(life)
        const left = (await kill(life)).afterPowerCut(new Random(n), survival)
        const next = start(left, now)
        expect(readAll(next.db), `call ${n}, ${survival} of what was not synced`).toEqual(want)
        await maintained(next)
        expect(next.db.blocks.blocks.map(({ meta }) => meta.level), `call ${n}`).toEqual([2])
        expect(next.db.blocks.failed, `call ${n}`).toMatchObject({ cut: 0, compact: 0, drop: 0, remove: 0 })
        expect(readAll(next.db), `call ${n}, after the work`).toEqual(want)
        await kill(next)
      }
    }
  }, 400_000)

  it('leave everything as it is where the disk refuses a call, and are tried again later', async () => {
    const { names, want, now } = await blocksToCompact()
    const image = names.afterPowerCut(new Random(3), 'all')
    const { from, to } = await callsOfWork(image, now)
    for (let n = from + 1 + new Random(testSeed()).int(EVERY); n <= to; n += EVERY) {
      const life = start(image.afterPowerCut(new Random(3), 'all'), now, { faults: [{ at: n, kind: 'EIO' }] })
      await maintained(life)
      // Behind the last call that could be refused.
      if (life.disk.happened.length === 0) break
      expect(readAll(life.db), `call ${n}`).toEqual(want)
      await life.clock.advance(60_000)
      await maintained(life)
      // Those that could be read may have become one first.
      expect(life.db.blocks.blocks, `call ${n}, later`).toHaveLength(1)
      expect(readAll(life.db), `call ${n}, later`).toEqual(want)
      await kill(life)
    }
  }, 200_000)
})
