// Which refs the files of a folder name: a ref that one of them names is not given to another series. It is known by pages of
// 4,096 refs, and looked up where series have been numbered anew (renumber.ts); else it is enough that refs ascend.
import path from 'node:path'
import { DiskError, listFolder } from '../lib/std/fs.ts'
import type { Steps } from '../lib/std/steps.ts'
import { BlockIndex } from './block/block-index.ts'
import { INDEX_FILE, parseBlockName } from './block/block-meta.ts'
import { PageCache } from './block/page-cache.ts'
import { SECTION_REFS } from './block/page-file.ts'
import { parseRefs } from './block/page-parse.ts'
import { PageFile } from './block/page-reader.ts'
import { BlockError } from './errors.ts'
import { ExemplarFiles } from './exemplars/exemplar-files.ts'
import { PAGE_ENTRIES, REFS_END } from './head/shared-heap.ts'
import { eachHourRefs } from './recover-hours.ts'
import { blocksFolder, hoursFolder, minutesFolder } from './store-querier.ts'

class UsedRefs {
  readonly #above: number
  readonly #pages = new Uint8Array(REFS_END / PAGE_ENTRIES)

  /** Up to `above` refs do not matter. */
  constructor(above: number) {
    this.#above = above
  }

  note(refs: ArrayLike<number>): void {
    for (let i = 0; i < refs.length; i++) if (refs[i]! > this.#above && refs[i]! < REFS_END) this.#pages[Math.floor(refs[i]! / PAGE_ENTRIES)] = 1
  }

  /** The first ref from this one on that stands in a page without any that is named; REFS_END where there is none. */
  next(ref: number): number {
    let page = Math.floor(ref / PAGE_ENTRIES)
    if (this.#pages[page] === 0) return ref
    while (page < this.#pages.length && this.#pages[page] === 1) page++
    return page * PAGE_ENTRIES
  }
}

/** What files name, and the files that could not be asked. */
export interface FoundRefs {
  used: UsedRefs
  unread: string[]
}

/** What the files of a folder name above a ref. Throws DiskError. */
export function* findUsedRefs(data: string, above: number): Steps<FoundRefs> {
  const used = new UsedRefs(above)
  const unread: string[] = []
  for (const folder of [blocksFolder(data), minutesFolder(data)]) {
    for (const name of namesOfBlocks(folder)) if (!(yield* noteBlock(path.join(folder, name), used))) unread.push(path.join(folder, name))
  }
  // They may come back, repaired as far as they can be read.
  const quarantine = path.join(data, 'quarantine')
  for (const name of namesOfBlocks(quarantine)) yield* noteBlock(path.join(quarantine, name), used)
  yield
  unread.push(...eachHourRefs(hoursFolder(data), (refs) => used.note(refs)))
  yield
  new ExemplarFiles(path.join(data, 'exemplars'), 1).load(({ ref }) => used.note([ref]))
  return { used, unread }
}

function namesOfBlocks(folder: string): string[] {
  return listFolder(folder).filter((name) => parseBlockName(name.replace(/\..*/, '')) !== null)
}

/** False where it cannot be read. */
function* noteBlock(block: string, used: UsedRefs): Steps<boolean> {
  let file: PageFile | null = null
  try {
    file = new PageFile(path.join(block, INDEX_FILE), new PageCache())
    const { from, to } = file.pagesOf(SECTION_REFS)
    for (let page = from; page < to; page++) {
      used.note(file.load(page, parseRefs).columns[0]!)
      yield
    }
    return file.items(SECTION_REFS) >= new BlockIndex(file).seriesCount
  } catch (error) {
    if (!(error instanceof BlockError || (error instanceof DiskError && (error.code === 'EIO' || error.code === 'ENOENT')))) throw error
    return false
  } finally {
    file?.close()
  }
}
