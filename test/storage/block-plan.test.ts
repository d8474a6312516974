// What is due on blocks, by example.
import { describe, expect, it } from 'vitest'
import { FakeClock } from '../../lib/std/clock.ts'
import { cutTime, overSize, pastRetention, planCompaction, type Planned } from '../../storage/block-plan.ts'
import { Expiry } from '../../storage/expiry.ts'
import { JobBackoffs } from '../../storage/job-backoff.ts'
import { goingForSize } from '../../storage/size-plan.ts'
import { coverageOf } from '../../storage/tier/due.ts'

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
    expect(planCompaction(blocks, { coverT: coverHours * HOUR, retentionMs, damaged: new Set() })).toEqual(want)
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
    // At the one time that both have samples of, those of the lower number are seen.
    const touching = (minT: number, maxT: number): Planned => ({ folder: `${minT}-${maxT}`, name: { number: ++made }, meta: { minT: minT * HOUR, maxT: maxT * HOUR, bytes: 1 } })
    f([block(0, 2), touching(5, 8), touching(3, 5)], 6, 7 * DAY, null)
    f([block(6, 7), touching(4, 8), touching(8, 10)], 12, 7 * DAY, null)
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

  it('lets files of hours go up to the newest end among those that have to, in whatever order they are listed', () => {
    const hours = [[4, 20], [2, 30], [6, 10]].map(([to, bytes]) => ({ name: `h${to}`, maxT: to! * HOUR, bytes: bytes! }))
    const f = (max: number): unknown => goingForSize({ blocks: [block(0, 3, 10)], minutes: [block(0, 1, 5)], hours }, max, 0)
    expect(f(75)).toEqual({ blocks: [], minutes: [], hoursT: -Infinity })
    expect(f(70)).toEqual({ blocks: [], minutes: ['0-1'], hoursT: -Infinity })
    expect(f(60)).toEqual({ blocks: [], minutes: ['0-1'], hoursT: 2 * HOUR })
    expect(f(11)).toEqual({ blocks: ['0-3'], minutes: ['0-1'], hoursT: 4 * HOUR })
  })

  it('has blocks looked at once for each cutoff that they have passed, and anew where rules are others', () => {
    const expiry = new Expiry()
    const own = { raw: 100 * HOUR, '1m': 100 * HOUR, '1h': 100 * HOUR }
    const rule = (name: string, hours: number): Parameters<Expiry['setRules']>[0][number] => ({ matchers: [{ name: '__name__', op: '=', value: name }], ages: { raw: hours * HOUR, '1m': hours * HOUR, '1h': null } })
    const blocks = [block(0, 2), block(2, 4)]
    const f = (tier: 'raw' | '1m', atHours: number, want: string[]): void => {
      const cutoffs = expiry.cutoffs(tier, atHours * HOUR)
      expect(expiry.due(tier, blocks, cutoffs), `${tier} at ${atHours} h`).toEqual(want)
      if (want.length > 0) expiry.note(tier, blocks, cutoffs)
    }
    expiry.setRules([rule('a', 1), rule('b', 5)], own)
    for (const tier of ['raw', '1m'] as const) {
      f(tier, 2, [])
      f(tier, 3, ['0-2'])
      f(tier, 4, [])
      f(tier, 5, ['2-4'])
      f(tier, 7, ['0-2'])
      f(tier, 8, [])
    }
    // As many cutoffs, of other series.
    expiry.setRules([rule('c', 1), rule('b', 5)], own)
    for (const tier of ['raw', '1m'] as const) {
      f(tier, 8, ['0-2', '2-4'])
      f(tier, 8, [])
    }
    expiry.forget(['0-2'])
    f('raw', 8, ['0-2'])
  })
})

it('a tier covers the longest time of which all rows are made, up to the last bucket before what is due and from the last one of it on', () => {
  const f = (due: readonly (readonly [number, number])[], droppedHours: number, want: readonly [number, number]): void => {
    const { from, to } = coverageOf(due.map(([a, b]) => [a * HOUR, b * HOUR] as const), '1m', 20 * HOUR + 5 * MINUTE, droppedHours * HOUR)
    expect([from / MINUTE, to / MINUTE]).toEqual(want)
  }
  f([], 2, [2 * 60, 20 * 60 - 1])
  f([[18, 22]], 2, [2 * 60, 18 * 60 - 1])
  f([[4, 6]], 2, [6 * 60 - 1, 20 * 60 - 1])
  f([[4, 6], [8, 10]], 2, [10 * 60 - 1, 20 * 60 - 1])
  f([[14, 16]], 2, [2 * 60, 14 * 60 - 1])
  f([[2, 6]], 8, [8 * 60, 20 * 60 - 1])
  f([[2, 20]], 2, [0, 0])
})

it('a job that fails waits twice as long each time, a quarter of an hour at the most, until one goes well', async () => {
  const clock = new FakeClock(0)
  const backoff = new JobBackoffs<string>(clock).of('job')
  expect([backoff.isFailing, backoff.isWaiting]).toEqual([false, false])
  expect(Array.from({ length: 9 }, () => backoff.fail() / 1000)).toEqual([15, 30, 60, 120, 240, 480, 900, 900, 900])
  await clock.advance(899_999)
  expect([backoff.isFailing, backoff.isWaiting]).toEqual([true, true])
  await clock.advance(1)
  expect([backoff.isFailing, backoff.isWaiting]).toEqual([true, false])
  backoff.fail()
  backoff.succeed()
  expect([backoff.isFailing, backoff.isWaiting]).toEqual([false, false])
  expect(backoff.fail()).toBe(15_000)
})
