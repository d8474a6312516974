// Looks at all pages of a file of the 1-hour tier, and at its sidecar.
import path from 'node:path'
import { crc32 } from 'node:zlib'
import { DiskError, DiskFile, pathExists } from '../../lib/std/fs.ts'
import { HourIndex, HourIndexError, assertSidecarOf } from './hour-index.ts'
import type { HourFile } from './hour-manifest.ts'
import { FileRows } from './hour-sources.ts'
import { PageError, checkPages } from './parquet-decode.ts'
import { MAGIC } from './parquet-writer.ts'

/** What is wrong with a file of the list, '' if nothing is. Of one that is not in the folder, since the object store has it (`isStored`), the sidecar alone is looked at. */
export function verifyHourFile(folder: string, listed: HourFile, isStored: boolean): string {
  const file = path.join(folder, listed.name)
  const isHere = pathExists(file)
  if (!isHere && !isStored) return 'it is not there, and no object store has it'
  return attempt(() => verifySidecar(file, listed, isHere)) || (isHere ? attempt(() => verifyRows(file)) : '')
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

/** And the pages that it names, those of labels and the footer included, which only other programs read. */
function verifySidecar(file: string, listed: HourFile, isHere: boolean): void {
  const index = new HourIndex(`${file}.index`, false)
  let pages: DiskFile | null = null
  try {
    pages = isHere ? DiskFile.openForRead(file) : null
    assertSidecarOf(index, listed)
    index.refs()
    const groups = new Set(index.series().filter(({ rows }) => rows > 0).map(({ group }) => group))
    if (pages === null) return
    let end = MAGIC.length
    for (const group of groups) {
      for (const { offset, bytes } of index.group(group).chunks) {
        checkPages(readAt(pages, offset, bytes))
        end = Math.max(end, offset + bytes)
      }
    }
    verifyFooter(pages, end, index)
  } finally {
    pages?.close()
    index.close()
  }
}

/** Whether a file is the one that its sidecar is of, by its size and what follows its pages: '', or a sentence. Throws HourIndexError, DiskError. */
export function footerFault(file: DiskFile, index: HourIndex): string {
  const { head: { bytes, rows } } = index
  if (file.sizeBytes() !== bytes) return `it has ${file.sizeBytes()} bytes, its sidecar says ${bytes}`
  const { footerCrc } = rows === 0 ? { footerCrc: 0 } : index.group(0)
  if (footerCrc === 0) return ''
  const end = Buffer.alloc(8)
  file.read(end, bytes - end.length, end.length)
  const tail = Buffer.alloc(Math.min(bytes, end.readUInt32LE(0) + end.length))
  file.read(tail, bytes - tail.length, tail.length)
  return crc32(tail) === footerCrc ? '' : 'its footer is damaged, or it is another file than its sidecar is of'
}

/** What a start looks at of a file of the list that is here: whether it and its sidecar belong together; '' if they do. */
export function openingFault(folder: string, listed: HourFile): string {
  const file = path.join(folder, listed.name)
  return attempt(() => {
    const index = new HourIndex(`${file}.index`, false)
    let open: DiskFile | null = null
    try {
      open = pathExists(file) ? DiskFile.openForRead(file) : null
      assertSidecarOf(index, listed)
      const fault = open === null ? '' : footerFault(open, index)
      if (fault !== '') throw new PageError(`cannot read ${file}: ${fault}`)
    } finally {
      open?.close()
      index.close()
    }
  })
}

/** Monitor itself reads by the sidecar; what others read by has no checksum of its own in Parquet. */
function verifyFooter(file: DiskFile, from: number, index: HourIndex): void {
  const { head: { bytes } } = index
  if (file.sizeBytes() !== bytes) throw new PageError(`${file.path} has ${file.sizeBytes()} bytes, its sidecar says ${bytes}`)
  const tail = Buffer.from(readAt(file, from, bytes - from))
  const isWhole = tail.length >= 2 * MAGIC.length && tail.subarray(-MAGIC.length).equals(MAGIC) && tail.readUInt32LE(tail.length - 8) === tail.length - 8
  const { footerCrc } = index.group(0)
  const isSound = isWhole && MAGIC.equals(readAt(file, 0, MAGIC.length)) && (footerCrc === 0 || footerCrc === crc32(tail))
  if (!isSound) throw new PageError(`the footer of ${file.path} is damaged, which other programs read it by`)
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
