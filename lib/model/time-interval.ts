// Stretches of the calendar, by which routes are muted or active: all of times, weekdays, days of month, months and years
// that are given must contain a moment. After alertmanager timeinterval/timeinterval.go.

/** Both ends belong to it. */
export interface IntRange {
  first: number
  last: number
}

/** null: any. */
export interface TimeInterval {
  /** Minutes of the day, the last one not included. */
  times: readonly IntRange[] | null
  /** 0: Sunday. Where the first lies after the last it goes over the week's end. */
  weekdays: readonly IntRange[] | null
  /** From 1 on; negative ones count from the month's end, the last day being -1. */
  daysOfMonth: readonly IntRange[] | null
  /** 1 to 12. */
  months: readonly IntRange[] | null
  years: readonly IntRange[] | null
  /** IANA name of a zone that exists (`isTimeZone`). */
  location: string
}

interface LocalTime {
  year: number
  /** 1 to 12. */
  month: number
  day: number
  weekday: number
  minuteOfDay: number
}

const formats = new Map<string, Intl.DateTimeFormat>()

/** Throws RangeError where there is no such zone. */
function formatOf(zone: string): Intl.DateTimeFormat {
  let format = formats.get(zone)
  if (format === undefined) {
    format = new Intl.DateTimeFormat('en-US', {
      ...(zone !== 'Local' && { timeZone: zone === '' ? 'UTC' : zone }),
      hourCycle: 'h23', year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric', era: 'short',
    })
    formats.set(zone, format)
  }
  return format
}

export function isTimeZone(name: string): boolean {
  try {
    formatOf(name)
    return true
  } catch (error) {
    if (error instanceof RangeError) return false
    throw error
  }
}

function localTime(timeMs: number, zone: string): LocalTime {
  const parts = new Map(formatOf(zone).formatToParts(timeMs).map(({ type, value }) => [type, Number(value)]))
  const get = (type: Intl.DateTimeFormatPartTypes): number => parts.get(type)!
  const [year, month, day] = [get('year'), get('month'), get('day')]
  return { year, month, day, weekday: new Date(Date.UTC(year, month - 1, day)).getUTCDay(), minuteOfDay: get('hour') * 60 + get('minute') }
}

export function containsTime(interval: TimeInterval, timeMs: number): boolean {
  const { times, weekdays, daysOfMonth, months, years, location } = interval
  const at = localTime(timeMs, location)
  const isIn = (value: number) => ({ first, last }: IntRange): boolean => value >= first && value <= last
  return (times === null || times.some(({ first, last }) => at.minuteOfDay >= first && at.minuteOfDay < last))
    && (daysOfMonth === null || daysOfMonth.some((range) => containsDay(range, at)))
    && (months === null || months.some(isIn(at.month)))
    && (weekdays === null || weekdays.some(({ first, last }) => (first <= last ? at.weekday >= first && at.weekday <= last : at.weekday >= first || at.weekday <= last)))
    && (years === null || years.some(isIn(at.year)))
}

function containsDay({ first, last }: IntRange, { year, month, day }: LocalTime): boolean {
  const length = new Date(Date.UTC(year, month, 0)).getUTCDate()
  const dayOf = (given: number): number => (given < 0 ? length + given + 1 : given)
  return dayOf(first) <= length && day >= dayOf(first) && day <= Math.min(dayOf(last), length)
}
