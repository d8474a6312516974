// Durations against Prometheus' rules (common/model/time.go), times against Date.
import { describe, expect, it } from 'vitest'
import { formatDuration, formatSpan, formatTimestamp, parseDuration, parseTimestamp, zoneName } from '../../../web/ui/query/time-text.ts'
import { fc } from '../../support/property.ts'

describe('duration', () => {
  const f = (text: string, want: number | undefined): void => expect(parseDuration(text), text).toBe(want)

  it('reads what Prometheus reads', () => {
    f('0', 0)
    f('5m', 300_000)
    f('1h30m', 5_400_000)
    f('324ms', 324)
    f('1y2w3d4h5m6s7ms', 31_536_000_000 + 2 * 604_800_000 + 3 * 86_400_000 + 4 * 3_600_000 + 5 * 60_000 + 6000 + 7)
    f(' 15s ', 15_000)
  })

  it('refuses what Prometheus refuses', () => {
    for (const text of ['', '1', 'm', '1.5h', '30m1h', '5m5m', '-1m', '1h 30m', '5M', '1e3s', '99999999999999999y']) f(text, undefined)
  })

  it('writes as Prometheus does: years and weeks only where they come out even', () => {
    const g = (ms: number, want: string): void => expect(formatDuration(ms)).toBe(want)
    g(0, '0s')
    g(324, '324ms')
    g(90_000, '1m30s')
    g(86_400_000 * 14, '2w')
    g(86_400_000 * 15, '15d')
    g(31_536_000_000, '1y')
    g(31_536_000_000 + 86_400_000, '366d')
    g(3_600_000 * 25, '1d1h')
  })

  it('comes back from its own text', () => {
    fc.assert(fc.property(fc.integer({ min: 0, max: 9_223_372_036_854 }), (ms) => {
      expect(parseDuration(formatDuration(ms))).toBe(ms)
    }))
  })
})

describe('timestamp', () => {
  const f = (text: string, want: number | undefined): void => expect(parseTimestamp(text, 'UTC'), text).toBe(want)

  it('reads days, minutes, seconds, ms and Unix seconds', () => {
    f('2026-01-31', Date.UTC(2026, 0, 31))
    f('2026-01-31 13:05', Date.UTC(2026, 0, 31, 13, 5))
    f('2026-01-31 13:05:09', Date.UTC(2026, 0, 31, 13, 5, 9))
    f('2026-01-31T13:05:09.5Z', Date.UTC(2026, 0, 31, 13, 5, 9, 500))
    f('1700000000', 1_700_000_000_000)
    f('1700000000.25', 1_700_000_000_250)
  })

  it('refuses days and hours that do not exist', () => {
    for (const text of ['', 'now', '2026-02-30', '2026-13-01', '2026-00-10', '2026-01-31 24:00', '2026-01-31 10:60', '31.01.2026', '12']) f(text, undefined)
    f('2028-02-29', Date.UTC(2028, 1, 29))
  })

  it('comes back from its own text in both zones', () => {
    // The local zone repeats an hour each autumn; a time inside it may come back as the other one.
    fc.assert(fc.property(fc.integer({ min: 0, max: 4 * 10 ** 12 }), (ms) => {
      expect(parseTimestamp(formatTimestamp(ms, 'UTC'), 'UTC')).toBe(ms)
      const local = parseTimestamp(formatTimestamp(ms, 'local'), 'local')!
      expect(Math.abs(local - ms) % 1_800_000).toBe(0)
    }))
  })

  it('names its zone', () => expect(zoneName('UTC', 0)).toBe('UTC'))
})

it('says spans in three digits at most', () => {
  const f = (ms: number, want: string): void => expect(formatSpan(ms)).toBe(want)
  f(0.4, '< 1 ms')
  f(31.4, '31 ms')
  f(999.4, '999 ms')
  f(999.6, '1.0 s')
  f(9940, '9.9 s')
  f(9960, '10 s')
  f(59_600, '60 s')
  f(180_000, '3 min')
  f(7_200_000, '2 h')
  f(3 * 86_400_000, '3 d')
})
