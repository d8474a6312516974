// Decides where samples go (design: groups, not series).
//
//   run of one time ─▶ new refs get columns ─▶ per group: newer than its rows? ─▶ new row
//                                                        same time as a row?     ─▶ added to it
//                                                        older?                  ─▶ per series: moved out, late, refused
//
// A series whose own newest sample is older than the sample is in order, however far its group has run ahead: it
// leaves for a group of its own time. Late samples (inside the out-of-order window) go to a late group of one column.
import { assert } from '../../lib/std/assert.ts'
import type { FloatHistogram } from '../../lib/model/histogram.ts'
import { LATE_RUN_CLASSES, LATE_RUN_MS, REJECT_DUPLICATE, REJECT_FORGOTTEN, REJECT_FUTURE, REJECT_OUT_OF_ORDER, REJECT_TOO_OLD, STORED, type SampleBatch } from '../interface.ts'
import { isForgotten } from './forgotten.ts'
import type { Head } from './head.ts'
import type { Group } from './group.ts'
import { GROUP_COLUMNS_MAX } from './group-record.ts'
import { RowWriter, kindsOf, type Run } from './row-writer.ts'
import { ROOT_LATE_RUNS } from './shared-heap.ts'

/** A sample further ahead of the wall clock than this is refused: it would block its series until then. */
const FUTURE_MS_MAX = 10 * 60_000
/** Below this share of used columns a flushed group is broken up: its series have moved on. */
const USED_SHARE_MIN = 0.5
const BREAK_COLUMNS_MIN = 64
/** So far on in a batch new series are looked for that go into one group with the first. */
const SCATTERED_LOOKS = 8192

export class HeadAppender {
  readonly #head: Head
  readonly #writer: RowWriter
  #refs: Uint32Array = new Uint32Array(1024)
  #values: Float64Array = new Float64Array(1024)
  #stale: Uint8Array = new Uint8Array(1024)
  #startTimes: Float64Array = new Float64Array(1024)
  readonly #histograms: (FloatHistogram | null)[] = []
  #verdicts: Uint8Array = new Uint8Array(1024)

  constructor(head: Head) {
    this.#head = head
    this.#writer = new RowWriter(head.heap, head.arena, head.log)
  }

  /** Samples given since start that were there already, equal in value. */
  get repeated(): number {
    return this.#writer.repeated
  }

  /** See Appender.append. Batches of several times are turned into runs of one time. */
  append(batch: SampleBatch, verdicts: Uint8Array): number {
    this.#head.log?.assertWritable()
    if (batch.times === null) {
      return this.#run(runOf(batch, batch.t), 0, batch.count, verdicts)
    }
    let refused = 0
    for (let i = 0; i < batch.count;) {
      const { samples, series } = this.#strip(batch, i)
      refused += this.#appendStrip(batch, i, samples, series, verdicts)
      i += samples * series
    }
    return refused
  }

  /** The longest stretch from i on in which every series has the same times. */
  #strip(batch: SampleBatch, i: number): { samples: number; series: number } {
    const { refs, count } = batch
    const times = batch.times!
    let samples = 1
    while (i + samples < count && refs[i + samples] === refs[i]) samples++
    let series = 1
    for (let next = i + samples; next + samples <= count; next += samples, series++) {
      const ref = refs[next]
      let k = 0
      while (k < samples && refs[next + k] === ref && times[next + k] === times[i + k]) k++
      if (k < samples || (next + samples < count && refs[next + samples] === ref)) break
    }
    return { samples, series }
  }

  #appendStrip(batch: SampleBatch, i: number, samples: number, series: number, verdicts: Uint8Array): number {
    const times = batch.times!
    if (samples === 1) {
      return this.#run(runOf(batch, times[i]!), i, i + series, verdicts)
    }
    this.#reserve(series)
    let refused = 0
    const { histograms = null, startTimes = null } = batch
    const run: Run = {
      refs: this.#refs, values: this.#values, stale: batch.stale ? this.#stale : null,
      histograms: histograms && this.#histograms, startTimes: startTimes && this.#startTimes, t: 0,
    }
    for (let k = 0; k < samples; k++) {
      run.t = times[i + k]!
      for (let s = 0; s < series; s++) {
        const from = i + s * samples + k
        this.#refs[s] = batch.refs[from]!
        this.#values[s] = batch.values[from]!
        if (batch.stale) this.#stale[s] = batch.stale[from]!
        if (histograms) this.#histograms[s] = histograms[from]!
        if (startTimes) this.#startTimes[s] = startTimes[from]!
      }
      refused += this.#run(run, 0, series, this.#verdicts)
      for (let s = 0; s < series; s++) verdicts[i + s * samples + k] = this.#verdicts[s]!
    }
    return refused
  }

  #reserve(n: number): void {
    if (n <= this.#refs.length) return
    this.#refs = new Uint32Array(n * 2)
    this.#values = new Float64Array(n * 2)
    this.#stale = new Uint8Array(n * 2)
    this.#startTimes = new Float64Array(n * 2)
    this.#verdicts = new Uint8Array(n * 2)
  }

  /** Appends samples of one time; returns how many were refused. */
  #run(run: Run, from: number, to: number, verdicts: Uint8Array): number {
    const { t } = run
    const now = this.#head.clock.now()
    // Times are whole: blocks end just below one. None lies before 1970, however long samples are kept: names of blocks have no sign.
    const isOld = !Number.isInteger(t) || t < Math.max(0, now - this.#head.retentionMs)
    const verdict = isOld ? REJECT_TOO_OLD : t > now + FUTURE_MS_MAX ? REJECT_FUTURE : STORED
    verdicts.fill(verdict, from, to)
    if (verdict !== STORED) return to - from
    let refused = 0
    const { series, groups } = this.#head
    for (let i = from; i < to;) {
      let id = series.groupOf(run.refs[i]!)
      if (id === 0) {
        if (this.#head.hasLateFrom(run.refs[i]!, t)) {
          const late = this.#late(run.refs[i]!, run, i, verdicts)
          verdicts[i++] = late
          if (late !== STORED) refused++
          continue
        }
        this.#assign(run, from, i, to)
        id = series.groupOf(run.refs[i]!)
      } else if (isForgotten(id)) {
        verdicts[i++] = REJECT_FORGOTTEN
        refused++
        continue
      }
      const group = groups[id]!
      const end = this.#sameGroup(run, i, to, id)
      if (t > group.maxT && !this.#head.isFrozen(group, t)) this.#newRow(group, run, i, end)
      else refused += this.#oldRow(group, run, i, end, verdicts)
      i = end
    }
    if (t <= now - LATE_RUN_MS) this.#noteLate(now - t)
    return refused
  }

  /** Once readers see what came: else one that looks in between would take it for seen. */
  #noteLate(byMs: number): void {
    const k = Math.floor(Math.log2(byMs / LATE_RUN_MS))
    if (k < LATE_RUN_CLASSES) Atomics.add(this.#head.heap.u32, ROOT_LATE_RUNS + k, 1)
  }

  /** End of the stretch of run[i, to) that lies in ascending columns of group `id`. */
  #sameGroup(run: Run, i: number, to: number, id: number): number {
    const { series, groups } = this.#head
    const group = groups[id]!
    let c = series.columnOf(run.refs[i]!)
    for (;;) {
      const n = this.#writer.stretch(group, run, i, to, c)
      assert(n > 0, `series ${run.refs[i]} is not in column ${c} of group ${id}`)
      i += n
      c += n
      if (i >= to || series.groupOf(run.refs[i]!) !== id) return i
      const next = series.columnOf(run.refs[i]!)
      if (next < c) return i
      c = next
    }
  }

  #newRow(group: Group, run: Run, from: number, to: number): void {
    if (group.mustFlush) this.#flush(group)
    // A flush may have broken the group up; its series are then placed anew.
    if (this.#head.series.groupOf(run.refs[from]!) !== group.id) {
      this.#placeAnew(run, from, to)
      return
    }
    group.reserveKinds(kindsOf(run, from, to))
    const r = group.beginRow(run.t)
    this.#writer.begin(group, run, from, to)
    const { series } = this.#head
    for (let i = from; i < to;) {
      const c = series.columnOf(run.refs[i]!)
      const n = this.#writer.stretch(group, run, i, to, c)
      this.#writer.copy(group, r, run, i, n, c)
      i += n
    }
    group.publishRow(r)
    this.#writer.finish(group, r, this.#head.clock.monotonic())
  }

  /** The group is at or past this time, or frozen there: into a row of the same time, or sample by sample. */
  #oldRow(group: Group, run: Run, from: number, to: number, verdicts: Uint8Array): number {
    if (group.isHeavy && run.histograms !== null) this.#head.flushGroup(group)
    const r = rowAt(group, run.t)
    if (r >= 0 && (r === group.rows - 1 || group.isLate) && !this.#head.isFrozen(group, run.t)) return this.#mergeRow(group, r, run, from, to, verdicts)
    let refused = 0
    let moved = 0
    const movedAt = new Uint32Array(to - from)
    for (let i = from; i < to; i++) {
      const ref = run.refs[i]!
      const verdict = this.#placeOld(group, r, run, i, verdicts)
      verdicts[i] = verdict
      if (verdict !== STORED) refused++
      else if (this.#head.series.groupOf(ref) === 0) movedAt[moved++] = i
    }
    if (moved > 0) {
      const pick = movedAt.subarray(0, moved)
      const { stale, histograms, startTimes } = run
      this.#placeAnew({
        refs: Uint32Array.from(pick, (i) => run.refs[i]!), values: Float64Array.from(pick, (i) => run.values[i]!),
        stale: stale && Uint8Array.from(pick, (i) => stale[i]!), histograms: histograms && Array.from(pick, (i) => histograms[i]!),
        startTimes: startTimes && Float64Array.from(pick, (i) => startTimes[i]!), t: run.t,
      }, 0, moved)
    }
    return refused
  }

  /** Samples that were found storable, of series that have left their group. */
  #placeAnew(run: Run, from: number, to: number): void {
    const refused = this.#run(run, from, to, new Uint8Array(to))
    // They would be acknowledged, and not be there.
    assert(refused === 0, `${refused} of ${to - from} samples at ${run.t} were refused where their series went`)
  }

  #mergeRow(group: Group, r: number, run: Run, from: number, to: number, verdicts: Uint8Array): number {
    const { series } = this.#head
    let refused = 0
    group.reserveKinds(kindsOf(run, from, to))
    this.#writer.begin(group, run, from, to)
    for (let i = from; i < to;) {
      const c = series.columnOf(run.refs[i]!)
      const n = this.#writer.stretch(group, run, i, to, c)
      refused += this.#writer.merge(group, r, run, i, n, c, verdicts)
      i += n
    }
    this.#writer.finish(group, r, this.#head.clock.monotonic())
    return refused
  }

  /** Where an old sample goes. A series that must leave its group is unassigned (STORED); the caller places it anew. */
  #placeOld(group: Group, r: number, run: Run, i: number, verdicts: Uint8Array): number {
    const ref = run.refs[i]!
    const c = this.#head.series.columnOf(ref)
    // What is in blocks may be deleted there; it is then stored again, beside what the head has of it still.
    const mayBeDeleted = this.#head.mayBeDeleted(group, run.t)
    if (!mayBeDeleted && r >= 0 && group.hasSample(r, c)) return this.#repeated(this.#writer.isSame(group, r, run, i, c))
    const newest = this.#head.newestOf(ref)
    if (run.t > newest && !this.#head.hasLateFrom(ref, run.t)) {
      this.#head.moveOut(ref, newest)
      return STORED
    }
    // A sender that restarts sends its last rows again; they may be encoded already.
    const isSame = mayBeDeleted ? null : this.#isEncodedAs(group, c, run, i) ?? (this.#isWhereItWas(ref, run, i) || null)
    if (isSame !== null) return this.#repeated(isSame)
    // A clock that was ahead for a while must not shut its series out until that time comes.
    const reference = Math.min(newest, this.#head.clock.now())
    if (reference - run.t > this.#head.outOfOrderMs) return REJECT_OUT_OF_ORDER
    return this.#late(ref, run, i, verdicts)
  }

  /** Whether a group that the series has left has the same. Another value is stored beside it, and the older one is shown. */
  #isWhereItWas(ref: number, run: Run, i: number): boolean {
    const { series, groups } = this.#head
    let isSame = false
    if (series.hasOlderPlaces(ref)) {
      series.olderPlaces(ref, (id, column) => {
        const group = groups[id]!
        if (isSame || group.isLate || this.#head.mayBeDeleted(group, run.t)) return
        const r = rowAt(group, run.t)
        isSame = r >= 0 && group.hasSample(r, column) ? this.#writer.isSame(group, r, run, i, column) : this.#isEncodedAs(group, column, run, i) === true
      })
    }
    return isSame
  }

  /** See Head.isStoredAs. */
  #isEncodedAs(group: Group, c: number, run: Run, i: number): boolean | null {
    return this.#head.isStoredAs(group, c, run.t, {
      value: run.values[i]!, isStale: run.stale !== null && run.stale[i] === 1, histogram: run.histograms === null ? null : run.histograms[i]!,
    })
  }

  /** The verdict on a sample whose place is taken. */
  #repeated(isSame: boolean): number {
    if (!isSame) return REJECT_DUPLICATE
    this.#writer.repeated++
    return STORED
  }

  #late(ref: number, run: Run, i: number, verdicts: Uint8Array): number {
    const late = this.#head.lateGroupOf(ref, run.t)
    const isSame = this.#head.mayBeDeleted(late, run.t) ? null : this.#isEncodedAs(late, 0, run, i)
    if (isSame !== null) return this.#repeated(isSame)
    if (late.mustFlush) this.#flush(late)
    late.reserveKinds(kindsOf(run, i, i + 1))
    const found = rowAt(late, run.t)
    const r = found >= 0 ? found : late.beginRow(run.t)
    let refused = 0
    this.#writer.begin(late, run, i, i + 1)
    if (found >= 0) {
      refused = this.#writer.merge(late, r, run, i, 1, 0, verdicts)
    } else {
      this.#writer.copy(late, r, run, i, 1, 0)
      late.publishRow(r)
      this.#head.lateSamples++
    }
    this.#writer.finish(late, r, this.#head.clock.monotonic())
    return refused === 0 ? STORED : REJECT_DUPLICATE
  }

  /** Columns for the new refs at run[i, …): behind those of their neighbour's group if it has room, else new groups. */
  #assign(run: Run, from: number, i: number, to: number): void {
    const { series, groups } = this.#head
    let end = i
    while (end < to && this.#isUnplaced(run.refs[end]!, run.t)) end++
    const refs = uniqueRefs(run.refs, i, end)
    if (i > from) {
      const neighbour = groups[series.groupOf(run.refs[i - 1]!)] ?? groups[0]!
      // A series that was moved here with newer samples than this one would hold up its new neighbours.
      // One that had a column there already would hide it by a second.
      const isFenced = refs.some((ref) => this.#head.fenceOf(ref) >= run.t || series.isIn(ref, neighbour.id))
      const fits = !isFenced && neighbour.columns + refs.length <= GROUP_COLUMNS_MAX && neighbour.maxT <= run.t
      // A block too narrow for more columns is flushed first, unless the neighbour's row of this time is in it.
      if (fits && !neighbour.isLate && (neighbour.columns + refs.length <= neighbour.layout.cap || neighbour.maxT < run.t)) {
        this.#head.addColumns(neighbour, refs)
        return
      }
    }
    const all = refs.some((ref) => this.#head.fenceOf(ref) >= run.t) ? refs : this.#withScattered(refs, run, end, to)
    for (let at = 0; at < all.length; at += GROUP_COLUMNS_MAX) this.#head.makeGroup(all.subarray(at, at + GROUP_COLUMNS_MAX), false)
  }

  /**
   * Refs with those further on in the run that have no place either: where a sender's list is sorted, new series stand one
   * by one between known ones, and each would get a group of its own.
   */
  #withScattered(refs: Uint32Array, run: Run, from: number, to: number): Uint32Array {
    const found = new Set(refs)
    for (let i = from; i < Math.min(to, from + SCATTERED_LOOKS) && found.size < GROUP_COLUMNS_MAX; i++) {
      const ref = run.refs[i]!
      if (this.#isUnplaced(ref, run.t) && this.#head.fenceOf(ref) < run.t) found.add(ref)
    }
    return found.size === refs.length ? refs : Uint32Array.from(found)
  }

  /** True if a sample of the series at t wants a column. */
  #isUnplaced(ref: number, t: number): boolean {
    return this.#head.series.groupOf(ref) === 0 && !this.#head.hasLateFrom(ref, t)
  }

  #flush(group: Group): void {
    const used = this.#head.flushGroup(group)
    if (used < USED_SHARE_MIN && group.columns >= BREAK_COLUMNS_MIN) this.#head.breakUp(group)
  }
}

/** Samples of a batch as a run of one time. */
function runOf({ refs, values, stale, histograms = null, startTimes = null }: SampleBatch, t: number): Run {
  return { refs, values, stale, histograms, startTimes, t }
}

/** The row of the block at exactly t, newest first; -1 if there is none. */
function rowAt(group: Group, t: number): number {
  for (let r = group.rows - 1; r >= 0; r--) if (group.timeOf(r) === t) return r
  return -1
}

/** A series that stands twice in a batch gets one column. */
function uniqueRefs(refs: Uint32Array, from: number, to: number): Uint32Array {
  const part = refs.slice(from, to)
  for (let i = 1; i < part.length; i++) if (part[i]! <= part[i - 1]!) return Uint32Array.from(new Set(part))
  return part
}
