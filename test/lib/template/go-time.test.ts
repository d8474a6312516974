// Expected texts are what Go 1.26's time package prints.
import { describe, expect, it } from 'vitest'
import { durationText, formatTime, goDuration, goTime } from '../../../lib/template/go-time.ts'
import { plain } from '../../../lib/template/print.ts'

const T = 1_435_065_584_128_000_000n

describe('times in templates', () => {
  it.each([
    [0n, '0s', '0s', '0s', 0], [1_500_000_000n, '1.5s', '2s', '0s', 0.025], [3_661_000_000_000n, '1h1m1s', '1h1m1s', '1h1m0s', 61.016666666666666],
    [1500n, '1.5µs', '0s', '0s', 2.5e-8], [250_000_000n, '250ms', '0s', '0s', 0.004166666666666667], [-90_000_000_000n, '-1m30s', '-1m30s', '-1m0s', -1.5],
    [123_456_789_000_000_000n, '34293h33m9s', '34293h33m9s', '34293h33m0s', 2.05761315e+06], [12_345n, '12.345µs', '0s', '0s', 2.0575e-7],
    [59_999_500_000n, '59.9995s', '1m0s', '0s', 0.9999916666666666], [3_599_500_000_000n, '59m59.5s', '1h0m0s', '59m0s', 59.99166666666667], [1n, '1ns', '0s', '0s', 1.6666666666666667e-11],
  ])('print a duration of %d ns as %s', (ns, text, rounded, truncated, minutes) => {
    const method = (name: string, ...args: bigint[]): unknown => goDuration(ns).methods.get(name)!.call(...args.map((arg) => goDuration(arg)))
    expect(durationText(ns)).toBe(text)
    expect(plain(method('Round', 1_000_000_000n) as never)).toBe(rounded)
    expect(plain(method('Truncate', 60_000_000_000n) as never)).toBe(truncated)
    expect(method('Minutes')).toBeCloseTo(minutes, 12)
  })

  it.each([
    ['Mon Jan _2 15:04:05 2006', 'Tue Jun 23 13:19:44 2015'], ['02 Jan 06 15:04 MST', '23 Jun 15 13:19 UTC'], ['3:04PM', '1:19PM'],
    ['Monday, 02-Jan-06 15:04:05 MST', 'Tuesday, 23-Jun-15 13:19:44 UTC'], ['Mon, 02 Jan 2006 15:04:05 -0700', 'Tue, 23 Jun 2015 13:19:44 +0000'],
    ['Jan _2 15:04:05.000000', 'Jun 23 13:19:44.128000'], ['2006-01-02T15:04:05.999999999Z07:00', '2015-06-23T13:19:44.128Z'],
    ['Monday 02.01.2006 __2 15h04 .999 ,000 pm -07 Z07', 'Tuesday 23.06.2015 174 13h19 .128 ,128 pm +00 Z'],
  ])('lay a time out by %s', (layout, want) => expect(formatTime(T, layout)).toBe(want))

  it('know the zones of the world', () => {
    expect(plain(goTime(T, false, 'Europe/Berlin'))).toMatch(/^2015-06-23 15:19:44\.128 \+0200 /)
    expect(formatTime(T, '2006-01-02T15:04:05Z07:00', 'Asia/Kolkata')).toBe('2015-06-23T18:49:44+05:30')
  })
})
