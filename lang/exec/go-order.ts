// Go's sort (pattern-defeating quicksort of O. Peters, slices/zsortanyfunc.go), step by step: it is not stable, so that equal
// elements stand where its swaps have left them, and so do elements that the comparison does not order: of NaN each is less
// than the other to a heap of Prometheus, of an empty label none is less.

/** Up to so many are sorted by insertion. */
const INSERTION_MAX = 12
/** From here on a pivot is the median of three medians; fewer are not shifted one by one. */
const LONG_MIN = 50
const SWAPS_MAX = 12
const SHIFTED_PAIRS_MAX = 5

/** Sorts in place. `isBehind(a, b)`: a, were it before b, would have to stand behind it. */
export function sortAsGo(items: number[], isBehind: (a: number, b: number) => boolean): number[] {
  new GoSort(items, isBehind).sort(0, items.length, bitLength(items.length))
  return items
}

function bitLength(n: number): number {
  return 32 - Math.clz32(n)
}

class GoSort {
  readonly #items: number[]
  readonly #isBehind: (a: number, b: number) => boolean
  /** Of the pivot chosen last: how often what it was chosen from was out of order. */
  #swaps = 0

  constructor(items: number[], isBehind: (a: number, b: number) => boolean) {
    this.#items = items
    this.#isBehind = isBehind
  }

  /** Sorts items[a, b); after `limit` bad pivots by a heap. */
  sort(from: number, to: number, limit: number): void {
    let [a, b, left] = [from, to, limit]
    let isBalanced = true
    let isPartitioned = true
    for (;;) {
      const length = b - a
      if (length <= INSERTION_MAX) {
        this.#sortByInsertion(a, b)
        return
      }
      if (left === 0) {
        this.#sortByHeap(a, b)
        return
      }
      if (!isBalanced) {
        this.#breakPatterns(a, b)
        left--
      }
      let pivot = this.#choosePivot(a, b)
      const isDecreasing = this.#swaps === SWAPS_MAX
      if (isDecreasing) {
        this.#reverse(a, b)
        pivot = b - 1 - (pivot - a)
      }
      if (isBalanced && isPartitioned && (isDecreasing || this.#swaps === 0) && this.#sortAlmostSorted(a, b)) return
      if (a > 0 && !this.#isLess(a - 1, pivot)) {
        a = this.#partitionEqual(a, b, pivot)
        continue
      }
      const middle = this.#partition(a, b, pivot)
      isPartitioned = middle < 0
      const at = isPartitioned ? ~middle : middle
      const isLeftShorter = at - a < b - at
      isBalanced = (isLeftShorter ? at - a : b - at) >= Math.trunc(length / 8)
      if (isLeftShorter) {
        this.sort(a, at, left)
        a = at + 1
      } else {
        this.sort(at + 1, b, left)
        b = at
      }
    }
  }

  #isLess(i: number, j: number): boolean {
    return this.#isBehind(this.#items[j]!, this.#items[i]!)
  }

  #swap(i: number, j: number): void {
    const items = this.#items
    const kept = items[i]!
    items[i] = items[j]!
    items[j] = kept
  }

  #sortByInsertion(a: number, b: number): void {
    for (let i = a + 1; i < b; i++) for (let j = i; j > a && this.#isLess(j, j - 1); j--) this.#swap(j, j - 1)
  }

  #sortByHeap(a: number, b: number): void {
    const length = b - a
    for (let i = (length - 1) >> 1; i >= 0; i--) this.#siftDown(i, length, a)
    for (let i = length - 1; i >= 0; i--) {
      this.#swap(a, a + i)
      this.#siftDown(0, i, a)
    }
  }

  #siftDown(low: number, high: number, first: number): void {
    for (let root = low; ;) {
      let child = 2 * root + 1
      if (child >= high) return
      if (child + 1 < high && this.#isLess(first + child, first + child + 1)) child++
      if (!this.#isLess(first + root, first + child)) return
      this.#swap(first + root, first + child)
      root = child
    }
  }

  /** Where the pivot stands then; its complement, if nothing had to be moved. */
  #partition(a: number, b: number, pivot: number): number {
    this.#swap(a, pivot)
    let [i, j] = [a + 1, b - 1]
    for (let isFirst = true; ; isFirst = false) {
      while (i <= j && this.#isLess(i, a)) i++
      while (i <= j && !this.#isLess(j, a)) j--
      if (i > j) {
        this.#swap(j, a)
        return isFirst ? ~j : j
      }
      this.#swap(i++, j--)
    }
  }

  /** Brings what equals the pivot to the front of what is not less than it; returns where it ends. */
  #partitionEqual(a: number, b: number, pivot: number): number {
    this.#swap(a, pivot)
    for (let i = a + 1, j = b - 1; ;) {
      while (i <= j && !this.#isLess(a, i)) i++
      while (i <= j && this.#isLess(a, j)) j--
      if (i > j) return i
      this.#swap(i++, j--)
    }
  }

  /** Mends a few pairs; returns whether all is sorted then. */
  #sortAlmostSorted(a: number, b: number): boolean {
    let i = a + 1
    for (let pair = 0; pair < SHIFTED_PAIRS_MAX; pair++) {
      while (i < b && !this.#isLess(i, i - 1)) i++
      if (i === b) return true
      if (b - a < LONG_MIN) return false
      this.#swap(i, i - 1)
      if (i - a >= 2) for (let j = i - 1; j >= 1 && this.#isLess(j, j - 1); j--) this.#swap(j, j - 1)
      if (b - i >= 2) for (let j = i + 1; j < b && this.#isLess(j, j - 1); j++) this.#swap(j, j - 1)
    }
    return false
  }

  /** Scatters three elements, by a generator that the length seeds (xorshift of G. Marsaglia, 64 bits). */
  #breakPatterns(a: number, b: number): void {
    const length = b - a
    const mask = 2 ** bitLength(length) - 1
    let state = BigInt(length)
    const middle = a + (length >> 2) * 2
    for (let i = middle - 1; i <= middle + 1; i++) {
      state ^= BigInt.asUintN(64, state << 13n)
      state ^= state >> 7n
      state ^= BigInt.asUintN(64, state << 17n)
      const other = Number(BigInt.asUintN(32, state)) & mask
      this.#swap(i, a + (other >= length ? other - length : other))
    }
  }

  #choosePivot(a: number, b: number): number {
    const length = b - a
    this.#swaps = 0
    const quarter = length >> 2
    const places = [a + quarter, a + quarter * 2, a + quarter * 3]
    const [i, j, k] = length >= LONG_MIN ? places.map((at) => this.#median(at - 1, at, at + 1)) : places
    return this.#median(i!, j!, k!)
  }

  #median(first: number, second: number, third: number): number {
    let low = first
    let middle = second
    if (this.#isLess(middle, low)) {
      [low, middle] = [middle, low]
      this.#swaps++
    }
    if (this.#isLess(third, middle)) {
      middle = third
      this.#swaps++
    }
    if (!this.#isLess(middle, low)) return middle
    this.#swaps++
    return low
  }

  #reverse(a: number, b: number): void {
    for (let i = a, j = b - 1; i < j; i++, j--) this.#swap(i, j)
  }
}
