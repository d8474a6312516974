// What is known to be gone is told in every answer over its time, and in no other: from the start that misses it until it is put
// back, a repair has told of it, or the retention passes it.
import fs from 'node:fs'
import path from 'node:path'
import { expect, it } from 'vitest'
import { Engine } from '../../lang/engine.ts'
import type { QueryJob } from '../../lang/job.ts'
import { FakeClock } from '../../lib/std/clock.ts'
import { lostWithin, since } from '../../storage/lost-times.ts'
import { runThrough } from '../../lib/std/steps.ts'
import { BlockFolder } from '../../storage/block-folder.ts'
import { parseBlockName } from '../../storage/block/block-meta.ts'
import type { Database } from '../../storage/database.ts'
import { scanSegmentFile, type SegmentHead } from '../../storage/head/segment-file.ts'
import { FRAME_HEAD_BYTES } from '../../storage/log/frame.ts'
import { LOG_HEADER_BYTES } from '../../storage/log/log-file.ts'
import { scanFrames } from '../../storage/log/scan-frames.ts'
import { NOTHING_KNOWN } from '../../storage/log/damage.ts'
import type { Finding } from '../../storage/repair/finding.ts'
import { repairFolder } from '../../storage/repair/repair.ts'
import { StoreQueryable } from '../../storage/store-querier.ts'
import { readManifest } from '../../storage/tier/hour-manifest.ts'
import { copyFolder, tempFolder } from '../support/temp-folder.ts'
import { append, batchOf, open, seriesOf } from './store.ts'
import { HOUR, MINUTE, T0, settled } from './tier-rows.ts'

const LIMITS = { retentionMs: 1000 * HOUR, minuteRetentionMs: 1000 * HOUR, hourRetentionMs: 1000 * HOUR }
const END = T0 + 8.5 * HOUR

/** Four blocks of two hours, their rows of minutes, and half an hour in the head. */
async function written(options: Partial<typeof LIMITS> = {}, t0 = T0): Promise<string> {
  const folder = tempFolder()
  const clock = new FakeClock(t0)
  const db = open(folder, { clock, ...LIMITS, ...options, compacts: false })
  const refs = seriesOf(db, 10)
  for (; clock.now() < t0 + (END - T0); clock.jump(30_000)) append(db, batchOf(clock.now(), refs, refs.map((ref) => ref)))
  await settled(db)
  if (options.retentionMs !== undefined) {
    await clock.advance(61 * MINUTE)
    await settled(db)
  }
  await db.close()
  return folder
}

const blocksIn = (folder: string, part = 'blocks'): string[] => fs.readdirSync(path.join(folder, part)).filter((name) => parseBlockName(name) !== null).toSorted()
const iso = (t: number): string => new Date(t).toISOString()

/** Warnings of every kind of query over [from, to]; all kinds must say the same. */
function warnings(db: Database, from: number, to: number, tier: 'raw' | '1m' = 'raw'): string[] {
  const queryable = new StoreQueryable(db.handle(), 1)
  const common = { matches: [] as string[], startMs: from, endMs: to, limit: 0, timeoutMs: 10_000 }
  const query = { lookbackMs: MINUTE, limit: 0, stats: '' as const, timeoutMs: 10_000, tier }
  const jobs: QueryJob[] = [
    { kind: 'range', query: 'sum({__name__!=""})', startMs: from + MINUTE, endMs: to, stepMs: MINUTE, ...query },
    { kind: 'instant', query: `sum(count_over_time({__name__!=""}[${Math.round((to - from) / 1000)}s]))`, timeMs: to, ...query },
    ...tier === '1m' ? [] : [
      { kind: 'series' as const, ...common, matches: ['{__name__!=""}'] }, { kind: 'labels' as const, ...common }, { kind: 'labels' as const, ...common, matches: ['m1'] },
      { kind: 'labelValues' as const, name: 'i', ...common }, { kind: 'labelValues' as const, name: 'i', ...common, matches: ['m1'] },
    ],
  ]
  const engine = new Engine({ clock: new FakeClock(to) })
  const said = jobs.map((job) => {
    const reply = JSON.parse(new TextDecoder().decode(engine.run(job, queryable).body)) as { status: string; warnings?: string[] }
    expect(reply.status).toBe('success')
    return (reply.warnings ?? []).filter((text) => !text.startsWith('PromQL'))
  })
  queryable.close()
  for (const one of said) expect(one).toEqual(said[0])
  return said[0]!
}

async function asked<T>(folder: string, clock: FakeClock, ask: (db: Database) => T, options: object = {}): Promise<T> {
  const db = open(folder, { clock, ...LIMITS, compacts: false, ...options })
  await settled(db)
  const told = ask(db)
  await db.close()
  return told
}

async function repair(folder: string, isDryRun: boolean): Promise<Finding[]> {
  const found: Finding[] = []
  await repairFolder(folder, isDryRun, (finding) => found.push(finding))
  return found
}

const harms: Readonly<Record<string, (block: string) => void>> = {
  'a block that is gone': (block) => fs.rmSync(block, { recursive: true }),
  'a block that a start moves aside': (block) => fs.truncateSync(path.join(block, 'meta.json'), 20),
}

it.each(Object.entries(harms))('%s is told of until it is put back, or a repair has told of it', async (_, harm) => {
  const folder = await written()
  const clock = new FakeClock(END)
  const lost = path.join(folder, 'blocks', blocksIn(folder)[1]!)
  const copy = copyFolder(lost)
  harm(lost)
  const told = expect.stringMatching(new RegExp(`^partial answer: samples from ${iso(T0 + 2 * HOUR)} to ${iso(T0 + 4 * HOUR - 30_000)} are missing.*; monitor tsdb verify`)) as string
  // Also at a later start.
  for (let start = 0; start < 2; start++) {
    await asked(folder, clock, (db) => {
      expect(warnings(db, T0 + 3 * HOUR, T0 + 5 * HOUR)).toEqual([told])
      expect(warnings(db, T0, T0 + 1.9 * HOUR)).toEqual([])
      expect(warnings(db, T0 + 4 * HOUR, END)).toEqual([])
      // The rows of minutes were made when it was there.
      expect(warnings(db, T0 + 2 * HOUR, T0 + 6 * HOUR, '1m')).toEqual([])
    })
  }
  const restored = copyFolder(folder)
  fs.cpSync(copy, path.join(restored, 'blocks', path.basename(lost)), { recursive: true })
  expect(await asked(restored, clock, (db) => warnings(db, T0, END))).toEqual([])
  const dry = await repair(folder, true)
  expect(dry).toMatchObject([{ place: expect.stringContaining(path.basename(lost)) }])
  expect(await repair(folder, false)).toEqual(dry)
  expect(await repair(folder, true)).toEqual([])
  expect(await asked(folder, clock, (db) => warnings(db, T0, END))).toEqual([])
})

it('what the retention has passed is told of no more', async () => {
  const folder = await written()
  fs.rmSync(path.join(folder, 'blocks', blocksIn(folder)[1]!), { recursive: true })
  const clock = new FakeClock(END)
  expect(await asked(folder, clock, (db) => warnings(db, T0, END))).toHaveLength(1)
  expect(await asked(folder, clock, (db) => warnings(db, T0, END), { retentionMs: 3 * HOUR })).toEqual([])
})

it('rows of minutes that cannot be made again are told of where they would answer', async () => {
  // Rows of hours would answer in their place.
  const options = { retentionMs: 3 * HOUR, hourRetentionMs: 0 }
  const folder = await written(options)
  const clock = new FakeClock(END + 61 * MINUTE)
  const lost = blocksIn(folder, 'tiers/1m')[0]!
  const { minT, maxT } = parseBlockName(lost)!
  const copy = copyFolder(path.join(folder, 'tiers/1m', lost))
  fs.rmSync(path.join(folder, 'tiers/1m', lost), { recursive: true })
  for (let start = 0; start < 2; start++) {
    await asked(folder, clock, (db) => {
      const told = expect.stringContaining(`rows of the 1-minute tier from ${iso(minT)} to ${iso(maxT)} are missing`) as string
      expect(warnings(db, T0, T0 + 5 * HOUR, '1m')).toEqual([told])
      expect(warnings(db, T0, T0 + 5 * HOUR)).toEqual([told])
      expect(warnings(db, maxT + HOUR, maxT + 3 * HOUR, '1m')).toEqual([])
      expect(warnings(db, END - 2 * HOUR, END)).toEqual([])
    }, options)
  }
  const restored = copyFolder(folder)
  fs.cpSync(copy, path.join(restored, 'tiers/1m', lost), { recursive: true })
  expect(await asked(restored, clock, (db) => warnings(db, T0, END, '1m'), options)).toEqual([])
  expect(await repair(folder, false)).toMatchObject([{ place: 'tiers/1m', damage: expect.stringContaining(lost) }])
  expect(await asked(folder, clock, (db) => warnings(db, T0, END, '1m'), options)).toEqual([])
})

it('a damaged log costs what was in no block by then, and nothing that comes later', async () => {
  const folder = await written()
  const [log] = fs.readdirSync(path.join(folder, 'log')).toSorted()
  const bytes = fs.readFileSync(path.join(folder, 'log', log!))
  bytes[bytes.length >>> 1]! ^= 1
  // The mark at its end tells the times of rows.
  bytes[bytes.length - 20]! ^= 1
  fs.writeFileSync(path.join(folder, 'log', log!), bytes)
  const clock = new FakeClock(END)
  for (let start = 0; start < 2; start++) {
    await asked(folder, clock, (db) => {
      expect(warnings(db, T0 + 7 * HOUR, END)).toEqual([expect.stringMatching(new RegExp(`^partial answer: samples from ${iso(T0 + 8 * HOUR - 10 * MINUTE)} to ${iso(END)} are missing`))])
      expect(warnings(db, T0, T0 + 7 * HOUR)).toEqual([])
      const refs = seriesOf(db, 10)
      append(db, batchOf(clock.now(), refs, refs))
    })
    clock.jump(HOUR)
  }
  expect(await asked(folder, clock, (db) => warnings(db, END + 1, clock.now()))).toEqual([])
  expect((await repair(folder, false)).map(({ place }) => place)).toEqual(expect.arrayContaining(['blocks', `log/${log}`]))
  expect(await asked(folder, clock, (db) => warnings(db, T0, clock.now()))).toEqual([])
})

it('damage between two marks of the log is told with the times of the rows that lie there, whatever their order', async () => {
  const folder = tempFolder()
  const clock = new FakeClock(END)
  // A file is followed by another amid them.
  const fileBytesMax = { log: 3000, segments: 1 << 20 }
  const db = open(folder, { clock, fileBytesMax })
  const refs = seriesOf(db, 20)
  const times: number[][] = []
  for (let k = 0; k < 24; k++, clock.jump(MINUTE)) {
    // What comes late lies beside, a backlog of a series that is new, too.
    times.push([clock.now(), clock.now() - 5 * MINUTE, ...k === 7 ? [END - 100 * HOUR] : []])
    for (const t of times[k]!) append(db, batchOf(t, t < END - HOUR ? seriesOf(db, 21).slice(20) : refs.slice(0, t === clock.now() ? 20 : 1), refs))
    await db.commit()
  }
  await db.close()
  const names = fs.readdirSync(path.join(folder, 'log')).toSorted()
  expect(names.length).toBeGreaterThan(2)
  let narrow = 0
  let count = 0
  for (const name of names) {
    const bytes = fs.readFileSync(path.join(folder, 'log', name))
    const rows: { at: number; t: number }[] = []
    scanFrames(bytes, LOG_HEADER_BYTES, bytes.length, (_type, at) => rows.push({ at, t: bytes.readDoubleLE(at) }))
    for (const { at, t } of rows) {
      count++
      const copy = copyFolder(folder)
      const damaged = Buffer.from(bytes)
      damaged[at + 30]! ^= 1
      fs.writeFileSync(path.join(copy, 'log', name), damaged)
      await asked(copy, clock, () => undefined, { fileBytesMax })
      const [lost, ...more] = new BlockFolder(path.join(copy, 'blocks'), () => undefined).state.lost
      expect([more, lost!.of]).toEqual([[], `log/${name} at ${at - FRAME_HEAD_BYTES}`])
      expect([lost!.minT <= t, lost!.maxT >= t]).toEqual([true, true])
      if (lost!.maxT - lost!.minT <= 7 * MINUTE) narrow++
    }
  }
  // But for those that lie with the backlog.
  expect([count - narrow, count]).toEqual([4, 30])
})

it('a start whose clock was set back tells of what damage cost all the same', async () => {
  const folder = await written()
  const [log] = fs.readdirSync(path.join(folder, 'log')).toSorted()
  fs.rmSync(path.join(folder, 'log', log!))
  expect(await asked(folder, new FakeClock(T0 - 365 * 24 * HOUR), (db) => warnings(db, END - HOUR, END))).toHaveLength(1)
})

it('a damaged segment costs nothing where the log has its rows, else what it had of its own time', async () => {
  const folder = tempFolder()
  const clock = new FakeClock(END)
  const fileBytesMax = { log: 2000, segments: 1 << 20 }
  const db = open(folder, { clock, fileBytesMax })
  const refs = seriesOf(db, 4)
  for (let k = 0; k < 96; k++) {
    append(db, batchOf(T0 + k * MINUTE, refs, refs.map((ref) => ref * k)))
    // A file of the log goes on to the next where it is written.
    if (k % 10 === 0) await db.commit()
  }
  db.head.flushGroup(db.head.groups[1]!)
  await db.close()
  const heads: SegmentHead[] = []
  runThrough(scanSegmentFile(`${folder}/head`, 1, { verifyFromLsn: Infinity, known: NOTHING_KNOWN }, (head) => void heads.push(head)))
  const [, second] = heads
  const segments = fs.readFileSync(`${folder}/head/00000001.seg`)
  segments[second!.offsetBytes + second!.lengthBytes - 1]! ^= 1
  fs.writeFileSync(`${folder}/head/00000001.seg`, segments)
  const start = (of: string): Promise<string[]> => asked(of, clock, (again) => {
    expect(again.recovery.corruptRecords).toBe(1)
    return warnings(again, T0, END)
  }, { fileBytesMax })
  expect(await start(copyFolder(folder))).toEqual([])
  // The log was cut amid what the segment holds: there is no list of files that misses one.
  const logs = fs.readdirSync(`${folder}/log`).toSorted()
  const cut = logs.findIndex((name) => Number(name.slice(0, 20)) > second!.firstLsn)
  for (const name of logs.slice(0, cut)) fs.rmSync(`${folder}/log/${name}`)
  fs.rmSync(`${folder}/files.json`)
  expect(await start(folder)).toEqual([expect.stringContaining(`samples from ${iso(second!.minT)} to ${iso(second!.maxT)} are missing`)])
})

it('where the list of blocks is damaged, too, no time is told of that blocks have', async () => {
  const folder = await written()
  const [log] = fs.readdirSync(path.join(folder, 'log')).toSorted()
  fs.rmSync(path.join(folder, 'log', log!))
  fs.truncateSync(path.join(folder, 'blocks', 'change.json'), 10)
  const f = (from: number, to: number): Promise<string[]> => asked(folder, new FakeClock(END), (db) => warnings(db, from, to))
  expect(await f(T0, T0 + 7.5 * HOUR)).toEqual([])
  expect(await f(T0 + 7.5 * HOUR, END)).toHaveLength(1)
})

it('files that were exchanged with those of another block or file, as long as they are, are told by verify, a start and answers', async () => {
  const [folder, other] = [await written(), await written({}, T0 + 54 * HOUR)]
  const clock = new FakeClock(END)
  for (const part of ['blocks', 'tiers/1m']) {
    const [name, foreign] = [folder, other].map((one) => blocksIn(one, part).at(-1)!)
    for (const file of ['index', 'chunks']) {
      const harmed = copyFolder(folder)
      const at = path.join(harmed, part, name!, file)
      const bytes = fs.readFileSync(path.join(other, part, foreign!, file))
      expect(bytes.length, 'nothing else tells them apart').toBe(fs.statSync(at).size)
      if (bytes.equals(fs.readFileSync(at))) continue
      fs.writeFileSync(at, bytes)
      expect((await repair(harmed, true)).map(({ place, damage }) => [place, damage]), at).toEqual([[`${part}/${name}`, expect.stringContaining("another block's")]])
      const db = open(harmed, { clock, ...LIMITS, compacts: false })
      expect(db.recovery.damagedBlocks, at).toBe(1)
      expect(warnings(db, T0 + 6 * HOUR, T0 + 8 * HOUR, part === 'blocks' ? 'raw' : '1m'), at).toEqual([expect.stringMatching(/^partial answer: cannot read .*another block's/)])
      await db.close()
    }
  }
  const hours = readManifest(path.join(folder, 'archive')).files[0]!.name
  const foreign = readManifest(path.join(other, 'archive')).files[0]!.name
  for (const [from, to] of [[`${foreign}.index`, `${hours}.index`], [foreign, hours]] as const) {
    const harmed = copyFolder(folder)
    fs.copyFileSync(path.join(other, 'archive', from), path.join(harmed, 'archive', to))
    expect(await repair(harmed, true), to).toMatchObject([{ place: `archive/${hours}` }])
    const db = open(harmed, { clock, ...LIMITS })
    expect(fs.readdirSync(path.join(harmed, 'quarantine')), to).toContain(hours)
    await db.close()
  }
})

it('is told of a time that touches it at either end, as one where stretches touch, and no more once the retention has come to its end', () => {
  const [a, b, c] = [{ minT: T0, maxT: T0 + 9 }, { minT: T0 + 10, maxT: T0 + 19 }, { minT: T0 + 30, maxT: T0 + 39 }]
  const f = (mint: number, maxt: number): string[] => lostWithin([b, c, a], T0 + mint, T0 + maxt, 'samples').map((text) => text.replaceAll(/^samples | are missing.*$/g, ''))
  expect(f(20, 29)).toEqual([])
  expect(f(40, 99)).toEqual([])
  expect(f(39, 99)).toHaveLength(1)
  expect(f(25, 30)).toEqual(f(39, 99))
  // Two that touch are one; between this and the next there is time of which nothing is lost.
  expect(f(0, 25)).toHaveLength(1)
  expect(f(19, 30)).toHaveLength(2)
  expect(f(0, 99)).toHaveLength(2)
  expect(since([a, b, c], T0 + 18)).toEqual([b, c])
  expect(since([a, b, c], T0 + 19)).toEqual([c])
})
