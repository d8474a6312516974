// Files of hours of another data folder: taken over with the rows that they have, and never taken for one's own by chance.
import fs from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { FakeClock } from '../../../lib/std/clock.ts'
import { Random } from '../../../lib/std/random.ts'
import type { Database } from '../../../storage/database.ts'
import { importArchive, noteImported, type ArchiveReport } from '../../../storage/import/archive.ts'
import { readManifest } from '../../../storage/tier/hour-manifest.ts'
import { testSeed } from '../../support/seed.ts'
import { copyFolder, tempFolder } from '../../support/temp-folder.ts'
import { append, batchOf, open, seriesOf } from '../store.ts'
import { HOUR, T0, fill, lookAt, settled } from '../tier-rows.ts'

type Rows = ReturnType<typeof lookAt>['rows']

function start(folder: string, clock: FakeClock): Database {
  return open(folder, { clock, hourRetentionMs: 365 * 24 * HOUR })
}

/** A folder with rows of [from, to), and what they are. Series `first` … have the lowest refs. */
async function folderOf(from: number, to: number, first = 50): Promise<{ folder: string; rows: Rows }> {
  const folder = tempFolder()
  const clock = new FakeClock(from)
  const db = start(folder, clock)
  const refs = seriesOf(db, 6, first)
  append(db, batchOf(from + 1000, refs, refs.map((ref) => ref * 1000 + first)))
  fill(db, clock, from, to, new Random(testSeed() + first))
  clock.jump(3 * HOUR)
  await settled(db)
  const { rows } = lookAt(db, '1h')
  expect(rows.size).toBeGreaterThan(20)
  await db.close()
  return { folder, rows }
}

async function take(folder: string, source: string, now: number): Promise<ArchiveReport> {
  const db = start(folder, new FakeClock(now))
  const report = await importArchive(`${source}/archive`, folder, db, now)
  await db.close()
  if (report.maxT > -Infinity) noteImported(folder, report.maxT)
  return report
}

function rowsIn(folder: string, now: number): Rows {
  const db = start(folder, new FakeClock(now))
  const { rows } = lookAt(db, '1h')
  void db.close()
  return rows
}

const NOW = T0 + 8 * HOUR

describe('an archive of another folder', () => {
  it('is taken over beside what is here, and once', async () => {
    const old = await folderOf(T0 - 40 * HOUR, T0 - 20 * HOUR)
    const { folder, rows } = await folderOf(T0, T0 + 5 * HOUR, 70)
    const want = new Map([...old.rows, ...rows])
    expect(want.size).toBe(old.rows.size + rows.size)
    expect(await take(folder, old.folder, NOW)).toMatchObject({ rows: old.rows.size, knownRows: 0, laterRows: 0, damage: [] })
    expect(rowsIn(folder, NOW)).toEqual(want)
    expect(await take(folder, old.folder, NOW)).toMatchObject({ rows: old.rows.size, knownRows: old.rows.size, damage: [] })
    expect(rowsIn(folder, NOW)).toEqual(want)
  })

  it('of the same days as another one is put into the same files; what came first stays', async () => {
    const [one, two] = [await folderOf(T0 - 40 * HOUR, T0 - 30 * HOUR, 50), await folderOf(T0 - 35 * HOUR, T0 - 20 * HOUR, 60)]
    const { folder, rows } = await folderOf(T0, T0 + 5 * HOUR, 70)
    await take(folder, one.folder, NOW)
    await take(folder, two.folder, NOW)
    expect(rowsIn(folder, NOW)).toEqual(new Map([...two.rows, ...one.rows, ...rows]))
    const spans = readManifest(`${folder}/archive`).files.map(({ name }) => name.slice(0, 13))
    expect(new Set(spans).size).toBe(spans.length)
  })

  it('gives no rows of hours that this folder has samples of, and says how many they are', async () => {
    const old = await folderOf(T0 - 10 * HOUR, T0 + 3 * HOUR)
    const { folder, rows } = await folderOf(T0, T0 + 5 * HOUR, 70)
    const report = await take(folder, old.folder, NOW)
    expect(report.rows + report.laterRows).toBe(old.rows.size)
    expect(report.laterRows).toBeGreaterThan(8)
    const before = [...old.rows].filter(([key]) => Number(key.split(' ').at(-1)) < T0)
    expect(rowsIn(folder, NOW)).toEqual(new Map([...before, ...rows]))
  })

  it('that is damaged, or not there, is left out and named', async () => {
    const old = await folderOf(T0 - 40 * HOUR, T0 - 20 * HOUR)
    const { folder, rows } = await folderOf(T0, T0 + 5 * HOUR, 70)
    const [first, second] = readManifest(`${old.folder}/archive`).files
    const file = `${old.folder}/archive/${first!.name}`
    const bytes = fs.readFileSync(file)
    bytes[Math.floor(bytes.length / 2)]! ^= 1
    fs.writeFileSync(file, bytes)
    fs.rmSync(`${old.folder}/archive/${second!.name}`)
    const report = await take(folder, old.folder, NOW)
    expect(report.damage.toSorted()).toEqual([
      expect.stringMatching(new RegExp(`^${first!.name} was left out: .*the checksum of a page does not hold`)) as string,
      expect.stringMatching(new RegExp(`^${second!.name} was left out: it is in the object store only; copy it`)) as string,
    ])
    expect(rowsIn(folder, NOW)).toEqual(rows)
  })

  it('whose files lie in the folder, named by no list, is moved aside whole', async () => {
    const old = await folderOf(T0 - 40 * HOUR, T0 - 20 * HOUR)
    const { folder } = await folderOf(T0, T0 + 5 * HOUR, 70)
    const names = readManifest(`${old.folder}/archive`).files.flatMap(({ name }) => [name, `${name}.index`]).filter((name) => !fs.existsSync(`${folder}/archive/${name}`))
    for (const name of names) fs.copyFileSync(`${old.folder}/archive/${name}`, `${folder}/archive/${name}`)
    const clock = new FakeClock(NOW)
    const db = start(folder, clock)
    fill(db, clock, NOW, NOW + 5 * HOUR, new Random(testSeed()))
    await settled(db)
    expect(lookAt(db, '1h').rows.size).toBeGreaterThan(0)
    expect(lookAt(db, '1h').rows).toEqual(lookAt(db, '1h').want)
    await db.close()
    expect(fs.readdirSync(`${folder}/quarantine`).toSorted()).toEqual(names.toSorted())
    for (const name of names) expect(fs.readFileSync(`${folder}/quarantine/${name}`).equals(fs.readFileSync(`${old.folder}/archive/${name}`))).toBe(true)
  })

  it('whose list was copied over the folder\'s answers for no series of the folder, and is kept aside', async () => {
    const old = await folderOf(T0 - 40 * HOUR, T0 - 20 * HOUR)
    const { folder, rows } = await folderOf(T0, T0 + 5 * HOUR, 70)
    for (const name of fs.readdirSync(`${old.folder}/archive`)) fs.copyFileSync(`${old.folder}/archive/${name}`, `${folder}/archive/${name}`)
    const there = fs.readdirSync(`${folder}/archive`).toSorted()
    expect([...rowsIn(folder, NOW).keys()]).toEqual([])
    const [aside] = fs.readdirSync(`${folder}/quarantine`)
    expect(fs.readdirSync(`${folder}/quarantine/${aside!}`).toSorted()).toEqual(there)
    // Its own rows are made again of its samples.
    const db = start(folder, new FakeClock(NOW))
    await settled(db)
    expect(lookAt(db, '1h').rows).toEqual(rows)
    await db.close()
  })

  it('is one\'s own in a folder without series, in a snapshot, and where the folder\'s number is lost', async () => {
    const { folder, rows } = await folderOf(T0 - 40 * HOUR, T0 - 20 * HOUR)
    const alone = tempFolder()
    fs.cpSync(`${folder}/archive`, `${alone}/archive`, { recursive: true })
    expect(rowsIn(alone, NOW)).toEqual(rows)
    const lost = copyFolder(folder)
    fs.writeFileSync(path.join(lost, 'series/id'), '0123456789abcdef 00000000\n')
    expect(rowsIn(lost, NOW)).toEqual(rows)
    expect(rowsIn(lost, NOW)).toEqual(rows)
    const db = start(folder, new FakeClock(NOW))
    await db.blocks.snapshot('s', true)
    await db.close()
    expect(rowsIn(`${folder}/snapshots/s`, NOW)).toEqual(rows)
  })
})
