// `time_intervals` and `mute_time_intervals`: named stretches of the calendar. Source: alertmanager timeinterval.
import { isTimeZone, type IntRange, type TimeInterval } from '../model/time-interval.ts'
import type { MapReader } from './reader.ts'

const WEEKDAYS = ['sunday', 'monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday']
const MONTHS = ['january', 'february', 'march', 'april', 'may', 'june', 'july', 'august', 'september', 'october', 'november', 'december']
const INTEGER = /^[+-]?\d+$/
const TIME = /^(?:(?:[01]\d|2[0-3]):[0-5]\d|24:00)$/
/** The shortest month: what is out of order there is out of order in each. */
const MONTH_DAYS_MIN = 28

/** The intervals of both lists by name. */
export function readTimeIntervals(reader: MapReader): Map<string, readonly TimeInterval[]> {
  const intervals = new Map<string, readonly TimeInterval[]>()
  for (const key of ['mute_time_intervals', 'time_intervals']) {
    for (const section of reader.maps(key)) {
      const name = section.text('name', '')
      if (name === '') section.error('name', 'must be set')
      else if (intervals.has(name)) section.error('name', `another time interval is named ${JSON.stringify(name)}`)
      intervals.set(name, section.maps('time_intervals').map(readTimeInterval))
      section.finish()
    }
  }
  return intervals
}

export function readTimeInterval(reader: MapReader): TimeInterval {
  const interval = {
    times: readTimes(reader),
    weekdays: readRanges(reader, 'weekdays', (text) => indexOf(WEEKDAYS, text), () => null),
    daysOfMonth: readRanges(reader, 'days_of_month', integerOf, faultOfDays),
    months: readRanges(reader, 'months', (text) => monthOf(text), faultOfMonths),
    years: readRanges(reader, 'years', integerOf, ({ first, last }) => (first > last ? `end year ${last} is before start year ${first}` : null)),
    location: reader.text('location', 'UTC'),
  }
  if (!isTimeZone(interval.location)) reader.error('location', `unknown time zone ${interval.location}`)
  reader.finish()
  return interval
}

function readTimes(reader: MapReader): IntRange[] | null {
  if (!reader.has('times')) return null
  return reader.maps('times').map((section) => {
    const [first, last] = [minutesOf(section, 'start_time'), minutesOf(section, 'end_time')]
    if (first >= last) section.error('start_time', 'start time cannot be equal or greater than end time')
    section.finish()
    return { first, last }
  })
}

/** NaN, with an error, where it is no time of day. */
function minutesOf(reader: MapReader, key: string): number {
  const text = reader.text(key, '')
  if (text === '') reader.error(key, 'both start and end times must be provided')
  else if (!TIME.test(text)) reader.error(key, `couldn't parse timestamp ${text}, invalid format: want HH:MM from 00:00 to 24:00`)
  else return Number(text.slice(0, 2)) * 60 + Number(text.slice(3))
  return NaN
}

/** `one` gives NaN for what is no member; `faultOf` says what is wrong with a range of members. */
function readRanges(reader: MapReader, key: string, one: (text: string) => number, faultOf: (range: IntRange) => string | null): IntRange[] | null {
  const texts = reader.texts(key)
  return texts && texts.map(({ text, at, path }) => {
    const ends = text.toLowerCase().split(':')
    const range = { first: one(ends[0]!), last: one(ends.at(-1)!) }
    const isRange = ends.length < 3 && !Number.isNaN(range.first) && !Number.isNaN(range.last)
    const fault = isRange ? faultOf(range) : `${JSON.stringify(text)} is no ${NOUNS[key]!} and no range of two with a colon between`
    if (fault !== null) reader.problems.error(at, `${path}: ${fault}`)
    return range
  })
}

const NOUNS: Readonly<Record<string, string>> = {
  weekdays: 'day of the week (monday .. sunday)', days_of_month: 'day of the month (1 .. 31, from the end -1 ..)', months: 'month (january .. december, or 1 .. 12)', years: 'year',
}

function indexOf(names: readonly string[], text: string): number {
  const index = names.indexOf(text)
  return index < 0 ? NaN : index
}

function integerOf(text: string): number {
  return INTEGER.test(text) ? Number(text) : NaN
}

function monthOf(text: string): number {
  const named = indexOf(MONTHS, text) + 1
  return Number.isNaN(named) ? integerOf(text) : named
}

function faultOfMonths({ first, last }: IntRange): string | null {
  for (const month of [first, last]) if (month < 1 || month > 12) return `${month} is not a valid month: out of range`
  return first > last ? `end month ${MONTHS[last - 1]!} is before start month ${MONTHS[first - 1]!}` : null
}

function faultOfDays({ first, last }: IntRange): string | null {
  for (const day of [first, last]) if (day === 0 || day < -31 || day > 31) return `${day} is not a valid day of the month: out of range`
  if (first < 0 && last > 0) return 'end day must be negative if start day is negative'
  const dayOf = (day: number): number => (day < 0 ? MONTH_DAYS_MIN + day : day)
  return dayOf(first) > dayOf(last) ? `end day ${last} is always before start day ${first}` : null
}
