// Time intervals as Alertmanager reads and applies them (test/golden/alertmanager.json).
import { describe, expect, it } from 'vitest'
import { MapReader, Problems } from '../../../lib/config/reader.ts'
import { readTimeInterval } from '../../../lib/config/time-interval-section.ts'
import { parseYaml } from '../../../lib/config/yaml-node.ts'
import { containsTime, type TimeInterval } from '../../../lib/model/time-interval.ts'
import { readAlertmanagerGolden } from '../../support/alertmanager-golden.ts'

function read(text: string): { intervals: TimeInterval[]; faults: string[] } {
  const yaml = parseYaml(`intervals: ${text}`, () => expect.unreachable())
  const problems = new Problems(yaml.position, true)
  const root = new MapReader(problems, yaml.root?.kind === 'map' ? yaml.root : null, '')
  const intervals = root.maps('intervals').map(readTimeInterval)
  return { intervals, faults: problems.errors().map(({ message }) => message) }
}

describe('a time interval', () => {
  const cases = readAlertmanagerGolden().flatMap(([given, answer]) => ('Interval' in given ? [{ ...given, ...answer }] : []))

  it.each(cases)('$Interval is taken as by Alertmanager', ({ Interval, Times, error, contains }) => {
    const { intervals, faults } = read(Interval)
    expect(faults.length === 0, faults.join('\n')).toBe(error === undefined)
    if (error === undefined) expect(Times.map((time) => intervals.some((one) => containsTime(one, Date.parse(time))))).toEqual(contains)
  })

  it('says what is wrong, and where', () => {
    expect(read('[{months: ["march:january"], days_of_month: ["0"], weekdays: [noday]}]').faults).toEqual([
      'intervals[0].months[0]: end month january is before start month march',
      'intervals[0].days_of_month[0]: 0 is not a valid day of the month: out of range',
      'intervals[0].weekdays[0]: "noday" is no day of the week (monday .. sunday) and no range of two with a colon between',
    ])
  })
})
