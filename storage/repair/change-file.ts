// The file that says which blocks there are (block-folder.ts).
import path from 'node:path'
import { listFolder, readTextIfThere } from '../../lib/std/fs.ts'
import { CHANGE_FILE, lackingBlocks, parseChange, type LackingBlocks } from '../block-folder.ts'
import { parseBlockName } from '../block/block-meta.ts'
import { BlockError } from '../errors.ts'
import { NOTHING_CUT, type Cut } from '../head/published.ts'
import type { Loss } from '../lost-times.ts'
import { moveToQuarantine } from '../quarantine.ts'
import type { RepairWork } from './finding.ts'

interface KnownChange {
  cover: Cut
  droppedT: number
  lacking: LackingBlocks
  lost: readonly Loss[]
  /** There is none that can be read, though there are blocks. */
  isLost: boolean
}

const NOTHING_KNOWN: KnownChange = { cover: NOTHING_CUT, droppedT: -Infinity, lacking: { blocks: [], tombstones: [] }, lost: [], isLost: false }
const COSTS = { blocks: 'space: what of the head is in blocks is kept twice until the next cut; rows of tiers are made again; of what was deleted, samples that the log still has show again: delete them once more', 'tiers/1m': '' }

/** What is in blocks, up to when some are gone, and what is gone that should not be, as far as that is known. */
export function repairChange(work: RepairWork, part: keyof typeof COSTS): KnownChange {
  const folder = path.join(work.folder, part)
  const file = path.join(folder, CHANGE_FILE)
  const report = (damage: string, remedy: string): void => work.report({ place: `${part}/${CHANGE_FILE}`, damage, cost: COSTS[part], remedy })
  try {
    const text = readTextIfThere(file)
    if (text !== null) {
      const change = parseChange(text, file)
      work.sound(`${part}/${CHANGE_FILE}`)
      return { ...change, lacking: lackingBlocks(folder, change), isLost: false }
    }
    if (!listFolder(folder).some((name) => parseBlockName(name) !== null)) return NOTHING_KNOWN
    report('it is not there', 'made anew of the blocks that are there')
  } catch (error) {
    if (!(error instanceof BlockError)) throw error
    report(error.message, 'moved to quarantine/, and made anew of the blocks that are there')
    if (!work.isDryRun) moveToQuarantine(folder, [CHANGE_FILE], work.quarantine)
  }
  return { ...NOTHING_KNOWN, isLost: true }
}
