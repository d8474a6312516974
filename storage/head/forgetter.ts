// Forgets series that have nothing in the head any more: of a pod that is gone, only blocks tell.
//
//   a cut is released ─▶ columns silent since the cut before it are vacated ─▶ series without any place: idle
//   the next one      ─▶ still idle ─▶ forgotten ─▶ the index is built anew once many are
//
// So a series goes four to six hours after its last sample. One whose labels come back later is a new one to the head;
// queries make them one again by their labels (cold-series.ts).
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { DefinitionsRewrite } from './definitions-rewrite.ts'
import type { Head } from './head.ts'
import { IndexRebuild } from './index-rebuild.ts'
import { NOTHING_CUT, type Cut } from './published.ts'

/** Some 1 ms. */
const REFS_PER_TURN = 65_536
const COLUMNS_PER_TURN = 65_536

export interface ForgetterOptions {
  /** A series that is not to be forgotten, though the head holds no sample of it. */
  isKept: (ref: number) => boolean
  /** Whether so many bytes can be written without touching the disk's reserve. */
  fits: (bytes: number) => boolean
}

export class Forgetter {
  readonly #head: Head
  readonly #options: ForgetterOptions
  readonly #definitions: DefinitionsRewrite
  readonly #index: IndexRebuild
  /** Idle at the last round, ascending. */
  #idle: number[] = []
  /** The cut before the last one. */
  #before: Cut = NOTHING_CUT
  /** First refs of pages of forgotten series, and whether all readers see them as that. */
  #deadPages: number[] = []
  #areUnread = false

  constructor(head: Head, definitions: DefinitionsRewrite, options: ForgetterOptions) {
    this.#head = head
    this.#definitions = definitions
    this.#options = options
    this.#index = new IndexRebuild(head.heap, head.arena, head.series)
  }

  /** After a cut whose samples were let go of. */
  async round(cut: Cut, isClosed: () => boolean): Promise<void> {
    this.#releasePages()
    await this.#vacate(this.#before, isClosed)
    this.#before = cut
    if (isClosed()) return
    const idle = await this.#findIdle(isClosed)
    if (isClosed()) return
    const goneCount = await this.#forget(idle, isClosed)
    await this.#index.run(isClosed)
    if (this.#definitions.isDue && !isClosed() && this.#options.fits(this.#head.definitions.sizeBytes)) await this.#definitions.run()
    if (goneCount > 0) this.#notePages()
  }

  /** Forgets those that were idle at the last round, too; returns how many. */
  async #forget(idle: readonly number[], isClosed: () => boolean): Promise<number> {
    const before = this.#idle
    const kept: number[] = []
    let goneCount = 0
    let k = 0
    for (let at = 0; at < idle.length && !isClosed(); at += REFS_PER_TURN) {
      // Looked at and forgotten in one turn: a series is idle and unknown, or known.
      const gone: number[] = []
      for (const ref of idle.slice(at, at + REFS_PER_TURN)) {
        while (k < before.length && before[k]! < ref) k++
        if (!this.#head.series.isIdle(ref)) continue
        if (before[k] === ref && !this.#options.isKept(ref)) gone.push(ref)
        else kept.push(ref)
      }
      this.#head.forget(gone)
      goneCount += gone.length
      await nextTurn()
    }
    this.#idle = kept
    return goneCount
  }

  async #vacate(cut: Cut, isClosed: () => boolean): Promise<void> {
    const { groups } = this.#head
    let columns = 0
    for (let id = 1; id < groups.length && !isClosed(); id++) {
      const group = groups[id]!
      this.#head.vacateSilent(group, cut)
      columns += group.columns + 16
      if (columns < COLUMNS_PER_TURN) continue
      columns = 0
      await nextTurn()
    }
  }

  async #findIdle(isClosed: () => boolean): Promise<number[]> {
    const { series } = this.#head
    const idle: number[] = []
    for (let ref = 1; ref <= series.newest; ref++) {
      if (series.isLive(ref)) {
        if (series.isIdle(ref)) idle.push(ref)
      } else ref = series.endOfDead(ref)
      if (ref % REFS_PER_TURN !== 0) continue
      await nextTurn()
      if (isClosed()) break
    }
    return idle
  }

  #releasePages(): void {
    if (!this.#areUnread) return
    for (const first of this.#deadPages) this.#head.series.releasePage(first)
    this.#deadPages = []
    this.#areUnread = false
  }

  /** Pages whose series are all forgotten go when no reader sees one of these as live. */
  #notePages(): void {
    if (this.#deadPages.length > 0) return
    this.#deadPages = this.#head.series.dyingPages()
    this.#head.arena.afterReaders(() => (this.#areUnread = true))
  }
}
