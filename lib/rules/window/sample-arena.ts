// Room for the samples of many series in few arrays: each slot has a run of them, as long as what it has needs, and moves to another
// when that changes. What was left is given to who asks for as much or less.
//
//   t, v   │ slot 0 · · · ○ ○ │ slot 7 · ○ │ (free) │ slot 3 · · · · · · · ○ │ … top │ never written: no memory │
//
// Arrays are made larger than what is asked for: pages that nobody has written to cost nothing.
import { resized } from '../../std/typed-array.ts'
import { RunningSums, SUM_BYTES } from './running-sums.ts'

/** Bytes a sample takes: its time and value. */
const SAMPLE_BYTES = 12
/** Above a series' samples: room for those of some ticks, until the oldest are dropped. */
const ROOM_MIN = 8
const ROOM_SHARE = 1.1
/** Runs are multiples of this up to `FINE_MAX` samples, above it eight lengths to each power of two. */
const GRAIN = 8
const FINE_MAX = 128
const GROWTH = 1.5
/** Lengths that there are: of fine ones `FINE_MAX / GRAIN`, then those of some powers of two. */
const CLASS_COUNT = FINE_MAX / GRAIN + 8 * 10

export class SampleArena {
  t: Uint32Array = new Uint32Array(0)
  v: Float64Array = new Float64Array(0)
  /** Of the samples; null until somebody needs them. */
  sums: RunningSums | null = null
  /** By slot: where its run begins, and how long it is; 0: it has none. */
  base: Uint32Array = new Uint32Array(0)
  room: Uint16Array = new Uint16Array(0)
  /** Where the part begins that no run is in, and was ever in. */
  #top = 0
  #topMost = 0
  #free: number[][] = emptyLists()

  /** Of what was ever written to. */
  get sizeBytes(): number {
    return this.#topMost * this.sampleBytes
  }

  get sampleBytes(): number {
    return SAMPLE_BYTES + (this.sums === null ? 0 : SUM_BYTES)
  }

  /** Of runs, and what lies free between them. */
  get usedBytes(): number {
    return this.#top * this.sampleBytes
  }

  keepSums(): void {
    this.sums ??= new RunningSums(this.base.length, this.t.length)
  }

  /** For so many slots; what they have stays. */
  growSlots(count: number): void {
    this.base = resized(this.base, count)
    this.room = resized(this.room, count)
    this.sums?.growSlots(count)
  }

  /** No slot has anything; there is room for about so many samples. */
  clear(slotCount: number, expectedCount: number): void {
    const sampleCount = Math.max(expectedCount, this.#top)
    this.base = new Uint32Array(slotCount)
    this.room = new Uint16Array(slotCount)
    this.#free = emptyLists()
    this.#top = 0
    // What was once written to is kept, unless it is much more than is needed now.
    if (this.t.length < sampleCount || this.#topMost > 2 * sampleCount) {
      this.t = new Uint32Array(sampleCount)
      this.v = new Float64Array(sampleCount)
      this.#topMost = 0
      if (this.sums !== null) this.sums = new RunningSums(slotCount, sampleCount)
    } else {
      this.sums?.clearSlots(slotCount)
    }
  }

  /** A run for `count` samples and some more in place of the slot's; its first `used` are taken along. */
  resize(slot: number, used: number, count: number): void {
    const length = roomFor(count)
    const to = this.#take(length)
    const from = this.base[slot]!
    if (used > 0) {
      this.t.copyWithin(to, from, from + used)
      this.v.copyWithin(to, from, from + used)
      this.sums?.move(from, to, used)
    }
    this.release(slot)
    this.base[slot] = to
    this.room[slot] = length
  }

  /** The slot's run is free. */
  release(slot: number): void {
    if (this.room[slot]! > 0) this.#give(this.base[slot]!, this.room[slot]!)
    this.base[slot] = 0
    this.room[slot] = 0
  }

  /** The first `count` of the `end` samples that the slot has go. */
  drop(slot: number, count: number, end: number): void {
    const from = this.base[slot]!
    this.t.copyWithin(from, from + count, from + end)
    this.v.copyWithin(from, from + count, from + end)
    this.sums?.drop(slot, from, count, end)
  }

  #take(length: number): number {
    for (let c = classOf(length); c < CLASS_COUNT; c++) {
      const place = this.#free[c]!.pop()
      if (place === undefined) continue
      const left = lengthOf(c) - length
      if (left > 0) this.#give(place + length, left)
      return place
    }
    const place = this.#top
    this.#top += length
    if (this.#top > this.t.length) this.#grow(Math.ceil(this.#top * GROWTH))
    if (this.#top > this.#topMost) this.#topMost = this.#top
    return place
  }

  /** As one free run, or as some whose lengths there are. */
  #give(place: number, length: number): void {
    let left = length
    while (left > 0) {
      const c = classBelow(left)
      this.#free[c]!.push(place + length - left)
      left -= lengthOf(c)
    }
  }

  #grow(count: number): void {
    this.t = resized(this.t, count)
    this.v = resized(this.v, count)
    this.sums?.growSamples(count)
  }
}

/** The length of a run for `count` samples and those of some ticks. */
export function roomFor(count: number): number {
  return lengthOf(classOf(Math.ceil(count * ROOM_SHARE) + ROOM_MIN))
}

function emptyLists(): number[][] {
  return Array.from({ length: CLASS_COUNT }, () => [])
}

/** Of the least length that is not below `count`. */
function classOf(count: number): number {
  if (count <= FINE_MAX) return Math.max(0, Math.ceil(count / GRAIN) - 1)
  const power = 31 - Math.clz32(count - 1)
  return FINE_MAX / GRAIN - 1 + 8 * (power - 7) + Math.ceil((count - 2 ** power) / 2 ** (power - 3))
}

/** Of the greatest length that is not above `count`, a multiple of `GRAIN`. */
function classBelow(count: number): number {
  const c = classOf(count)
  return lengthOf(c) > count ? c - 1 : c
}

function lengthOf(c: number): number {
  if (c < FINE_MAX / GRAIN) return (c + 1) * GRAIN
  const above = c - FINE_MAX / GRAIN
  const power = 7 + (above >> 3)
  return 2 ** power + ((above & 7) + 1) * 2 ** (power - 3)
}
