// For the replay: which stretches of the log each group has in segments that were found whole. Rows logged there are
// not put back a second time.

interface Stretch {
  readonly first: number
  readonly flushed: number
}

export class FlushedStretches {
  readonly #byGroup = new Map<number, Stretch[]>()

  /** Rows of a group with LSNs in [first, flushed) are in a segment. */
  add(group: number, first: number, flushed: number): void {
    const known = this.#byGroup.get(group)
    if (known) known.push({ first, flushed })
    else this.#byGroup.set(group, [{ first, flushed }])
  }

  has(group: number, lsn: number): boolean {
    return this.#byGroup.get(group)?.some(({ first, flushed }) => lsn >= first && lsn < flushed) ?? false
  }

  clear(): void {
    this.#byGroup.clear()
  }
}
