// How far cutting has come: what groups take no more samples of, what is in blocks, what nobody reads here any more.
//
//   begin ─▶ frozen ─(a worker writes blocks)─▶ publish ─▶ cover ─(older readers close)─▶ unread ─▶ maintenance lets go
import type { Arena } from './arena.ts'
import { publish, type Cut, type Published } from './published.ts'
import type { SharedHeap } from './shared-heap.ts'

/** A definition holds 24 bits of it: at a cut every two hours, 3,800 years. */
const GENERATION_MAX = 2 ** 24 - 1

export class CutState {
  readonly #heap: SharedHeap
  readonly #arena: Arena
  #generation: number
  #frozen: Cut
  #cover: Cut
  #unread: Cut

  /** `found`: what is in blocks already, and these. */
  constructor(heap: SharedHeap, arena: Arena, found: Published) {
    const { cover } = found
    this.#heap = heap
    this.#arena = arena
    this.#generation = cover.generation + 1
    this.#frozen = cover
    this.#cover = cover
    this.#unread = cover
    publish(heap, arena, found)
  }

  /** Of groups made from now on. */
  get generation(): number {
    return this.#generation
  }

  /** Groups take no more samples of this. */
  get frozen(): Cut {
    return this.#frozen
  }

  get cover(): Cut {
    return this.#cover
  }

  /** Covered, and every reader that takes it from the head has closed. */
  get unread(): Cut {
    return this.#unread
  }

  /** Groups of this generation were found at start. */
  note(generation: number): void {
    this.#generation = Math.max(this.#generation, generation)
  }

  /** Freezes what all groups hold below t; returns what there is to cut. A cut that failed is begun again as it was. */
  begin(t: number): Cut {
    if (t <= this.#frozen.t) return this.#frozen
    this.#frozen = { generation: this.#generation, t }
    this.#generation = Math.min(this.#generation + 1, GENERATION_MAX)
    return this.#frozen
  }

  /** Freezes what all groups hold below t, and late samples of what is frozen already; returns what there is to cut. */
  beginAll(t: number): Cut {
    this.#frozen = { generation: this.#generation, t: Math.max(t, this.#frozen.t) }
    this.#generation = Math.min(this.#generation + 1, GENERATION_MAX)
    return this.#frozen
  }

  /** Readers that open from now on take what is covered from these blocks. `unread`: every reader of what was before has closed. */
  publish(next: Published, unread: () => void = () => {}): void {
    this.#cover = next.cover
    publish(this.#heap, this.#arena, next)
    this.#arena.afterReaders(() => {
      this.#unread = next.cover
      unread()
    })
  }
}
