// Damage in files of the log and of the head's segments. It stands between sound frames and each start skips and counts it
// anew. A frame that holds nothing takes its place; the file as it was found goes to quarantine.
import path from 'node:path'
import { crc32 } from 'node:zlib'
import { listFolder, readWhole } from '../../lib/std/fs.ts'
import { assertKnownFrames } from '../format-mark.ts'
import { isCut, type Cut } from '../head/published.ts'
import { SEGMENT_HEAD_BYTES } from '../head/segment-file.ts'
import type { DamageTally, Stretch } from '../log/damage.ts'
import { FRAME_HEAD_BYTES, FRAME_OVERHEAD_BYTES, TYPE_ROW, TYPE_SEALED, frameLength, isPayloadSound, sealFrame } from '../log/frame.ts'
import { LOG_HEADER_BYTES } from '../log/log-file.ts'
import { scanFrames } from '../log/scan-frames.ts'
import { replaceKeeping } from '../quarantine.ts'
import { timeSpan } from '../time-span.ts'
import { plural, type RepairWork } from './finding.ts'
import type { KnownGroups } from './known-groups.ts'

const SEALED = 'sealed, so that it is skipped and counted no more; the file as it was found is kept in quarantine/'

const FORGOTTEN = 'taken off the list of files, so that it is counted no more'

/** What else is known of what lies in these files. */
export interface Elsewhere {
  /** What is in blocks. */
  cover: Cut
  /** Rows of the log at it or later are there still. */
  oldestLsn: number
  groups: KnownGroups
}

/** Rows that damage cost lie between their neighbours, which says when they came. */
export function repairLog(work: RepairWork, { cover, groups }: Elsewhere): void {
  reportMissing(work, 'log', 'rows that are in no segment or block')
  for (const name of filesIn(work, 'log', /^\d{20}\.log$/)) {
    const bytes = toBuffer(readWhole(path.join(work.folder, 'log', name)))
    const rows: { at: number; t: number }[] = []
    const tally = scanFrames(bytes, LOG_HEADER_BYTES, bytes.length, (type, at, _length, frameAt) => {
      if (type !== TYPE_ROW) return true
      const t = bytes.readDoubleLE(at)
      rows.push({ at: frameAt, t })
      return t < cover.t || groups.hasRow(bytes.readUInt32LE(at + 8), bytes.readUInt32LE(at + 12) + bytes.readUInt32LE(at + 16), bytes.readUInt16LE(at + 22))
    })
    repairFile(work, `log/${name}`, { bytes, tally }, ({ at, end }) => {
      const before = rows.findLast((row) => row.at < at)?.t ?? -Infinity
      const after = rows.find((row) => row.at >= end)?.t ?? Infinity
      return `rows that came with those ${timeSpan(Math.min(before, after), Math.max(before, after))}, unless they are in a segment or block, too`
    })
  }
}

export function repairSegments(work: RepairWork, elsewhere: Elsewhere): void {
  reportMissing(work, 'head', 'its segments, of rows that are in no block and not in the log any more')
  for (const name of filesIn(work, 'head', /^\d{8}\.seg$/)) {
    const bytes = toBuffer(readWhole(path.join(work.folder, 'head', name)))
    const tally = scanFrames(bytes, 0, bytes.length, () => undefined)
    repairFile(work, `head/${name}`, { bytes, tally }, (stretch) => costOfSegment(bytes, stretch, elsewhere))
  }
}

function reportMissing(work: RepairWork, part: string, cost: string): void {
  for (const file of work.list.missing().filter((one) => one.startsWith(`${part}/`))) {
    work.report({ place: file, damage: `it is not there, with ${work.list.lengthOf(file)} bytes or more`, cost, remedy: `${FORGOTTEN}; put it back from a copy before, if there is one` })
    if (!work.isDryRun) work.list.drop(file)
  }
}

function repairFile(work: RepairWork, place: string, { bytes, tally }: { bytes: Buffer; tally: DamageTally }, costOf: (stretch: Stretch) => string): void {
  assertKnownFrames(path.join(work.folder, place), tally)
  const known = work.list.known(place)
  tally.expect(known)
  for (const run of runsOf(bytes, tally.stretches)) {
    const { at } = run[0]!
    const { end } = run.at(-1)!
    work.report({ place, damage: damageOf(bytes, run), cost: costOf({ at, end }), remedy: SEALED })
  }
  if (tally.stretches.length === 0) work.sound(place)
  else if (!work.isDryRun) {
    seal(work, path.join(work.folder, place), bytes, tally.stretches)
    const end = tally.soundEnd
    // A start removes an empty file.
    if (end === 0) work.list.drop(place)
    else if (known.end > end) work.list.noteAll([[place, { whole: Math.min(known.whole, end), end }]])
  }
}

/** Lost definitions make an orphan of each row: those that follow each other are one finding. */
function runsOf(bytes: Buffer, stretches: readonly Stretch[]): Stretch[][] {
  const runs: Stretch[][] = []
  let wasOrphan = false
  for (const stretch of stretches) {
    const is = stretch.end <= bytes.length && isOrphan(bytes, stretch)
    if (is && wasOrphan) runs.at(-1)!.push(stretch)
    else runs.push([stretch])
    wasOrphan = is
  }
  return runs
}

function damageOf(bytes: Buffer, run: readonly Stretch[]): string {
  const { at, end } = run[0]!
  const size = run.reduce((sum, stretch) => sum + stretch.end - stretch.at, 0)
  if (end > bytes.length) return `it ends at ${bytes.length} instead of ${end}, and ${size} bytes at ${at} are damaged`
  if (!isOrphan(bytes, run[0]!)) return `${size} bytes at ${at} are damaged`
  return `what ${size} bytes ${run.length === 1 ? `at ${at}` : `in ${run.length} places from ${at} on`} are of is not defined`
}

/** Its frames are sound. */
function isOrphan(bytes: Buffer, { at, end }: Stretch): boolean {
  const length = frameLength(bytes, at, end)
  return length >= 0 && isPayloadSound(bytes, at, length, end)
}

function costOfSegment(bytes: Buffer, { at, end }: Stretch, { cover, oldestLsn, groups }: Elsewhere): string {
  const head = at + FRAME_HEAD_BYTES
  const isHeadSound = head + SEGMENT_HEAD_BYTES <= Math.min(end, bytes.length) && bytes.readUInt32LE(head + 52) === crc32(bytes.subarray(head, head + 52))
  if (!isHeadSound) return 'up to 32 rows of each group whose segment was there'
  const maxT = bytes.readDoubleLE(head + 24)
  const generation = groups.generationOf(bytes.readUInt32LE(head))
  if (generation !== undefined && isCut(cover, generation, maxT)) return ''
  if (generation !== undefined && bytes.readDoubleLE(head + 32) >= oldestLsn) return ''
  return `${plural(bytes.readUInt16LE(head + 8), 'row')} of ${bytes.readUInt32LE(head + 4)} series, ${timeSpan(bytes.readDoubleLE(head + 16), maxT)}`
}

/** Stretches begin and end where frames do, and are as long as one at least; what is not is left as it is. */
function seal(work: RepairWork, file: string, bytes: Buffer, stretches: readonly Stretch[]): void {
  if (stretches.length === 0 || work.isDryRun) return
  const sealed = Buffer.from(bytes)
  for (const { at, end: wanted } of stretches) {
    const end = Math.min(wanted, bytes.length)
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
