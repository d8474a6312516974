// What of the store lies outside the head: one immutable record of shared memory, replaced as a whole.
//
//   root word ─▶ t f64 │ generation u32, blocks u32 │ raw from, minutes from, minutes to f64 │ minutes' blocks u32, sequence u32 │
//                hours from, hours to f64 │ lost, minutes' lost u32
//                per block: minT f64, maxT f64, level u32, number u32, deletions u32, 0 u32; those of the 1-minute tier last
//                per stretch that is lost: minT f64, maxT f64; those of the 1-minute tier last
//
// Each group carries the generation it was made in. A cut takes what groups of its generation or an older one hold below
// its time into blocks: from when it is published, readers take that from there and leave it out of the head. Below the
// time, new samples go to groups of a newer generation alone, so nothing is missed and nothing is seen twice.
//
// A reader pins its slot, then loads the word: the record stays until it closes. Main publishes, then retires the record
// that was there.
import type { BlockName } from '../block/block-meta.ts'
import type { Arena } from './arena.ts'
import type { LostTime } from '../lost-times.ts'
import { ROOT_PUBLISHED, type SharedHeap } from './shared-heap.ts'

const HEAD_UNITS = 9
const BLOCK_UNITS = 4
const LOST_UNITS = 2

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

/** A block as readers are shown it. */
export interface PublishedBlock extends BlockName {
  /** How often samples were deleted from it since the start: who knows another number reads its tombstones anew. */
  readonly deletions: number
}

/** What is in blocks, and which blocks there are: no block is there twice, as itself and as part of a larger one. */
export interface Published {
  readonly cover: Cut
  /** By minT, then by number. */
  readonly blocks: readonly PublishedBlock[]
  readonly tiers: PublishedTiers
  /** Time of which samples are gone though nobody let them go. */
  readonly lost: readonly LostTime[]
}

/** What of time raw samples and the rows of the 1-minute tier are whole of (Unix ms), its blocks, and the same of the 1-hour tier. */
export interface PublishedTiers {
  readonly rawFrom: number
  readonly from: number
  readonly to: number
  readonly blocks: readonly BlockName[]
  /** Time of which rows of the 1-minute tier are gone, and cannot be made again. */
  readonly lost: readonly LostTime[]
  readonly hours: { readonly from: number; readonly to: number }
}

/** As a reader sees it: two with one number are the same. */
export interface SeenPublished extends Published {
  readonly sequence: number
}

export const NO_TIERS: PublishedTiers = { rawFrom: -Infinity, from: 0, to: 0, blocks: [], lost: [], hours: { from: 0, to: 0 } }

/** For a reader whose slot is open; `known`, if nothing was published since it was read. */
export function readPublished({ u32, f64 }: SharedHeap, known: SeenPublished | null = null): SeenPublished {
  const at = Atomics.load(u32, ROOT_PUBLISHED)
  const sequence = at === 0 ? 0 : u32[at * 2 + 11]!
  if (known !== null && known.sequence === sequence) return known
  if (at === 0) return { sequence, cover: NOTHING_CUT, blocks: [], tiers: NO_TIERS, lost: [] }
  const all: PublishedBlock[] = []
  const count = u32[at * 2 + 3]!
  const minutes = u32[at * 2 + 10]!
  for (let i = 0, p = at + HEAD_UNITS; i < count + minutes; i++, p += BLOCK_UNITS) {
    all.push({ minT: f64[p]!, maxT: f64[p + 1]!, level: u32[p * 2 + 4]!, number: u32[p * 2 + 5]!, deletions: u32[p * 2 + 6]! })
  }
  const lost: LostTime[] = []
  const lostCount = u32[at * 2 + 16]!
  const lostFrom = at + HEAD_UNITS + (count + minutes) * BLOCK_UNITS
  for (let i = 0; i < lostCount + u32[at * 2 + 17]!; i++) lost.push({ minT: f64[lostFrom + i * LOST_UNITS]!, maxT: f64[lostFrom + i * LOST_UNITS + 1]! })
  const tiers = { rawFrom: f64[at + 2]!, from: f64[at + 3]!, to: f64[at + 4]!, blocks: all.slice(count), lost: lost.slice(lostCount), hours: { from: f64[at + 6]!, to: f64[at + 7]! } }
  return { sequence, cover: { generation: u32[at * 2 + 2]!, t: f64[at]! }, blocks: all.slice(0, count), tiers, lost: lost.slice(0, lostCount) }
}

/** Main's side: readers that open from now on see this. */
export function publish({ u32, f64 }: SharedHeap, arena: Arena, { cover, blocks, tiers, lost }: Published): void {
  const lostFrom = HEAD_UNITS + (blocks.length + tiers.blocks.length) * BLOCK_UNITS
  const units = lostFrom + (lost.length + tiers.lost.length) * LOST_UNITS
  const at = arena.allocate(units)
  f64[at] = cover.t
  u32[at * 2 + 2] = cover.generation
  u32[at * 2 + 3] = blocks.length
  f64[at + 2] = tiers.rawFrom
  f64[at + 3] = tiers.from
  f64[at + 4] = tiers.to
  u32[at * 2 + 10] = tiers.blocks.length
  f64[at + 6] = tiers.hours.from
  f64[at + 7] = tiers.hours.to
  const minutes = tiers.blocks.map((name): PublishedBlock => ({ ...name, deletions: 0 }))
  for (const [i, { minT, maxT, level, number, deletions }] of [...blocks, ...minutes].entries()) {
    const p = at + HEAD_UNITS + i * BLOCK_UNITS
    f64[p] = minT
    f64[p + 1] = maxT
    u32[p * 2 + 4] = level
    u32[p * 2 + 5] = number
    u32[p * 2 + 6] = deletions
  }
  u32[at * 2 + 16] = lost.length
  u32[at * 2 + 17] = tiers.lost.length
  for (const [i, { minT, maxT }] of [...lost, ...tiers.lost].entries()) f64.set([minT, maxT], at + lostFrom + i * LOST_UNITS)
  const before = Atomics.load(u32, ROOT_PUBLISHED)
  u32[at * 2 + 11] = before === 0 ? 1 : u32[before * 2 + 11]! + 1
  const old = Atomics.exchange(u32, ROOT_PUBLISHED, at)
  if (old !== 0) arena.retire(old, HEAD_UNITS + (u32[old * 2 + 3]! + u32[old * 2 + 10]!) * BLOCK_UNITS + (u32[old * 2 + 16]! + u32[old * 2 + 17]!) * LOST_UNITS)
}
