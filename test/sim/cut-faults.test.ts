// A disk that fails once while the head is cut into blocks: nothing that it can read the next time is left out.
import { setImmediate as nextTurn } from 'node:timers/promises'
import { expect, it, onTestFinished } from 'vitest'
import { FakeClock } from '../../lib/std/clock.ts'
import { useDisk } from '../../lib/std/fs.ts'
import { Random } from '../../lib/std/random.ts'
import { BLOCK_RANGE_MS } from '../../storage/block-plan.ts'
import { Database } from '../../storage/database.ts'
import { append, batchOf, readAll, samplesIn, seriesOf } from '../storage/store.ts'
import { SimDisk, type Fault } from './sim-disk.ts'

/** Shortly before the time that the head is cut at: of more hours each life would only be longer. */
const NOW = Math.ceil(1_700_000_000_000 / BLOCK_RANGE_MS) * BLOCK_RANGE_MS - 300_000
const ROWS = 100
/** A cut makes fewer. */
const CALLS = 100
/** Of 15 s, after the cut: what failed is tried again, and what was cut is let go of. */
const ROUNDS_AFTER = 40

/** A store that is fed, and cut some minutes later; `before`: the disk calls shortly before the cut. */
async function cutAfter(faults: readonly Fault[]): Promise<{ samples: number; before: number; blocks: number }> {
  const disk = new SimDisk({ random: new Random(1), faults })
  const real = useDisk(disk)
  onTestFinished(() => void useDisk(real))
  const clock = new FakeClock(NOW)
  const db = new Database({ folder: '/data', retentionMs: Infinity, headBytesMax: 8 * 2 ** 20, clock, random: new Random(2) })
  const refs = seriesOf(db, 3)
  for (let k = 0; k < ROWS; k++) append(db, batchOf(NOW + k, refs, [k, k / 3, k / 7]))
  await db.commit()
  const blocks = (): number => {
    const folder = disk.names.find('/data/blocks')
    return folder?.kind === 'folder' ? [...folder.live.keys()].filter((name) => /^\d/.test(name)).length : 0
  }
  let before = 0
  for (let passed = 0, since = 0; passed < 2 * 240 && since < ROUNDS_AFTER; passed++) {
    if (blocks() > 0) since++
    // The cut takes some turns: it began a round or two before it shows.
    if (passed % 4 === 0 && blocks() === 0) before = disk.calls
    await clock.advance(15_000)
    for (let turn = 0; turn < 4; turn++) await nextTurn()
  }
  // A fault that is left may strike the first reader.
  readAll(db)
  const samples = samplesIn(readAll(db))
  await db.close()
  return { samples, before, blocks: blocks() }
}

it('a cut leaves nothing out for a read that failed once', async () => {
  const whole = await cutAfter([])
  expect(whole).toMatchObject({ samples: ROWS * 3, blocks: 1 })
  for (let at = whole.before - 10; at < whole.before + CALLS; at++) {
    expect((await cutAfter([{ at, kind: 'EIO' }])).samples, `failed at call ${at}`).toBe(ROWS * 3)
  }
})
