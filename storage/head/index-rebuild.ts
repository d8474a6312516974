// Builds the other side of the head's index from the series that are left, and puts it in place of the one in use: what
// forgotten series had of it (labels, texts, postings) is given back when the last reader of the old side has closed.
//
//   side 0 (in use) ──series by series, a few a turn──▶ side 1 ──one store──▶ in use; side 0 waits for its readers
//
// Series that come meanwhile go to the old side, and are reached at the end.
import { setImmediate as nextTurn } from 'node:timers/promises'
import { LogError } from '../errors.ts'
import type { Arena } from './arena.ts'
import type { HeadSeries } from './head-series.ts'
import { IndexMemory } from './index-memory.ts'
import { SeriesIndex } from './series-index.ts'
import type { SharedHeap, Side } from './shared-heap.ts'

/** Some 2 ms. */
const SERIES_PER_TURN = 1024
/** The index is built anew when so many series of it have been forgotten for each that is left. */
const FORGOTTEN_SHARE = 0.25

export class IndexRebuild {
  readonly #heap: SharedHeap
  readonly #arena: Arena
  readonly #series: HeadSeries
  /** Nobody reads the side that is not in use. */
  #isOtherFree = true

  constructor(heap: SharedHeap, arena: Arena, series: HeadSeries) {
    this.#heap = heap
    this.#arena = arena
    this.#series = series
  }

  get isDue(): boolean {
    return this.#isOtherFree && this.#series.forgottenInIndex > this.#series.count * FORGOTTEN_SHARE
  }

  /** Does it if it is due. Where memory does not suffice all stays as it is. */
  async run(isClosed: () => boolean): Promise<void> {
    if (!this.isDue) return
    const side = (1 - this.#series.index.side) as Side
    this.#heap.clearSide(side, this.#series.newest)
    const memory = new IndexMemory(this.#arena)
    try {
      const forgotten = this.#series.forgotten
      const index = await this.#copy(new SeriesIndex(this.#heap, memory, side), isClosed)
      if (index === null) {
        memory.retireAll()
        return
      }
      this.#isOtherFree = false
      // In the turn in which the last series was copied.
      this.#series.use(index, this.#series.forgotten - forgotten)
      this.#arena.afterReaders(() => (this.#isOtherFree = true))
    } catch (error) {
      memory.retireAll()
      if (!(error instanceof LogError)) throw error
    }
  }

  async #copy(index: SeriesIndex, isClosed: () => boolean): Promise<SeriesIndex | null> {
    const old = this.#series.index
    const symbols = new CopiedIds((symbol) => index.symbols.intern(old.symbols.text(symbol)))
    const pairs = new CopiedIds((pair) => index.symbols.internPair(symbols.of(old.symbols.nameOf(pair)), symbols.of(old.symbols.valueOf(pair))))
    const pairOf = (pair: number): number => pairs.of(pair)
    let looks = 0
    for (let ref = 1; ref <= this.#series.newest; ref++) {
      if (!this.#series.isLive(ref)) {
        ref = this.#series.endOfDead(ref)
        continue
      }
      index.reserveCopy(ref, old.runOf(ref), pairOf)
      index.add(ref)
      if (++looks % SERIES_PER_TURN !== 0) continue
      await nextTurn()
      if (isClosed()) return null
    }
    return index
  }
}

/** Ids of the old side to ids of the new one. */
class CopiedIds {
  #ids: Uint32Array = new Uint32Array(4096)
  readonly #make: (id: number) => number

  constructor(make: (id: number) => number) {
    this.#make = make
  }

  of(id: number): number {
    if (id >= this.#ids.length) {
      const larger = new Uint32Array(Math.ceil((id + 1) * 1.5))
      larger.set(this.#ids)
      this.#ids = larger
    }
    return (this.#ids[id] ||= this.#make(id))
  }
}
