// What a damaged store leaves out is told wherever something of it could be missing.
import fs from 'node:fs'
import { expect, it } from 'vitest'
import { Engine } from '../../lang/engine.ts'
import type { QueryJob } from '../../lang/job.ts'
import { FakeClock } from '../../lib/std/clock.ts'
import { StoreQueryable } from '../../storage/store-querier.ts'
import { append, batchOf, open, seriesOf } from '../storage/store.ts'
import { HOUR, T0, settled } from '../storage/tier-rows.ts'
import { tempFolder } from '../support/temp-folder.ts'

it('series, label names and label values carry warnings of damage, as queries do', async () => {
  const folder = tempFolder()
  const clock = new FakeClock(T0)
  let db = open(folder, { clock })
  const refs = seriesOf(db, 40)
  for (; clock.now() < T0 + 4.5 * HOUR; clock.jump(30_000)) append(db, batchOf(clock.now(), refs, refs.map((_, i) => i)))
  await settled(db)
  await db.close()
  const [first] = fs.readdirSync(`${folder}/blocks`).filter((name) => /^\d/.test(name)).toSorted()
  fs.truncateSync(`${folder}/blocks/${first}/index`, 10)
  db = open(folder, { clock })
  const queryable = new StoreQueryable(db.handle(), 1)
  const engine = new Engine({ clock })
  const common = { matches: [] as string[], startMs: T0, endMs: T0 + 5 * HOUR, limit: 0, timeoutMs: 10_000 }
  const jobs: QueryJob[] = [
    { kind: 'instant', query: 'count({__name__!=""})', timeMs: T0 + HOUR, lookbackMs: 300_000, limit: 0, stats: '', timeoutMs: 10_000 },
    { kind: 'series', ...common, matches: ['{__name__!=""}'] }, { kind: 'labels', ...common }, { kind: 'labelValues', name: '__name__', ...common },
  ]
  for (const job of jobs) {
    const reply = JSON.parse(new TextDecoder().decode(engine.run(job, queryable).body)) as { status: string; warnings?: string[] }
    expect([job.kind, reply.status, reply.warnings]).toEqual([job.kind, 'success', [expect.stringContaining(first!)]])
  }
  queryable.close()
  await db.close()
})
