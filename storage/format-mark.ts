// The mark of a data folder's format (FORMAT.md, "format.json"): a Monitor that does not know what a newer one has written
// says so, in place of reading what it knows of it.
import path from 'node:path'
import { crc32 } from 'node:zlib'
import { DiskError, readTextIfThere, replaceText } from '../lib/std/fs.ts'
import type { Logger } from '../lib/std/log.ts'
import { FolderError } from './errors.ts'
import type { DamageTally } from './log/damage.ts'
import { moveToQuarantine } from './quarantine.ts'

export const FORMAT_FILE = 'format.json'
/**
 * What this Monitor reads. A folder has the lowest number that all of it can be read with: 2 where series were numbered
 * anew, else 1. Another number is for what one that knows this number would misread.
 */
const FORMAT = 2

/** Throws FolderError where a newer Monitor has written the folder. One without a mark is of format 1. */
export function assertKnownFormat(folder: string): void {
  const format = readMark(path.join(folder, FORMAT_FILE))
  if (typeof format !== 'number' || format <= FORMAT) return
  throw new FolderError(`cannot open ${folder}: a newer Monitor has written it, in format ${format}, and this one reads up to ${FORMAT}; nothing was changed: start the newer one, or name another folder with --storage.tsdb.path`)
}

/** Whether there is a mark that cannot be read. Throws DiskError. */
export function isMarkDamaged(folder: string): boolean {
  return readMark(path.join(folder, FORMAT_FILE)) === 'damaged'
}

/** The number that a folder's mark says; 1 where it says none. */
export function formatOf(folder: string): number {
  const format = readMark(path.join(folder, FORMAT_FILE))
  return typeof format === 'number' ? format : 1
}

/** Marks the folder, where its mark is lower or none. What cannot be read of a mark is moved to `quarantine/`. Throws DiskError where the format is one that must be told. */
export function markFormat(folder: string, format: number, logger: Logger): void {
  const file = path.join(folder, FORMAT_FILE)
  const found = readMark(file)
  if (typeof found === 'number' && found >= format) return
  try {
    if (found === 'damaged') {
      moveToQuarantine(folder, [FORMAT_FILE], path.join(folder, 'quarantine'))
      logger.warn('the mark of the format of the data was damaged; it is made anew', { file })
    }
    replaceText(file, `${JSON.stringify({ format, crc32: sumOf(format) })}\n`)
  } catch (error) {
    if (!(error instanceof DiskError)) throw error
    // No reason not to start: the next start tries again.
    if (format > 1) throw error
    logger.warn('cannot mark the format of the data', { file, err: error })
  }
}

/** Throws FolderError where a sound frame is of a type that this Monitor does not know: what it says would be left out, unseen. */
export function assertKnownFrames(file: string, { unknown }: DamageTally): void {
  if (unknown === null) return
  throw new FolderError(`cannot read ${file}: at ${unknown.at} is a frame of type ${unknown.type}, which this Monitor does not know, so a newer one has written it: start that one, or name another folder with --storage.tsdb.path`)
}

/** null where there is none. */
function readMark(file: string): number | 'damaged' | null {
  const text = readTextIfThere(file)
  if (text === null) return null
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    return 'damaged'
  }
  if (typeof value !== 'object' || value === null) return 'damaged'
  const { format, crc32: sum } = value as { format?: unknown; crc32?: unknown }
  return typeof format === 'number' && sum === sumOf(format) ? format : 'damaged'
}

function sumOf(format: number): number {
  return crc32(String(format))
}
