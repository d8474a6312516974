// The folder of blocks on disk, and how some blocks take the place of others: whole or not at all.
//
//   staged/<name>/   a block that is written and synced, and means nothing yet
//   change.json      written aside, synced, renamed: which of these come, which blocks go, what is covered from then on
//   <name>/          a block that is there: renamed out of staged/
//
// The rename of change.json is the moment of the change; what it says is carried out after it, or at the next start.
// Blocks that go stay on disk until nobody reads them any more; a crash before that removes them at the next start.
import path from 'node:path'
import { crc32 } from 'node:zlib'
import { faultPoint } from '../lib/std/fault-point.ts'
import { listFolder, makeFolder, pathExists, readTextIfThere, removeFolder, rename, replaceText, syncFolder } from '../lib/std/fs.ts'
import { META_FILE, TOMBSTONES_FILE, parseBlockName, parseMeta, type BlockMeta, type BlockName } from './block/block-meta.ts'
import { BlockError } from './errors.ts'
import { NOTHING_CUT, type Cut } from './head/published.ts'
import { formatLosses, parseLosses, type Loss } from './lost-times.ts'
import { NOTHING_DUE, addDue, parseDue, type DueTiers } from './tier/due.ts'

export const CHANGE_FILE = 'change.json'
export const STAGED = 'staged'
const VERSION = 1

export interface StoredBlock {
  folder: string
  name: BlockName
  meta: BlockMeta
}

/** What of the head is in blocks, and the blocks there are, by minT, then by number. */
export interface BlockState {
  cover: Cut
  /** Blocks with samples up to here have been let go: what it says of that time is not all. -Infinity: none has. */
  droppedT: number
  /** Rows of tiers that are to be made of these blocks. */
  due: DueTiers
  blocks: readonly StoredBlock[]
  /** What is gone though nobody let it go, blocks that are missed included. */
  lost: readonly Loss[]
}

/** What comes, what goes, and what holds from then on; what is left out stays as it was. */
export interface BlockChange {
  cover?: Cut
  droppedT?: number
  due?: DueTiers
  /** In place of what was known to be lost, missed blocks aside. */
  lost?: readonly Loss[]
  install: readonly { name: string; meta: BlockMeta }[]
  /** Folders. */
  remove: readonly string[]
}

/** What change.json says. */
export interface Change {
  cover: Cut
  droppedT: number
  /** null: not known, so all are. */
  due: DueTiers | null
  nextNumber: number
  /** Folders of staged blocks that come. */
  install: readonly string[]
  /** Folders of blocks that go. */
  remove: readonly string[]
  /** All that are there from then on, and those of them that have tombstones; folders from before this was told say none. */
  blocks: readonly string[]
  tombstones: readonly string[]
  /** What is gone and was in no block, or is missed no more for other reasons; folders from before this was told say none. */
  lost: readonly Loss[]
}

/** What a folder of blocks lacks, as its change.json tells: names of blocks. */
export interface LackingBlocks {
  blocks: readonly string[]
  /** Blocks that are there without their tombstones. */
  tombstones: readonly string[]
}

export function lackingBlocks(folder: string, { blocks, remove, tombstones }: Change): LackingBlocks {
  const here = new Set([...listFolder(folder), ...listFolder(path.join(folder, STAGED))])
  return {
    blocks: blocks.filter((name) => !here.has(name) && !remove.includes(name)),
    tombstones: tombstones.filter((name) => here.has(name) && !remove.includes(name) && !hasTombstones(folder, name)),
  }
}

function hasTombstones(folder: string, name: string): boolean {
  return pathExists(path.join(folder, name, TOMBSTONES_FILE))
}

/** For one job, or the start of a process; one at a time. */
export class BlockFolder {
  readonly path: string
  #change: Change
  #blocks: StoredBlock[] = []
  #lacking: LackingBlocks

  /**
   * Carries out what a crash left undone. `onDamage` hears of blocks whose description cannot be read; they are left out, and missed.
   * Throws DiskError.
   */
  constructor(folder: string, onDamage: (name: string, why: string) => void) {
    this.path = folder
    makeFolder(path.join(folder, STAGED))
    this.#change = this.#readChange(onDamage)
    this.#lacking = lackingBlocks(folder, this.#change)
    this.#install()
    const names = listFolder(folder)
    // Blocks whose successor is nowhere are all there is of their time.
    if (!this.#change.install.every((name) => names.includes(name))) this.#change = { ...this.#change, remove: [] }
    for (const name of names) {
      const parsed = parseBlockName(name)
      if (parsed === null) continue
      // Also those that cannot be read have their number: change.json, which counts, may be lost.
      this.#change = { ...this.#change, nextNumber: Math.max(this.#change.nextNumber, parsed.number + 1) }
      if (this.#change.remove.includes(name)) continue
      const file = path.join(folder, name, META_FILE)
      try {
        const text = readTextIfThere(file)
        if (text === null) throw new BlockError(`cannot read ${file}: there is none`)
        this.#blocks.push({ folder: name, name: parsed, meta: parseMeta(text, file) })
      } catch (error) {
        if (!(error instanceof BlockError)) throw error
        onDamage(name, error.message)
        this.#lacking = { ...this.#lacking, blocks: [...new Set([...this.#lacking.blocks, name])] }
      }
    }
    this.#sort()
    // What was put back is not lost.
    this.#change = { ...this.#change, lost: this.#change.lost.filter(({ of }) => !this.#blocks.some((block) => block.folder === of)) }
    if (this.#change.due !== null) return
    // What was let go is not known: nothing older than the oldest block is there, which tiers may have rows of.
    const oldestT = this.#blocks.reduce((oldest, { meta }) => Math.min(oldest, meta.minT), Infinity)
    if (oldestT < Infinity) this.#change = { ...this.#change, droppedT: Math.max(this.#change.droppedT, oldestT - 1) }
  }

  get state(): BlockState {
    const { cover, droppedT, due } = this.#change
    return { cover, droppedT, due: due ?? addDue(NOTHING_DUE, this.#blocks.map(({ meta }) => meta)), blocks: [...this.#blocks], lost: this.#lost() }
  }

  /** What is gone, missed blocks aside. */
  get lost(): readonly Loss[] {
    return this.#change.lost
  }

  #lost(): Loss[] {
    const missed = this.#lacking.blocks.map((name): Loss => ({ minT: parseBlockName(name)!.minT, maxT: parseBlockName(name)!.maxT, of: name }))
    return [...missed, ...this.#change.lost]
  }

  /** What is gone without having been let go; it is told of until `acceptLacking`, or until the retention has let go of its time. */
  get lacking(): LackingBlocks {
    return this.#lacking
  }

  /** What is gone is missed no more; but for `lost`, answers tell of nothing that is. Throws DiskError. */
  acceptLacking(lost: readonly Loss[] = []): void {
    if (this.#lacking.blocks.length + this.#lacking.tombstones.length + this.#change.lost.length === 0) return
    this.#lacking = { blocks: [], tombstones: [] }
    this.commit({ lost, install: [], remove: [] })
  }

  /** Blocks that were moved elsewhere are not missed. Throws DiskError. */
  forget(names: readonly string[]): void {
    this.#blocks = this.#blocks.filter(({ folder }) => !names.includes(folder))
    this.commit({ install: [], remove: [] })
  }

  /** Where blocks are to be written; empty when a job begins. */
  get staging(): string {
    return path.join(this.path, STAGED)
  }

  /** A number that no block has had. */
  takeNumber(): number {
    const number = this.#change.nextNumber
    this.#change = { ...this.#change, nextNumber: number + 1 }
    return number
  }

  /** Removes blocks that a job left unfinished. */
  clearStaging(): void {
    for (const name of listFolder(this.staging)) removeFolder(path.join(this.staging, name))
  }

  /**
   * Staged blocks come, others go, and `cover` holds: all of it, also after a crash, or nothing. Folders of blocks that go
   * stay until `remove`. Throws DiskError; what is on disk then decides when the folder is next opened.
   */
  commit(change: BlockChange, onStep: (step: 'changed' | 'installed') => void = () => undefined): void {
    const leaving = this.#change.remove.filter((name) => listFolder(this.path).includes(name))
    const { install, remove, cover = this.#change.cover, droppedT = this.#change.droppedT } = change
    const names = install.map(({ name }) => name)
    const stay = [...this.#blocks.map(({ folder }) => folder).filter((name) => !remove.includes(name)), ...names]
    const gone = this.#lacking.blocks.filter((name) => parseBlockName(name)!.maxT > droppedT)
    const next = {
      cover, droppedT, due: change.due ?? this.state.due, nextNumber: this.#change.nextNumber, install: names, remove: [...leaving, ...remove],
      blocks: [...stay, ...gone].toSorted(), lost: change.lost ?? this.#change.lost, tombstones: stay.filter((name) => this.#lacking.tombstones.includes(name) || hasTombstones(this.path, name)),
    }
    replaceText(path.join(this.path, CHANGE_FILE), formatChange(next))
    this.#change = next
    onStep('changed')
    this.#install()
    onStep('installed')
    this.#blocks = this.#blocks.filter(({ folder }) => !remove.includes(folder))
    for (const { name, meta } of install) this.#blocks.push({ folder: name, name: parseBlockName(name)!, meta })
    this.#sort()
  }

  /** Removes blocks that nobody reads any more; they need not be there. */
  remove(names: readonly string[]): void {
    this.#blocks = this.#blocks.filter(({ folder }) => !names.includes(folder))
    for (const name of names) {
      if (!listFolder(this.path).includes(name)) continue
      // Half of a block must not be taken for one.
      const aside = path.join(this.staging, name)
      rename(path.join(this.path, name), aside)
      removeFolder(aside)
      faultPoint('compact.removed')
    }
    syncFolder(this.path)
  }

  /** At the start of a process, when nobody reads: what was to go goes, and what is seen to be deleted stays so. */
  sweep(): void {
    this.clearStaging()
    this.remove(this.#change.remove)
    for (const { folder } of this.#blocks) {
      const block = path.join(this.path, folder)
      // A process that was killed may have renamed them, and not synced the name.
      if (listFolder(block).includes(TOMBSTONES_FILE)) syncFolder(block)
    }
  }

  #install(): void {
    const staged = new Set(listFolder(this.staging))
    const names = this.#change.install.filter((name) => staged.has(name))
    for (const name of names) rename(path.join(this.staging, name), path.join(this.path, name))
    if (names.length > 0) syncFolder(this.path)
  }

  #sort(): void {
    this.#blocks.sort((a, b) => a.name.minT - b.name.minT || a.name.number - b.name.number)
  }

  #readChange(onDamage: (name: string, why: string) => void): Change {
    const file = path.join(this.path, CHANGE_FILE)
    try {
      const text = readTextIfThere(file)
      if (text !== null) return parseChange(text, file)
    } catch (error) {
      if (!(error instanceof BlockError)) throw error
      onDamage(CHANGE_FILE, error.message)
    }
    return { cover: NOTHING_CUT, droppedT: -Infinity, due: null, nextNumber: 1, install: [], remove: [], blocks: [], tombstones: [], lost: [] }
  }
}

function formatChange({ cover, droppedT, due, nextNumber, install, remove, blocks, tombstones, lost }: Change): string {
  const covered = { coveredGeneration: cover.generation, coveredT: finiteOrNull(cover.t), droppedT: finiteOrNull(droppedT) }
  const fields = { version: VERSION, ...covered, nextNumber, install, remove, due, blocks, tombstones, ...(lost.length > 0 && { lost: formatLosses(lost) }) }
  return `${JSON.stringify({ ...fields, crc32: crc32(JSON.stringify(fields)) }, null, 2)}\n`
}

function finiteOrNull(t: number): number | null {
  return Number.isFinite(t) ? t : null
}

/** Another name beside these is one of them, or that of the checksum, with a flipped bit. */
const FIELDS: ReadonlySet<string> = new Set(['version', 'coveredGeneration', 'coveredT', 'droppedT', 'due', 'nextNumber', 'install', 'remove', 'blocks', 'tombstones', 'lost'])

/** Throws BlockError. */
export function parseChange(text: string, file: string): Change {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw new BlockError(`cannot read ${file}: no JSON`, { cause })
  }
  if (typeof value !== 'object' || value === null) throw new BlockError(`cannot read ${file}: no change of blocks`)
  // Folders from before there was a checksum have none.
  const { crc32: sum, ...fields } = value as Record<string, unknown>
  const isOld = sum === undefined && Object.keys(fields).every((name) => FIELDS.has(name))
  if (!isOld && sum !== crc32(JSON.stringify(fields))) throw new BlockError(`cannot read ${file}: its fields do not match their checksum`)
  const field = (key: string): unknown => Reflect.get(value, key)
  const number = (key: string): number => {
    const found = field(key)
    if (typeof found !== 'number') throw new BlockError(`cannot read ${file}: ${key} is no number`)
    return found
  }
  const names = (key: string, isOptional: boolean = false): string[] => {
    const found = field(key) ?? (isOptional ? [] : undefined)
    // What stands here is renamed and removed: nothing but names of blocks.
    if (!Array.isArray(found) || !found.every((name) => typeof name === 'string' && parseBlockName(name) !== null)) {
      throw new BlockError(`cannot read ${file}: ${key} is no list of blocks`)
    }
    return found.map(String)
  }
  if (number('version') !== VERSION) throw new BlockError(`cannot read ${file}: version ${number('version')}, this Monitor knows ${VERSION}`)
  const lost = field('lost') === undefined ? [] : parseLosses(field('lost'))
  if (lost === null) throw new BlockError(`cannot read ${file}: lost is no list of stretches`)
  const t = field('coveredT') === null ? -Infinity : number('coveredT')
  // Folders from before there were tiers say nothing of these.
  const droppedT = typeof field('droppedT') === 'number' ? number('droppedT') : -Infinity
  return { cover: { generation: number('coveredGeneration'), t }, droppedT, due: parseDue(field('due')), nextNumber: number('nextNumber'), install: names('install'), remove: names('remove'), blocks: names('blocks', true), tombstones: names('tombstones', true), lost }
}
