// Allocation inside the shared heap, by the main thread alone: a bump pointer and free lists by size class. When the
// memory is used up, a larger free piece becomes what the bump pointer runs through.
// What a reader may still look at is *retired*, not freed: it returns to the free lists when every reader that was
// open at that time has closed (epoch-based reclamation; Fraser, "Practical lock-freedom", 2004, §5.2.3).
//
// Epochs are odd u32 and go round, 0 meaning no reader: which of two is older is told by how far each lies behind the
// present one. Nothing waits for 2^31 retirements, so no distance is ambiguous.
import { LogError } from '../errors.ts'
import { ROOT_EPOCH, ROOT_SLOTS, SLOT_COUNT, type SharedHeap } from './shared-heap.ts'

/** From odd to odd: an epoch is never 0. */
const EPOCH_STEP = 2

interface Retired {
  at: number
  units: number
  epoch: number
}

interface Waiting {
  run: () => void
  epoch: number
}

export class Arena {
  readonly #heap: SharedHeap
  readonly #free = new Map<number, number[]>()
  /** End of what the bump pointer may run through. */
  #limit: number
  readonly #retired: Retired[] = []
  readonly #waiting: Waiting[] = []
  #next: number
  /** The end of the units that were ever handed out. */
  #touched: number

  constructor(heap: SharedHeap) {
    this.#heap = heap
    this.#limit = heap.f64.length
    this.#next = heap.arenaStart
    this.#touched = heap.arenaStart
  }

  /** Bytes handed out or waiting to be reused. */
  get usedBytes(): number {
    return (this.#touched - this.#heap.arenaStart) * 8
  }

  /** Pieces that wait for readers to close. */
  get retiredCount(): number {
    return this.#retired.length
  }

  /** Units actually given for a request: sizes are rounded up to four classes an octave, at most 25 % more. */
  static classOf(units: number): number {
    if (units <= 8) return units
    const step = 2 ** (29 - Math.clz32(units))
    return Math.ceil(units / step) * step
  }

  /** Zeroed space of at least `units` × 8 bytes. Throws LogError when the head's memory is used up. */
  allocate(units: number): number {
    const size = Arena.classOf(units)
    const reused = this.#free.get(size)?.pop()
    if (reused === undefined) return this.#bump(size)
    this.#heap.f64.fill(0, reused, reused + size)
    return reused
  }

  /** As `allocate`, with whatever was there before: pages that nobody writes to stay untouched. */
  allocateUncleared(units: number): number {
    const size = Arena.classOf(units)
    return this.#free.get(size)?.pop() ?? this.#bump(size)
  }

  #bump(size: number): number {
    if (this.#next + size > this.#limit && !this.#moveOn(size)) {
      throw new LogError(`cannot store more in the head: ${this.usedBytes} bytes are in use; raise --storage.head.memory`, 'memory')
    }
    const at = this.#next
    this.#next = at + size
    this.#touched = Math.max(this.#touched, this.#next)
    return at
  }

  /** Takes the smallest free piece that is larger than `size` for the bump pointer; false if there is none. */
  #moveOn(size: number): boolean {
    let best = Infinity
    for (const [units, pieces] of this.#free) if (units > size && units < best && pieces.length > 0) best = units
    if (best === Infinity) return false
    for (let left = this.#limit - this.#next; left > 0; left = this.#limit - this.#next) {
      const units = Arena.#classBelow(left)
      this.free(this.#next, units)
      this.#next += units
    }
    this.#next = this.#free.get(best)!.pop()!
    this.#limit = this.#next + best
    this.#heap.f64.fill(0, this.#next, this.#limit)
    return true
  }

  /** The largest class that fits into so many units. */
  static #classBelow(units: number): number {
    if (units <= 8) return units
    const step = 2 ** (29 - Math.clz32(units))
    return Math.floor(units / step) * step
  }

  /** Gives back space that no reader can know of. */
  free(at: number, units: number): void {
    const size = Arena.classOf(units)
    const list = this.#free.get(size)
    if (list) list.push(at)
    else this.#free.set(size, [at])
  }

  /** Gives back space once every reader now open has closed. */
  retire(at: number, units: number): void {
    const u32 = this.#heap.u32
    this.#retired.push({ at, units, epoch: u32[ROOT_EPOCH]! })
    Atomics.add(u32, ROOT_EPOCH, EPOCH_STEP)
    this.reclaim()
  }

  /** Calls `run` once every reader now open has closed, from within a later call; it must be short and not fail. */
  afterReaders(run: () => void): void {
    const u32 = this.#heap.u32
    this.#waiting.push({ run, epoch: u32[ROOT_EPOCH]! })
    Atomics.add(u32, ROOT_EPOCH, EPOCH_STEP)
    this.reclaim()
  }

  /** Frees what was retired before the oldest open reader began. */
  reclaim(): void {
    if (this.#retired.length === 0 && this.#waiting.length === 0) return
    const now = this.#heap.u32[ROOT_EPOCH]!
    const readerAge = this.#oldestReaderAge(now)
    // The oldest stand in front.
    let n = 0
    for (; n < this.#retired.length; n++) {
      const { at, units, epoch } = this.#retired[n]!
      if ((now - epoch) >>> 0 <= readerAge) break
      this.free(at, units)
    }
    if (n > 0) this.#retired.splice(0, n)
    while (this.#waiting.length > 0 && (now - this.#waiting[0]!.epoch) >>> 0 > readerAge) this.#waiting.shift()!.run()
  }

  /** How far behind `now` the oldest open reader began; -1 if none is open. */
  #oldestReaderAge(now: number): number {
    let oldest = -1
    for (let slot = 0; slot < SLOT_COUNT; slot++) {
      const epoch = Atomics.load(this.#heap.u32, ROOT_SLOTS + slot)
      if (epoch !== 0) oldest = Math.max(oldest, (now - epoch) >>> 0)
    }
    return oldest
  }
}

/** Reader side: pins what is reachable now until `close`. A slot serves one querier at a time. */
export function openSlot(heap: SharedHeap, slot: number): void {
  const { u32 } = heap
  for (;;) {
    const epoch = Atomics.load(u32, ROOT_EPOCH)
    Atomics.store(u32, ROOT_SLOTS + slot, epoch)
    if (Atomics.load(u32, ROOT_EPOCH) === epoch) return
  }
}

/** Also called by main for a worker that was terminated in mid-query. */
export function closeSlot(heap: SharedHeap, slot: number): void {
  Atomics.store(heap.u32, ROOT_SLOTS + slot, 0)
}
