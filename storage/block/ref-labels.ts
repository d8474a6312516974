// Labels of refs as blocks have them: what a lost definition said (log/series-file.ts) can be had from there.
import path from 'node:path'
import { DiskError } from '../../lib/std/fs.ts'
import { EMPTY_LABELS, type Labels } from '../../lib/model/labels.ts'
import { BlockError } from '../errors.ts'
import { BlockIndex } from './block-index.ts'
import { INDEX_FILE } from './block-meta.ts'
import { NO_SERIES } from './block.ts'
import { PageCache } from './page-cache.ts'
import { SECTION_REFS } from './page-file.ts'
import { parseRefs } from './page-parse.ts'
import { PageFile } from './page-reader.ts'

export class BlockLabels {
  readonly #indexes: BlockIndex[] = []
  /** The highest ref that any block has; 0 where there is none. */
  readonly lastRef: number

  /** Blocks whose index cannot be read say nothing. */
  constructor(folders: readonly string[]) {
    const cache = new PageCache()
    let lastRef = 0
    for (const folder of folders) {
      unlessDamaged(() => {
        const file = new PageFile(path.join(folder, INDEX_FILE), cache)
        this.#indexes.push(new BlockIndex(file))
        lastRef = Math.max(lastRef, lastRefIn(file))
      })
    }
    this.lastRef = lastRef
  }

  /** Empty where no block knows them. */
  labelsOf(ref: number): Labels {
    const refs = Uint32Array.of(ref)
    const numbers = new Uint32Array(1)
    for (const index of this.#indexes) {
      const labels = unlessDamaged(() => {
        index.find(refs, numbers, () => undefined)
        return numbers[0] === NO_SERIES ? EMPTY_LABELS : index.labelsOf(numbers[0]!)
      })
      if (labels !== undefined && labels.length > 0) return labels
    }
    return EMPTY_LABELS
  }

  close(): void {
    for (const { file } of this.#indexes) file.close()
  }
}

function lastRefIn(file: PageFile): number {
  const { from, to } = file.pagesOf(SECTION_REFS)
  for (let page = to - 1; page >= from; page--) {
    // Refs ascend, and a page that is damaged has a twin.
    const last = unlessDamaged(() => file.load(page, parseRefs).columns[0]!.at(-1)!)
    if (last !== undefined) return last
  }
  return 0
}

function unlessDamaged<T>(f: () => T): T | undefined {
  try {
    return f()
  } catch (error) {
    if (!(error instanceof BlockError || (error instanceof DiskError && (error.code === 'EIO' || error.code === 'ENOENT')))) throw error
    return undefined
  }
}
