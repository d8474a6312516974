// Retention by size, by free disk and by a share of the file system: what goes first, and what is waited for.
import fs from 'node:fs'
import { describe, expect, it, vi, onTestFinished } from 'vitest'
import { FakeClock } from '../../lib/std/clock.ts'
import { Logger, silentLogger } from '../../lib/std/log.ts'
import type { Database } from '../../storage/database.ts'
import { hourFileBytes } from '../../storage/tier/hour-manifest.ts'
import { tempFolder } from '../support/temp-folder.ts'
import { HOUR, MINUTE, T, limits, of, twoHours } from './retention-cases.ts'
import { append, batchOf, open } from './store.ts'

describe('retention by size', () => {
  it('lets rows of minutes go before samples that are younger', async () => {
    const clock = new FakeClock(T)
    const minuteRetentionMs = 100 * HOUR
    const lines: string[] = []
    const logger = new Logger({ level: 'info', format: 'logfmt', clock, write: (line) => lines.push(line) })
    const db = open(tempFolder(), { clock, retentionMs: 5 * HOUR, minuteRetentionMs, logger })
    for (let n = 0; n < 6; n++) await twoHours(db, clock, { ci: 100 })
    const [raw, minutes] = [[...db.blocks.blocks], [...db.blocks.minutes]]
    expect(minutes[0]!.meta.maxT, 'rows older than all samples').toBeLessThan(raw[0]!.meta.minT)
    const bytes = [...raw, ...minutes].reduce((sum, { meta }) => sum + meta.bytes, db.logBytes + db.segmentBytes)
    db.setLimits({ ...limits([], 5 * HOUR), minuteRetentionMs, retentionBytes: bytes - 1 })
    for (let n = 0; n < 3; n++) await db.maintain().then(() => db.blocks.idle())
    expect(db.blocks.blocks.map(({ folder }) => folder)).toEqual(raw.map(({ folder }) => folder))
    expect(db.blocks.minutes.map(({ folder }) => folder)).toEqual(minutes.slice(1).map(({ folder }) => folder))
    expect(lines.filter((line) => line.includes('oldest goes')).map((line) => line.slice(line.indexOf('level=')).trim()), 'who wonders finds it in the log').toEqual([
      `level=INFO msg="retention: what is oldest goes" until=${new Date(minutes[0]!.meta.maxT).toISOString()} blocks=0 blocks_1m=1 files_1h=0 why="all files take more than the retention by size" bytes_max=${bytes - 1}`,
    ])
    await db.close()
  })
})

describe('retention by free disk', () => {
  /** Says that so much of a file system of 100 MiB is free, and counts what files of a folder take. */
  function disk(folder: string, gains: boolean, counted = 'blocks'): { freeOf: (blocksBytes: number) => number; free: number } {
    const state = { free: 100 * 2 ** 20, freeOf: (bytes: number) => bytes }
    const real = fs.statfsSync.bind(fs)
    const bytes = (): number => fs.readdirSync(`${folder}/${counted}`, { recursive: true }).map((name) => fs.statSync(`${folder}/${counted}/${String(name)}`)).reduce((sum, stat) => sum + (stat.isFile() ? stat.size : 0), 0)
    const spy = vi.spyOn(fs, 'statfsSync').mockImplementation(((name: string) => {
      if (!name.startsWith(folder)) return real(name)
      return { bsize: 1, blocks: 100 * 2 ** 20, bavail: state.free - (gains ? bytes() : 0) }
    }) as typeof fs.statfsSync)
    onTestFinished(() => spy.mockRestore())
    return state
  }

  /** A store of some blocks, each of which is full. */
  async function filled(): Promise<{ folder: string; clock: FakeClock; db: Database; blocks: number }> {
    const folder = tempFolder()
    const clock = new FakeClock(T)
    const db = open(folder, { clock, retentionMs: 200 * HOUR, reserveBytes: 0 })
    for (let n = 0; n < 3; n++) await twoHours(db, clock, { ci: 300 })
    return { folder, clock, db, blocks: db.blocks.blocks.length }
  }
  async function rounds(db: Database): Promise<void> {
    for (let round = 0; round < 12; round++) {
      await db.maintain()
      await db.blocks.idle()
    }
  }

  it('lets the oldest blocks go one by one', async () => {
    const { folder, db, blocks } = await filled()
    const state = disk(folder, true)
    const bytes = db.blocks.blocks.map(({ meta }) => meta.bytes)
    // All but some of the newest has to go.
    state.free = 50 * 2 ** 20
    db.setLimits({ ...limits([], 200 * HOUR), keepFreeBytes: state.free - bytes.at(-1)! - 4096 })
    await rounds(db)
    expect(blocks).toBeGreaterThan(1)
    expect(db.blocks.blocks.length).toBe(1)
    await db.close()
  })

  it('lets rows of minutes go before samples that are younger', async () => {
    const folder = tempFolder()
    const clock = new FakeClock(T)
    const minuteRetentionMs = 100 * HOUR
    const db = open(folder, { clock, retentionMs: 5 * HOUR, minuteRetentionMs, reserveBytes: 0 })
    for (let n = 0; n < 6; n++) await twoHours(db, clock, { ci: 100 })
    const [raw, minutes] = [[...db.blocks.blocks], [...db.blocks.minutes]]
    expect(minutes[0]!.meta.maxT, 'rows older than all samples').toBeLessThan(raw[0]!.meta.minT)
    const state = disk(folder, true)
    state.free = 50 * 2 ** 20
    // What goes is seen to free the file system: rows of minutes do not lie among the blocks that are counted here.
    db.setLimits({ ...limits([], 5 * HOUR), minuteRetentionMs, keepFreeBytes: 51 * 2 ** 20 })
    await db.maintain()
    await db.blocks.idle()
    expect(db.blocks.blocks.map(({ folder: name }) => name)).toEqual(raw.map(({ folder: name }) => name))
    expect(db.blocks.minutes.map(({ folder: name }) => name)).toEqual(minutes.slice(1).map(({ folder: name }) => name))
    await clock.advance(16 * MINUTE)
    await rounds(db)
    expect(db.blocks.minutes.length, 'the next one after a while').toBeLessThan(minutes.length - 1)
    await db.close()
  })

  it('lets files of hours go before samples and rows of minutes that are younger, as many as will free what is missing', async () => {
    const folder = tempFolder()
    const clock = new FakeClock(T)
    const ages = { retentionMs: 5 * HOUR, minuteRetentionMs: 6 * HOUR, hourRetentionMs: 365 * 24 * HOUR }
    const db = open(folder, { clock, ...ages, reserveBytes: 0 })
    const own = { ...limits([], ages.retentionMs), ...ages }
    for (let n = 0; n < 32; n++) await twoHours(db, clock, { ci: 100 })
    // What other jobs took off the list is swept.
    await clock.advance(16 * MINUTE)
    await twoHours(db, clock)
    const listed = (): string[] => db.blocks.hours.looks.toSorted((a, b) => a.maxT - b.maxT).map(({ name }) => name)
    const isThere = (name: string): boolean => fs.existsSync(`${folder}/archive/${name}`)
    const files = listed()
    expect(files.length).toBeGreaterThan(2)
    const blocks = [...db.blocks.blocks, ...db.blocks.minutes].map(({ folder: name }) => name)
    const state = disk(folder, true, 'archive')
    state.free = 50 * 2 ** 20
    const { bavail } = fs.statfsSync(folder)
    const bytes = files.map((name) => hourFileBytes(`${folder}/archive`, name))
    db.setLimits({ ...own, keepFreeBytes: bavail + bytes[0]! })
    await rounds(db)
    expect(listed(), 'the oldest is enough').toEqual(files.slice(1))
    expect(isThere(files[0]!), 'queries may be at it').toBe(true)
    // Another program takes as much as the next file does: nobody waits until the first has left the disk.
    state.free -= bytes[1]!
    await rounds(db)
    expect(listed(), 'the next one, too').toEqual(files.slice(2))
    await clock.advance(16 * MINUTE)
    await rounds(db)
    expect(files.map(isThere)).toEqual(files.map((_, n) => n >= 2))
    expect(listed()).toEqual(files.slice(2))
    expect([...db.blocks.blocks, ...db.blocks.minutes].map(({ folder: name }) => name)).toEqual(blocks)
    await db.close()
  })

  it('does not take room for missing that comes late, or that the store itself has used', async () => {
    const folder = tempFolder()
    const clock = new FakeClock(T)
    // Too short for blocks to be compacted.
    const db = open(folder, { clock, retentionMs: 20 * HOUR, reserveBytes: 0 })
    for (let n = 0; n < 5; n++) await twoHours(db, clock, { ci: 300 })
    const blocks = db.blocks.blocks.length
    expect(blocks).toBeGreaterThan(2)
    const said: string[] = []
    const warn = vi.spyOn(silentLogger, 'warn').mockImplementation((message) => void said.push(message))
    onTestFinished(() => warn.mockRestore())
    const state = disk(folder, false)
    state.free = 10 * 2 ** 20
    db.setLimits({ ...limits([], 20 * HOUR), keepFreeBytes: 50 * 2 ** 20 })
    const [first, second] = db.blocks.blocks.map(({ meta }) => meta.bytes)
    await rounds(db)
    expect(db.blocks.blocks.length, 'its room has not come yet').toBe(blocks - 1)
    await clock.advance(30_000)
    state.free += first!
    await rounds(db)
    expect(db.blocks.blocks.length, 'it has').toBe(blocks - 2)
    // The log takes more than the second block gave.
    const { logBytes } = db
    while (db.logBytes < logBytes + 2 * second!) {
      const refs = Array.from({ length: 300 }, (_, i) => db.series(of('ci', i)))
      await clock.advance(1)
      append(db, batchOf(clock.now(), refs, refs.map(() => Math.sin(clock.now()))))
      await db.commit()
    }
    await rounds(db)
    expect(db.blocks.blocks.length, 'and no quarter of an hour passes').toBeLessThan(blocks - 2)
    expect(said).toEqual([])
    await db.close()
  })

  it('tries again where the disk refused to let one go', async () => {
    const folder = tempFolder()
    const clock = new FakeClock(T)
    // Too short for blocks to be compacted.
    const db = open(folder, { clock, retentionMs: 20 * HOUR, reserveBytes: 0 })
    for (let n = 0; n < 3; n++) await twoHours(db, clock, { ci: 300 })
    const blocks = db.blocks.blocks.length
    disk(folder, true).free = 50 * 2 ** 20
    db.setLimits({ ...limits([], 20 * HOUR), keepFreeBytes: 51 * 2 ** 20 })
    const spy = vi.spyOn(fs, 'renameSync').mockImplementation(() => {
      throw Object.assign(new Error('simulated'), { code: 'EIO' })
    })
    onTestFinished(() => spy.mockRestore())
    await rounds(db)
    spy.mockRestore()
    expect([db.blocks.failed.drop > 0, db.blocks.blocks.length]).toEqual([true, blocks])
    await clock.advance(30 * MINUTE)
    await rounds(db)
    expect(db.blocks.sizeRetentions).toBeGreaterThan(0)
    await db.close()
  })

  it('waits where a removal frees nothing, and goes on while the disk is full', async () => {
    const { folder, clock, db, blocks } = await filled()
    disk(folder, false).free = 10 * 2 ** 20
    db.setLimits({ ...limits([], 200 * HOUR), keepFreeBytes: 50 * 2 ** 20 })
    await rounds(db)
    expect(db.blocks.blocks.length).toBe(blocks - 1)
    // Its room may still come.
    await clock.advance(MINUTE)
    await rounds(db)
    expect(db.blocks.blocks.length).toBe(blocks - 1)
    await clock.advance(14 * MINUTE)
    await rounds(db)
    expect(db.blocks.blocks.length, 'within a quarter of an hour').toBe(blocks - 1)
    await clock.advance(2 * MINUTE)
    await rounds(db)
    expect(db.blocks.blocks.length, 'after it').toBe(blocks - 2)
    await db.close()
  })

  it('leaves alone what a snapshot holds, until that has gone', async () => {
    const { folder, db, blocks } = await filled()
    await db.blocks.snapshot('s', false)
    disk(folder, false).free = 10 * 2 ** 20
    db.setLimits({ ...limits([], 200 * HOUR), keepFreeBytes: 50 * 2 ** 20 })
    await rounds(db)
    expect(db.blocks.blocks.length).toBe(blocks)
    fs.rmSync(`${folder}/snapshots`, { recursive: true })
    await rounds(db)
    expect(db.blocks.blocks.length).toBe(blocks - 1)
    await db.close()
  })

  it('keeps to a share of the file system', async () => {
    const folder = tempFolder()
    const clock = new FakeClock(T)
    const db = open(folder, { clock, retentionMs: 20 * HOUR, reserveBytes: 0 })
    for (let n = 0; n < 3; n++) await twoHours(db, clock, { ci: 300 })
    expect(db.blocks.blocks.length).toBeGreaterThan(1)
    disk(folder, false)
    const bytes = db.blocks.blocks.reduce((sum, { meta }) => sum + meta.bytes, db.logBytes + db.segmentBytes)
    db.setLimits({ ...limits([], 20 * HOUR), shareMax: (bytes - 1) / (100 * 2 ** 20) })
    const before = db.blocks.blocks.length
    await db.maintain()
    await db.blocks.idle()
    expect(db.blocks.blocks.length).toBe(before - 1)
    await db.close()
  })
})
