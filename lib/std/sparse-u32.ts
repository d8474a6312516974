// Numbers by id, where ids only grow and old ones end: pages of 4,096, made when first written to.

const PAGE_BITS = 12
const PAGE = 1 << PAGE_BITS

export class SparseU32 {
  #pages: (Uint32Array | null)[] = []

  /** 0 where nothing was set. */
  get(id: number): number {
    return this.#pages[id >>> PAGE_BITS]?.[id & (PAGE - 1)] ?? 0
  }

  set(id: number, value: number): void {
    const page = this.#pages[id >>> PAGE_BITS] ?? this.#make(id >>> PAGE_BITS)
    page[id & (PAGE - 1)] = value
  }

  /** Sets it; returns what was there. */
  swap(id: number, value: number): number {
    const page = this.#pages[id >>> PAGE_BITS] ?? this.#make(id >>> PAGE_BITS)
    const before = page[id & (PAGE - 1)]!
    page[id & (PAGE - 1)] = value
    return before
  }

  #make(at: number): Uint32Array {
    while (this.#pages.length <= at) this.#pages.push(null)
    return (this.#pages[at] = new Uint32Array(PAGE))
  }

  /** Drops pages in which no id that has a number is wanted. */
  drop(isWanted: (id: number) => boolean): void {
    for (const [at, page] of this.#pages.entries()) {
      if (page !== null && !page.some((value, i) => value !== 0 && isWanted(at * PAGE + i))) this.#pages[at] = null
    }
  }

  clear(): void {
    this.#pages = []
  }
}
