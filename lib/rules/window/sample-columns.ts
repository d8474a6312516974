// The newest samples of all series that a selector selects, in this thread's memory: as far back as the longest window that a
// rule has over them. They are read once from the store, and at each tick what has come since; all rules share them.
//
//   slot s (the s-th series of those selected that have samples):   t[s*cap .. s*cap + end), v likewise, oldest first
//
//   pull   reads the last seconds again, takes each series' samples behind its newest: O(new samples). New series get slots that
//          the build left free for them
//   build  reads everything: at first, when series go, where samples came late, and every five minutes, which finds what came
//          out of order, or was deleted, since, and leaves out series that have ended
import type { Querier, Selection, SeriesBatch } from '../../../storage/interface.ts'
import type { Matcher } from '../../model/matcher.ts'
import { RunningSums, SUM_BYTES, SUMS_SLOT_BYTES } from './running-sums.ts'

/** How far a pull looks back behind the one before: scrapes come in some time after the moment they are of. */
const OVERLAP_MS = 15_000
/** Out-of-order samples and deletions show after this at the latest. */
const REBUILD_MS = 300_000
/** After samples that were late by more than `LATE_MS` more may have come: but not every tick. */
const LATE_MS = 2000
const LATE_REBUILD_MS = 30_000
/** Samples that no window of the newest tick holds are kept so long: groups whose ticks lie close together take turns. */
export const SLACK_MS = 30_000
/** Bytes a sample takes here, and a series: its samples' number, what was dropped, the marker, its ref. */
const SAMPLE_BYTES = 12
const SLOT_BYTES = 16
/** Of a slot: places among them take 16 bits, with room to tell what has gone from what is here (window-state.ts). */
const SAMPLES_MAX = 2 ** 15 - 1
/** Slots left free: as many as series came since the build before, had it been a whole one ago, and a little; never more than are in use. */
const COMING_FACTOR = 1.25
/** Above a series' samples in the window: room for those of some ticks, until the oldest are dropped. */
const ROOM = 8

export class SampleColumns {
  readonly matchers: readonly Matcher[]
  /** The longest window of a rule over them. */
  readonly spanMs: number
  refs: Uint32Array = new Uint32Array(0)
  /** Slots that there is room for; those behind `refs` wait for new series. */
  slotCap = 0
  /** Samples that a slot may have. */
  cap: number = 16
  /** Unix ms of `t` 0. */
  baseMs = 0
  t: Uint32Array = new Uint32Array(0)
  v: Float64Array = new Float64Array(0)
  end: Uint32Array = new Uint32Array(0)
  /** Of the samples; null until somebody needs them. */
  sums: RunningSums | null = null
  /** Samples of a slot that were dropped before position 0: position + dropped does not change while a sample is here. */
  dropped: Uint32Array = new Uint32Array(0)
  /** t of the newest staleness marker, 0 where there is none. */
  staleT: Uint32Array = new Uint32Array(0)
  /** Grows with each build: positions before mean nothing after. */
  version = 0
  /** Unix ms up to which samples were looked for. */
  pulledMs: number = -Infinity
  /** Samples that came when the tick they belong to was over. */
  lateCount = 0
  /** Why these series cannot be kept here; '' where they can. */
  refusal = ''
  readonly #bytesMax: number
  /** All that were selected when samples were looked for last, whether or not there are any, and the slot of each; -1: it has none. */
  #selected: Uint32Array = new Uint32Array(0)
  #slotOf: Int32Array = new Int32Array(0)
  /** Series that have come since the build. */
  #comingCount = 0
  #builtMs = -Infinity
  #isLate = false
  #idsVersion = 0

  constructor(matchers: readonly Matcher[], spanMs: number, bytesMax: number) {
    this.matchers = matchers
    this.spanMs = spanMs
    this.#bytesMax = bytesMax
  }

  get sizeBytes(): number {
    return this.t.length * this.#sampleBytes + this.slotCap * (SLOT_BYTES + (this.sums === null ? 0 : SUMS_SLOT_BYTES))
  }

  get #sampleBytes(): number {
    return SAMPLE_BYTES + (this.sums === null ? 0 : SUM_BYTES)
  }

  /** From now on there are running sums. */
  keepSums(): void {
    if (this.sums !== null) return
    this.sums = new RunningSums(this.slotCap, this.cap)
    for (let slot = 0; slot < this.refs.length; slot++) {
      for (let k = 0; k < this.end[slot]!; k++) this.sums.push(slot, k, this.v[slot * this.cap + k]!, this.dropped[slot]!)
    }
  }

  /** Takes in what the store has up to `timeMs`, if that has not been done. */
  advance(querier: Querier, timeMs: number): void {
    if (timeMs <= this.pulledMs) return
    const isDue = timeMs - this.#builtMs >= (this.#isLate ? LATE_REBUILD_MS : REBUILD_MS)
    if (isDue || !this.#pull(querier, timeMs)) this.#build(querier, timeMs)
    this.pulledMs = timeMs
  }

  /** False if all must be read. */
  #pull(querier: Querier, timeMs: number): boolean {
    const selection = this.#select(querier, this.pulledMs - OVERLAP_MS, timeMs)
    if ((querier.idsVersion ?? 0) !== this.#idsVersion || !startsWith(selection.refs, this.#selected)) return false
    if (selection.refs.length > this.#selected.length && !this.#welcome(querier, selection.refs)) return false
    const pulledT = this.pulledMs - this.baseMs
    const keptT = timeMs - this.baseMs - this.spanMs - SLACK_MS
    for (let batch = selection.next(); batch !== null; batch = selection.next()) {
      if (batch.histograms !== null) return false
      if (!this.#takeBatch(batch, pulledT, keptT)) return false
    }
    return true
  }

  /** Gives slots to the series of `refs` behind those that were selected before; false if there is no room, or they have a past. */
  #welcome(querier: Querier, refs: Uint32Array): boolean {
    const known = this.#selected.length
    const used = this.refs.length
    const count = refs.length - known
    this.#comingCount += count
    if (used + count > this.slotCap) return false
    const olderMs = this.pulledMs - OVERLAP_MS - 1
    if (querier.seriesRefs([this.matchers], this.baseMs, olderMs).some((ref) => ref >= refs[known]!)) return false
    const slots = new Int32Array(refs.length)
    slots.set(this.#slotOf)
    const all = new Uint32Array(used + count)
    all.set(this.refs)
    for (let k = 0; k < count; k++) {
      slots[known + k] = used + k
      all[used + k] = refs[known + k]!
    }
    this.refs = all
    this.#selected = refs.slice()
    this.#slotOf = slots
    return true
  }

  /** False if all must be read. */
  #takeBatch(batch: SeriesBatch, pulledT: number, keptT: number): boolean {
    const { n, t, v, index, seriesCount, hasGaps, present, stale } = batch
    const { baseMs, cap, end } = this
    const words = (n + 31) >>> 5
    for (let s = 0; s < seriesCount; s++) {
      const slot = this.#slotOf[index[s]!]!
      if (slot < 0) {
        // It had no samples as far back as was looked: they may have come since, or late.
        if (hasSamples(batch, s)) return false
        continue
      }
      const newest = end[slot]! > 0 ? this.t[slot * cap + end[slot]! - 1]! : 0
      let from = n
      while (from > 0 && t[from - 1]! - baseMs > newest) from--
      for (let i = from; i < n; i++) {
        const at = t[i]! - baseMs
        if (hasGaps[s] === 1) {
          const bit = 1 << (i & 31)
          const word = s * words + (i >>> 5)
          if ((present[word]! & bit) === 0) continue
          if ((stale[word]! & bit) !== 0) {
            this.staleT[slot] = at
            continue
          }
        }
        if (at <= pulledT) this.#noteLate(pulledT - at)
        if (!this.#push(slot, at, v[s * n + i]!, keptT)) return false
      }
    }
    return true
  }

  #noteLate(byMs: number): void {
    this.lateCount++
    if (byMs > LATE_MS) this.#isLate = true
  }

  /** False if there is no room. */
  #push(slot: number, at: number, value: number, keptT: number): boolean {
    if (this.end[slot] === this.cap && !this.#drop(slot, keptT)) return false
    const place = this.end[slot]!++
    this.t[slot * this.cap + place] = at
    this.v[slot * this.cap + place] = value
    this.sums?.push(slot, place, value, this.dropped[slot]!)
    return true
  }

  /** Makes room for a sample by dropping those before `keptT`. */
  #drop(slot: number, keptT: number): boolean {
    const from = slot * this.cap
    const end = this.end[slot]!
    let k = 0
    while (k < end && this.t[from + k]! <= keptT) k++
    if (k === 0) return false
    this.t.copyWithin(from, from + k, from + end)
    this.v.copyWithin(from, from + k, from + end)
    this.sums?.drop(slot, k, end)
    this.end[slot]! -= k
    this.dropped[slot]! += k
    return true
  }

  #build(querier: Querier, timeMs: number): void {
    const before = this.#counts(timeMs)
    this.version++
    this.#isLate = false
    const coming = this.#comingCount * COMING_FACTOR * REBUILD_MS / (timeMs - this.#builtMs)
    this.#comingCount = 0
    this.#builtMs = timeMs
    this.#idsVersion = querier.idsVersion ?? 0
    this.baseMs = timeMs - this.spanMs - SLACK_MS - 1
    for (;;) {
      const selection = this.#select(querier, this.baseMs, timeMs)
      this.#seat(selection.refs, querier.seriesRefs([this.matchers], this.baseMs, timeMs))
      const slotsMax = Math.floor(this.#bytesMax / (this.cap * this.#sampleBytes))
      if (this.refs.length > slotsMax || this.cap > SAMPLES_MAX) {
        this.#refuse('too many samples for the memory of windows')
        return
      }
      this.slotCap = Math.min(slotsMax, this.refs.length + Math.min(this.refs.length, Math.ceil(coming)))
      this.#clear()
      const wanted = this.#read(selection)
      if (this.refusal !== '') return
      if (wanted <= this.cap) break
      this.cap = wanted
    }
    for (const [i, ref] of this.refs.entries()) {
      const known = before.get(ref)
      if (known !== undefined) this.lateCount += Math.max(0, this.#countIn(i, known.fromMs, known.toMs) - known.count)
    }
  }

  /** Gives slots to those of `selected` that are among `live`; both ascend. */
  #seat(selected: Uint32Array, live: Uint32Array): void {
    this.#selected = selected.slice()
    this.#slotOf = new Int32Array(selected.length).fill(-1)
    const refs = new Uint32Array(Math.min(selected.length, live.length))
    let slot = 0
    for (let i = 0, k = 0; i < selected.length; i++) {
      while (k < live.length && live[k]! < selected[i]!) k++
      if (live[k] !== selected[i]) continue
      this.#slotOf[i] = slot
      refs[slot++] = selected[i]!
    }
    this.refs = refs.slice(0, slot)
  }

  /** Reads all batches; how many samples a slot should have room for, above `cap` where they did not fit. */
  #read(selection: Selection): number {
    let wanted = this.cap
    for (let batch = selection.next(); batch !== null; batch = selection.next()) {
      if (batch.histograms !== null) {
        this.#refuse('native histograms')
        return 0
      }
      wanted = Math.max(wanted, Math.ceil(batch.n * 1.1) + ROOM)
      // Else only looked through: all is read once more, into room for the longest.
      if (wanted === this.cap) this.#takeBatch(batch, -1, 0)
    }
    return wanted
  }

  #refuse(why: string): void {
    this.refusal = why
    this.refs = new Uint32Array(0)
    this.cap = 0
    this.slotCap = 0
    this.#clear()
  }

  #clear(): void {
    const { slotCap, cap } = this
    this.t = new Uint32Array(slotCap * cap)
    this.v = new Float64Array(slotCap * cap)
    this.end = new Uint32Array(slotCap)
    this.dropped = new Uint32Array(slotCap)
    this.staleT = new Uint32Array(slotCap)
    if (this.sums !== null) this.sums = new RunningSums(slotCap, cap)
  }

  #select(querier: Querier, mint: number, maxt: number): Selection {
    return querier.select(this.matchers, mint, maxt, { startMs: maxt, endMs: maxt, stepMs: 0, rangeMs: maxt - mint, func: '' })
  }

  /** Of each series: how many samples there are of the time that a build at `timeMs` reads again. */
  #counts(timeMs: number): Map<number, { count: number; fromMs: number; toMs: number }> {
    const fromMs = timeMs - this.spanMs
    const toMs = this.pulledMs
    return new Map(Array.from(this.refs, (ref, i) => [ref, { count: this.#countIn(i, fromMs, toMs), fromMs, toMs }] as const))
  }

  #countIn(slot: number, fromMs: number, toMs: number): number {
    let count = 0
    for (let k = slot * this.cap; k < slot * this.cap + this.end[slot]!; k++) {
      const t = this.t[k]! + this.baseMs
      if (t > fromMs && t <= toMs) count++
    }
    return count
  }
}

/** Whether the first of `refs` are those. */
function startsWith(refs: Uint32Array, first: Uint32Array): boolean {
  if (refs.length < first.length) return false
  for (let i = 0; i < first.length; i++) if (refs[i] !== first[i]) return false
  return true
}

/** Whether a series of a batch has live samples. */
function hasSamples({ n, hasGaps, present, stale }: SeriesBatch, s: number): boolean {
  if (hasGaps[s] === 0) return n > 0
  const words = (n + 31) >>> 5
  for (let w = s * words; w < (s + 1) * words; w++) if ((present[w]! & ~stale[w]!) !== 0) return true
  return false
}
