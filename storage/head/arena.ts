// Allocation inside the shared heap, by the main thread alone: a bump pointer and free lists by size class.
// What a reader may still look at is *retired*, not freed: it returns to the free lists when every reader that was
// open at that time has closed (epoch-based reclamation; Fraser, "Practical lock-freedom", 2004, §5.2.3).
import { LogError } from '../errors.ts'
import { ARENA_START, ROOT_EPOCH, ROOT_SLOTS, SLOT_COUNT, type SharedHeap } from './shared-heap.ts'

interface Retired {
  at: number
  units: number
  epoch: number
}

export class Arena {
  readonly #heap: SharedHeap
  readonly #free = new Map<number, number[]>()
  readonly #limit: number
  readonly #retired: Retired[] = []
  #next: number = ARENA_START

  constructor(heap: SharedHeap) {
    this.#heap = heap
    this.#limit = heap.f64.length
  }

  /** Bytes handed out or waiting to be reused. */
  get usedBytes(): number {
    return this.#next * 8
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
    if (reused !== undefined) {
      this.#heap.f64.fill(0, reused, reused + size)
      return reused
    }
    const at = this.#next
    if (at + size > this.#limit) {
      throw new LogError(`cannot store more in the head: ${this.#limit * 8} bytes are in use; raise --storage.head.memory`)
    }
    this.#next = at + size
    return at
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
    Atomics.add(u32, ROOT_EPOCH, 1)
    this.reclaim()
  }

  /** Frees what was retired before the oldest open reader began. */
  reclaim(): void {
    if (this.#retired.length === 0) return
    const oldest = this.#oldestReader()
    // Epochs ascend, so what can go stands in front.
    let n = 0
    for (; n < this.#retired.length && this.#retired[n]!.epoch < oldest; n++) this.free(this.#retired[n]!.at, this.#retired[n]!.units)
    if (n > 0) this.#retired.splice(0, n)
  }

  #oldestReader(): number {
    let oldest = Infinity
    for (let slot = 0; slot < SLOT_COUNT; slot++) {
      const epoch = Atomics.load(this.#heap.u32, ROOT_SLOTS + slot)
      if (epoch !== 0 && epoch < oldest) oldest = epoch
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
