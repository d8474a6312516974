// Damage in files of the log and of the head's segments. It stands between sound frames and each start skips and counts it
// anew. A frame that holds nothing takes its place; the file as it was found goes to quarantine.
import path from 'node:path'
import { crc32 } from 'node:zlib'
import { listFolder, readWhole } from '../../lib/std/fs.ts'
import { isCut, type Cut } from '../head/published.ts'
import { SEGMENT_HEAD_BYTES } from '../head/segment-file.ts'
import type { Stretch } from '../log/damage.ts'
import { FRAME_HEAD_BYTES, FRAME_OVERHEAD_BYTES, TYPE_ROW, TYPE_SEALED, sealFrame } from '../log/frame.ts'
import { LOG_HEADER_BYTES } from '../log/log.ts'
import { scanFrames } from '../log/scan-frames.ts'
import { replaceKeeping } from '../quarantine.ts'
import { plural, timeSpan, type RepairWork } from './finding.ts'

const SEALED = 'sealed, so that it is skipped and counted no more; the file as it was found is kept in quarantine/'

/** Rows that damage cost lie between their neighbours, which says when they came. */
export function repairLog(work: RepairWork): void {
  for (const name of filesIn(work, 'log', /^\d{20}\.log$/)) {
    const file = path.join(work.folder, 'log', name)
    const bytes = toBuffer(readWhole(file))
    const rows: { at: number; t: number }[] = []
    const { stretches } = scanFrames(bytes, LOG_HEADER_BYTES, bytes.length, (type, at, _length, frameAt) => {
      if (type === TYPE_ROW) rows.push({ at: frameAt, t: bytes.readDoubleLE(at) })
    })
    for (const { at, end } of stretches) {
      const before = rows.findLast((row) => row.at < at)?.t ?? -Infinity
      const after = rows.find((row) => row.at >= end)?.t ?? Infinity
      work.report({
        place: `log/${name}`, damage: `${end - at} bytes at ${at} are damaged`,
        cost: `rows that came with those ${timeSpan(Math.min(before, after), Math.max(before, after))}, unless they are in a segment or block, too`, remedy: SEALED,
      })
    }
    seal(work, file, bytes, stretches)
  }
}

/** `cover` is in blocks; rows of the log at `oldestLsn` or later are there still. `generationOf`: of a group that is defined. */
export function repairSegments(work: RepairWork, cover: Cut, oldestLsn: number, generationOf: (group: number) => number | undefined): void {
  for (const name of filesIn(work, 'head', /^\d{8}\.seg$/)) {
    const file = path.join(work.folder, 'head', name)
    const bytes = toBuffer(readWhole(file))
    const { stretches } = scanFrames(bytes, 0, bytes.length, () => undefined)
    for (const { at, end } of stretches) {
      work.report({ place: `head/${name}`, damage: `${end - at} bytes at ${at} are damaged`, cost: costOfSegment(bytes, { at, end }, { cover, oldestLsn, generationOf }), remedy: SEALED })
    }
    seal(work, file, bytes, stretches)
  }
}

interface Elsewhere {
  cover: Cut
  oldestLsn: number
  generationOf: (group: number) => number | undefined
}

function costOfSegment(bytes: Buffer, { at, end }: Stretch, { cover, oldestLsn, generationOf }: Elsewhere): string {
  const head = at + FRAME_HEAD_BYTES
  const isHeadSound = head + SEGMENT_HEAD_BYTES <= end && bytes.readUInt32LE(head + 52) === crc32(bytes.subarray(head, head + 52))
  if (!isHeadSound) return 'up to 32 rows of each group whose segment was there'
  const maxT = bytes.readDoubleLE(head + 24)
  const generation = generationOf(bytes.readUInt32LE(head))
  if (generation !== undefined && isCut(cover, generation, maxT)) return ''
  if (bytes.readDoubleLE(head + 32) >= oldestLsn) return ''
  return `${plural(bytes.readUInt16LE(head + 8), 'row')} of ${bytes.readUInt32LE(head + 4)} series, ${timeSpan(bytes.readDoubleLE(head + 16), maxT)}`
}

/** Stretches begin and end where frames do, and are as long as one at least; what is not is left as it is. */
function seal(work: RepairWork, file: string, bytes: Buffer, stretches: readonly Stretch[]): void {
  if (stretches.length === 0 || work.isDryRun) return
  const sealed = Buffer.from(bytes)
  for (const { at, end } of stretches) {
    const length = end - at - FRAME_OVERHEAD_BYTES
    if (length < 0 || length % 8 !== 0 || at % 8 !== 0) continue
    sealed.fill(0, at, end)
    sealFrame(sealed, at, TYPE_SEALED, length)
  }
  replaceKeeping(file, sealed, work.quarantine)
}

function filesIn({ folder }: RepairWork, part: string, name: RegExp): string[] {
  return listFolder(path.join(folder, part)).filter((file) => name.test(file))
}

function toBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
}
