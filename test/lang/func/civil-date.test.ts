import { describe, expect, it } from 'vitest'
import { dayOfMonth, dayOfWeek, dayOfYear, daysInMonth, hour, minute, month, rfc3339, year } from '../../../lang/func/civil-date.ts'
import { Random } from '../../../lib/std/random.ts'

const all = (v: number): number[] => [year(v), month(v), dayOfMonth(v), hour(v), minute(v), dayOfWeek(v), dayOfYear(v), daysInMonth(v)]

describe('civil dates', () => {
  it('agree with Date wherever Date reaches', () => {
    const random = new Random(20_260_823)
    const edges = [0, -1, 86_399, 86_400, 951_782_400, 951_868_799, 951_868_800, 4_107_542_400, 1_704_067_199, 1_735_689_599]
    for (let i = 0; i < 20_000; i++) {
      const seconds = i < edges.length ? edges[i]! : Math.floor((random.float() - 0.5) * 2 * (i % 2 === 0 ? 8.64e12 : 4e9))
      const date = new Date(seconds * 1000)
      const y = date.getUTCFullYear()
      const m = date.getUTCMonth()
      // Date.UTC takes years 0..99 for 1900..1999; setUTCFullYear does not.
      const at = (...ymd: [number, number, number]): number => new Date(0).setUTCFullYear(...ymd)
      const startOfDay = Math.floor(seconds / 86_400) * 86_400_000
      if (y >= 0 && y <= 9999) expect(rfc3339(seconds)).toBe(`${date.toISOString().slice(0, -5)}Z`)
      expect(all(seconds), String(seconds)).toEqual([
        y, m + 1, date.getUTCDate(), date.getUTCHours(), date.getUTCMinutes(), date.getUTCDay(),
        (startOfDay - at(y, 0, 1)) / 86_400_000 + 1, new Date(at(y, m + 1, 0)).getUTCDate(),
      ])
    }
  })

  it('are written as Go writes them, where JavaScript has no date either', () => {
    // time.Unix(s, 0).UTC().Format(time.RFC3339)
    expect([0, 1e15, 253_402_300_800, -62_198_755_200].map(rfc3339)).toEqual([
      '1970-01-01T00:00:00Z', '31690708-07-05T01:46:40Z', '10000-01-01T00:00:00Z', '-0001-01-01T00:00:00Z',
    ])
  })

  it('cut fractions toward zero, as Go does', () => {
    expect(all(-0.9)).toEqual(all(0))
    expect(all(59.999)).toEqual(all(59))
  })

  it('go on where Date ends', () => {
    // 400 years have 146,097 days: the same day and weekday 1,000,000 years (2,500 eras) on.
    const seconds = 1_600_000_000
    const [y, ...rest] = all(seconds)
    expect(all(seconds + 2500 * 146_097 * 86_400)).toEqual([y! + 1_000_000, ...rest])
  })
})
