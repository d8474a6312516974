// Damage in the tiers. Rows that raw samples are left of are made again; of others what can be read stays.
import path from 'node:path'
import { DiskError, listFolder } from '../../lib/std/fs.ts'
import { silentLogger } from '../../lib/std/log.ts'
import { parseBlockName } from '../block/block-meta.ts'
import { BlockFolder } from '../block-folder.ts'
import { BlockError } from '../errors.ts'
import { OF_MINUTES, moveToQuarantine } from '../quarantine.ts'
import { recoverHours } from '../recover-hours.ts'
import { TIER_MS } from '../tier/bucket.ts'
import { addDue, type Span } from '../tier/due.ts'
import { EMPTY_MANIFEST, MANIFEST_COPY, MANIFEST_FILE, STORED_FILE, readManifest, readManifestCopy, readStored, writeManifest, type HourFile, type HourManifest } from '../tier/hour-manifest.ts'
import { verifyHourFile } from '../tier/hour-verify.ts'
import { mergeTierBlocks } from '../tier/tier-merge.ts'
import { verifyTierBlock } from '../tier/tier-verify.ts'
import { timeSpan } from '../time-span.ts'
import { reportLosses } from './blocks.ts'
import { repairChange } from './change-file.ts'
import type { RepairWork } from './finding.ts'

const AGAIN = 'the server makes its rows again of raw samples; it is kept in quarantine/'

/** What a repair of the tiers is to know of the raw blocks. */
interface RawGround {
  /** Samples up to here are not all there. */
  droppedT: number
  /** The folder of raw blocks, which `isDryRun` has none of: rows are due there. */
  folder: BlockFolder | null
}

export async function repairTiers(work: RepairWork, raw: RawGround): Promise<void> {
  await repairMinutes(work, raw)
  repairHours(work, raw)
}

function noteDue({ folder }: RawGround, spans: readonly Span[]): void {
  if (folder !== null && spans.length > 0) folder.commit({ due: addDue(folder.state.due, spans), install: [], remove: [] })
}

async function repairMinutes(work: RepairWork, raw: RawGround): Promise<void> {
  const folder = path.join(work.folder, 'tiers', '1m')
  const { lacking: { blocks: gone }, lost, isLost } = repairChange(work, 'tiers/1m')
  reportLosses(work, 'tiers/1m', 'rows of the 1-minute tier', lost)
  for (const name of gone) {
    const { minT, maxT } = parseBlockName(name)!
    const isThere = minT - TIER_MS['1m'] >= raw.droppedT
    if (!work.isDryRun) noteDue(raw, [{ minT: minT - TIER_MS['1m'] + 1, maxT }])
    work.report({ place: `tiers/1m/${name}`, damage: 'it is not there', cost: isThere ? '' : `its rows ${timeSpan(minT - TIER_MS['1m'], maxT)}: raw samples are gone`, remedy: isThere ? 'missed no more: the server makes its rows again of raw samples' : 'missed no more; put it back from a copy before, if there is one' })
  }
  if (!work.isDryRun && gone.length + lost.length > 0) new BlockFolder(folder, () => undefined).acceptLacking()
  if (!work.isDryRun && isLost) new BlockFolder(folder, () => undefined).commit({ install: [], remove: [] })
  for (const name of listFolder(folder).filter((one) => parseBlockName(one) !== null)) {
    const faults = verifyTierBlock(path.join(folder, name))
    if (faults.length === 0) {
      work.sound(`tiers/1m/${name}`)
      continue
    }
    const { minT, maxT } = parseBlockName(name)!
    const isThere = minT - TIER_MS['1m'] >= raw.droppedT
    if (!work.isDryRun) {
      if (!isThere) await rescue(folder, name)
      moveToQuarantine(folder, [name], work.quarantine, OF_MINUTES)
      new BlockFolder(folder, () => undefined).acceptLacking()
      noteDue(raw, [{ minT: minT - TIER_MS['1m'] + 1, maxT }])
    }
    const more = faults.length > 1 ? `; and ${faults.length - 1} more` : ''
    const cost = isThere ? '' : `what cannot be read of its rows ${timeSpan(minT - TIER_MS['1m'], maxT)}: raw samples are gone`
    work.report({ place: `tiers/1m/${name}`, damage: `${faults[0]}${more}`, cost, remedy: isThere ? `moved away: ${AGAIN}` : 'built anew of what can be read; it is kept in quarantine/' })
  }
}

/** What can be read of a block becomes one beside it, with its number at the next level. */
async function rescue(folder: string, name: string): Promise<void> {
  const { minT, maxT, number } = parseBlockName(name)!
  const blocks = new BlockFolder(folder, () => undefined)
  blocks.sweep()
  try {
    const made = await mergeTierBlocks([{ folder: path.join(folder, name), minT, maxT }], { minT, maxT }, { folder: blocks.staging, number, isCompressed: true }, null, true)
    blocks.commit({ install: [made], remove: [] })
  } catch (error) {
    // Nothing can be read; rows of its time are not all there any more.
    if (!(error instanceof BlockError)) throw error
    blocks.commit({ droppedT: Math.max(blocks.state.droppedT, maxT), install: [], remove: [] })
  }
}

function repairHours(work: RepairWork, raw: RawGround): void {
  const folder = path.join(work.folder, 'archive')
  if (listFolder(folder).length === 0) return
  reportLists(work, folder)
  if (raw.folder !== null) noteDue(raw, recoverHours(folder, work.quarantine, raw.folder.state, silentLogger).lost)
  const manifest = manifestIn(folder)
  const stored = storedIn(folder)
  const lost: HourFile[] = []
  for (const file of manifest.files) {
    const { name, minT, maxT } = file
    const damage = verifyHourFile(folder, file, stored.has(name))
    if (damage === '') {
      work.sound(`archive/${name}`)
      continue
    }
    const isThere = minT - TIER_MS['1h'] >= raw.droppedT
    if (isThere) lost.push(file)
    const cost = isThere ? '' : `what cannot be read of its rows ${timeSpan(minT - TIER_MS['1h'], maxT)}: raw samples are gone`
    const remedy = isThere ? `moved away: ${AGAIN}` : `left as it is, and served as far as it can be read; put another copy of it and of ${name}.index in its place if there is one, as in the bucket`
    work.report({ place: `archive/${name}`, damage, cost, remedy })
  }
  if (work.isDryRun || lost.length === 0) return
  writeManifest(folder, { ...manifest, files: manifest.files.filter((file) => !lost.includes(file)) })
  const here = listFolder(folder)
  moveToQuarantine(folder, lost.flatMap(({ name }) => [name, `${name}.index`]).filter((name) => here.includes(name)), work.quarantine)
  noteDue(raw, lost.map(({ minT, maxT }) => ({ minT: minT - TIER_MS['1h'] + 1, maxT })))
}

function reportLists(work: RepairWork, folder: string): void {
  const lists = [
    [MANIFEST_FILE, readManifest, 'taken from its copy, or made anew of the sidecars'], [MANIFEST_COPY, readManifestCopy, 'made anew with the next change'],
    [STORED_FILE, readStored, 'made anew: files are uploaded again'],
  ] as const
  const here = listFolder(folder)
  if (!here.includes(MANIFEST_FILE) && here.includes(MANIFEST_COPY)) work.report({ place: `archive/${MANIFEST_FILE}`, damage: 'it is not there', cost: '', remedy: lists[0][2] })
  for (const [name, read, remedy] of lists) {
    try {
      read(folder)
    } catch (error) {
      if (!(error instanceof SyntaxError || error instanceof DiskError)) throw error
      work.report({ place: `archive/${name}`, damage: error.message, cost: '', remedy: `${remedy}; it is kept in quarantine/` })
    }
  }
}

/** What the object store is known to have; nothing where that cannot be read. */
function storedIn(folder: string): ReadonlySet<string> {
  try {
    return readStored(folder)
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    return new Set()
  }
}

/** The empty one where it cannot be read, which a dry run leaves so. */
function manifestIn(folder: string): HourManifest {
  try {
    return readManifest(folder)
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    return EMPTY_MANIFEST
  }
}
