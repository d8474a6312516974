// Looks at all pages of a file of the 1-hour tier, and at its sidecar.
import path from 'node:path'
import { DiskError, DiskFile, pathExists } from '../../lib/std/fs.ts'
import { HourIndex, HourIndexError } from './hour-index.ts'
import { FileRows } from './hour-sources.ts'
import { PageError, checkPages } from './parquet-decode.ts'

/** What is wrong with a file, '' if nothing is. Of one that is not in the folder the sidecar alone is looked at. */
export function verifyHourFile(folder: string, name: string): string {
  const file = path.join(folder, name)
  const isHere = pathExists(file)
  return attempt(() => verifySidecar(file, isHere)) || (isHere ? attempt(() => verifyRows(file)) : '')
}

function attempt(verify: () => void): string {
  try {
    verify()
    return ''
  } catch (error) {
    if (!isFileDamage(error)) throw error
    return error.message
  }
}

/** What reading a file of the tier meets that will be no better another time. */
export function isFileDamage(error: unknown): error is Error {
  return error instanceof HourIndexError || error instanceof PageError || (error instanceof DiskError && (error.code === 'EIO' || error.code === 'ENOENT'))
}

/** And the pages that it names, those of labels included, which only other programs read. */
function verifySidecar(file: string, isHere: boolean): void {
  const index = new HourIndex(`${file}.index`, false)
  const pages = isHere ? DiskFile.openForRead(file) : null
  try {
    index.refs()
    const groups = new Set(index.series().filter(({ rows }) => rows > 0).map(({ group }) => group))
    for (const group of groups) for (const { offset, bytes } of index.group(group).chunks) if (pages !== null) checkPages(readAt(pages, offset, bytes))
  } finally {
    pages?.close()
    index.close()
  }
}

function readAt(file: DiskFile, at: number, bytes: number): Uint8Array {
  const chunk = new Uint8Array(bytes)
  if (file.read(chunk, at, bytes) < bytes) throw new PageError(`${file.path} is shorter than ${at + bytes} bytes`)
  return chunk
}

/** Reads all rows of a file. Throws HourIndexError, PageError or DiskError. */
export function verifyRows(file: string): void {
  const rows = new FileRows(file, () => true, () => [])
  try {
    while (rows.next() !== null);
  } finally {
    rows.close()
  }
}
