// A data folder of the first version, killed while it scraped itself and took pushes, and what that version answered to
// `{__name__=~".+"}[2h]` just before. Later versions must read it, also after they have written to it and restarted.
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { gunzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { Engine } from '../../lang/engine.ts'
import { FakeClock } from '../../lib/std/clock.ts'
import type { Database } from '../../storage/database.ts'
import { StoreQueryable } from '../../storage/store-querier.ts'
import { copyFolder } from '../support/temp-folder.ts'
import { append, batchOf, open, seriesOf } from './store.ts'

const GOLDEN = path.join(import.meta.dirname, '../golden/main-job-data')
const ANSWERED_AT_MS = 1_795_870_489_000

interface Answer {
  metric: Record<string, string>
  values: [number, string][]
}

const sorted = (body: string): Answer[] => {
  const { data } = JSON.parse(body) as { data: { result: Answer[] } }
  const key = ({ metric }: Answer): string => JSON.stringify(metric)
  return data.result.toSorted((a, b) => (key(a) < key(b) ? -1 : 1))
}

function ask(db: Database): Answer[] {
  const queryable = new StoreQueryable(db.handle(), 1)
  const { body } = new Engine().run({
    kind: 'instant', query: '{__name__=~".+"}[2h]', timeMs: ANSWERED_AT_MS, lookbackMs: 300_000, stats: '', timeoutMs: 30_000, limit: 0,
  }, queryable)
  queryable.close()
  return sorted(Buffer.from(body).toString())
}

describe('a folder of the first version', () => {
  it('answers as it did, and takes samples', async () => {
    const folder = copyFolder(GOLDEN)
    const want = sorted(gunzipSync(readFileSync(`${GOLDEN}.json.gz`)).toString())
    expect(want.length).toBeGreaterThan(90)
    const clock = new FakeClock(ANSWERED_AT_MS + 60_000)
    const db = open(folder, { clock })
    expect(db.recovery).toMatchObject({ corruptRecords: 0 })
    expect(ask(db)).toEqual(want)
    // What comes later goes to the same files and does not move what is there.
    const refs = seriesOf(db, 3)
    for (let k = 0; k < 100; k++) append(db, batchOf(ANSWERED_AT_MS + 1000 + k, refs, [k, k, k]))
    await db.close()
    const again = open(folder, { clock })
    expect(ask(again)).toEqual(want)
    await again.close()
  })
})
