// The blocks that one thread has open: opened when first read, closed when they are no longer published.
import path from 'node:path'
import { DiskError } from '../lib/std/fs.ts'
import { formatBlockName, LEVELS } from './block/block-meta.ts'
import type { BlockColumns } from './block/block.ts'
import { PageCache } from './block/page-cache.ts'
import { BlockError } from './errors.ts'
import type { PublishedBlock } from './head/published.ts'

/** A block with its place in the order in which blocks were made: of conflicting samples the older block's stays. */
export interface OpenBlock {
  columns: BlockColumns
  number: number
}

/** What it takes to keep a block open: those of raw samples and those of tiers have readers of their own. */
export interface BlockHandle {
  /** Why parts were left out. */
  readonly leftOut: Set<string>
  /** What of it is told of to each querier that opens it. */
  readonly standing: readonly string[]
  close(): void
}

export class BlockSet<R extends BlockHandle> {
  readonly folder: string
  readonly #read: (folder: string, cache: PageCache) => R
  readonly #cache = new PageCache()
  /** By their keys. */
  readonly #open = new Map<number, { columns: R; deletions: number }>()
  /** Why blocks that are damaged could not be opened; they are not tried again. */
  readonly #refused = new Map<number, string>()

  constructor(folder: string, read: (folder: string, cache: PageCache) => R) {
    this.folder = folder
    this.#read = read
  }

  /** A querier begins: what was left out before it is forgotten. */
  begin(): void {
    for (const { columns } of this.#open.values()) columns.leftOut.clear()
  }

  /** These are the blocks that queriers see from now on: others are closed. */
  show(published: readonly PublishedBlock[]): void {
    const deletions = new Map(published.map((block) => [keyOf(block), block.deletions]))
    for (const [key, block] of this.#open) {
      if (deletions.get(key) === block.deletions) continue
      block.columns.close()
      this.#open.delete(key)
    }
    for (const key of this.#refused.keys()) if (!deletions.has(key)) this.#refused.delete(key)
  }

  /** null if it cannot be opened; `leftOut` then says why. */
  open(published: PublishedBlock, leftOut: Set<string>): R | null {
    const { deletions } = published
    const key = keyOf(published)
    const open = this.#open.get(key)
    if (open) {
      for (const why of open.columns.standing) leftOut.add(why)
      return open.columns
    }
    let why = this.#refused.get(key)
    if (why === undefined) {
      try {
        const columns = this.#read(path.join(this.folder, formatBlockName(published)), this.#cache)
        this.#open.set(key, { columns, deletions })
        return columns
      } catch (error) {
        if (!(error instanceof BlockError)) throw error
        why = error.message
        // What the device refused may pass.
        if (!(error.cause instanceof DiskError)) this.#refused.set(key, why)
      }
    }
    leftOut.add(why)
    return null
  }

  /** Why parts of open blocks were left out since the querier at work began. */
  leftOut(): string[] {
    const sentences: string[] = []
    for (const { columns } of this.#open.values()) if (columns.leftOut.size > 0) sentences.push(...columns.leftOut)
    return sentences
  }

  close(): void {
    for (const { columns } of this.#open.values()) columns.close()
    this.#open.clear()
  }
}

/** A block made of others has the number of one of them, and a higher level. */
function keyOf({ number, level }: PublishedBlock): number {
  return number * LEVELS + level
}
