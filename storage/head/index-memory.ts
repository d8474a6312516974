// The memory of one side of the head's index. Small pieces are cut from chunks, and nothing is given back alone but tables
// that were outgrown: when the side is no longer in use, all of it goes at once.
import type { Arena } from './arena.ts'

/** 64 KiB. */
const CHUNK_UNITS = 8192
/** Larger pieces stand alone. */
const SMALL_UNITS_MAX = 1024

export class IndexMemory {
  readonly #arena: Arena
  /** What stands alone: units by place. */
  readonly #alone = new Map<number, number>()
  readonly #chunks: number[] = []
  #next = 0
  #left = 0

  constructor(arena: Arena) {
    this.#arena = arena
  }

  /** Zeroed space of at least `units` × 8 bytes. Throws LogError when the head's memory is used up. */
  allocate(units: number): number {
    if (units > SMALL_UNITS_MAX) {
      const at = this.#arena.allocate(units)
      this.#alone.set(at, units)
      return at
    }
    if (units > this.#left) {
      this.#next = this.#arena.allocate(CHUNK_UNITS)
      this.#left = CHUNK_UNITS
      this.#chunks.push(this.#next)
    }
    const at = this.#next
    this.#next += units
    this.#left -= units
    return at
  }

  /** Gives back a piece that stands alone once every reader now open has closed; smaller ones stay. */
  retire(at: number): void {
    const units = this.#alone.get(at)
    if (units === undefined) return
    this.#alone.delete(at)
    this.#arena.retire(at, units)
  }

  /** Gives everything back once every reader now open has closed. */
  retireAll(): void {
    for (const [at, units] of this.#alone) this.#arena.retire(at, units)
    for (const at of this.#chunks) this.#arena.retire(at, CHUNK_UNITS)
    this.#alone.clear()
    this.#chunks.length = 0
    this.#left = 0
  }
}
