// Which files the 1-hour tier is made of (FORMAT.md, "archive.json"): replaced as a whole by the job that writes files; what
// of them the object store holds is noted apart, by the thread that uploads.
//
//   archive/1h-2026-11-28-000007.parquet        a UTC day, while its month lasts: buckets that end in it
//   archive/1h-2026-10-000006.parquet           a month
//   archive/<name>.index                        its sidecar; stays here when the file is only in the bucket
import path from 'node:path'
import { crc32 } from 'node:zlib'
import type { Matcher } from '../../lib/model/matcher.ts'
import { readFolderId } from '../folder-id.ts'
import { fileSizeBytes, pathExists, readTextIfThere, replaceText } from '../../lib/std/fs.ts'

export const MANIFEST_FILE = 'archive.json'
/** The same once more, for a start that cannot read the first: sidecars tell of files, but not of what is deleted of them. */
export const MANIFEST_COPY = 'archive-copy.json'
export const STORED_FILE = 'stored.json'
const VERSION = 1
/** Files that have left the list stay so long for queries that have begun: longer than any takes. */
export const READERS_MS: number = 15 * 60_000
const DAY_MS = 86_400_000
const HOUR_MS = 3_600_000

export interface HourFile {
  name: string
  bytes: number
  rows: number
  series: number
  /** Series that have native histograms beside, which rows leave out. */
  lacking: number
  /** Least and greatest end of a bucket in it, Unix ms. */
  minT: number
  maxT: number
  /** Why its rows do not say all, where samples that they were made of could not be read. */
  damaged?: string
  /** How many cutoffs of retention rules it lay before when it was last looked at for them; left out: none. */
  past?: number
}

/** Rows of series that match one of the sets, in buckets that touch [from, to], are gone from files with a number below this. */
export interface HourDeletion {
  sets: readonly (readonly Matcher[])[]
  from: number
  to: number
  below: number
}

export interface HourManifest {
  nextNumber: number
  /** Buckets that end at it or before are gone by the retention; -Infinity: none are. Unix ms. */
  droppedT: number
  files: readonly HourFile[]
  deletions: readonly HourDeletion[]
  /** Went out of the list then, for readers to be done with before they are removed. */
  replaced: readonly { name: string; atMs: number }[]
}

/** What is known of the files where they are not read; Unix ms. */
export interface HoursState {
  /** Buckets that end by then are gone by the retention. */
  droppedT: number
  /** Greatest end of a bucket in the file that goes first; Infinity: there is none. */
  oldestT: number
  files: number
  bytes: number
  rows: number
  /** Of the file that has most. */
  series: number
  /** Least and greatest end of a bucket; Infinity and -Infinity where there is none. */
  minT: number
  maxT: number
  /** When the first of those that have left the list is to be removed; Infinity: there is none. */
  sweepT: number
  /** Of each file: its name, its last bucket, and how many cutoffs it lay before at the last look. */
  looks: readonly { name: string; maxT: number; past: number }[]
}

export function stateOf({ droppedT, files, replaced }: HourManifest): HoursState {
  const sum = (of: (file: HourFile) => number): number => files.reduce((total, file) => total + of(file), 0)
  return {
    droppedT, oldestT: Math.min(...files.map(({ maxT }) => maxT)), files: files.length, bytes: sum(({ bytes }) => bytes), rows: sum(({ rows }) => rows),
    series: Math.max(0, ...files.map(({ series }) => series)), minT: Math.min(...files.map(({ minT }) => minT)), maxT: Math.max(...files.map(({ maxT }) => maxT)),
    sweepT: Math.min(...replaced.map(({ atMs }) => atMs)) + READERS_MS,
    looks: files.map(({ name, maxT, past = 0 }) => ({ name, maxT, past })),
  }
}

export const EMPTY_MANIFEST: HourManifest = { nextNumber: 1, droppedT: -Infinity, files: [], deletions: [], replaced: [] }

/** Whether the bucket that ends at t has time of the span. */
export function touches(t: number, { from, to }: { from: number; to: number }): boolean {
  return t >= from && t - HOUR_MS < to
}

/** What an object store holds of the files, checked. */
export type StoredNames = ReadonlySet<string>

/** The empty one if there is none. Throws SyntaxError for what is no manifest, and DiskError. */
export function readManifest(folder: string): HourManifest {
  return readManifestFile(path.join(folder, MANIFEST_FILE)) ?? EMPTY_MANIFEST
}

/** null if there is none. Throws SyntaxError for what is no manifest, and DiskError. */
export function readManifestCopy(folder: string): HourManifest | null {
  return readManifestFile(path.join(folder, MANIFEST_COPY))
}

function readManifestFile(file: string): HourManifest | null {
  const text = readTextIfThere(file)
  if (text === null) return null
  const read = parseSealed(text, MANIFEST_FILE)
  const { nextNumber, droppedT, files, deletions, replaced } = read
  if (read['version'] !== VERSION || !Array.isArray(files) || !Array.isArray(deletions) || !Array.isArray(replaced)) throw new SyntaxError(`${MANIFEST_FILE} is of another form`)
  if (typeof nextNumber !== 'number' || !(droppedT === null || typeof droppedT === 'number')) throw new SyntaxError(`${MANIFEST_FILE} lacks a number`)
  if (!files.every(isFile) || !deletions.every(isDeletion) || !replaced.every(isReplaced)) throw new SyntaxError(`${MANIFEST_FILE} has an entry of another form`)
  return { nextNumber, droppedT: droppedT ?? -Infinity, files, deletions, replaced }
}

/** The id of the data folder whose refs the files have; '' where the list does not say, or cannot be read. Throws DiskError. */
export function ownerOf(folder: string): string {
  try {
    const text = readTextIfThere(path.join(folder, MANIFEST_FILE))
    const owner = text === null ? '' : parseSealed(text, MANIFEST_FILE)['owner']
    return typeof owner === 'string' && /^[0-9a-f]{16}$/.test(owner) ? owner : ''
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    return ''
  }
}

export function writeManifest(folder: string, { nextNumber, droppedT, files, deletions, replaced }: HourManifest): void {
  const owner = readFolderId(path.dirname(folder))
  const text = sealed({ version: VERSION, ...(owner !== '' && { owner }), nextNumber, droppedT: droppedT === -Infinity ? null : droppedT, files, deletions, replaced })
  replaceText(path.join(folder, MANIFEST_COPY), text)
  replaceText(path.join(folder, MANIFEST_FILE), text)
}

/** Throws SyntaxError and DiskError. */
export function readStored(folder: string): StoredNames {
  const text = readTextIfThere(path.join(folder, STORED_FILE))
  if (text === null) return new Set()
  const { version, names } = parseSealed(text, STORED_FILE)
  if (version !== VERSION || !Array.isArray(names) || !names.every((name) => typeof name === 'string')) throw new SyntaxError(`${STORED_FILE} is of another form`)
  return new Set(names as string[])
}

export function writeStored(folder: string, names: StoredNames): void {
  replaceText(path.join(folder, STORED_FILE), sealed({ version: VERSION, names: [...names].toSorted() }))
}

/** With a checksum over the fields as they are read. */
function sealed(fields: Readonly<Record<string, unknown>>): string {
  return `${JSON.stringify({ ...fields, crc32: crc32(JSON.stringify(fields)) }, null, 1)}\n`
}

/** The fields of an object; those of folders from before there was a checksum have none. Throws SyntaxError. */
function parseSealed(text: string, name: string): Readonly<Record<string, unknown>> {
  const value: unknown = JSON.parse(text)
  if (typeof value !== 'object' || value === null) throw new SyntaxError(`${name} is of another form`)
  const { crc32: sum, ...fields } = value as Record<string, unknown>
  if (sum !== undefined && sum !== crc32(JSON.stringify(fields))) throw new SyntaxError(`${name} does not match its checksum`)
  return fields
}

function isFile(value: unknown): value is HourFile {
  return hasNumbers(value, ['bytes', 'rows', 'series', 'lacking', 'minT', 'maxT']) && typeof value['name'] === 'string' && spanOf(value['name']) !== null && isOptional(value['past'], 'number') && isOptional(value['damaged'], 'string')
}

function isOptional(value: unknown, type: 'number' | 'string'): boolean {
  return value === undefined || typeof value === type
}

function isDeletion(value: unknown): value is HourDeletion {
  if (!hasNumbers(value, ['from', 'to', 'below'])) return false
  return isSets(value['sets'])
}

/** Sets of matchers, as they are kept. */
export function isSets(value: unknown): value is readonly (readonly Matcher[])[] {
  return Array.isArray(value) && value.every((set) => Array.isArray(set) && set.every(isMatcher))
}

function isMatcher(value: unknown): value is Matcher {
  if (typeof value !== 'object' || value === null) return false
  const [name, op, text] = ['name', 'op', 'value'].map((key) => Reflect.get(value, key) as unknown)
  return typeof name === 'string' && typeof text === 'string' && (op === '=' || op === '!=' || op === '=~' || op === '!~')
}

function isReplaced(value: unknown): value is { name: string; atMs: number } {
  return hasNumbers(value, ['atMs']) && typeof value['name'] === 'string' && spanOf(value['name']) !== null
}

function hasNumbers(value: unknown, names: readonly string[]): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && names.every((name) => typeof Reflect.get(value, name) === 'number')
}

/** Buckets of a span end in [from, to). */
export interface HourSpan {
  /** `2026-11-28` or `2026-11`. */
  text: string
  from: number
  to: number
}

/** What a file and its sidecar take of a folder. Throws DiskError. */
export function hourFileBytes(folder: string, name: string): number {
  return [name, `${name}.index`].map((one) => path.join(folder, one)).reduce((sum, file) => sum + (pathExists(file) ? fileSizeBytes(file) : 0), 0)
}

/** The UTC day of a bucket, by its end. */
export function dayOf(t: number): HourSpan {
  const from = Math.floor(t / DAY_MS) * DAY_MS
  return { text: new Date(from).toISOString().slice(0, 10), from, to: from + DAY_MS }
}

export function monthOf(t: number): HourSpan {
  const day = new Date(t)
  const [year, month] = [day.getUTCFullYear(), day.getUTCMonth()]
  return { text: day.toISOString().slice(0, 7), from: Date.UTC(year, month), to: Date.UTC(year, month + 1) }
}

export function hourFileName(span: HourSpan, number: number): string {
  return `1h-${span.text}-${String(number).padStart(6, '0')}.parquet`
}

const NAME = /^1h-(\d{4}-\d{2})(-\d{2})?-(\d{6,12})\.parquet$/

/** The span a file is of, null for names of other things. */
export function spanOf(name: string): HourSpan | null {
  const match = NAME.exec(name)
  if (match === null) return null
  const t = Date.parse(`${match[1]}${match[2] ?? '-01'}T00:00:00Z`)
  if (Number.isNaN(t)) return null
  return match[2] === undefined ? monthOf(t) : dayOf(t)
}

export function numberOf(name: string): number {
  return Number(NAME.exec(name)?.[3] ?? 0)
}
