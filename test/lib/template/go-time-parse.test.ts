// time.Parse and time.ParseDuration, against what Go 1.26 says.
import { expect, it } from 'vitest'
import { formatTime } from '../../../lib/template/go-time.ts'
import { parseGoDuration, parseTime } from '../../../lib/template/go-time-parse.ts'

const RFC3339 = '2006-01-02T15:04:05Z07:00'

const f = (layout: string, value: string, want: string): void => it(`${value} as ${layout}`, () => {
  const { ns, zone } = parseTime(layout, value)
  expect(formatTime(ns, '2006-01-02 15:04:05.999999999 -0700', zone)).toBe(want)
})
f(RFC3339, '2026-11-28T10:00:01Z', '2026-11-28 10:00:01 +0000')
f(RFC3339, '2026-11-28T10:00:01.25+02:00', '2026-11-28 10:00:01.25 +0200')
f('Mon Jan _2 15:04:05 MST 2006', 'Sat Nov  8 02:10:12 CET 1944', '1944-11-08 02:10:12 +0000')
f('02 Jan 06 3:04PM', '28 nov 69 12:05AM', '1969-11-28 00:05:00 +0000')
f('02 Jan 06 3:04pm', '28 Nov 68 12:05pm', '2068-11-28 12:05:00 +0000')
f('2006-002', '2024-366', '2024-12-31 00:00:00 +0000')
f('Monday, 2 January 2006', 'friday,   1 march 2024', '2024-03-01 00:00:00 +0000')
f('15:04:05.000', '1:02:03.040', '0000-01-01 01:02:03.04 +0000')
f('20060102150405', '20261128100001', '2026-11-28 10:00:01 +0000')
f('15:04 MST', '10:00 GMT+3', '0000-01-01 10:00:00 +0300')

const refused = (layout: string, value: string, want: string): void => it(want, () => expect(() => parseTime(layout, value)).toThrow(want))
refused(RFC3339, 'yesterday', 'parsing time "yesterday" as "2006-01-02T15:04:05Z07:00": cannot parse "yesterday" as "2006"')
refused('2006-01-02', '2026-13-01', 'parsing time "2026-13-01": month out of range')
refused('2006-01-02', '2026-02-30', 'parsing time "2026-02-30": day out of range')
refused('2006-01-02', '2026-02-03 10:00', 'parsing time "2026-02-03 10:00": extra text: " 10:00"')
refused('15:04', '24:00', 'parsing time "24:00": hour out of range')
refused('2006/1/2', '2026-1-2', 'parsing time "2026-1-2" as "2006/1/2": cannot parse "-1-2" as "/"')

it('reads durations', () => {
  expect(['1h30m', '-1.5h', '300ms', '0', '+2.5us', '.5s'].map(parseGoDuration)).toEqual([5_400_000_000_000n, -5_400_000_000_000n, 300_000_000n, 0n, 2500n, 500_000_000n])
  for (const [text, why] of [['1d', 'time: unknown unit "d" in duration "1d"'], ['15', 'time: missing unit in duration "15"'], ['', 'time: invalid duration ""'], ['9999999999h', 'time: invalid duration "9999999999h"']] as const) {
    expect(() => parseGoDuration(text)).toThrow(why)
  }
})
