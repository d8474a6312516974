// Files beside the samples: the marks and lists of a data folder, exemplars, metadata. A start makes them anew, or does without.
import path from 'node:path'
import { listFolder, readTextIfThere, readWhole } from '../../lib/std/fs.ts'
import { LIST_FILE } from '../file-list.ts'
import { isFolderIdDamaged } from '../folder-id.ts'
import { FORMAT_FILE, assertKnownFrames, isMarkDamaged } from '../format-mark.ts'
import type { Stretch } from '../log/damage.ts'
import { FRAME_OVERHEAD_BYTES } from '../log/frame.ts'
import { scanFrames } from '../log/scan-frames.ts'
import { METADATA_FILE, isMetadataSound } from '../metadata-file.ts'
import { moveToQuarantine, replaceKeeping } from '../quarantine.ts'
import type { RepairWork } from './finding.ts'

const ANEW = 'moved to quarantine/; the next start makes it anew'

export function repairSmallFiles(work: RepairWork): void {
  const { folder } = work
  const metadata = readTextIfThere(path.join(folder, METADATA_FILE))
  moveIf(work, isMarkDamaged(folder), FORMAT_FILE, '')
  moveIf(work, work.list.isDamaged, LIST_FILE, 'a file of log or head that is gone, too, is not missed')
  moveIf(work, isFolderIdDamaged(folder), 'series/id', '')
  moveIf(work, metadata !== null && !isMetadataSound(metadata), METADATA_FILE, 'TYPE, HELP and UNIT of metrics, until targets say them again')
  for (const name of listFolder(path.join(folder, 'exemplars')).filter((one) => /^\d{8}\.frames$/.test(one))) repairExemplars(work, name)
  for (const name of listFolder(path.join(folder, 'inbox')).filter((one) => /^\d{8}\.frames$/.test(one))) reportRequests(work, name)
}

function moveIf(work: RepairWork, isDamaged: boolean, place: string, cost: string): void {
  if (!isDamaged) return
  const { folder, quarantine, isDryRun } = work
  work.report({ place, damage: 'it does not match its checksum', cost, remedy: ANEW })
  if (!isDryRun) moveToQuarantine(path.join(folder, path.dirname(place)), [path.basename(place)], quarantine)
}

/** They have no marks: what is behind the last sound frame is taken for what a kill left. */
function repairExemplars(work: RepairWork, name: string): void {
  const place = `exemplars/${name}`
  const { bytes, holes } = framesOf(work, place)
  if (holes.length === 0) return work.sound(place)
  const size = holes.reduce((sum, { at, end }) => sum + end - at, 0)
  work.report({ place, damage: `${size} bytes at ${holes[0]!.at} and behind are damaged`, cost: 'exemplars that were there', remedy: 'written anew without them; the file as it was found is kept in quarantine/' })
  if (work.isDryRun) return
  const ends = [...holes.map(({ at }) => at), bytes.length]
  const starts = [0, ...holes.map(({ end }) => end)]
  replaceKeeping(path.join(work.folder, place), Buffer.concat(starts.map((from, i) => bytes.subarray(from, ends[i]))), work.quarantine)
}

/** The next start hands over what can be read of them, and removes them. */
function reportRequests(work: RepairWork, name: string): void {
  const place = `inbox/${name}`
  const { holes } = framesOf(work, place)
  if (holes.length === 0) return work.sound(place)
  work.report({ place, damage: `bytes at ${holes[0]!.at} are damaged`, cost: 'requests of remote write that were there', remedy: 'left as it is: the next start hands over the others' })
}

/** What lies between sound frames. Throws FolderError where a newer Monitor has written one. */
function framesOf({ folder }: RepairWork, place: string): { bytes: Buffer; holes: Stretch[] } {
  const file = path.join(folder, place)
  const bytes = Buffer.from(readWhole(file))
  const holes: Stretch[] = []
  let soundEnd = 0
  const tally = scanFrames(bytes, 0, bytes.length, (_type, _at, length, frameAt) => {
    if (frameAt > soundEnd) holes.push({ at: soundEnd, end: frameAt })
    soundEnd = frameAt + length + FRAME_OVERHEAD_BYTES
  })
  assertKnownFrames(file, tally)
  return { bytes, holes }
}
