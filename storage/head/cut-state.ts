// How far cutting has come: what groups take no more samples of, what is in blocks, what nobody reads here any more.
//
//   begin ─▶ frozen ─(a worker writes blocks)─▶ publish ─▶ cover ─(older readers close)─▶ unread ─▶ maintenance lets go
import type { Arena } from './arena.ts'
import { publishCover, type Cut } from './published.ts'
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

  /** `cover`: what is in blocks already. */
  constructor(heap: SharedHeap, arena: Arena, cover: Cut) {
    this.#heap = heap
    this.#arena = arena
    this.#generation = cover.generation + 1
    this.#frozen = cover
    this.#cover = cover
    this.#unread = cover
    publishCover(heap, arena, cover)
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

  /** What is frozen is in blocks from now on. */
  publish(cover: Cut): void {
    this.#cover = cover
    publishCover(this.#heap, this.#arena, cover)
    this.#arena.afterReaders(() => (this.#unread = cover))
  }
}
