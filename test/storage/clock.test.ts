// Clocks that jump: nothing that is stored goes, and what comes afterwards is taken.
import fs from 'node:fs'
import { describe, expect, it } from 'vitest'
import { FakeClock } from '../../lib/std/clock.ts'
import { useDisk } from '../../lib/std/fs.ts'
import { Logger } from '../../lib/std/log.ts'
import { REJECT_OUT_OF_ORDER, STORED } from '../../storage/interface.ts'
import { RetentionClock } from '../../lib/std/retention-clock.ts'
import { waitFor } from '../support/monitor-process.ts'
import { tempFolder } from '../support/temp-folder.ts'
import { NOW, abandon, append, batchOf, open, readAll, samplesIn, seriesOf } from './store.ts'

const HOUR = 3_600_000
const YEAR = 8760 * HOUR

describe('the clock of the retention', () => {
  const f = (newestT: number): [FakeClock, RetentionClock] => {
    const clock = new FakeClock(NOW)
    return [clock, new RetentionClock(clock, newestT)]
  }

  it('follows the wall clock, also where it drifts a little', async () => {
    const [clock, retention] = f(NOW - 1000)
    for (let k = 0; k < 100; k++) {
      await clock.advance(HOUR)
      clock.jump(20_000)
      expect(retention.now()).toBe(clock.now())
    }
  })

  it('believes a jump when it has stood for an hour', async () => {
    for (const jump of [YEAR, HOUR, -HOUR]) {
      const [clock, retention] = f(-Infinity)
      clock.jump(jump)
      expect(retention.now()).toBe(NOW)
      await clock.advance(HOUR - 1)
      expect(retention.now()).toBe(NOW + HOUR - 1)
      await clock.advance(1)
      expect(retention.now()).toBe(clock.now())
    }
  })

  it('forgets a jump that is taken back, and begins its hour anew', async () => {
    const [clock, retention] = f(NOW)
    for (let k = 0; k < 3; k++) {
      clock.jump(YEAR)
      retention.now()
      await clock.advance(HOUR / 2)
      expect(retention.now()).toBe(clock.now() - YEAR)
      clock.jump(-YEAR)
      expect(retention.now()).toBe(clock.now())
    }
    clock.jump(YEAR)
    retention.now()
    await clock.advance(HOUR / 2)
    clock.jump(YEAR)
    retention.now()
    await clock.advance(HOUR - 1)
    expect(retention.now()).toBe(clock.now() - 2 * YEAR)
  })

  it('doubts a start long after the newest sample, or before it', async () => {
    for (const newestT of [NOW - YEAR, NOW + HOUR]) {
      const [clock, retention] = f(newestT)
      expect(retention.now()).toBe(newestT)
      await clock.advance(HOUR)
      expect(retention.now()).toBe(clock.now())
    }
  })
})

describe('a store whose clock jumps', () => {
  it('drops nothing when the clock, and with it new samples, is a year ahead for a while', async () => {
    const folder = tempFolder()
    const clock = new FakeClock(NOW)
    const db = open(folder, { clock, retentionMs: 24 * HOUR })
    const refs = seriesOf(db, 3)
    for (let k = 0; k < 100; k++) append(db, batchOf(NOW - 100_000 + k * 1000, refs, [k, k, k]))
    const before = samplesIn(readAll(db))
    clock.jump(YEAR)
    expect(append(db, batchOf(clock.now(), refs, [1, 2, 3]))).toEqual([STORED, STORED, STORED])
    for (let k = 0; k < 20; k++) await clock.advance(15_000)
    expect(samplesIn(readAll(db))).toBe(before + 3)
    clock.jump(-YEAR)
    await clock.advance(15_000)
    expect(samplesIn(readAll(db))).toBe(before + 3)
    await db.close()
  })

  it('takes samples of now when the clock was an hour ahead, late ones within the window, no older ones', async () => {
    const clock = new FakeClock(NOW)
    const db = open(tempFolder(), { clock })
    const refs = seriesOf(db, 2)
    clock.jump(HOUR)
    append(db, batchOf(clock.now(), refs, [1, 2]))
    clock.jump(-HOUR)
    expect(append(db, batchOf(NOW, refs, [3, 4]))).toEqual([STORED, STORED])
    expect(append(db, batchOf(NOW - 600_000, refs, [5, 6]))).toEqual([STORED, STORED])
    expect(append(db, batchOf(NOW - 600_001, refs, [7, 8]))).toEqual([REJECT_OUT_OF_ORDER, REJECT_OUT_OF_ORDER])
    expect([...readAll(db).values()][0]).toEqual([[NOW - 600_000, 5], [NOW, 3], [NOW + HOUR, 1]])
    await db.close()
  })
})

describe('starts in quick succession', () => {
  it('leave few files of the log behind', async () => {
    const folder = tempFolder()
    for (let start = 0; start < 12; start++) {
      const clock = new FakeClock(NOW + start * 1000)
      const db = open(folder, { clock })
      const refs = seriesOf(db, 3)
      append(db, batchOf(clock.now(), refs, [start, start, start]))
      await db.commit()
      await clock.advance(0)
      await waitFor('few files', () => Promise.resolve(fs.readdirSync(`${folder}/log`).length <= 5))
      // A kill: the lock stays, nothing is closed in order.
      await db.close()
      abandon(folder)
    }
    const db = open(folder)
    expect(samplesIn(readAll(db))).toBe(36)
    await db.close()
  })
})

describe('a disk that refuses', () => {
  it('is tried again after a while, not at once, however many files the log has', async () => {
    const folder = tempFolder()
    for (let start = 0; start < 6; start++) {
      const db = open(folder)
      append(db, batchOf(NOW + start, seriesOf(db, 2), [1, 2]))
      await db.close()
      abandon(folder)
    }
    const clock = new FakeClock(NOW)
    const lines: string[] = []
    const db = open(folder, { clock, logger: new Logger({ level: 'error', format: 'logfmt', clock, write: (line) => lines.push(line) }) })
    const refuse = (): never => { throw Object.assign(new Error('full'), { code: 'ENOSPC' }) }
    useDisk({ ...fs, writeSync: refuse })
    await clock.advance(14_000)
    await waitFor('a failure', () => Promise.resolve(lines.some((line) => line.includes('maintenance of the head failed'))))
    await clock.advance(1000)
    useDisk(fs)
    expect(lines.filter((line) => line.includes('maintenance of the head failed')).length).toBeLessThanOrEqual(2)
    await db.close().catch(() => undefined)
  })
})
