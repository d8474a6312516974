// What goes while the data folder is too large: the oldest first, whether samples, rows of minutes or files of hours. Pure.
import { overSize, type Planned } from './block-plan.ts'

/** A file of the 1-hour tier that lies in the data folder alone. */
export interface HourFileSize {
  name: string
  /** Greatest end of a bucket, Unix ms. */
  maxT: number
  bytes: number
}

export interface Kept {
  blocks: readonly Planned[]
  /** Of the 1-minute tier. */
  minutes: readonly Planned[]
  hours: readonly HourFileSize[]
}

export interface Going {
  /** Folders. */
  blocks: string[]
  minutes: string[]
  /** Files of hours whose buckets all end by then; -Infinity: none. */
  hoursT: number
}

export const NOTHING_GOES: Going = { blocks: [], minutes: [], hoursT: -Infinity }

/** `otherBytes` are taken by what does not go. */
export function goingForSize({ blocks, minutes, hours }: Kept, bytesMax: number, otherBytes: number): Going {
  const files = hours.map((meta) => ({ meta }))
  const going = new Set(overSize([...blocks, ...minutes, ...files], bytesMax, otherBytes))
  const foldersOf = (kept: readonly Planned[]): string[] => kept.filter((block) => going.has(block)).map(({ folder }) => folder)
  return {
    blocks: foldersOf(blocks), minutes: foldersOf(minutes),
    hoursT: files.reduce((newest, file) => (going.has(file) ? Math.max(newest, file.meta.maxT) : newest), -Infinity),
  }
}
