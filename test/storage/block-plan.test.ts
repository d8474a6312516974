// What is due on blocks, by example.
import { describe, expect, it } from 'vitest'
import { cutTime, overSize, pastRetention, planCompaction, type Planned } from '../../storage/block-plan.ts'

const HOUR = 3_600_000
const MINUTE = 60_000
const DAY = 24 * HOUR

let made = 0
/** A block of whole hours, named by them, and younger than those before. */
const block = (from: number, to: number, bytes = 1): Planned => ({ folder: `${from}-${to}`, name: { number: ++made }, meta: { minT: from * HOUR, maxT: to * HOUR - 1, bytes } })

describe('the time to cut at', () => {
  it('is the last even hour that clock and newest sample have passed by 12 min', () => {
    const f = (now: number, newest: number, want: number): void => expect(cutTime(now, newest, false)).toBe(want)
    f(4 * HOUR + 11 * MINUTE, 4 * HOUR + 11 * MINUTE, 2 * HOUR)
    f(4 * HOUR + 12 * MINUTE, 4 * HOUR + 12 * MINUTE, 4 * HOUR)
    f(4 * HOUR + 12 * MINUTE, 4 * HOUR + 11 * MINUTE, 2 * HOUR)
    f(4 * HOUR + 11 * MINUTE, 4 * HOUR + 12 * MINUTE, 2 * HOUR)
    f(400 * DAY, 5 * HOUR, 4 * HOUR)
    f(400 * DAY, -Infinity, -Infinity)
  })

  it('is the one after the newest sample when that is the last for long, if the clock has passed it', () => {
    const f = (now: number, newest: number, want: number): void => expect(cutTime(now, newest, true)).toBe(want)
    f(400 * DAY, 5 * HOUR, 6 * HOUR)
    f(4 * HOUR + 12 * MINUTE, 4 * HOUR - 1, 4 * HOUR)
    f(4 * HOUR + 11 * MINUTE, 4 * HOUR - 1, 2 * HOUR)
    f(400 * DAY, -Infinity, -Infinity)
  })
})

describe('compaction', () => {
  const f = (blocks: readonly Planned[], coverHours: number, retentionMs: number, want: string[] | null): void => {
    expect(planCompaction(blocks, coverHours * HOUR, retentionMs)).toEqual(want)
  }

  it('makes one block of all in six hours once the head is cut behind them', () => {
    f([block(0, 2), block(2, 4)], 4, 7 * DAY, null)
    f([block(0, 2), block(2, 4)], 6, 7 * DAY, ['0-2', '2-4'])
    f([block(0, 2), block(2, 4), block(4, 6), block(6, 8), block(8, 10)], 12, 7 * DAY, ['0-2', '2-4', '4-6'])
    f([block(0, 6), block(6, 12)], 12, 7 * DAY, null)
  })

  it('goes on to 18 hours, up to a tenth of the retention', () => {
    const blocks = [block(0, 6), block(6, 12), block(12, 18)]
    f(blocks, 18, 7 * DAY, null)
    f(blocks, 18, 8 * DAY, ['0-6', '6-12', '12-18'])
    f([block(0, 18), block(18, 36), block(36, 54)], 54, 23 * DAY, ['0-18', '18-36', '36-54'])
    f([block(0, 18), block(18, 36), block(36, 54)], 54, 22 * DAY, null)
  })

  it('takes in late blocks, also where nothing may grow', () => {
    f([block(0, 6), block(3, 4)], 8, 7 * DAY, ['0-6', '3-4'])
    f([block(0, 2), block(1, 2), block(2, 4)], 4, 5 * HOUR, ['0-2', '1-2'])
    f([block(0, 2), block(2, 4)], 6, 5 * HOUR, null)
  })

  it('puts none before a block that it overlaps and that stays', () => {
    // The one from 4 to 8 lies in no stretch of six hours.
    f([block(0, 2), block(4, 8), block(2, 4)], 6, 7 * DAY, ['0-2', '2-4'])
    f([block(0, 2), block(4, 8), block(2, 5)], 6, 7 * DAY, null)
    f([block(0, 2), block(4, 8), block(2, 5), block(1, 3)], 6, 7 * DAY, ['2-5', '1-3'])
    f([block(0, 2), block(2, 5), block(4, 8)], 6, 7 * DAY, ['0-2', '2-5'])
    f([block(4, 8), block(0, 2), block(2, 5)], 6, 7 * DAY, ['0-2', '2-5'])
  })
})

describe('retention', () => {
  it('lets go of blocks whose newest sample is too old', () => {
    const blocks = [block(0, 2), block(2, 4)]
    expect([2 * HOUR - 1, 2 * HOUR, 9 * HOUR].map((oldest) => pastRetention(blocks, oldest))).toEqual([[], ['0-2'], ['0-2', '2-4']])
  })

  it('lets the oldest go until the rest fits beside log and head', () => {
    const blocks = [block(0, 2, 10), block(2, 4, 20), block(4, 6, 30)]
    expect([70, 69, 50, 49, 30].map((max) => overSize(blocks, max, 10).map(({ folder }) => folder))).toEqual([[], ['0-2'], ['0-2', '2-4'], ['0-2', '2-4'], ['0-2', '2-4', '4-6']])
  })
})
