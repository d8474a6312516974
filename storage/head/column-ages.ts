// When each column of a group had its last sample, as closely as flushes tell: for each column the generation (it counts
// cuts) in which it was last in a segment, and for each of the last generations how new its segments may be.

/** Generations are compared by as many bits as a column has for one. */
const MASK = 0xffff

export class ColumnAges {
  /** By column: what stands here for a column is set to `mark` when a flush had a sample of it. */
  seen: Uint16Array = new Uint16Array(0)
  /** Oldest first; times only grow. */
  readonly #flushed: { mark: number; newestT: number }[] = []

  static markOf(generation: number): number {
    return generation & MASK
  }

  /** A column that is new counts as seen. */
  grow(columns: number, generation: number): void {
    const seen = new Uint16Array(columns).fill(generation & MASK)
    seen.set(this.seen)
    this.seen = seen
  }

  /** The group was flushed; nothing in its segments is newer than `newestT`. */
  note(newestT: number, generation: number): void {
    const mark = generation & MASK
    const last = this.#flushed.at(-1)
    if (last?.mark === mark) last.newestT = newestT
    else this.#flushed.push({ mark, newestT })
  }

  /** Times before t need not be told from each other any more. */
  forgetBefore(t: number): void {
    while (this.#flushed.length > 1 && this.#flushed[1]!.newestT < t) this.#flushed.shift()
  }

  /** A column has nothing newer in segments; `segmentMaxT` where that is not known. */
  newestOf(c: number, generation: number, segmentMaxT: number): number {
    const age = (generation - this.seen[c]!) & MASK
    const oldest = this.#flushed[0]
    for (const { mark, newestT } of this.#flushed.toReversed()) if (((generation - mark) & MASK) === age) return newestT
    return oldest !== undefined && age > ((generation - oldest.mark) & MASK) ? oldest.newestT : segmentMaxT
  }
}
