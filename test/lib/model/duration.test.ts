import { describe, expect, it } from 'vitest'
import { DurationError, formatDuration, parseDuration } from '../../../lib/model/duration.ts'
import { formatSize, parseSize, SizeError } from '../../../lib/model/size.ts'

describe('parseDuration', () => {
  it('reads Prometheus durations', () => {
    const f = (text: string, wantMs: number): void => expect(parseDuration(text), text).toBe(wantMs)
    f('0', 0)
    f('0w', 0)
    f('0s', 0)
    f('324ms', 324)
    f('3s', 3000)
    f('5m', 300_000)
    f('1h', 3_600_000)
    f('4d', 345_600_000)
    f('4d1h', 349_200_000)
    f('14d', 1_209_600_000)
    f('3w', 1_814_400_000)
    f('3w2d1h', 1_990_800_000)
    f('10y', 315_360_000_000)
    f('1h30m', 5_400_000)
    f('1m30s500ms', 90_500)
    f('292y24w3d23h47m16s', 9_223_372_036_000)
  })

  it('refuses everything else', () => {
    const f = (text: string, want: string): void => expect(() => parseDuration(text)).toThrow(new DurationError(want))
    f('', 'empty duration string')
    f('294y', 'duration out of range')
    f('292y24w3d23h47m16s855ms', 'duration out of range')
    f('1.5d', 'unknown unit "." in duration "1.5d"')
    f('1S', 'unknown unit "S" in duration "1S"')
    f('1s ', 'unknown unit "s " in duration "1s "')
    f('1h 30m', 'unknown unit "h " in duration "1h 30m"')
    for (const text of ['1', '1y1m1d', '-1w', 'd', '1s1m', '1ms1s', ' 1s', '1s1s', '٣s']) {
      f(text, `not a valid duration string: ${JSON.stringify(text)}`)
    }
  })

  it('is undone by formatDuration', () => {
    const f = (ms: number, want: string): void => {
      expect(formatDuration(ms)).toBe(want)
      if (ms >= 0) expect(parseDuration(want)).toBe(ms)
    }
    f(0, '0s')
    f(324, '324ms')
    f(3000, '3s')
    f(90_000, '1m30s')
    f(3_661_001, '1h1m1s1ms')
    f(86_400_000, '1d')
    f(604_800_000, '1w')
    f(691_200_000, '8d')
    f(31_536_000_000, '1y')
    f(31_622_400_000, '366d')
    f(-60_000, '-1m')
  })
})

describe('parseSize', () => {
  it('reads powers of two', () => {
    const f = (text: string, want: number): void => expect(parseSize(text), text).toBe(want)
    f('0', 0)
    f('0B', 0)
    f('10B', 10)
    f('1KB', 1024)
    f('1KiB', 1024)
    f('64MB', 67_108_864)
    f('1.5GB', 1_610_612_736)
    f('1GB512MB', 1_610_612_736)
    f('.5KB', 512)
    f('1TB', 1024 ** 4)
    f('2PB', 2 * 1024 ** 5)
  })

  it('refuses what has no unit or a wrong one', () => {
    for (const text of ['', '1', '1K', '1kb', '1 KB', '-1KB', '1iB', 'KB', '1XB', '1KBB', '.KB', '9000PB', '100EB']) {
      expect(() => parseSize(text), text).toThrow(SizeError)
    }
  })

  it('is undone by formatSize', () => {
    for (const text of ['0B', '1KB', '1536B', '64MB', '15GB', '1TB', '1023B']) expect(formatSize(parseSize(text))).toBe(text)
  })
})
