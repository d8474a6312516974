// A process that fills its disk: appends and commits rows until it is refused, then says how many rows it was promised, and
// what was promised before and after the store has tried again. Started by full-disk.test.ts under a real limit.
import { FakeClock } from '../../lib/std/clock.ts'
import { labelsFromRecord } from '../../lib/model/labels.ts'
import { Database } from '../../storage/database.ts'
import { LogError } from '../../storage/errors.ts'

export const START_MS = 1_700_000_000_000
export const SERIES = 100
/** What a store has, once there is room, to go on. */
const RETURN_MS = 5000

export interface FullDiskReport {
  rowsPromised: number
  refusal: string
  reason: string
  promisedAtOnce: number
  promisedLater: number
}

export interface FillOptions {
  reserveBytes?: number
  /** Rows from one look at the free space to the next. */
  rowsPerLook?: number
  /** May give the disk room. */
  onRefused?: (db: Database) => void
}

/** Rows until the first refusal, then ten more attempts, and ten when the store has had its time. */
export async function fillUp(folder: string, { reserveBytes = 0, rowsPerLook = Infinity, onRefused = () => {} }: FillOptions = {}): Promise<FullDiskReport> {
  const clock = new FakeClock(START_MS)
  const db = new Database({ folder, retentionMs: Infinity, headBytesMax: 64 * 2 ** 20, clock, reserveBytes })
  const refs = Uint32Array.from({ length: SERIES }, (_, i) => db.series(labelsFromRecord({ __name__: 'm', i: String(i) })))
  const put = (row: number): Promise<void> => {
    db.append({ count: SERIES, refs, values: Float64Array.from(refs, (ref) => ref / 3 + row / 7), t: START_MS + row, times: null, stale: null }, new Uint8Array(SERIES))
    return db.commit()
  }
  const report: FullDiskReport = { rowsPromised: 0, refusal: '', reason: '', promisedAtOnce: 0, promisedLater: 0 }
  try {
    for (; report.rowsPromised < 20_000; report.rowsPromised++) {
      await put(report.rowsPromised)
      if (report.rowsPromised % rowsPerLook === 0) await clock.advance(1000)
    }
  } catch (error) {
    report.refusal = String(error)
    report.reason = error instanceof LogError ? error.reason : ''
  }
  const tenMore = async (first: number): Promise<number> => {
    let promised = 0
    for (let k = 0; k < 10; k++) {
      try {
        await put(first + k)
        promised++
      } catch (error) {
        if (!(error instanceof LogError)) throw error
      }
    }
    return promised
  }
  report.promisedAtOnce = await tenMore(report.rowsPromised + 100)
  onRefused(db)
  await clock.advance(RETURN_MS)
  report.promisedLater = await tenMore(report.rowsPromised + 200)
  await db.close()
  return report
}

if (process.argv[1] === import.meta.filename) console.log(JSON.stringify(await fillUp(process.argv[2]!)))
