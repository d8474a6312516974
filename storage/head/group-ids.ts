// Ids of groups, given again: a group that was let go of leaves its id, its record's place and its element of a list behind,
// and with new series each minute there is a new group each minute.
//
//   let go ─▶ no series names it ─▶ no reader does ─┐
//          ─▶ the file of definitions, written anew, does not ─┼─▶ free
//          ─▶ log and segments have no file of its time ─┘
//
// What names an id is gone, then, in memory and on the device: a row or a segment of the group that was is never met again,
// whatever crashes. Salts (FORMAT.md) would tell the two apart as well, but for one of 65,536 rows.
import type { Arena } from './arena.ts'

/** How far log and segments had come, or begin. */
export interface FileMarks {
  lsn: number
  segmentFile: number
}

/** Ids that were let go of together. */
interface Batch extends FileMarks {
  ids: readonly number[]
  isUnread: boolean
  /** What the file of definitions says of them: that they are groups, the same while it is written anew, nothing. */
  definitions: 'named' | 'leaving' | 'none'
}

export class GroupIds {
  readonly #arena: Arena
  /** At a start: ids of what is not there, found in definitions that lack their beginning, and in rows and segments. */
  readonly inDefinitions: Set<number> = new Set<number>()
  readonly inFiles: Set<number> = new Set<number>()
  /** How often one was given again. */
  again = 0
  #free: number[] = []
  /** Let go of, and maybe still named as a place that series had. */
  #ended: number[] = []
  #waiting: Batch[] = []

  constructor(arena: Arena) {
    this.#arena = arena
  }

  /** The id that `take` takes, 0 if none is free. */
  get next(): number {
    return this.#free.at(-1) ?? 0
  }

  take(): void {
    this.#free.pop()
    this.again++
  }

  /** Ids that cannot be given yet. */
  get waiting(): number {
    return this.#waiting.reduce((sum, { ids }) => sum + ids.length, this.#ended.length)
  }

  /** Ids that a start found given and not defined: of groups that had ended when the file was written. `marks`: of rows and segments to come. */
  found(ids: readonly number[], marks: FileMarks): void {
    const nowhere = { lsn: 0, segmentFile: 0 }
    const add = (some: readonly number[], own: FileMarks, definitions: Batch['definitions']): void => {
      if (some.length > 0) this.#waiting.push({ ids: some, ...own, isUnread: true, definitions })
    }
    add(ids.filter((id) => this.inDefinitions.has(id)), marks, 'named')
    const rest = ids.filter((id) => !this.inDefinitions.has(id))
    add(rest.filter((id) => this.inFiles.has(id)), marks, 'none')
    add(rest.filter((id) => !this.inFiles.has(id)), nowhere, 'none')
    this.inDefinitions.clear()
    this.inFiles.clear()
  }

  /** A group was let go of: it has neither rows nor segments. */
  end(id: number): void {
    this.#ended.push(id)
  }

  /** No series names any that was let go of. `marks`: of rows and segments to come. */
  unplaced(marks: FileMarks): void {
    if (this.#ended.length === 0) return
    const batch: Batch = { ids: this.#ended, ...marks, isUnread: false, definitions: 'named' }
    this.#ended = []
    this.#waiting.push(batch)
    this.#arena.afterReaders(() => (batch.isUnread = true))
  }

  /** The file of definitions is about to be written anew, without what has ended. */
  definitionsBegin(): void {
    for (const batch of this.#waiting) if (batch.definitions === 'named') batch.definitions = 'leaving'
  }

  /** It has taken the old one's place on the device, or has not. */
  definitionsEnd(isDone: boolean): void {
    for (const batch of this.#waiting) if (batch.definitions === 'leaving') batch.definitions = isDone ? 'none' : 'named'
  }

  /** Frees what nothing names any more. `oldest`: where log and segments begin, on the device. */
  release(oldest: FileMarks): void {
    const isFree = (batch: Batch): boolean => batch.isUnread && batch.definitions === 'none' && batch.lsn <= oldest.lsn && batch.segmentFile < oldest.segmentFile
    for (const { ids } of this.#waiting.filter(isFree)) for (const id of ids) this.#free.push(id)
    this.#waiting = this.#waiting.filter((batch) => !isFree(batch))
  }
}
