// Goes through a data folder that no process has, finds what is damaged, says what that costs, and mends it as far as can be:
//
//   marks, lists ─▶ definitions ─▶ blocks ─▶ tiers ─▶ segments ─▶ log        nothing is deleted: what was damaged is kept as it was, in quarantine/
//
// A store starts without this, too; it then leaves out what it cannot read, and counts it at each start.
import path from 'node:path'
import { listFolder } from '../../lib/std/fs.ts'
import { BlockFolder } from '../block-folder.ts'
import { parseBlockName } from '../block/block-meta.ts'
import { BlockLabels } from '../block/ref-labels.ts'
import { FileList } from '../file-list.ts'
import { FolderLock } from '../folder-lock.ts'
import { assertKnownFormat } from '../format-mark.ts'
import { oldestLogLsn } from '../log/log-replay.ts'
import { repairBlocks, reportLacking, reportLosses } from './blocks.ts'
import { repairChange } from './change-file.ts'
import { repairDefinitions } from './definitions.ts'
import type { Finding, RepairWork } from './finding.ts'
import { repairLog, repairSegments } from './frame-files.ts'
import { KnownGroups } from './known-groups.ts'
import { repairSmallFiles } from './small-files.ts'
import { repairTiers } from './tiers.ts'

/** Rejects with FolderError if a process has the folder or a newer Monitor has written it, DiskError if the disk does not do what is asked; a second try goes on. */
export async function repairFolder(folder: string, isDryRun: boolean, report: (finding: Finding) => void, sound: (place: string) => void = () => undefined): Promise<void> {
  assertKnownFormat(folder)
  const lock = new FolderLock(folder)
  try {
    await repair({ folder, quarantine: path.join(folder, 'quarantine'), isDryRun, report, sound, list: new FileList(folder) })
  } finally {
    // What is found may be in the page cache alone, still: a start is to know that it was not closed.
    lock.release(!lock.wasUnclean)
  }
}

async function repair(work: RepairWork): Promise<void> {
  const { folder } = work
  repairSmallFiles(work)
  const blocks = path.join(folder, 'blocks')
  const { cover, droppedT, lacking, lost, isLost } = repairChange(work, 'blocks')
  const labels = new BlockLabels([blocks, work.quarantine].flatMap((at) => listFolder(at).filter((name) => parseBlockName(name) !== null).map((name) => path.join(at, name))))
  const definitions = repairDefinitions(work, labels)
  labels.close()
  const install = work.isDryRun ? null : new BlockFolder(blocks, () => undefined)
  install?.sweep()
  if (isLost) install?.commit({ install: [], remove: [] })
  reportLacking(work, 'blocks', lacking)
  reportLosses(work, 'blocks', 'samples', lost)
  await repairBlocks(work, install, [...definitions.labels])
  install?.acceptLacking()
  await repairTiers(work, { droppedT, folder: install })
  const elsewhere = { cover, oldestLsn: oldestLogLsn(path.join(folder, 'log')), groups: new KnownGroups(definitions.groups) }
  repairSegments(work, elsewhere)
  repairLog(work, elsewhere)
}
