// Writes the file of definitions anew: the series and groups that the head has, in a file that takes the old one's place
// with one rename. A start then meets nothing of what was forgotten; and a file whose sync has failed, of which nobody
// knows what the device holds, is got rid of.
import { setImmediate as nextTurn } from 'node:timers/promises'
import { MovedColumns, writeDefinitions } from './definitions-write.ts'
import type { Head } from './head.ts'

export class DefinitionsRewrite {
  readonly #head: Head
  readonly #isClosed: () => boolean
  #running: Promise<boolean> | null = null
  /** Series and groups that had ended when the file was last written. */
  #endedThen: number

  constructor(head: Head, isClosed: () => boolean) {
    this.#head = head
    this.#isClosed = isClosed
    this.#endedThen = this.#ended
  }

  get #ended(): number {
    return this.#head.series.forgotten + this.#head.dissolved
  }

  /** More of the file is of what has ended than of what is there. */
  get isDue(): boolean {
    const { series, groups } = this.#head
    const live = series.count + groups.reduce((count, group) => count + (group === groups[0] ? 0 : 1), 0)
    return this.#ended - this.#endedThen > live
  }

  /** Resolves to whether it was done; rejects with DiskError, and the file is the old one. */
  run(): Promise<boolean> {
    this.#running ??= this.#run().finally(() => (this.#running = null))
    return this.#running
  }

  /** Resolves when none is under way. */
  async idle(): Promise<void> {
    await this.#running?.catch(() => undefined)
  }

  async #run(): Promise<boolean> {
    const { definitions } = this.#head
    const ended = this.#ended
    const target = definitions.beginRewrite()
    this.#head.groupIds.definitionsBegin()
    let isDone = false
    try {
      const { series } = this.#head
      const moved = new MovedColumns(this.#head)
      this.#head.onMoved = (ref, group, column) => moved.note(ref, group, column)
      const names = { of: (ref: number) => ref, get newest() { return series.newest } }
      for (const _ of writeDefinitions(this.#head, target, moved, names)) {
        target.write()
        await nextTurn()
        // Who closes has closed both files.
        if (this.#isClosed()) return false
      }
      target.write()
      await target.sync()
      if (this.#isClosed()) return false
      definitions.finishRewrite()
      this.#endedThen = ended
      isDone = true
      return true
    } catch (error) {
      definitions.abandonRewrite()
      throw error
    } finally {
      this.#head.groupIds.definitionsEnd(isDone)
      this.#head.onMoved = null
    }
  }
}
