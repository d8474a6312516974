// What tier-process.ts writes, for who looks at it afterwards.
import type { Labels } from '../../lib/model/labels.ts'

export const HOURS = 7
/** The retention of raw samples in the end: those that are in blocks go. */
export const RAW_MS = 1_800_000
/** From here on six hours are compacted to one block. */
export const T0: number = Math.floor(1_700_000_000_000 / (6 * 3_600_000)) * 6 * 3_600_000

export const labelsOf = (s: number): Labels => ['__name__', `m${s}`]
export const valueAt = (s: number, t: number): number => (s === 0 ? 1 : (t / 60_000) % (7 + s))
