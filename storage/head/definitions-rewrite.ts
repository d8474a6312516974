// Writes the file of definitions anew: the series and groups that the head has, in a file that takes the old one's place
// with one rename. A start then meets nothing of what was forgotten; and a file whose sync has failed, of which nobody
// knows what the device holds, is got rid of.
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { SeriesFile } from '../log/series-file.ts'
import type { Head } from './head.ts'

/** Some 2 ms. */
const SERIES_PER_TURN = 1024
const COLUMNS_PER_TURN = 65_536

export class DefinitionsRewrite {
  readonly #head: Head
  readonly #isClosed: () => boolean
  #running: Promise<boolean> | null = null
  /** By group and column: the series that have left it. */
  readonly #moved = new Map<number, Map<number, number>>()
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
    this.#noteMoved()
    let isDone = false
    try {
      const isWhole = await this.#writeSeries(target) && await this.#writeGroups(target)
      if (isWhole) {
        target.write()
        await target.sync()
      }
      // Who closes has closed both files.
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
      this.#moved.clear()
    }
  }

  async #writeSeries(target: SeriesFile): Promise<boolean> {
    const { series } = this.#head
    let written = 0
    for (let ref = 1; ref <= series.newest; ref++) {
      if (!series.isLive(ref)) {
        ref = series.endOfDead(ref)
        continue
      }
      target.addSeries(ref, series.index.labelsOf(ref), series.index.idsOf(ref))
      if (++written % SERIES_PER_TURN !== 0) continue
      target.write()
      await nextTurn()
      if (this.#isClosed()) return false
    }
    target.addGiven(series.newest)
    return true
  }

  /** A vacant column says nothing of whose samples it holds still; the series that left it do, now and while this goes on. */
  #noteMoved(): void {
    const { series } = this.#head
    this.#head.onMoved = (ref, group, column) => {
      const columns = this.#moved.get(group)
      if (columns) columns.set(column, ref)
      else this.#moved.set(group, new Map([[column, ref]]))
    }
    for (let ref = 1; ref <= series.newest; ref++) {
      if (!series.isLive(ref)) ref = series.endOfDead(ref)
      else if (series.hasOlderPlaces(ref)) series.olderPlaces(ref, (group, column) => this.#head.onMoved!(ref, group, column))
    }
  }

  async #writeGroups(target: SeriesFile): Promise<boolean> {
    const { groups, heap, series } = this.#head
    let columns = 0
    // A series is in the last group that is said to have it.
    const byAge = groups.filter((group) => group !== groups[0]).sort((a, b) => a.age - b.age)
    for (const group of byAge) {
      const { id, isLate, generation } = group
      // Let go of since.
      if (groups[id] !== group) continue
      let firstColumn = 0
      for (const { end, salt } of group.definitions) {
        const first = firstColumn
        const refs = heap.u32.slice(group.refsWord + first, group.refsWord + end).map((ref, i) => (series.isLive(ref) ? ref : this.#moved.get(id)?.get(first + i) ?? 0))
        target.addGroup({ group: id, firstColumn, refs, isLate, generation, salt })
        firstColumn = end
      }
      columns += group.columns + 16
      if (columns < COLUMNS_PER_TURN) continue
      columns = 0
      target.write()
      await nextTurn()
      if (this.#isClosed()) return false
    }
    target.addGroup({ group: groups.length - 1, firstColumn: 0, refs: new Uint32Array(0), isLate: false, generation: 0, salt: 0 })
    return true
  }
}
