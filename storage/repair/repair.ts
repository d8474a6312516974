// Goes through a data folder that no process has, finds what is damaged, says what that costs, and mends it as far as can be:
//
//   definitions ─▶ blocks ─▶ tiers ─▶ segments ─▶ log        nothing is deleted: what was damaged is kept as it was, in quarantine/
//
// A store starts without this, too; it then leaves out what it cannot read, and counts it at each start.
import path from 'node:path'
import { listFolder, readTextIfThere } from '../../lib/std/fs.ts'
import { BlockFolder, CHANGE_FILE, parseChange } from '../block-folder.ts'
import { parseBlockName } from '../block/block-meta.ts'
import { BlockLabels } from '../block/ref-labels.ts'
import { BlockError } from '../errors.ts'
import { FolderLock } from '../folder-lock.ts'
import { assertKnownFormat } from '../format-mark.ts'
import { NOTHING_CUT, type Cut } from '../head/published.ts'
import { oldestLogLsn } from '../log/log-replay.ts'
import { moveToQuarantine } from '../quarantine.ts'
import { repairBlocks } from './blocks.ts'
import { repairDefinitions } from './definitions.ts'
import type { Finding, RepairWork } from './finding.ts'
import { repairLog, repairSegments } from './frame-files.ts'
import { repairTiers } from './tiers.ts'

const NOTHING_KNOWN = { cover: NOTHING_CUT, droppedT: -Infinity }

/** Rejects with FolderError if a process has the folder or a newer Monitor has written it, DiskError if the disk does not do what is asked; a second try goes on. */
export async function repairFolder(folder: string, isDryRun: boolean, report: (finding: Finding) => void): Promise<void> {
  assertKnownFormat(folder)
  const lock = new FolderLock(folder)
  try {
    await repair({ folder, quarantine: path.join(folder, 'quarantine'), isDryRun, report })
  } finally {
    // What is found may be in the page cache alone, still: a start is to know that it was not closed.
    lock.release(!lock.wasUnclean)
  }
}

async function repair(work: RepairWork): Promise<void> {
  const { folder } = work
  const blocks = path.join(folder, 'blocks')
  const { cover, droppedT } = repairChange(work, blocks)
  const labels = new BlockLabels([blocks, work.quarantine].flatMap((at) => listFolder(at).filter((name) => parseBlockName(name) !== null).map((name) => path.join(at, name))))
  const definitions = repairDefinitions(work, labels)
  labels.close()
  const install = work.isDryRun ? null : new BlockFolder(blocks, () => undefined)
  install?.sweep()
  await repairBlocks(work, install, [...definitions.labels])
  await repairTiers(work, { droppedT, folder: install })
  const generations = new Map(definitions.groups.map(({ group, generation }) => [group, generation]))
  repairSegments(work, cover, oldestLogLsn(path.join(folder, 'log')), (group) => generations.get(group))
  repairLog(work)
}

/** What is in blocks, and up to when some are gone, as far as that is known. */
function repairChange(work: RepairWork, blocks: string): { cover: Cut; droppedT: number } {
  const file = path.join(blocks, CHANGE_FILE)
  try {
    const text = readTextIfThere(file)
    return text === null ? NOTHING_KNOWN : parseChange(text, file)
  } catch (error) {
    if (!(error instanceof BlockError)) throw error
    work.report({ place: `blocks/${CHANGE_FILE}`, damage: error.message, cost: 'space: what of the head is in blocks is kept twice until the next cut', remedy: 'moved to quarantine/' })
    if (!work.isDryRun) moveToQuarantine(blocks, [CHANGE_FILE], work.quarantine)
    return NOTHING_KNOWN
  }
}
