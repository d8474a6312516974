// What is due to the tiers, and what readers are shown of them. Pure; times are Unix ms.
import type { BlockState } from './block-folder.ts'
import type { BlockJob } from './block-jobs.ts'
import { dueCompaction } from './block-plan.ts'
import type { PublishedTiers } from './head/published.ts'
import type { HoursState } from './tier/hour-manifest.ts'
import { since } from './lost-times.ts'
import { pastCount, type Cutoff } from './retention-rules.ts'
import { TIER_MS } from './tier/bucket.ts'
import { STRETCH_MS, coverageOf, nextStretch } from './tier/due.ts'

interface TierLimits {
  /** Rows before are too old to be kept. */
  sinceT: number
  /** Raw samples before are past the retention of some series. */
  expiredT: number
  retentionMs: number
  /** Of rows. */
  cutoffs: readonly Cutoff[]
  /** Folders of blocks of rows that are to stay as they are. */
  damaged: ReadonlySet<string>
  /** Whether so many bytes can be written without touching the disk's reserve. */
  fits: (bytes: number) => boolean
}

/** Rows are made before blocks of them are compacted. */
export function dueOfTier(raw: BlockState, minutes: BlockState, { sinceT, expiredT, retentionMs, cutoffs, damaged, fits }: TierLimits): BlockJob | null {
  const stretch = nextStretch(raw.due['1m'], raw.cover.t, sinceT)
  if (stretch !== null) return fits(bytesOf(raw, stretch)) ? { kind: 'tier', stretch, expiredT } : null
  const sources = dueCompaction(minutes.blocks, { coverT: raw.cover.t, retentionMs, damaged }, fits)
  return sources === null ? null : { kind: 'tier-compact', sources, cutoffs }
}

/** What raw blocks take of a stretch: its rows take about as much. */
function bytesOf({ blocks }: BlockState, stretch: number): number {
  return blocks.reduce((sum, { meta: { minT, maxT, bytes } }) => {
    const shared = Math.min(maxT, stretch + STRETCH_MS) - Math.max(minT, stretch)
    return shared < 0 ? sum : sum + bytes * Math.min(1, shared / Math.max(1, maxT - minT))
  }, 0)
}

/** Rows of the 1-hour tier are made, unless they are too old, or there is no room for them; files that are too old go, and rows past their series' own retention. */
export function dueOfHours(raw: BlockState, hours: HoursState, { sinceT, cutoffs, fits }: Pick<TierLimits, 'sinceT' | 'cutoffs' | 'fits'>): boolean {
  const stretch = nextStretch(raw.due['1h'], raw.cover.t, sinceT)
  const isOld = hours.oldestT <= sinceT || hours.looks.some(({ maxT, past }) => pastCount(cutoffs, maxT) > past)
  return (sinceT < Infinity && isOld) || (stretch !== null && fits(bytesOf(raw, stretch)))
}

/** Since when rows are kept, and up to when they are gone, Unix ms. */
export interface KeptRows {
  minutesSinceT: number
  hoursSinceT: number
  hoursDroppedT: number
}

export function publishedTiers(raw: BlockState, minutes: BlockState, { minutesSinceT: sinceT, hoursSinceT, hoursDroppedT }: KeptRows): PublishedTiers {
  // Where nothing was cut yet, files of hours from elsewhere are whole up to where samples are gone.
  const hoursCoverT = raw.cover.t === -Infinity ? Math.ceil((raw.droppedT + TIER_MS['1h']) / STRETCH_MS) * STRETCH_MS : raw.cover.t
  const hours = coverageOf(raw.due['1h'], '1h', hoursCoverT, Math.max(hoursDroppedT, hoursSinceT))
  const coverage = coverageOf(raw.due['1m'], '1m', raw.cover.t, Math.max(minutes.droppedT, sinceT))
  return { rawFrom: raw.droppedT, ...coverage, blocks: minutes.blocks.map(({ name }) => name), lost: since(minutes.lost, sinceT), hours }
}
