// Puts back into a head what segments and log hold, once the definitions are there (load-folder.ts).
import { CHUNK_ROWS } from '../codec/chunk-encode.ts'
import type { ReplayedRow } from '../log/log-replay.ts'
import { FlushedStretches } from './flushed-stretches.ts'
import type { Head } from './head.ts'
import { isCut } from './published.ts'
import { RowWriter, kindsOf } from './row-writer.ts'
import type { SegmentHead } from './segment-file.ts'

export class HeadReplay {
  readonly #head: Head
  readonly #writer: RowWriter
  readonly #inSegments = new FlushedStretches()

  constructor(head: Head) {
    this.#head = head
    this.#writer = new RowWriter(head.heap, head.arena, null)
  }

  /** Links a segment; false if it makes no sense. */
  segment(head: SegmentHead, mustBeVerified: boolean): boolean {
    const group = this.#head.groups[head.group]
    if (group === this.#head.groups[0]) this.#head.groupIds.inFiles.add(head.group)
    if (!group || head.rows > CHUNK_ROWS || group.saltOf(head.columns) !== head.salt) return false
    // A damaged one of late: its rows are still in the log, which is cut only behind what is synced.
    if (mustBeVerified && !head.isVerified) return false
    if (!isCut(this.#head.cuts.cover, group.generation, head.maxT)) group.linkFound({ ...head, previous: 0 })
    this.#head.newestSegmentLsn = Math.max(this.#head.newestSegmentLsn, head.flushedLsn)
    if (head.isVerified) this.#inSegments.add(head.group, head.firstLsn, head.flushedLsn)
    return true
  }

  /** Puts a logged row back, unless it is in a segment. Returns its samples, 0 if it was not needed, -1 if what it is of is not defined, and not in blocks. */
  row(lsn: number, row: ReplayedRow): number {
    const group = this.#head.groups[row.group]
    if (group === this.#head.groups[0]) this.#head.groupIds.inFiles.add(row.group)
    this.#head.replayLsn = lsn
    const isKnown = group && row.first + row.n <= group.columns && group.knowsSalt(row.salt)
    if (!isKnown) return row.t < this.#head.cuts.cover.t ? 0 : -1
    if (this.#inSegments.has(row.group, lsn)) return 0
    if (isCut(this.#head.cuts.cover, group.generation, row.t)) return 0
    const refs = this.#head.heap.u32.slice(group.refsWord + row.first, group.refsWord + row.first + row.n)
    const stale = row.stale && new Uint8Array(row.n).map((_, i) => (row.stale![i >>> 5]! >>> (i & 31)) & 1)
    const run = { refs, values: row.values, stale, histograms: row.histograms, startTimes: row.startTimes, t: row.t }
    let r = group.rows - 1
    while (r >= 0 && group.timeOf(r) !== row.t) r--
    if (r < 0 && (group.mustFlush || group.columns > group.layout.cap)) this.#head.flushGroup(group)
    const isNew = r < 0
    // Its segment was lost while a later one was not: the row stands behind newer ones from now on.
    if (isNew && row.t <= group.maxT) group.record.markUnordered()
    group.reserveKinds(kindsOf(run, 0, row.n))
    if (isNew) r = group.beginRow(row.t)
    const writer = this.#writer
    const verdicts = new Uint8Array(row.n)
    writer.begin(group, run, 0, row.n)
    let samples = 0
    for (let i = 0; i < row.n;) {
      const isThere = (k: number): boolean => row.present === null || ((row.present[k >>> 5]! >>> (k & 31)) & 1) === 1
      if (!isThere(i)) {
        i++
        continue
      }
      let end = i + 1
      while (end < row.n && isThere(end)) end++
      if (row.first + i < group.layout.cap) writer.merge(group, r, run, i, Math.min(end, group.layout.cap - row.first) - i, row.first + i, verdicts)
      samples += end - i
      i = end
    }
    if (isNew) group.publishRow(r)
    writer.finish(group, r, this.#head.clock.monotonic())
    if (lsn < group.firstLsn) {
      group.firstLsn = lsn
      group.firstAtMs = this.#head.clock.monotonic()
    }
    return samples
  }
}
