// Unix seconds to date and time of the proleptic Gregorian calendar in UTC, for the calendar functions. Not by Date:
// that ends in the year 275760, Go's time at 292 billion. Days to date after H. Hinnant, "chrono-Compatible
// Low-Level Date Algorithms": years begin in March, eras of 400 years have 146,097 days each.

const DAY_SECONDS = 86_400
const ERA_DAYS = 146_097
/** Days from 0000-03-01 to 1970-01-01. */
const EPOCH_DAYS = 719_468

/** Go counts in a u64 from March of this year BC, a multiple of 400; beyond it, seconds wrap around. */
const GO_YEARS = 292_277_022_400n
const GO_EPOCH_SECONDS = (GO_YEARS / 400n) * BigInt(ERA_DAYS * DAY_SECONDS) + BigInt(EPOCH_DAYS * DAY_SECONDS)

/** Days since 0000-03-01 and seconds of the day; set by `split`. */
let days = 0
let secondOfDay = 0

/** Truncates to whole seconds toward zero, as Go's int64(v); what int64 cannot hold becomes its minimum (amd64). */
function split(v: number): void {
  const seconds = Math.trunc(v)
  if (Number.isSafeInteger(seconds)) {
    const day = Math.floor(seconds / DAY_SECONDS)
    days = day + EPOCH_DAYS
    secondOfDay = seconds - day * DAY_SECONDS
    return
  }
  const isInt64 = seconds >= -(2 ** 63) && seconds < 2 ** 63
  const absolute = BigInt.asUintN(64, (isInt64 ? BigInt(seconds) : -(2n ** 63n)) + GO_EPOCH_SECONDS)
  days = Number(absolute / BigInt(DAY_SECONDS) - (GO_YEARS / 400n) * BigInt(ERA_DAYS))
  secondOfDay = Number(absolute % BigInt(DAY_SECONDS))
}

function dayOfEra(): number {
  return days - Math.floor(days / ERA_DAYS) * ERA_DAYS
}

function yearOfEra(doe: number): number {
  return Math.floor((doe - Math.floor(doe / 1460) + Math.floor(doe / 36_524) - Math.floor(doe / 146_096)) / 365)
}

/** Day of the year that begins on 1 March, 0..365. */
function dayOfMarchYear(doe: number, yoe: number): number {
  return doe - (365 * yoe + Math.floor(yoe / 4) - Math.floor(yoe / 100))
}

/** Months since March, 0..11. */
function marchMonth(doy: number): number {
  return Math.floor((5 * doy + 2) / 153)
}

function isLeap(y: number): boolean {
  return y % 4 === 0 && (y % 100 !== 0 || y % 400 === 0)
}

function yearOfDays(): number {
  const doe = dayOfEra()
  const yoe = yearOfEra(doe)
  const isNextYear = marchMonth(dayOfMarchYear(doe, yoe)) >= 10
  return Math.floor(days / ERA_DAYS) * 400 + yoe + (isNextYear ? 1 : 0)
}

function monthOfDays(): number {
  const doe = dayOfEra()
  const mp = marchMonth(dayOfMarchYear(doe, yearOfEra(doe)))
  return mp < 10 ? mp + 3 : mp - 9
}

export function year(v: number): number {
  split(v)
  return yearOfDays()
}

/** 1..12 */
export function month(v: number): number {
  split(v)
  return monthOfDays()
}

/** 1..31 */
export function dayOfMonth(v: number): number {
  split(v)
  const doe = dayOfEra()
  const doy = dayOfMarchYear(doe, yearOfEra(doe))
  return doy - Math.floor((153 * marchMonth(doy) + 2) / 5) + 1
}

/** 1..366 */
export function dayOfYear(v: number): number {
  split(v)
  const doe = dayOfEra()
  const yoe = yearOfEra(doe)
  const doy = dayOfMarchYear(doe, yoe)
  // March's first day is the 60th of a common year; January's is the 306th after it.
  return doy >= 306 ? doy - 305 : doy + 60 + (isLeap(yoe) ? 1 : 0)
}

/** 0 (Sunday)..6 */
export function dayOfWeek(v: number): number {
  split(v)
  // 0000-03-01 was a Wednesday; eras are whole weeks.
  return (dayOfEra() + 3) % 7
}

const MONTH_DAYS: readonly number[] = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]

/** 28..31 */
export function daysInMonth(v: number): number {
  split(v)
  const m = monthOfDays()
  return m === 2 && isLeap(yearOfDays()) ? 29 : MONTH_DAYS[m - 1]!
}

/** 0..23 */
export function hour(v: number): number {
  split(v)
  return Math.floor(secondOfDay / 3600)
}

/** 0..59 */
export function minute(v: number): number {
  split(v)
  return Math.floor(secondOfDay / 60) % 60
}

/** `2026-11-28T09:05:00Z`, as Go writes it: years of more than four digits with all of them. */
export function rfc3339(v: number): string {
  const y = year(v)
  const [mm, dd, hh, min, ss] = [month(v), dayOfMonth(v), hour(v), minute(v), secondOfDay % 60].map((part) => String(part).padStart(2, '0'))
  return `${y < 0 ? '-' : ''}${String(Math.abs(y)).padStart(4, '0')}-${mm}-${dd}T${hh}:${min}:${ss}Z`
}
