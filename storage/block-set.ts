// The blocks that one thread has open: opened when first read, closed when they are no longer published.
import path from 'node:path'
import { formatBlockName } from './block/block-meta.ts'
import { BlockReader } from './block/block-reader.ts'
import type { BlockColumns } from './block/block.ts'
import { PageCache } from './block/page-cache.ts'
import { BlockError } from './errors.ts'
import type { PublishedBlock } from './head/published.ts'

/** A block with its place in the order in which blocks were made: of conflicting samples the older block's stays. */
export interface OpenBlock {
  columns: BlockColumns
  number: number
}

export class BlockSet {
  readonly folder: string
  readonly #cache = new PageCache()
  readonly #open = new Map<string, BlockColumns>()
  /** Deletions that the open ones know of. */
  readonly #deletions = new Map<string, number>()
  /** Why blocks could not be opened; they are not tried again. */
  readonly #refused = new Map<string, string>()

  constructor(folder: string) {
    this.folder = folder
  }

  /** A querier begins that sees these: others are closed, and what was left out before it is forgotten. */
  begin(published: readonly PublishedBlock[]): void {
    const names = new Map(published.map((block) => [formatBlockName(block), block.deletions]))
    for (const [name, block] of this.#open) {
      block.leftOut.clear()
      if (names.get(name) === this.#deletions.get(name)) continue
      block.close()
      this.#open.delete(name)
    }
    for (const name of this.#refused.keys()) if (!names.has(name)) this.#refused.delete(name)
  }

  /** null if it cannot be opened; `leftOut` then says why. */
  open(published: PublishedBlock, leftOut: Set<string>): BlockColumns | null {
    const name = formatBlockName(published)
    const open = this.#open.get(name)
    if (open) return open
    let why = this.#refused.get(name)
    if (why === undefined) {
      try {
        const block = new BlockReader(path.join(this.folder, name), this.#cache)
        this.#open.set(name, block)
        this.#deletions.set(name, published.deletions)
        return block
      } catch (error) {
        if (!(error instanceof BlockError)) throw error
        why = error.message
        this.#refused.set(name, why)
      }
    }
    leftOut.add(why)
    return null
  }

  /** Why parts of open blocks were left out since the querier at work began. */
  *leftOut(): Generator<string> {
    for (const block of this.#open.values()) yield* block.leftOut
  }

  close(): void {
    for (const block of this.#open.values()) block.close()
    this.#open.clear()
  }
}
