// A process that makes, compacts and deletes rows of the tiers of a folder, lets its raw samples grow too old, and dies at the fault
// point it is told.
import { FakeClock } from '../../lib/std/clock.ts'
import { armFaultPoint } from '../../lib/std/fault-point.ts'
import { Database } from '../../storage/database.ts'
import type { SampleBatch } from '../../storage/interface.ts'
import { HOURS, RAW_MS, T0, labelsOf, valueAt } from './tier-story.ts'

const [folder = '', point = ''] = process.argv.slice(2)
const clock = new FakeClock(T0)
const db = new Database({ folder, retentionMs: Infinity, minuteRetentionMs: Infinity, hourRetentionMs: Infinity, headBytesMax: 64 * 2 ** 20, clock })

async function settled(): Promise<void> {
  for (let round = 0; round < 2; round++) {
    await db.maintain()
    await db.blocks.idle()
  }
}

const refs = Uint32Array.from({ length: 3 }, (_, s) => db.series(labelsOf(s)))
const verdicts = new Uint8Array(refs.length)
for (let t = T0; t < T0 + HOURS * 3_600_000; t += 60_000) {
  clock.jump(t - clock.now())
  const batch: SampleBatch = { count: refs.length, refs, values: Float64Array.from(refs, (_, s) => valueAt(s, t)), t, times: null, stale: null }
  db.append(batch, verdicts)
}
await db.commit()
armFaultPoint(point)
await settled()
await db.blocks.delete([[{ name: '__name__', op: '=', value: 'm2' }]], T0, T0 + 3_600_000)
await settled()
db.setLimits({ retentionMs: RAW_MS, retentionBytes: Infinity, minuteRetentionMs: Infinity, hourRetentionMs: Infinity, outOfOrderMs: 0 })
await clock.advance(3_600_000)
await settled()
await db.close()
