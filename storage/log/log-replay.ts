// Reads the log back at start: every sound row, in order, whatever lies between.
import path from 'node:path'
import type { FloatHistogram } from '../../lib/model/histogram.ts'
import { DiskFile, listFolder, readWhole } from '../../lib/std/fs.ts'
import type { Steps } from '../../lib/std/steps.ts'
import type { FileList } from '../file-list.ts'
import { assertKnownFrames } from '../format-mark.ts'
import { NOTHING_KNOWN, type DamageTally, type KnownLength, type Stretch } from './damage.ts'
import { TYPE_ROW } from './frame.ts'
import { readHistogramRecord } from '../codec/histogram-record.ts'
import { LOG_HEADER_BYTES, type LogFile } from './log-file.ts'
import { ROW_HISTOGRAMS, ROW_PRESENT, ROW_STALE, ROW_START_TIMES } from './row-buffer.ts'
import { scanFramesInSteps } from './scan-frames.ts'

/** A row as the log holds it (log.ts), its columns [first, first + n) laid out for who puts them back. */
export interface ReplayedRow {
  t: number
  group: number
  first: number
  n: number
  salt: number
  present: Uint32Array | null
  stale: Uint32Array | null
  values: Float64Array
  histograms: (FloatHistogram | null)[] | null
  startTimes: Float64Array | null
}

/** Called for each row; nothing of it may be kept. false: what it is of is not known, though it should be. */
export type RowVisitor = (lsn: number, row: ReplayedRow) => unknown

const LOG_NAME = /^\d{20}\.log$/

/** A file as it was found at start. */
export interface FoundFile {
  path: string
  /** Bytes before this are on the device. */
  syncedTo: number
  /** What of it is damage. */
  damage: readonly Stretch[]
  /** What the next start is to find, once all of it is. */
  known: KnownLength
}

export interface Replayed {
  files: LogFile[]
  /** Where the next file may begin: above every LSN ever given. */
  nextLsn: number
  rows: number
  damagedRecords: number
  damagedBytes: number
  found: FoundFile[]
}

/** Between what one process may have given out and what the next gives. */
export const LSN_GAP: number = 2 ** 30

/** Where a log may go on whose last file ends there: the process may have given out LSNs for rows it never wrote, of which to stay clear by a whole buffer. */
export function nextLsnAfter(endLsn: number): number {
  return Math.ceil(endLsn / 8) * 8 + LSN_GAP
}

/** Files of the log, in its order. */
export function logNames(folder: string): string[] {
  return listFolder(folder).filter((name) => LOG_NAME.test(name))
}

/** LSN of the first byte that the log still holds, Infinity if it is empty. */
export function oldestLogLsn(folder: string): number {
  const [first] = logNames(folder)
  return first === undefined ? Infinity : Number(first.slice(0, 20))
}

export interface ReplayHelp {
  /** How much of a file was on the device, marks aside. */
  knownOf(name: string): KnownLength
  /** Called when a file has been read. */
  onFile(): void
}

/** Throws FolderError where a newer Monitor has written something. */
export function* replayLog(folder: string, visit: RowVisitor, { knownOf = () => NOTHING_KNOWN, onFile }: Partial<ReplayHelp> = {}): Steps<Replayed> {
  const out: Replayed = { files: [], nextLsn: 0, rows: 0, damagedRecords: 0, damagedBytes: 0, found: [] }
  const names = logNames(folder)
  const starts = names.map((name) => Number(name.slice(0, 20)))
  for (const [i, name] of names.entries()) {
    const file = `${folder}/${name}`
    const startLsn = starts[i]!
    const bytes = alignedBuffer(readWhole(file))
    // Where the disk refused a file, the next one has what was not synced of it; what the file has of that is worth nothing.
    const rowsEnd = (starts[i + 1] ?? Infinity) + LOG_HEADER_BYTES
    const damage = yield* scanRows(bytes, { startLsn, rowsEnd }, visit, out)
    damage.expect(knownOf(name))
    assertKnownFrames(file, damage)
    out.damagedRecords += damage.frames
    out.damagedBytes += damage.bytes
    const { whole, end } = damage.known
    out.found.push({ path: file, syncedTo: damage.syncedTo, damage: damage.stretches, known: { whole: Math.min(whole, rowsEnd - startLsn), end: Math.min(end, rowsEnd - startLsn) } })
    const endLsn = startLsn + bytes.length
    out.files.push({ startLsn, endLsn: Math.min(endLsn, rowsEnd), path: file })
    out.nextLsn = Math.max(out.nextLsn, nextLsnAfter(endLsn))
    onFile?.()
  }
  return out
}

/**
 * What a killed process left may be in the page cache alone; what is acknowledged or cut from now on relies on it. How long its
 * files were in the end it had not noted. Throws DiskError.
 */
export function syncFiles(data: string, files: readonly FoundFile[], list: FileList): void {
  for (const { path: name, syncedTo } of files) {
    const file = DiskFile.openForWrite(name)
    file.rewrite(syncedTo)
    file.syncNow()
    file.close()
  }
  list.noteAll(files.filter(({ known }) => known.end > 0).map(({ path: file, known }) => {
    const name = path.relative(data, file)
    const before = list.known(name)
    // One that was cut off is damage at each start.
    return [name, { whole: Math.max(before.whole, known.whole), end: Math.max(before.end, known.end) }]
  }))
}

function scanRows(bytes: Buffer, { startLsn, rowsEnd }: { startLsn: number; rowsEnd: number }, visit: RowVisitor, out: Replayed): Steps<DamageTally> {
  const floats = new Float64Array(bytes.buffer, bytes.byteOffset, bytes.length >>> 3)
  const words = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length >>> 2)
  return scanFramesInSteps(bytes, LOG_HEADER_BYTES, bytes.length, (type, at, _length, frameAt) => {
    if (type !== TYPE_ROW || startLsn + frameAt >= rowsEnd) return true
    const n = words[at / 4 + 4]!
    const flags = words[at / 4 + 5]!
    const count = (n + 31) >>> 5
    let p = at / 4 + 6
    const bitmap = (flag: number): Uint32Array | null => ((flags & flag) !== 0 ? words.subarray(p, (p += count)) : null)
    const present = bitmap(ROW_PRESENT)
    const stale = bitmap(ROW_STALE)
    const histograms = bitmap(ROW_HISTOGRAMS)
    const valuesAt = (p + 1) >>> 1
    const values = floats.subarray(valuesAt, valuesAt + n)
    const hasStartTimes = (flags & ROW_START_TIMES) !== 0
    const recordsAt = (valuesAt + (hasStartTimes ? 2 : 1) * n) * 8
    const isKnown = visit(startLsn + frameAt, {
      t: floats[at / 8]!, group: words[at / 4 + 2]!, first: words[at / 4 + 3]!, n, salt: flags >>> 16, present, stale, values,
      histograms: histograms && Array.from(values, (offset, i) => (
        ((histograms[i >>> 5]! >>> (i & 31)) & 1) === 0 ? null : readHistogramRecord(bytes, recordsAt + offset)
      )),
      startTimes: hasStartTimes ? floats.subarray(valuesAt + n, valuesAt + 2 * n) : null,
    })
    out.rows++
    return isKnown
  })
}

/** Frames are 8-aligned in the file; the views over them want the same in memory. */
function alignedBuffer(bytes: Uint8Array): Buffer {
  if (bytes.byteOffset % 8 === 0) return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  const copy = new ArrayBuffer(bytes.length)
  new Uint8Array(copy).set(bytes)
  return Buffer.from(copy)
}
