// What the folders of blocks hold at start. What cannot be read is moved aside, never deleted.
import path from 'node:path'
import type { Logger } from '../lib/std/log.ts'
import { BlockFolder, type BlockState } from './block-folder.ts'
import { parseBlockName } from './block/block-meta.ts'
import { OF_MINUTES, moveToQuarantine } from './quarantine.ts'
import { recoverHours } from './recover-hours.ts'
import { blocksFolder, hoursFolder, minutesFolder } from './store-querier.ts'
import { addDue } from './tier/due.ts'
import type { HoursState } from './tier/hour-manifest.ts'

export interface FoundFolders {
  blocks: BlockState
  /** Of the 1-minute tier. */
  minutes: BlockState
  hours: HoursState
  /** Blocks that were moved aside. */
  damaged: number
}

/** Throws DiskError. */
export function recoverFolders(data: string, logger: Logger): FoundFolders {
  const quarantine = path.join(data, 'quarantine')
  const raw = recover(blocksFolder(data), quarantine, '', logger)
  const tier = recover(minutesFolder(data), quarantine, OF_MINUTES, logger)
  const lost = tier.damaged.flatMap((name) => parseBlockName(name) ?? [])
  if (lost.length > 0) {
    // Rows are made again of raw samples; of time whose samples are gone they are not all there any more.
    raw.folder.commit({ due: addDue(raw.folder.state.due, lost), install: [], remove: [] })
    const goneT = lost.filter(({ minT }) => minT <= raw.folder.state.droppedT).reduce((newest, { maxT }) => Math.max(newest, maxT), -Infinity)
    tier.folder.commit({ droppedT: Math.max(tier.folder.state.droppedT, goneT), install: [], remove: [] })
  }
  const { hours, lost: lostHours } = recoverHours(hoursFolder(data), quarantine, raw.folder.state, logger)
  if (lostHours.length > 0) raw.folder.commit({ due: addDue(raw.folder.state.due, lostHours), install: [], remove: [] })
  const { blocks, cover, droppedT } = raw.folder.state
  if (blocks.length === 0 && cover.t === -Infinity && droppedT === -Infinity && hours.maxT > -Infinity) {
    // Files of hours were put where no samples ever were: those that they are of are gone, and so are their rows of minutes.
    raw.folder.commit({ droppedT: hours.maxT, install: [], remove: [] })
    tier.folder.commit({ droppedT: hours.maxT, install: [], remove: [] })
  }
  return { hours, blocks: raw.folder.state, minutes: tier.folder.state, damaged: raw.damaged.length + tier.damaged.length }
}

function recover(folder: string, quarantine: string, suffix: string, logger: Logger): { folder: BlockFolder; damaged: string[] } {
  const damaged: string[] = []
  const blocks = new BlockFolder(folder, (name, why) => {
    damaged.push(name)
    logger.error('a block cannot be read and is left out', { moved_to: path.join(quarantine, name + suffix), why })
  })
  moveToQuarantine(folder, damaged, quarantine, suffix)
  blocks.sweep()
  return { folder: blocks, damaged }
}
