// What the folders of blocks hold at start. What cannot be read is moved aside, never deleted.
import path from 'node:path'
import { DiskError, fileSizeBytes, listFolder } from '../lib/std/fs.ts'
import type { Logger } from '../lib/std/log.ts'
import { freshKey } from '../lib/std/random.ts'
import { BlockFolder, type BlockState } from './block-folder.ts'
import { parseBlockName } from './block/block-meta.ts'
import { openingFault } from './block/block-reader.ts'
import { keepFolderId, readFolderId } from './folder-id.ts'
import { BlockError } from './errors.ts'
import { OF_MINUTES, moveToQuarantine } from './quarantine.ts'
import { DELETIONS_FILE, deleteOwnNoted } from './quarantined-deletions.ts'
import { recoverHours } from './recover-hours.ts'
import { blocksFolder, hoursFolder, minutesFolder } from './store-querier.ts'
import { addDue } from './tier/due.ts'
import { ownerOf, type HoursState } from './tier/hour-manifest.ts'

const HOURS = 'archive'

export interface FoundFolders {
  blocks: BlockState
  /** Of the 1-minute tier. */
  minutes: BlockState
  hours: HoursState
  /** Blocks that were moved aside, or are gone. */
  damaged: number
}

/** Throws DiskError. */
export function recoverFolders(data: string, logger: Logger): FoundFolders {
  const quarantine = path.join(data, 'quarantine')
  const raw = recover(blocksFolder(data), quarantine, '', logger)
  const tier = recover(minutesFolder(data), quarantine, OF_MINUTES, logger)
  const lost = tier.folder.lacking.blocks.flatMap((name) => ({ ...parseBlockName(name)!, of: name }))
  if (lost.length > 0) {
    // Rows are made again of raw samples; of time whose samples are gone they are not all there any more.
    raw.folder.commit({ due: addDue(raw.folder.state.due, lost), install: [], remove: [] })
    const gone = lost.filter(({ minT }) => minT <= raw.folder.state.droppedT)
    const goneT = gone.reduce((newest, { maxT }) => Math.max(newest, maxT), -Infinity)
    tier.folder.commit({ droppedT: Math.max(tier.folder.state.droppedT, goneT), install: [], remove: [] })
    tier.folder.acceptLacking([...tier.folder.lost, ...gone])
  }
  recoverId(data, quarantine, logger)
  const { hours, lost: lostHours } = recoverHours(hoursFolder(data), quarantine, raw.folder.state, logger)
  if (lostHours.length > 0) raw.folder.commit({ due: addDue(raw.folder.state.due, lostHours), install: [], remove: [] })
  const { blocks, cover, droppedT } = raw.folder.state
  if (blocks.length === 0 && cover.t === -Infinity && droppedT === -Infinity && hours.maxT > -Infinity) {
    // Files of hours were put where no samples ever were: those that they are of are gone, and so are their rows of minutes.
    raw.folder.commit({ droppedT: hours.maxT, install: [], remove: [] })
    tier.folder.commit({ droppedT: hours.maxT, install: [], remove: [] })
  }
  return { hours, blocks: raw.folder.state, minutes: tier.folder.state, damaged: raw.damaged.length + tier.damaged.length + raw.gone + tier.gone }
}

function recover(folder: string, quarantine: string, suffix: string, logger: Logger): { folder: BlockFolder; damaged: string[]; gone: number } {
  const damaged: string[] = []
  const blocks = new BlockFolder(folder, (name, why) => {
    damaged.push(name)
    logger.error('a block cannot be read and is left out', { moved_to: path.join(quarantine, name + suffix), why })
  })
  moveToQuarantine(folder, damaged, quarantine, suffix)
  blocks.sweep()
  const { lacking } = blocks
  const gone = lacking.blocks.filter((name) => !damaged.includes(name))
  for (const name of gone) logger.error('a block is gone; what it held is left out: put it back from a copy, or see monitor tsdb repair', { block: path.join(folder, name) })
  for (const name of lacking.tombstones) logger.error('tombstones of a block are gone, so that what was deleted of it shows again: delete it once more', { block: path.join(folder, name) })
  for (const { folder: name } of blocks.state.blocks) deleteWhatWasNoted(blocks, name, logger)
  const faulty = blocks.state.blocks.map((block) => ({ name: block.folder, why: openingFault(path.join(folder, block.folder), block.meta) })).filter(({ why }) => why !== '')
  for (const { name, why } of faulty) logger.error('a block is damaged; what cannot be read of it is left out: see monitor tsdb verify', { block: path.join(folder, name), why })
  // What was moved is missed from now on.
  if (damaged.some((name) => parseBlockName(name) !== null)) blocks.commit({ install: [], remove: [] })
  return { folder: blocks, damaged, gone: gone.length + faulty.length }
}

/** A block that was put back from quarantine: what was deleted meanwhile stays deleted. */
function deleteWhatWasNoted(blocks: BlockFolder, name: string, logger: Logger): void {
  const block = path.join(blocks.path, name)
  if (!listFolder(block).includes(DELETIONS_FILE)) return
  try {
    const series = deleteOwnNoted(block)
    blocks.commit({ install: [], remove: [] })
    logger.info('a block is back from quarantine: what was deleted while it lay there is deleted from it', { block, series })
  } catch (error) {
    if (!(error instanceof BlockError || error instanceof DiskError)) throw error
    logger.error('a block is back from quarantine, and what was deleted while it lay there shows again: delete it once more', { block, err: error })
  }
}

/**
 * Files of hours name series by refs. A list that was copied here from another folder would have them answer for other series: it
 * goes aside, with all that lies beside it. A folder without series takes any.
 */
function recoverId(data: string, quarantine: string, logger: Logger): void {
  const id = readFolderId(data)
  const owner = ownerOf(hoursFolder(data))
  if (id === '') {
    try {
      keepFolderId(data, owner || freshKey().slice(0, 16))
    } catch (error) {
      // A disk without a free byte is no reason not to start.
      if (!(error instanceof DiskError)) throw error
    }
    return
  }
  if (owner === '' || owner === id) return
  if (fileSizeBytes(path.join(data, 'series', 'definitions')) === 0) return keepFolderId(data, owner)
  moveToQuarantine(data, [HOURS], quarantine, `-${owner}`)
  logger.error('the files of the 1-hour tier are another folder\'s, and were moved to quarantine: take them over with monitor tsdb import archive', { moved_to: path.join(quarantine, `${HOURS}-${owner}`) })
}
