// What a repair finds, for people, and what it may do about it.

import type { FileList } from '../file-list.ts'

/** Something that is not as it was written. */
export interface Finding {
  /** File or folder, from the data folder on. */
  place: string
  damage: string
  /** What it costs now; '' where nothing is lost. */
  cost: string
  /** What is done about it, as a participle. */
  remedy: string
}

/** What a part of a repair works with. */
export interface RepairWork {
  /** The data folder. */
  folder: string
  /** Where things go as they were found. */
  quarantine: string
  /** Nothing is changed. */
  isDryRun: boolean
  report(finding: Finding): void
  /** All of it was looked at, and nothing is wrong. */
  sound(place: string): void
  /** What there is to be of log, head and series. */
  list: FileList
}

export function plural(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`
}
