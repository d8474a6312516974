// Damaged blocks: what of them can be read becomes a block in their place, they themselves go to quarantine. Blocks that lie
// in quarantine since a start could not read them are tried as well.
//
// What is built anew has the number of the block it was made of, at the next level: of conflicting samples those of the lower
// number are seen. By this, too, a repair that goes on where another was cut off knows what is done.
import path from 'node:path'
import { listFolder, rename, syncFolder } from '../../lib/std/fs.ts'
import type { Labels } from '../../lib/model/labels.ts'
import { GroupBlockBuilder } from '../block/block-builder.ts'
import { parseBlockName } from '../block/block-meta.ts'
import { metaOf, salvage } from '../block/salvage.ts'
import { verifyBlock } from '../block/verify.ts'
import type { BlockFolder, LackingBlocks } from '../block-folder.ts'
import { BlockError } from '../errors.ts'
import type { LabelSource } from '../interface.ts'
import type { Loss } from '../lost-times.ts'
import { moveToQuarantine } from '../quarantine.ts'
import { deleteNoted, readDeletions } from '../quarantined-deletions.ts'
import { timeSpan } from '../time-span.ts'
import { plural, type RepairWork } from './finding.ts'

/** Behind the name of a block in quarantine that was tried; it is not tried again. */
const TRIED = '.rebuilt'
/** Faults of a block that are named; the others are counted. */
const NAMED_MAX = 3

/** `install`: the folder of blocks, which `isDryRun` has none of. `labels`: by ref; it gains those that only blocks have. */
export async function repairBlocks(work: RepairWork, install: BlockFolder | null, labels: Labels[]): Promise<void> {
  const folder = path.join(work.folder, 'blocks')
  for (const name of blocksIn(folder)) {
    const faults = verifyBlock(path.join(folder, name))
    if (faults.length === 0) {
      work.sound(`blocks/${name}`)
      continue
    }
    const more = faults.length > NAMED_MAX ? `; and ${faults.length - NAMED_MAX} more` : ''
    await rebuild(work, { folder, name, damage: `${faults.slice(0, NAMED_MAX).join('; ')}${more}` }, install, labels)
    if (work.isDryRun) continue
    moveToQuarantine(folder, [name], work.quarantine, TRIED)
    install!.forget([name])
  }
  for (const name of blocksIn(work.quarantine)) {
    await rebuild(work, { folder: work.quarantine, name, damage: 'lies in quarantine, since a start could not read it' }, install, labels)
    if (work.isDryRun) continue
    rename(path.join(work.quarantine, name), path.join(work.quarantine, `${name}${TRIED}`))
    syncFolder(work.quarantine)
  }
}

/** Blocks and tombstones that are gone: what can be done was done before, or is not known here. Those in quarantine are told of there. */
export function reportLacking(work: RepairWork, part: string, { blocks, tombstones }: LackingBlocks): void {
  const aside = new Set(blocksIn(work.quarantine))
  for (const name of blocks.filter((one) => !aside.has(one))) {
    const { minT, maxT } = parseBlockName(name)!
    work.report({ place: `${part}/${name}`, damage: 'it is not there', cost: `all of it ${timeSpan(minT, maxT)}`, remedy: 'taken off the list of blocks, so that it is missed no more; put it back from a copy before, if there is one' })
  }
  for (const name of tombstones) {
    work.report({ place: `${part}/${name}/tombstones`, damage: 'it is not there', cost: 'what was deleted of the block shows again', remedy: 'missed no more; delete it once more' })
  }
}

/** What answers say that they lack, though nothing of it is here any more. */
export function reportLosses(work: RepairWork, part: string, what: string, lost: readonly Loss[]): void {
  for (const { minT, maxT, of } of lost) {
    work.report({ place: part, damage: `answers lack what was lost: ${of}`, cost: `some or all ${what} ${timeSpan(minT <= 0 ? -Infinity : minT, maxT)}`, remedy: 'told of in answers no more; where there is a copy of what was lost, put it back before' })
  }
}

function blocksIn(folder: string): string[] {
  return listFolder(folder).filter((name) => parseBlockName(name) !== null)
}

interface DamagedBlock {
  folder: string
  name: string
  damage: string
}

async function rebuild(work: RepairWork, { folder, name, damage }: DamagedBlock, install: BlockFolder | null, labels: Labels[]): Promise<void> {
  const place = `${path.basename(folder)}/${name}`
  const from = path.join(folder, name)
  const { meta, isKnown } = metaOf(from, name)
  const { number, level } = parseBlockName(name)!
  const span = timeSpan(meta.minT, meta.maxT)
  const isBuilt = blocksIn(path.join(work.folder, 'blocks')).map((block) => parseBlockName(block)!).some((block) => block.number === number && block.level > level)
  if (isBuilt) {
    work.report({ place, damage, cost: `what an earlier repair, which was cut off, could not read of it ${span}`, remedy: 'moved to quarantine/: what can be read was built anew by then' })
    return
  }
  const builder = install && new GroupBlockBuilder({ folder: install.staging, number, isCompressed: true }, new LabelTable(labels))
  try {
    const butFor = readDeletions(from).length > 0 ? ' but for what was deleted since' : ''
    const samples = salvage(from, meta, labels, builder ?? NOWHERE)
    const { sources, coveredGeneration, coveredT } = meta
    const made = await builder?.finish({ level: level + 1, sources, coveredGeneration, coveredT }) ?? null
    if (made !== null) {
      deleteNoted(from, path.join(install!.staging, made.name))
      install!.commit({ install: [made], remove: [] })
      // Tombstones that are lost are to be missed.
      if (butFor !== '') install!.commit({ install: [], remove: [] })
    }
    const lost = isKnown ? meta.samples - samples : NaN
    const cost = lost === 0 ? '' : `${isKnown ? `${lost} of ${plural(meta.samples, 'sample')}` : `what is not among ${plural(samples, 'sample')} that can be read`} ${span}`
    work.report({ place, damage, cost, remedy: samples === 0 ? 'moved to quarantine/' : `built anew of what can be read${butFor}, as a block of its own; it is kept in quarantine/` })
  } catch (error) {
    builder?.abort()
    if (!(error instanceof BlockError)) throw error
    work.report({ place, damage: damage.includes(error.message) ? damage : `${damage}; ${error.message}`, cost: `all of it ${span}`, remedy: 'moved to quarantine/' })
  }
}

const NOWHERE = { beginGroup: (): void => undefined, addSeries: (): void => undefined }

/** Labels by ref, with symbols of its own. */
class LabelTable implements LabelSource {
  readonly #labels: readonly Labels[]
  readonly #texts: string[] = ['']
  readonly #symbols = new Map<string, number>()

  constructor(labels: readonly Labels[]) {
    this.#labels = labels
  }

  symbolOf(text: string): number {
    return this.#symbols.get(text) ?? 0
  }

  textOf(symbol: number): string {
    return this.#texts[symbol]!
  }

  labelsOf(ref: number, out: Uint32Array): number {
    const labels = this.#labels[ref]!
    for (const [i, text] of labels.entries()) {
      let symbol = this.#symbols.get(text)
      if (symbol === undefined) this.#symbols.set(text, (symbol = this.#texts.push(text) - 1))
      out[i] = symbol
    }
    return labels.length
  }
}
