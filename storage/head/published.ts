// What of the store lies outside the head: one immutable record of shared memory, replaced as a whole.
//
//   root word ─▶ t f64 │ generation u32 │ 0
//
// Each group carries the generation it was made in. A cut takes what groups of its generation or an older one hold below
// its time into blocks: from when it is published, readers take that from there and leave it out of the head. Below the
// time, new samples go to groups of a newer generation alone, so nothing is missed and nothing is seen twice.
//
// A reader pins its slot, then loads the word: the record stays until it closes. Main publishes, then retires the record
// that was there.
import type { Arena } from './arena.ts'
import { ROOT_PUBLISHED, type SharedHeap } from './shared-heap.ts'

const PUBLISHED_UNITS = 2

/** Everything below `t` (Unix ms) of groups of `generation` or an older one. */
export interface Cut {
  readonly generation: number
  readonly t: number
}

export const NOTHING_CUT: Cut = { generation: 0, t: -Infinity }

/** True if a cut takes in what a group of a generation has at t. */
export function isCut(cut: Cut, generation: number, t: number): boolean {
  return t < cut.t && generation <= cut.generation
}

/** What is in blocks, for a reader whose slot is open. */
export function readCover({ u32, f64 }: SharedHeap): Cut {
  const at = Atomics.load(u32, ROOT_PUBLISHED)
  return at === 0 ? NOTHING_CUT : { generation: u32[at * 2 + 2]!, t: f64[at]! }
}

/** Main's side: readers that open from now on see `cover`. */
export function publishCover({ u32, f64 }: SharedHeap, arena: Arena, cover: Cut): void {
  const at = arena.allocate(PUBLISHED_UNITS)
  f64[at] = cover.t
  u32[at * 2 + 2] = cover.generation
  const old = Atomics.exchange(u32, ROOT_PUBLISHED, at)
  if (old !== 0) arena.retire(old, PUBLISHED_UNITS)
}
