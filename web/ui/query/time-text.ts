// Times and durations as people type and read them. Durations are Prometheus'; times are written as its UI writes them
// in shared links: `2026-01-31 13:05:00`, UTC there, the reader's zone on the page.
import { DurationError, parseDuration as parsePlainDuration } from '../../../lib/model/duration.ts'

export { formatDuration } from '../../../lib/model/duration.ts'

/** Zone in which times are shown and typed on the page. */
export type Zone = 'local' | 'UTC'

const TIMESTAMP = /^(\d{4})-(\d\d)-(\d\d)(?:[ T](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,3}))?)?)?(Z)?$/

/** Ms of a duration such as `1h30m`; undefined when it is not one. */
export function parseDuration(text: string): number | undefined {
  try {
    return parsePlainDuration(text.trim())
  } catch (error) {
    if (error instanceof DurationError) return undefined
    throw error
  }
}

/**
 * Unix ms of `2026-01-31 13:05:00` (seconds, or the whole time of day, may be left out), or of Unix seconds;
 * undefined when it is neither or no such day exists. A trailing `Z` means UTC whatever the zone.
 */
export function parseTimestamp(text: string, zone: Zone): number | undefined {
  const trimmed = text.trim()
  if (/^\d{9,11}(\.\d{1,3})?$/.test(trimmed)) return Math.round(Number(trimmed) * 1000)
  const match = TIMESTAMP.exec(trimmed)
  if (!match) return undefined
  const [year, month, day, hour, minute, second] = [1, 2, 3, 4, 5, 6].map((i) => Number(match[i] ?? 0)) as
    [number, number, number, number, number, number]
  const ms = Number((match[7] ?? '').padEnd(3, '0'))
  if (hour > 23 || minute > 59 || second > 59) return undefined
  const isUtc = zone === 'UTC' || match[8] === 'Z'
  const date = isUtc
    ? new Date(Date.UTC(year, month - 1, day, hour, minute, second, ms))
    : new Date(year, month - 1, day, hour, minute, second, ms)
  const exists = isUtc
    ? date.getUTCMonth() === month - 1 && date.getUTCDate() === day
    : date.getMonth() === month - 1 && date.getDate() === day
  return exists ? date.getTime() : undefined
}

const two = (n: number): string => String(n).padStart(2, '0')

/** `2026-01-31 13:05:00`, with `.123` only where the ms are not whole seconds. */
export function formatTimestamp(unixMs: number, zone: Zone): string {
  const local = new Date(unixMs)
  // The UTC fields of a shifted date are the local fields of the true one.
  const date = zone === 'UTC' ? local : new Date(unixMs - local.getTimezoneOffset() * 60_000)
  const ms = date.getUTCMilliseconds()
  const day = `${String(date.getUTCFullYear()).padStart(4, '0')}-${two(date.getUTCMonth() + 1)}-${two(date.getUTCDate())}`
  const time = `${two(date.getUTCHours())}:${two(date.getUTCMinutes())}:${two(date.getUTCSeconds())}`
  return `${day} ${time}${ms === 0 ? '' : `.${String(ms).padStart(3, '0')}`}`
}

/** The zone's name as an offset at that time: `UTC`, `UTC+2`, `UTC-3:30`. */
export function zoneName(zone: Zone, unixMs: number): string {
  const offsetMinutes = zone === 'UTC' ? 0 : -new Date(unixMs).getTimezoneOffset()
  if (offsetMinutes === 0) return 'UTC'
  const minutes = Math.abs(offsetMinutes) % 60
  return `UTC${offsetMinutes < 0 ? '-' : '+'}${Math.floor(Math.abs(offsetMinutes) / 60)}${minutes ? `:${two(minutes)}` : ''}`
}

/** How long something took or ago it was, three digits at most: `4 ms`, `1.2 s`, `3 min`, `5 h`, `2 d`. */
export function formatSpan(ms: number): string {
  if (ms < 1) return '< 1 ms'
  if (ms < 999.5) return `${Math.round(ms)} ms`
  if (ms < 9950) return `${(ms / 1000).toFixed(1)} s`
  if (ms < 119_500) return `${Math.round(ms / 1000)} s`
  if (ms < 7_170_000) return `${Math.round(ms / 60_000)} min`
  if (ms < 172_000_000) return `${Math.round(ms / 3_600_000)} h`
  return `${Math.round(ms / 86_400_000)} d`
}
