// What is due: cutting the head, compacting blocks, letting blocks go. Pure; times are Unix ms.
import type { BlockMeta, BlockName } from './block/block-meta.ts'

/** A block cut from the head lies between two multiples of this. */
export const BLOCK_RANGE_MS: number = 2 * 3_600_000
/** So long after a boundary the head is cut there: late samples of the out-of-order window have come by then. */
export const CUT_DELAY_MS: number = 12 * 60_000
/** Each range of compaction is so many of the one below: 2 h, 6 h, 18 h … */
export const RANGE_FACTOR = 3
/** No block is longer, however long the retention. */
const COMPACTED_MS_MAX = 31 * 86_400_000
/** Nor longer than this share of the retention: what is kept too long, because whole blocks go, is no more. */
const RETENTION_SHARE = 0.1

/** A block by the name of its folder. */
export interface Planned {
  folder: string
  name: Pick<BlockName, 'number'>
  meta: Pick<BlockMeta, 'minT' | 'maxT' | 'bytes'>
}

/**
 * The boundary that the head is to be cut at by now. While samples of an earlier time come in (a sender that catches up, a
 * clock that jumped), it lies behind them, too, or what follows would lie in blocks of its own, overlapping the first ones.
 * `hasEnded`: no newer sample has come for long; then what there is may go, whole.
 */
export function cutTime(nowMs: number, newestT: number, hasEnded: boolean): number {
  const byClock = Math.floor((nowMs - CUT_DELAY_MS) / BLOCK_RANGE_MS)
  const byData = hasEnded ? Math.floor(newestT / BLOCK_RANGE_MS) + 1 : Math.floor((newestT - CUT_DELAY_MS) / BLOCK_RANGE_MS)
  return Math.min(byClock, byData) * BLOCK_RANGE_MS
}

/** Which blocks may become one. */
export interface CompactionLimits {
  /** The head is cut up to here, so that nothing in order comes before it. */
  coverT: number
  retentionMs: number
  /** Folders that are to stay as they are. */
  damaged: ReadonlySet<string>
}

/**
 * Folders of blocks that are to become one: all those in one stretch of the smallest range that has two or more in a
 * stretch, the oldest first; overlapping ones lie in one stretch sooner or later. Left out are those that would come before
 * a block that stays, see `together`. null if there is nothing to do.
 */
export function planCompaction(blocks: readonly Planned[], { coverT, retentionMs, damaged }: CompactionLimits): string[] | null {
  const first = BLOCK_RANGE_MS * RANGE_FACTOR
  const rangeMax = Math.min(COMPACTED_MS_MAX, retentionMs * RETENTION_SHARE)
  // Where the retention is too short for longer blocks, those that overlap are merged all the same.
  for (let range = rangeMax < first ? BLOCK_RANGE_MS : first; range <= Math.max(rangeMax, BLOCK_RANGE_MS); range *= RANGE_FACTOR) {
    const stretches = new Map<number, Planned[]>()
    for (const block of blocks) {
      const { meta } = block
      const at = Math.floor(meta.minT / range)
      if (Math.floor(meta.maxT / range) !== at || (at + 1) * range > coverT || damaged.has(block.folder)) continue
      const stretch = stretches.get(at)
      if (stretch) stretch.push(block)
      else stretches.set(at, [block])
    }
    for (const [, stretch] of [...stretches].toSorted((a, b) => a[0] - b[0])) {
      const due = together(stretch, blocks)
      if (due !== null) return due.map(({ folder }) => folder)
    }
  }
  return null
}

/** The same where the disk has room for what comes of them: it is no larger, and they go after it. */
export function dueCompaction(blocks: readonly Planned[], limits: CompactionLimits, fits: (bytes: number) => boolean): string[] | null {
  const sources = planCompaction(blocks, limits)
  if (sources === null) return null
  const bytes = blocks.reduce((sum, { folder, meta }) => sum + (sources.includes(folder) ? meta.bytes : 0), 0)
  return fits(bytes) ? sources : null
}

/**
 * The first two or more of a stretch that can become one, which then has the lowest number of theirs: of conflicting samples
 * those of the lower number are seen. A block that overlaps one with a number between, which is to stay, must stay, too.
 */
function together(stretch: readonly Planned[], blocks: readonly Planned[]): Planned[] | null {
  const byNumber = stretch.toSorted((a, b) => a.name.number - b.name.number)
  for (const [i, first] of byNumber.entries()) {
    const taken = new Set([first])
    for (const block of byNumber.slice(i + 1)) {
      const isOvertaking = blocks.some((other) => !taken.has(other) && other.name.number > first.name.number && other.name.number < block.name.number
        && other.meta.minT <= block.meta.maxT && other.meta.maxT >= block.meta.minT)
      if (!isOvertaking) taken.add(block)
    }
    if (taken.size > 1) return stretch.filter((block) => taken.has(block))
  }
  return null
}

/** Folders of blocks whose newest sample is before `oldest`. */
export function pastRetention(blocks: readonly Planned[], oldest: number): string[] {
  return blocks.filter(({ meta }) => meta.maxT < oldest).map(({ folder }) => folder)
}

/** The oldest blocks, which must go for all to fit; `otherBytes` are taken by what is no block. */
export function overSize<B extends { meta: Pick<BlockMeta, 'maxT' | 'bytes'> }>(blocks: readonly B[], bytesMax: number, otherBytes: number): B[] {
  let bytes = blocks.reduce((sum, { meta }) => sum + meta.bytes, otherBytes)
  const gone: B[] = []
  for (const block of blocks.toSorted((a, b) => a.meta.maxT - b.meta.maxT)) {
    if (bytes <= bytesMax) break
    gone.push(block)
    bytes -= block.meta.bytes
  }
  return gone
}

/** Folders of blocks that were there before and are no more. */
export function goneFrom(before: readonly Planned[], next: readonly Planned[]): string[] {
  const kept = new Set(next.map(({ folder }) => folder))
  return before.map(({ folder }) => folder).filter((folder) => !kept.has(folder))
}
