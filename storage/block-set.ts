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
  /** By their numbers, of which each names one block. */
  readonly #open = new Map<number, { columns: BlockColumns; deletions: number }>()
  /** Why blocks could not be opened; they are not tried again. */
  readonly #refused = new Map<number, string>()

  constructor(folder: string) {
    this.folder = folder
  }

  /** A querier begins that sees these: others are closed, and what was left out before it is forgotten. */
  begin(published: readonly PublishedBlock[]): void {
    const deletions = new Map(published.map((block) => [block.number, block.deletions]))
    for (const [number, block] of this.#open) {
      block.columns.leftOut.clear()
      if (deletions.get(number) === block.deletions) continue
      block.columns.close()
      this.#open.delete(number)
    }
    for (const number of this.#refused.keys()) if (!deletions.has(number)) this.#refused.delete(number)
  }

  /** null if it cannot be opened; `leftOut` then says why. */
  open(published: PublishedBlock, leftOut: Set<string>): BlockColumns | null {
    const { number, deletions } = published
    const open = this.#open.get(number)
    if (open) return open.columns
    let why = this.#refused.get(number)
    if (why === undefined) {
      try {
        const columns = new BlockReader(path.join(this.folder, formatBlockName(published)), this.#cache)
        this.#open.set(number, { columns, deletions })
        return columns
      } catch (error) {
        if (!(error instanceof BlockError)) throw error
        why = error.message
        this.#refused.set(number, why)
      }
    }
    leftOut.add(why)
    return null
  }

  /** Why parts of open blocks were left out since the querier at work began. */
  *leftOut(): Generator<string> {
    for (const { columns } of this.#open.values()) yield* columns.leftOut
  }

  close(): void {
    for (const { columns } of this.#open.values()) columns.close()
    this.#open.clear()
  }
}
