// Definitions that are written anew, and those that are gone, whole or from some place on: blocks name their series by ref, so
// refs must not be given again.
import fs from 'node:fs'
import { describe, expect, it } from 'vitest'
import { FakeClock } from '../../lib/std/clock.ts'
import { DefinitionsRewrite } from '../../storage/head/definitions-rewrite.ts'
import { tempFolder } from '../support/temp-folder.ts'
import { NOW, append, batchOf, keyOf, open, readAll, series, seriesOf } from './store.ts'

/** A closed folder with two blocks, the second of which has series that the first has not. */
async function written(folder: string): Promise<ReturnType<typeof readAll>> {
  const clock = new FakeClock(NOW)
  const db = open(folder, { clock })
  for (const count of [20, 30]) {
    const refs = seriesOf(db, count)
    for (let k = 0; k < 40; k++) append(db, batchOf(clock.now() + k, refs, refs.map((ref) => ref * 1000 + k)))
    await db.blocks.snapshot(`cut-${count}`, true)
    await clock.advance(60_000)
  }
  const all = readAll(db)
  await db.close()
  return all
}

describe('definitions that are written anew', () => {
  it('say whose samples are in columns that their series have left', async () => {
    const folder = tempFolder()
    const db = open(folder)
    const refs = seriesOf(db, 10)
    for (let k = 0; k < 40; k++) append(db, batchOf(NOW - 60_000 + k, refs, refs.map((ref) => ref + k)))
    append(db, batchOf(NOW, [refs[0]!], [1]))
    // In order for itself, behind its group: it leaves for one of its own.
    append(db, batchOf(NOW - 1000, [refs[3]!], [2]))
    const want = readAll(db)
    expect(await new DefinitionsRewrite(db.head, () => false).run()).toBe(true)
    await db.close()
    const again = open(folder)
    expect(readAll(again)).toEqual(want)
    await again.close()
  })
})

describe('lost definitions', () => {
  it('are taken from the blocks, and last', async () => {
    for (const keep of [0, 100]) {
      const folder = tempFolder()
      const want = await written(folder)
      expect(want.size).toBe(30)
      fs.truncateSync(`${folder}/series/definitions`, keep)
      const db = open(folder, { clock: new FakeClock(NOW + 3_600_000) })
      const other = ['__name__', 'other']
      append(db, batchOf(NOW + 3_600_000, [db.series(other), ...seriesOf(db, 30)], Array.from({ length: 31 }, (_, i) => i)))
      for (let i = 0; i < 30; i++) want.get(keyOf(series(i)))!.push([NOW + 3_600_000, i + 1])
      want.set(keyOf(other), [[NOW + 3_600_000, 0]])
      expect(readAll(db)).toEqual(want)
      await db.close()
      const again = open(folder)
      expect(readAll(again)).toEqual(want)
      await again.close()
    }
  })
})
