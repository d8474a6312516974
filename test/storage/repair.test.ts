// Repair of a data folder with damage of all kinds: what it says, what it costs, what is there afterwards.
import { hash } from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { FakeClock } from '../../lib/std/clock.ts'
import { Logger } from '../../lib/std/log.ts'
import { Random } from '../../lib/std/random.ts'
import { BLOCK_RANGE_MS } from '../../storage/block-plan.ts'
import type { Finding } from '../../storage/repair/finding.ts'
import { repairFolder } from '../../storage/repair/repair.ts'
import { expectSame } from '../support/expect-same.ts'
import { testSeed } from '../support/seed.ts'
import { copyFolder, tempFolder } from '../support/temp-folder.ts'
import { writeBlock } from './block/block-data.ts'
import { append, batchOf, keyOf, open, readAll, samplesIn, series, seriesOf, type Points } from './store.ts'

const T = 1_700_006_400_000
const SERIES = 60
const HOUR = 3_600_000
const STRIPE = 65536

type All = Map<string, Points>

/** Two blocks of two hours, then rows in segments and in the log. */
async function written(): Promise<{ folder: string; want: All }> {
  const folder = tempFolder()
  const clock = new FakeClock(T)
  // Values that fill pages.
  const random = new Random(1)
  const db = open(folder, { clock })
  const refs = seriesOf(db, SERIES)
  const until = (end: number): void => {
    for (; clock.now() < end; clock.jump(30_000)) append(db, batchOf(clock.now(), refs, refs.map(() => random.float())))
  }
  until(T + 2 * BLOCK_RANGE_MS + HOUR / 4)
  await db.maintain()
  await db.blocks.idle()
  until(T + 2 * BLOCK_RANGE_MS + HOUR / 2)
  const want = readAll(db)
  expect(db.blocks.blocks).toHaveLength(2)
  await db.close()
  return { folder, want }
}

function filesOf(folder: string): string[] {
  return fs.readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()).map((entry) => path.join(entry.parentPath, entry.name)).toSorted()
}

/** Checksums of what all files hold, by name. */
const printOf = (folder: string): Map<string, string> => new Map(filesOf(folder).map((file) => [path.relative(folder, file), hash('sha256', fs.readFileSync(file))]))

async function repair(folder: string, isDryRun = false): Promise<Finding[]> {
  const found: Finding[] = []
  await repairFolder(folder, isDryRun, (finding) => found.push(finding))
  return found
}

/** What is there of what was written; nothing else may be. */
async function left(folder: string, want: All): Promise<number> {
  const db = open(folder, { clock: new FakeClock(T + 2 * BLOCK_RANGE_MS + HOUR) })
  const all = readAll(db)
  const { corruptRecords, damagedBlocks } = db.recovery
  await db.close()
  expect({ corruptRecords, damagedBlocks }).toEqual({ corruptRecords: 0, damagedBlocks: 0 })
  for (const [key, points] of all) {
    const known = new Map(want.get(key))
    for (const [t, v] of points) expectSame(v, known.get(t), `${key} at ${t}`)
  }
  return samplesIn(all)
}

function flip(file: string, at: number): void {
  const bytes = fs.readFileSync(file)
  bytes[at < 0 ? bytes.length + at : at]! ^= 0x10
  fs.writeFileSync(file, bytes)
}

function swap(one: string, other: string): void {
  fs.renameSync(one, `${one}.aside`)
  fs.renameSync(other, one)
  fs.renameSync(`${one}.aside`, other)
}

/** Files that were damaged are there as they were, under whatever name. */
function expectKept(sound: string, damaged: ReadonlyMap<string, string>, folder: string): void {
  const before = printOf(sound)
  const after = [...printOf(folder).values()]
  for (const [file, print] of damaged) if (before.get(file) !== print) expect(after, `${file} as it was is gone`).toContain(print)
}

const first = (folder: string, part: string, name: RegExp): string => path.join(folder, part, fs.readdirSync(path.join(folder, part)).find((one) => name.test(one))!)
const block = (folder: string): string => first(folder, 'blocks', /^\d/)
const blocksOf = (folder: string): string[] => fs.readdirSync(path.join(folder, 'blocks')).filter((name) => /^\d/.test(name)).map((name) => path.join(folder, 'blocks', name))
const logFile = (folder: string): string => first(folder, 'log', /log$/)
const segmentFile = (folder: string): string => first(folder, 'head', /seg$/)

describe('repair', () => {
  it('finds nothing where nothing is damaged, and changes nothing', async () => {
    const { folder, want } = await written()
    const before = printOf(folder)
    expect(await repair(folder)).toEqual([])
    expect(printOf(folder)).toEqual(before)
    expect(await left(folder, want)).toBe(samplesIn(want))
  })

  it('says what each damage costs, keeps what it was, and leaves a folder without any', async () => {
    const { folder: sound, want } = await written()
    const all = samplesIn(want)
    const f = async (damage: (folder: string) => void, wanted: readonly Partial<Finding>[], lost: number): Promise<void> => {
      const folder = copyFolder(sound)
      damage(folder)
      const before = printOf(folder)
      expect(await repair(folder, true)).toMatchObject(wanted)
      expect(printOf(folder), 'a dry run changes nothing').toEqual(before)
      expect(await repair(folder)).toMatchObject(wanted)
      expectKept(sound, before, folder)
      expect(await repair(folder), 'a second repair').toEqual([])
      expect(all - await left(folder, want)).toBe(lost)
    }
    await f((folder) => flip(logFile(folder), -3000), [{ place: expect.stringMatching(/^log\//), damage: expect.stringMatching(/^\d+ bytes at \d+ are damaged$/), cost: expect.stringMatching(/^rows that came with those from 2023-.*Z to 2023-.*Z/) }], SERIES)
    await f((folder) => flip(segmentFile(folder), -100), [{ place: 'head/00000001.seg', damage: expect.stringMatching(/^\d+ bytes at \d+/), cost: '' }], 0)
    await f((folder) => flip(path.join(block(folder), 'chunks'), 1000), [{ place: expect.stringMatching(/^blocks\//), cost: expect.stringMatching(/^10800 of 14400 samples from 2023-/), remedy: expect.stringContaining('built anew') }], 10800)
    await f((folder) => fs.rmSync(path.join(block(folder), 'meta.json')), [{ damage: expect.stringContaining('meta.json: it is not there'), cost: expect.stringContaining('what is not among 14400 samples') }], 0)
    await f((folder) => swap(...blocksOf(folder).map((one) => path.join(one, 'meta.json')) as [string, string]), [1, 2].map(() => ({ damage: expect.stringMatching(/meta.json: it is of \d+ to \d+, and so another block's$/) as string })), 0)
    await f((folder) => fs.writeFileSync(path.join(block(folder), 'index'), ''), [{ damage: expect.stringContaining('0 bytes hold no page'), cost: expect.stringMatching(/^all of it from 2023-/), remedy: 'moved to quarantine/' }], 14400)
    await f((folder) => flip(path.join(folder, 'series/definitions'), 40), [{ place: 'series/definitions', damage: 'one of two copies of 1 frame is damaged', cost: '' }], 0)
    await f((folder) => fs.writeFileSync(path.join(folder, 'blocks/change.json'), '{'), [{ place: 'blocks/change.json', cost: expect.stringMatching(/^space:/) }], 0)
  })

  it('knows that rows are lost with a segment once the log is cut behind it', async () => {
    const { folder, want } = await written()
    fs.rmSync(logFile(folder))
    fs.rmSync(path.join(folder, 'files.json'))
    const without = copyFolder(folder)
    flip(segmentFile(folder), -100)
    expect(await repair(folder)).toMatchObject([{ place: 'head/00000001.seg', cost: expect.stringMatching(/^32 rows of 60 series, from 2023-.*Z to 2023-/) }])
    expect(await left(without, want) - await left(folder, want)).toBe(32 * SERIES)
  })

  it('knows that nothing is lost with a segment whose rows are in blocks', async () => {
    const { folder, want } = await written()
    fs.rmSync(logFile(folder))
    fs.rmSync(path.join(folder, 'files.json'))
    flip(segmentFile(folder), 100)
    const without = copyFolder(folder)
    expect(await repair(folder)).toMatchObject([{ place: 'head/00000001.seg', cost: '' }])
    expect(await left(folder, want)).toBe(await left(without, want).catch(() => -1))
  })

  it('takes names that are lost in both copies from the blocks', async () => {
    const { folder, want } = await written()
    for (const copy of [0, STRIPE]) flip(path.join(folder, 'series/definitions'), 40 + copy)
    const found = await repair(folder)
    expect(found.map(({ damage }) => damage)).toEqual([expect.stringMatching(/^1 frame \(\d+ bytes\) are damaged in both copies$/), `definitions of ${SERIES} series are lost, which blocks know`])
    expect(await repair(folder)).toEqual([])
    // The group that follows names the same refs: rows of segments and log are its.
    expect(await left(folder, want)).toBe(samplesIn(want))
  })

  it('makes definitions of what blocks know where the file is gone', async () => {
    const { folder, want } = await written()
    fs.rmSync(path.join(folder, 'series/definitions'))
    const found = await repair(folder)
    expect(found.map(({ place, damage }) => `${place}: ${damage}`)).toEqual([
      expect.stringMatching(/^series\/definitions: it is not there, with \d+ bytes or more$/), `series/definitions: definitions of ${SERIES} series are lost, which blocks know`,
      expect.stringMatching(/^log\/.*: what \d+ bytes in 2 places from \d+ on are of is not defined$/) as string,
    ])
    expect(await repair(folder)).toEqual([])
    expect(await left(folder, want)).toBe(2 * 240 * SERIES)
  })

  it('misses files that are gone or cut off, which leave no other trace, as a start does', async () => {
    const { folder: sound, want } = await written()
    const f = async (harm: (folder: string) => void, place: RegExp, damage: RegExp, isSaid: boolean = true): Promise<void> => {
      const folder = copyFolder(sound)
      harm(folder)
      const wanted = [{ place: expect.stringMatching(place) as string, damage: expect.stringMatching(damage) as string }]
      expect(await repair(folder, true)).toMatchObject(wanted)
      const lines: string[] = []
      const logger = new Logger({ level: 'error', format: 'logfmt', write: (line) => void lines.push(line) })
      const started = copyFolder(folder)
      for (let start = 0; start < 2; start++) {
        const db = open(started, { clock: new FakeClock(T + 2 * BLOCK_RANGE_MS + HOUR), logger })
        const { corruptRecords, damagedBlocks } = db.recovery
        await db.close()
        expect(corruptRecords + damagedBlocks, `${place}, start ${start}`).toBe(1)
      }
      expect(lines.length).toBe(isSaid ? 2 : 0)
      expect(await repair(folder)).toMatchObject(wanted)
      expect(await repair(folder), `a second repair of ${place}`).toEqual([])
      await left(folder, want)
      expect(await repair(folder), `a repair of ${place} and a start`).toEqual([])
    }
    await f((folder) => fs.rmSync(logFile(folder)), /^log\//, /^it is not there, with \d+ bytes/)
    await f((folder) => fs.truncateSync(logFile(folder), 4000), /^log\//, /^it ends at 4000 instead of \d+/, false)
    await f((folder) => fs.truncateSync(logFile(folder), 0), /^log\//, /^it ends at 0 instead of \d+/, false)
    await f((folder) => fs.rmSync(segmentFile(folder)), /^head\//, /^it is not there, with \d+ bytes/)
    await f((folder) => fs.truncateSync(segmentFile(folder), 0), /^head\//, /^it ends at 0 instead of \d+/, false)
    await f((folder) => fs.rmSync(block(folder), { recursive: true }), /^blocks\//, /^it is not there$/)
  })

  it('misses tombstones: what was deleted shows again without them', async () => {
    const { folder } = await written()
    const clock = new FakeClock(T + 2 * BLOCK_RANGE_MS + HOUR)
    const db = open(folder, { clock })
    await db.blocks.delete([[{ name: 'i', op: '=', value: '1' }]], T, T + HOUR)
    await db.close()
    expect(await repair(folder)).toEqual([])
    const tombstones = path.join(folder, 'blocks', fs.readdirSync(path.join(folder, 'blocks')).find((name) => fs.existsSync(path.join(folder, 'blocks', name, 'tombstones')))!, 'tombstones')
    fs.rmSync(tombstones)
    expect(await repair(folder)).toMatchObject([{ place: path.relative(folder, tombstones), damage: 'it is not there', remedy: expect.stringContaining('delete it once more') }])
    expect(await repair(folder)).toEqual([])
  })

  it('brings back what can be read of a block that a start moved aside', async () => {
    const { folder, want } = await written()
    fs.rmSync(path.join(block(folder), 'meta.json'))
    const db = open(folder)
    expect(db.recovery.damagedBlocks).toBe(1)
    await db.close()
    expect(await repair(folder)).toMatchObject([{ place: expect.stringMatching(/^quarantine\//) }])
    expect(await repair(folder)).toEqual([])
    expect(await left(folder, want)).toBe(samplesIn(want))
  })

  it('leaves no head file for ever: one without a sound segment goes when its time is in blocks, one that was sealed with it at once', async () => {
    const { folder: sound } = await written()
    const size = fs.statSync(segmentFile(sound)).size
    const name = path.basename(segmentFile(sound))
    fs.writeFileSync(segmentFile(sound), Buffer.alloc(size, 7))
    const start = T + 2 * BLOCK_RANGE_MS + HOUR
    const f = async (folder: string, corruptRecords: number, hoursLater: number): Promise<void> => {
      const clock = new FakeClock(start)
      const db = open(folder, { clock })
      expect(db.recovery.corruptRecords).toBe(corruptRecords)
      const [ref] = seriesOf(db, 1)
      for (; clock.now() < start + hoursLater * HOUR; clock.jump(60_000)) append(db, batchOf(clock.now(), [ref!], [1]))
      for (let round = 0; round < 3; round++) {
        await db.maintain()
        await db.blocks.idle()
      }
      await db.close()
    }
    const damaged = copyFolder(sound)
    await f(damaged, 1, 0)
    expect(fs.readdirSync(`${damaged}/head`)).toContain(name)
    await f(damaged, 1, 5)
    expect(fs.readdirSync(`${damaged}/head`)).not.toContain(name)
    expect(fs.readFileSync(`${damaged}/quarantine/${name}`)).toEqual(Buffer.alloc(size, 7))
    await f(damaged, 0, 0)
    expect((await repair(sound)).map(({ place }) => place)).toContain(`head/${name}`)
    await f(sound, 0, 0)
    expect(fs.readdirSync(`${sound}/head`)).not.toContain(name)
  })

  it('brings back nothing that was deleted while a block lay in quarantine', async () => {
    const { folder, want } = await written()
    const clock = new FakeClock(T + 2 * BLOCK_RANGE_MS + HOUR)
    const meta = path.join(block(folder), 'meta.json')
    const named = path.basename(block(folder))
    const text = fs.readFileSync(meta)
    fs.rmSync(meta)
    const db = open(folder, { clock })
    await db.blocks.delete([[{ name: 'i', op: '=', value: '1' }], [{ name: 'i', op: '=~', value: '2|3' }]], T, T + HOUR)
    // Of another time: nothing is noted of it.
    await db.blocks.delete([[{ name: 'i', op: '=', value: '5' }]], T - HOUR, T - 1)
    await db.close()
    const rest = new Map([...want].map(([key, points]) => [key, [1, 2, 3].some((i) => key === keyOf(series(i))) ? points.filter(([t]) => t > T + HOUR) : points]))
    expect(samplesIn(rest)).toBeLessThan(samplesIn(want))
    const putBack = copyFolder(folder)
    fs.renameSync(path.join(putBack, 'quarantine', named), path.join(putBack, 'blocks', named))
    fs.writeFileSync(path.join(putBack, 'blocks', named, 'meta.json'), text)
    expect(await left(putBack, rest)).toBe(samplesIn(rest))
    expect(await left(putBack, rest)).toBe(samplesIn(rest))
    expect(fs.readdirSync(path.join(putBack, 'blocks', named))).not.toContain('deletions.json')
    expect(await repair(folder)).toMatchObject([{ remedy: expect.stringMatching(/but for what was deleted since/) }])
    expect(await left(folder, rest)).toBe(samplesIn(rest))
    // The tombstones of what was rebuilt are missed where they are lost.
    const rebuilt = fs.readdirSync(path.join(folder, 'blocks')).find((name) => name.endsWith('-2-00000001') || fs.existsSync(path.join(folder, 'blocks', name, 'tombstones')))!
    fs.rmSync(path.join(folder, 'blocks', rebuilt, 'tombstones'))
    expect(await repair(folder, true)).toMatchObject([{ damage: 'it is not there', remedy: expect.stringContaining('delete it once more') }])
  })

  it('lets the first of conflicting samples be seen as before, also where it was cut off amid its work', async () => {
    const { folder } = await written()
    const db = open(folder, { clock: new FakeClock(T + 2 * BLOCK_RANGE_MS + HOUR) })
    const [ref] = seriesOf(db, 1)
    await db.blocks.add(async (nextPlace) => {
      const { folder: staging, number } = nextPlace()
      return [await writeBlock(staging, [{ times: [T, T + HOUR], series: [{ ref: ref!, labels: series(0), cells: [-1, -2] }] }], number)]
    })
    const want = readAll(db)
    await db.close()
    const [name] = fs.readdirSync(path.join(folder, 'blocks')).filter((one) => one.endsWith('-00000001'))
    const damaged = path.join(folder, 'blocks', name!)
    fs.rmSync(path.join(damaged, 'meta.json'))
    const before = copyFolder(damaged)
    expect(await repair(folder)).toHaveLength(1)
    expect(await left(folder, want)).toBe(samplesIn(want))
    // As if it had been cut off before the damaged block was moved away.
    fs.cpSync(before, damaged, { recursive: true })
    expect(await repair(folder)).toMatchObject([{ cost: expect.stringContaining('an earlier repair') }])
    expect(await left(folder, want)).toBe(samplesIn(want))
    expect(await repair(folder)).toEqual([])
  })

  it('keeps series that the head has forgotten, whose names only blocks know', async () => {
    const folder = tempFolder()
    const clock = new FakeClock(T)
    const db = open(folder, { clock })
    const cold = [1, 2, 3].map((i) => db.series(['__name__', 'cold', 'i', String(i)]))
    append(db, batchOf(T, cold, cold))
    const [hot] = seriesOf(db, 1)
    for (let cut = 1; cut <= 5; cut++) {
      for (; clock.now() < T + cut * BLOCK_RANGE_MS + HOUR / 4; clock.jump(60_000)) append(db, batchOf(clock.now(), [hot!], [cut]))
      for (let round = 0; round < 3; round++) {
        await db.maintain()
        await db.blocks.idle()
      }
    }
    expect(db.head.series.forgotten).toBe(cold.length)
    const want = readAll(db)
    await db.close()
    expect(await repair(folder)).toEqual([])
    fs.rmSync(path.join(block(folder), 'meta.json'))
    expect(await repair(folder)).toHaveLength(1)
    expect(await left(folder, want)).toBe(samplesIn(want))
  })

  it('leaves a folder without damage, whatever was damaged', async () => {
    const { folder: sound, want } = await written()
    const seed = testSeed()
    const random = new Random(seed)
    for (let round = 0; round < 6; round++) {
      const folder = copyFolder(sound)
      const files = filesOf(folder)
      for (let k = random.int(4); k >= 0; k--) {
        const file = random.pick(files)
        const bytes = fs.readFileSync(file)
        if (random.int(3) === 0) fs.truncateSync(file, random.int(bytes.length))
        else if (bytes.length > 0) flip(file, random.int(bytes.length))
      }
      const damaged = printOf(folder)
      await repair(folder)
      expectKept(sound, damaged, folder)
      expect(await repair(folder), `seed ${seed}, round ${round}`).toEqual([])
      expect(await left(folder, want)).toBeLessThanOrEqual(samplesIn(want))
    }
  })

  it('is refused where a process has the folder', async () => {
    const { folder } = await written()
    fs.writeFileSync(path.join(folder, 'lock'), `${process.ppid} ${fs.readFileSync(`/proc/${process.ppid}/stat`, 'utf8').split(') ')[1]!.split(' ')[19]}\n`)
    await expect(repair(folder)).rejects.toThrow(`it is locked by pid ${process.ppid}`)
  })
})
