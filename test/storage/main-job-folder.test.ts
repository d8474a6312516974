// A data folder of the first version, killed while it scraped itself and took pushes, and what that version answered to
// `{__name__=~".+"}[2h]` just before. Later versions must read it, also after they have written to it and restarted.
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { FakeClock } from '../../lib/std/clock.ts'
import { copyFolder } from '../support/temp-folder.ts'
import { answerOf, recordedAnswer } from './recorded-answers.ts'
import { append, batchOf, open, seriesOf } from './store.ts'

const GOLDEN = path.join(import.meta.dirname, '../golden/main-job-data')
const ANSWERED_AT_MS = 1_795_870_489_000

describe('a folder of the first version', () => {
  it('answers as it did, and takes samples', async () => {
    const folder = copyFolder(GOLDEN)
    const want = recordedAnswer(`${GOLDEN}.json.gz`)
    expect(want.length).toBeGreaterThan(90)
    const clock = new FakeClock(ANSWERED_AT_MS + 60_000)
    const db = open(folder, { clock })
    expect(db.recovery).toMatchObject({ corruptRecords: 0 })
    expect(answerOf(db, '2h', ANSWERED_AT_MS)).toEqual(want)
    // What comes later goes to the same files and does not move what is there.
    const refs = seriesOf(db, 3)
    for (let k = 0; k < 100; k++) append(db, batchOf(ANSWERED_AT_MS + 1000 + k, refs, [k, k, k]))
    await db.close()
    const again = open(folder, { clock })
    expect(answerOf(again, '2h', ANSWERED_AT_MS)).toEqual(want)
    await again.close()
  })
})
