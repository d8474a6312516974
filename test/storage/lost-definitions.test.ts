// Definitions that are written anew, and those that are gone, whole or from some place on: blocks name their series by ref, so
// refs must not be given again.
import fs from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { FakeClock } from '../../lib/std/clock.ts'
import { runThrough } from '../../lib/std/steps.ts'
import { FileList } from '../../storage/file-list.ts'
import { DefinitionsRewrite } from '../../storage/head/definitions-rewrite.ts'
import { SeriesFile } from '../../storage/log/series-file.ts'
import type { Finding } from '../../storage/repair/finding.ts'
import { repairFolder } from '../../storage/repair/repair.ts'
import { tempFolder } from '../support/temp-folder.ts'
import { named, writeBlock } from './block/block-data.ts'
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

describe('the list of files', () => {
  it('knows at the end how long the definitions are', async () => {
    const folder = tempFolder()
    const db = open(folder)
    const lengths: number[] = []
    for (const i of [1, 2, 3]) {
      db.series(series(i))
      await db.commit()
      lengths.push(new FileList(folder).lengthOf('series/definitions'))
    }
    await db.close()
    const end = new FileList(folder).lengthOf('series/definitions')
    expect([lengths[0]! > 0, lengths[2]! === lengths[0]!, end > lengths[0]!]).toEqual([true, true, true])
    // Of three series, each in a frame of its own with a mark behind, all is known to be there.
    fs.truncateSync(`${folder}/series/definitions`, end - 8)
    const again = open(folder)
    expect(again.recovery.corruptRecords).toBeGreaterThan(0)
    await again.close()
  })
})

describe('lost definitions', () => {
  it('are not taken from the blocks where another ref has the name since, or from before series were numbered anew', async () => {
    const f = async (define: (file: SeriesFile) => void, wanted: readonly string[]): Promise<void> => {
      const folder = tempFolder()
      await open(folder).close()
      const definitions = path.join(folder, 'series/definitions')
      fs.rmSync(definitions)
      fs.rmSync(path.join(folder, 'files.json'), { force: true })
      const file = new SeriesFile(definitions)
      runThrough(file.load({ begin: () => {}, progress: () => {}, renumbered: () => {}, given: () => {}, series: () => {}, group: () => {} }))
      define(file)
      file.write()
      file.syncNow()
      file.close()
      await writeBlock(path.join(folder, 'blocks'), [{ times: [NOW], series: [{ ref: 1, labels: named('old'), cells: [1] }] }])
      const bytes = fs.readFileSync(definitions)
      const at = bytes.indexOf('old')
      for (const copy of [0, 65_536]) bytes[at + copy]! ^= 0x10
      fs.writeFileSync(definitions, bytes)
      const found: Finding[] = []
      await repairFolder(folder, true, (finding) => found.push(finding))
      expect(found.flatMap(({ place, damage, cost }) => (place === 'series/definitions' ? [`${damage}; ${cost.split(',')[0]}`] : []))).toEqual(wanted.map((text) => expect.stringMatching(text)))
    }
    const [old, other] = [named('old'), named('other')]
    const lost = /^1 frame \(\d+ bytes\) are damaged in both copies; /.source
    await f((file) => (file.addSeries(1, old), file.addGiven(1), file.addSeries(2, other)), [`${lost}groups`, '^definitions of 1 series are lost, which blocks know'])
    await f((file) => (file.addSeries(1, old), file.addGiven(1), file.addSeries(2, old)), [`${lost}1 series without a name`])
    await f((file) => (file.addRenumbering(1), file.addSeries(1, old), file.addGiven(1), file.addSeries(2, other)), [`${lost}groups`])
  })

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
