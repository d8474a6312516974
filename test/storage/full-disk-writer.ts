// A process that fills its disk: appends and commits rows until it is refused, then says how many rows it was promised
// and whether anything was promised later. Started by full-disk.test.ts under a real limit.
import { labelsFromRecord } from '../../lib/model/labels.ts'
import { Database } from '../../storage/database.ts'
import { LogError } from '../../storage/errors.ts'

export const START_MS = 1_700_000_000_000
export const SERIES = 100

export interface FullDiskReport {
  rowsPromised: number
  refusal: string
  isLogError: boolean
  promisedLater: number
}

/** Rows until the first refusal, then ten more attempts; `onRefused` may give the disk room before those. */
export async function fillUp(folder: string, onRefused: () => void = () => {}): Promise<FullDiskReport> {
  const db = new Database({ folder, retentionMs: Infinity, headBytesMax: 64 * 2 ** 20 })
  const refs = Uint32Array.from({ length: SERIES }, (_, i) => db.series(labelsFromRecord({ __name__: 'm', i: String(i) })))
  const put = (row: number): Promise<void> => {
    db.append({ count: SERIES, refs, values: Float64Array.from(refs, (ref) => ref / 3 + row / 7), t: START_MS + row, times: null, stale: null }, new Uint8Array(SERIES))
    return db.commit()
  }
  const report: FullDiskReport = { rowsPromised: 0, refusal: '', isLogError: false, promisedLater: 0 }
  try {
    for (; report.rowsPromised < 20_000; report.rowsPromised++) await put(report.rowsPromised)
  } catch (error) {
    report.refusal = String(error)
    report.isLogError = error instanceof LogError
  }
  onRefused()
  for (let k = 1; k <= 10; k++) {
    try {
      await put(report.rowsPromised + k)
      report.promisedLater++
    } catch {
      // Each refusal after the first is what is hoped for; the count tells.
    }
  }
  await db.close().catch(() => {})
  return report
}

if (process.argv[1] === import.meta.filename) console.log(JSON.stringify(await fillUp(process.argv[2]!)))
