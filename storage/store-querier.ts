// The Querier of the whole store: what is in blocks, and the head.
//
//   querier() ─▶ pins the reader's slot ─▶ one record says: covered by blocks up to here, and these are the blocks
//   select ─▶ range touches no block? the head alone : series of both, in batches (store-select.ts)
//
// Labels stay in the head as long as their series is known, so matchers and labels are the head's.
import path from 'node:path'
import type { Matcher } from '../lib/model/matcher.ts'
import { NO_SERIES } from './block/block.ts'
import { BlockSet, type OpenBlock } from './block-set.ts'
import { readExemplars } from './exemplars/exemplar-reader.ts'
import { HeadQueryable, type HeadQuerier } from './head/head-querier.ts'
import type { Cardinality, Querier, Queryable, SelectHints, Selection, SeriesExemplars } from './interface.ts'
import { BatchPool, selectAcross } from './store-select.ts'

/** What a thread needs to read a store; structured-cloneable. */
export interface StoreHandle {
  memory: WebAssembly.Memory
  /** The data folder. */
  folder: string
  /** The ring (exemplars/exemplar-layout.ts), null where none are kept. */
  exemplars: SharedArrayBuffer | null
}

export function headFolder(folder: string): string {
  return path.join(folder, 'head')
}

export function blocksFolder(folder: string): string {
  return path.join(folder, 'blocks')
}

/** One per thread; its queriers run one after the other. */
export class StoreQueryable implements Queryable {
  readonly #head: HeadQueryable
  readonly #blocks: BlockSet
  readonly #exemplars: SharedArrayBuffer | null
  readonly #pool = new BatchPool()

  /** `slot`: this thread's reader slot, not shared with any other. */
  constructor({ memory, folder, exemplars }: StoreHandle, slot: number) {
    this.#head = new HeadQueryable({ memory, segmentFolder: headFolder(folder) }, slot)
    this.#blocks = new BlockSet(blocksFolder(folder))
    this.#exemplars = exemplars
  }

  querier(): Querier {
    const head = this.#head.querier()
    this.#blocks.begin(head.published.blocks)
    return new StoreQuerier(head, this.#blocks, this.#exemplars, this.#pool)
  }

  close(): void {
    this.#head.close()
    this.#blocks.close()
  }
}

class StoreQuerier implements Querier {
  readonly #head: HeadQuerier
  readonly #blocks: BlockSet
  readonly #exemplars: SharedArrayBuffer | null
  readonly #pool: BatchPool
  readonly #leftOut = new Set<string>()

  constructor(head: HeadQuerier, blocks: BlockSet, exemplars: SharedArrayBuffer | null, pool: BatchPool) {
    this.#pool = pool
    this.#head = head
    this.#blocks = blocks
    this.#exemplars = exemplars
  }

  select(matchers: readonly Matcher[], mint: number, maxt: number, hints: SelectHints): Selection {
    const blocks = this.#reaching(mint, maxt)
    if (blocks.length === 0) return this.#head.select(matchers, mint, maxt, hints)
    return selectAcross(this.#head, blocks, this.#head.matching(matchers), { mint, maxt }, this.#pool)
  }

  /** Blocks with samples in the range, oldest first. */
  #reaching(mint: number, maxt: number): OpenBlock[] {
    const open: OpenBlock[] = []
    for (const block of this.#head.published.blocks) {
      if (block.maxT < mint || block.minT > maxt) continue
      const columns = this.#blocks.open(block, this.#leftOut)
      if (columns !== null) open.push({ columns, number: block.number })
    }
    return open
  }

  seriesRefs(sets: readonly (readonly Matcher[])[], mint: number, maxt: number): Uint32Array {
    const blocks = this.#reaching(mint, maxt)
    if (blocks.length === 0) return this.#head.seriesRefs(sets, mint, maxt)
    const found = new Set<number>()
    for (const matchers of sets.length === 0 ? [[]] : sets) {
      const refs = this.#head.matching(matchers)
      const numbers = new Uint32Array(refs.length)
      for (const { columns } of blocks) {
        columns.find(refs, numbers)
        for (let i = 0; i < refs.length; i++) if (numbers[i] !== NO_SERIES) found.add(refs[i]!)
      }
      for (const ref of refs) if (!found.has(ref) && this.#head.places.placesOf(ref, mint, maxt).length > 0) found.add(ref)
    }
    return Uint32Array.from(found).sort()
  }

  labelNames(sets: readonly (readonly Matcher[])[], mint: number, maxt: number): string[] {
    if (sets.length > 0) return this.#head.namesOf(this.seriesRefs(sets, mint, maxt))
    return this.#reaches(mint, maxt) ? this.#head.namesOf(null) : []
  }

  labelValues(name: string, sets: readonly (readonly Matcher[])[], mint: number, maxt: number): string[] {
    if (sets.length > 0) return this.#head.valuesOf(name, this.seriesRefs(sets, mint, maxt))
    return this.#reaches(mint, maxt) ? this.#head.valuesOf(name, null) : []
  }

  #reaches(mint: number, maxt: number): boolean {
    return this.#reaching(mint, maxt).length > 0 || this.#head.places.reachesInto(mint, maxt)
  }

  lastRef(): number {
    return this.#head.lastRef()
  }

  symbolOf(text: string): number {
    return this.#head.symbolOf(text)
  }

  textOf(symbol: number): string {
    return this.#head.textOf(symbol)
  }

  labelsOf(ref: number, out: Uint32Array): number {
    return this.#head.labelsOf(ref, out)
  }

  exemplars(sets: readonly (readonly Matcher[])[], mint: number, maxt: number): SeriesExemplars[] {
    if (this.#exemplars === null) return []
    return readExemplars(this.#exemplars, sets.map((matchers) => this.#head.matching(matchers)), mint, maxt)
  }

  cardinality(limit: number): Cardinality {
    return this.#head.cardinality(limit)
  }

  damage(): readonly string[] {
    return [...new Set([...this.#head.damage(), ...this.#leftOut, ...this.#blocks.leftOut()])]
  }

  close(): void {
    this.#head.close()
  }
}
