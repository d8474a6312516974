// Reads the log back at start: every sound row, in order, whatever lies between.
import { listFolder, readWhole } from '../../lib/std/fs.ts'
import { TYPE_ROW, scanFrames, type ScanDamage } from './frame.ts'
import { LOG_HEADER_BYTES, ROW_PRESENT, ROW_STALE, type LogFile, type LoggedRow } from './log.ts'

/** Called for each row: values are `floats[at, at + row.n)`; nothing may be kept. */
export type RowVisitor = (lsn: number, row: LoggedRow, floats: Float64Array, at: number) => void

const LOG_NAME = /^\d{20}\.log$/

export interface Replayed {
  files: LogFile[]
  /** Where the next file may begin: above every LSN ever given. */
  nextLsn: number
  rows: number
  damage: ScanDamage
}

/** Between what one process may have given out and what the next gives. */
export const LSN_GAP: number = 2 ** 30

/** LSN of the first byte that the log still holds, Infinity if it is empty. */
export function oldestLogLsn(folder: string): number {
  const first = listFolder(folder).find((name) => LOG_NAME.test(name))
  return first === undefined ? Infinity : Number(first.slice(0, 20))
}

export function replayLog(folder: string, visit: RowVisitor): Replayed {
  const out: Replayed = { files: [], nextLsn: 0, rows: 0, damage: { frames: 0, bytes: 0, isTornTail: false } }
  const names = listFolder(folder).filter((name) => LOG_NAME.test(name))
  for (const [i, name] of names.entries()) {
    const path = `${folder}/${name}`
    const startLsn = Number(name.slice(0, 20))
    const bytes = alignedBuffer(readWhole(path))
    const damage = scanRows(bytes, startLsn, visit, out)
    out.damage.frames += damage.frames
    out.damage.bytes += damage.bytes
    // A torn tail is the normal end of a crash, but only of a file that was the last of its run.
    if (damage.isTornTail && i === names.length - 1) out.damage.isTornTail = true
    const endLsn = startLsn + bytes.length
    out.files.push({ startLsn, endLsn, path })
    // The old process may have given out LSNs for rows it never wrote: stay clear of them by a whole buffer.
    out.nextLsn = Math.max(out.nextLsn, Math.ceil(endLsn / 8) * 8 + LSN_GAP)
  }
  return out
}

function scanRows(bytes: Buffer, startLsn: number, visit: RowVisitor, out: Replayed): ScanDamage {
  const floats = new Float64Array(bytes.buffer, bytes.byteOffset, bytes.length >>> 3)
  const words = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length >>> 2)
  return scanFrames(bytes, LOG_HEADER_BYTES, bytes.length, (type, at, _length, frameAt) => {
    if (type !== TYPE_ROW) return
    const n = words[at / 4 + 4]!
    const flags = words[at / 4 + 5]!
    const count = (n + 31) >>> 5
    let p = at / 4 + 6
    const present = (flags & ROW_PRESENT) !== 0 ? words.subarray(p, (p += count)) : null
    const stale = (flags & ROW_STALE) !== 0 ? words.subarray(p, (p += count)) : null
    const valuesAt = (p + 1) >>> 1
    visit(startLsn + frameAt, { t: floats[at / 8]!, group: words[at / 4 + 2]!, first: words[at / 4 + 3]!, n, salt: flags >>> 16, present, stale }, floats, valuesAt)
    out.rows++
  })
}

/** Frames are 8-aligned in the file; the views over them want the same in memory. */
function alignedBuffer(bytes: Uint8Array): Buffer {
  if (bytes.byteOffset % 8 === 0) return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  const copy = new ArrayBuffer(bytes.length)
  new Uint8Array(copy).set(bytes)
  return Buffer.from(copy)
}
