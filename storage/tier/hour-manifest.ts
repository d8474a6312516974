// Which files the 1-hour tier is made of: `archive/archive.json` (FORMAT.md), replaced as a whole. A file that it does not
// name is none of the tier's.
//
//   archive/1h-2026-11-28-000007.parquet        a UTC day, while its month lasts
//   archive/1h-2026-10-000006.parquet           a month
//   archive/<name>.index                        its sidecar; stays here when the file is in a bucket
import path from 'node:path'
import { readTextIfThere, replaceText } from '../../lib/std/fs.ts'

export const MANIFEST_FILE = 'archive.json'
const VERSION = 1
const DAY_MS = 86_400_000

export interface HourFile {
  name: string
  bytes: number
  rows: number
  series: number
  /** Least and greatest end of a bucket in it, Unix ms. */
  minT: number
  maxT: number
  /** The object store holds it, checked. */
  isStored: boolean
  /** It is in the archive's folder. */
  isLocal: boolean
}

export interface HourManifest {
  nextNumber: number
  /** Buckets that end in (from, through] are here, as far as there ever was data. Unix ms. */
  from: number
  through: number
  /** Buckets that begin before this are not to be made anew: raw samples of that time have been dropped. */
  rawFrom: number
  /** Blocks up to this number are in the rows. */
  seenBlock: number
  files: readonly HourFile[]
}

export const EMPTY_MANIFEST: HourManifest = { nextNumber: 1, from: -Infinity, through: -Infinity, rawFrom: -Infinity, seenBlock: 0, files: [] }

const FILE_NUMBERS = ['bytes', 'rows', 'series', 'minT', 'maxT'] as const

/** null if there is none; null in it is -Infinity, which JSON lacks. Throws SyntaxError for what is no manifest, and DiskError. */
export function readManifest(folder: string): HourManifest | null {
  const text = readTextIfThere(path.join(folder, MANIFEST_FILE))
  if (text === null) return null
  const read = JSON.parse(text) as Record<string, unknown>
  const { files } = read
  if (read['version'] !== VERSION || !Array.isArray(files)) throw new SyntaxError(`${MANIFEST_FILE} is of another version`)
  const number = (name: string): number => {
    const value = read[name] === null ? -Infinity : read[name]
    if (typeof value !== 'number') throw new SyntaxError(`${MANIFEST_FILE} lacks ${name}`)
    return value
  }
  if (!files.every(isFile)) throw new SyntaxError(`${MANIFEST_FILE} has an entry that is no file`)
  return { nextNumber: number('nextNumber'), from: number('from'), through: number('through'), rawFrom: number('rawFrom'), seenBlock: number('seenBlock'), files }
}

function isFile(value: unknown): value is HourFile {
  if (typeof value !== 'object' || value === null) return false
  const entry = value as Record<string, unknown>
  return typeof entry['name'] === 'string' && spanOf(entry['name']) !== null && FILE_NUMBERS.every((name) => typeof entry[name] === 'number')
    && typeof entry['isStored'] === 'boolean' && typeof entry['isLocal'] === 'boolean'
}

export function writeManifest(folder: string, manifest: HourManifest): void {
  replaceText(path.join(folder, MANIFEST_FILE), `${JSON.stringify({ version: VERSION, ...manifest }, null, 1)}\n`)
}

/** Buckets of a span end in (from, to]. */
export interface Span {
  /** `2026-11-28` or `2026-11`. */
  text: string
  from: number
  to: number
}

/** The UTC day of a bucket, by its end. */
export function dayOf(t: number): Span {
  const from = Math.floor((t - 1) / DAY_MS) * DAY_MS
  return { text: new Date(from).toISOString().slice(0, 10), from, to: from + DAY_MS }
}

export function monthOf(t: number): Span {
  const day = new Date(t - 1)
  const [year, month] = [day.getUTCFullYear(), day.getUTCMonth()]
  return { text: day.toISOString().slice(0, 7), from: Date.UTC(year, month), to: Date.UTC(year, month + 1) }
}

export function hourFileName(span: Span, number: number): string {
  return `1h-${span.text}-${String(number).padStart(6, '0')}.parquet`
}

/** The span a file is of, null for names of other things. */
export function spanOf(name: string): Span | null {
  const match = /^1h-(\d{4}-\d{2})(-\d{2})?-\d{6,}\.parquet$/.exec(name)
  if (match === null) return null
  const t = Date.parse(`${match[1]}${match[2] ?? '-01'}T00:00:00Z`)
  if (Number.isNaN(t)) return null
  return match[2] === undefined ? monthOf(t + 1) : dayOf(t + 1)
}
