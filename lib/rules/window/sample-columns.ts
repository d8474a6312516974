// The newest samples of all series that a selector selects, in this thread's memory: as far back as the longest window that a
// rule has over them. They are read once from the store, and at each tick what has come since; all rules share them.
//
//   series of `refs[i]` ─▶ slot `slots[i]` ─▶ its run in the arena (sample-arena.ts):   t[base .. base + end), v likewise, oldest first
//
//   pull   reads the last seconds again, or as far back as samples came late since, and takes each series' samples behind its newest:
//          O(new samples). Series that come get a slot with their first sample; a part of all slots is looked through at each pull: what no window holds any more goes, and with its
//          last sample the slot
//   build  reads everything: at first, where a series comes that has a past, where samples came late between others, and every five
//          minutes, which finds what came out of order by seconds, or was deleted, since
import { LATE_RUN_CLASSES, LATE_RUN_MS, type Querier, type Selection, type SeriesBatch } from '../../../storage/interface.ts'
import type { Matcher } from '../../model/matcher.ts'
import { resized } from '../../std/typed-array.ts'
import { SUMS_SLOT_BYTES } from './running-sums.ts'
import { roomFor, SampleArena } from './sample-arena.ts'
import { comersAmong, NO_SLOT, SeriesSlots } from './series-slots.ts'

/** How far a pull looks back behind the one before at least: scrapes come in some time after the moment they are of. */
const OVERLAP_MS = LATE_RUN_MS + 5000
/** Out-of-order samples and deletions show after this at the latest. */
const REBUILD_MS = 300_000
/** After samples that were late by more than `LATE_MS` more may have come: but not every tick. */
const LATE_MS = 2000
const LATE_REBUILD_MS = 30_000
/** Samples that no window of the newest tick holds are kept so long: groups whose ticks lie close together take turns. */
export const SLACK_MS = 30_000
/** Bytes of a slot, its place among those selected included. */
const SLOT_BYTES = 40
/** Of a slot: places among them take 16 bits, with room to tell what has gone from what is here (window-folds.ts). */
const SAMPLES_MAX = 2 ** 15 - 1
/** All slots are looked through in so many pulls. */
const SWEEP_PULLS = 8
/** A run is exchanged for a shorter one where that takes so much of it at most. */
const SHRINK_SHARE = 0.75

export class SampleColumns {
  readonly matchers: readonly Matcher[]
  /** The longest window of a rule over them. */
  readonly spanMs: number
  readonly arena: SampleArena = new SampleArena()
  /** Unix ms of `t` 0. */
  baseMs = 0
  /** By slot: how many samples it has. */
  end: Uint16Array = new Uint16Array(0)
  /** Samples of a slot that were dropped before position 0: position + dropped does not change while a sample is here. */
  dropped: Uint32Array = new Uint32Array(0)
  /** t of the newest of those, 0 where there is none. */
  droppedT: Uint32Array = new Uint32Array(0)
  /** t of the newest staleness marker, 0 where there is none. */
  staleT: Uint32Array = new Uint32Array(0)
  /** The number of the pull that gave the slot to its series, or a sample of before the pull: what was known of its windows is void. */
  voidedAt: Uint32Array = new Uint32Array(0)
  /** Of the last pull since the build, from 1 on. */
  pullNumber = 0
  /** Grows with each build: nothing of before means anything after. */
  version = 0
  /** Unix ms up to which samples were looked for. */
  pulledMs: number = -Infinity
  /** Samples that came when the tick they belong to was over. */
  lateCount = 0
  /** Why these series cannot be kept here; '' where they can. */
  refusal = ''
  readonly #bytesMax: number
  readonly #series = new SeriesSlots()
  #sweepFrom = 0
  #builtMs = -Infinity
  #isLate = false
  #idsVersion = 0
  /** What the store had counted when it was looked at last. */
  readonly #lateRuns: Uint32Array = new Uint32Array(LATE_RUN_CLASSES)
  /** Samples that come later than this are in no window. */
  readonly #lateMsMax: number

  /** `offsetMs`: how far behind the present the windows end. */
  constructor(matchers: readonly Matcher[], spanMs: number, { offsetMs, bytesMax }: { offsetMs: number; bytesMax: number }) {
    this.matchers = matchers
    this.spanMs = spanMs
    this.#lateMsMax = offsetMs + spanMs + 2 * SLACK_MS
    this.#bytesMax = bytesMax
  }

  /** Series that have a slot, ascending, and their slots. */
  get refs(): Uint32Array {
    return this.#series.refs
  }

  get slots(): Uint32Array {
    return this.#series.slots
  }

  /** Slots that there is room for, and those that are or were in use. */
  get slotCap(): number {
    return this.end.length
  }

  get slotCount(): number {
    return this.#series.slotCount
  }

  get sizeBytes(): number {
    return this.arena.sizeBytes + this.slotCap * (SLOT_BYTES + (this.arena.sums === null ? 0 : SUMS_SLOT_BYTES))
  }

  /** From now on there are running sums. */
  keepSums(): void {
    const { arena, dropped } = this
    if (arena.sums !== null) return
    arena.keepSums()
    for (const slot of this.slots) {
      const base = arena.base[slot]!
      for (let k = 0; k < this.end[slot]!; k++) arena.sums!.push(slot, base, k, arena.v[base + k]!, dropped[slot]!)
    }
  }

  /** Takes in what the store has up to `timeMs`, if that has not been done. */
  advance(querier: Querier, timeMs: number): void {
    if (timeMs <= this.pulledMs) return
    const isDue = timeMs - this.#builtMs >= (this.#isLate ? LATE_REBUILD_MS : REBUILD_MS)
    if (isDue || !this.#pull(querier, timeMs)) this.#build(querier, timeMs)
    this.#series.arrange()
    this.pulledMs = timeMs
  }

  /** False if all must be read. */
  #pull(querier: Querier, timeMs: number): boolean {
    const keptMs = timeMs - this.spanMs - SLACK_MS
    const overlapMs = this.#overlapMs(querier)
    const fromMs = Math.max(keptMs, this.pulledMs - overlapMs)
    const selection = this.#select(querier, fromMs, timeMs)
    if ((querier.idsVersion ?? 0) !== this.#idsVersion) return false
    this.pullNumber++
    const pulledT = this.pulledMs - this.baseMs
    const keptT = keptMs - this.baseMs
    // Series that may have samples which no pull has looked for; asked once, and only where there is a series that comes.
    let refs: Uint32Array | null = null
    const past = (): Uint32Array => (refs ??= keptMs < fromMs ? querier.seriesRefs([this.matchers], Math.max(this.baseMs, keptMs), fromMs - 1) : NO_REFS)
    const added = this.#series.select(selection.refs)
    // What has gone has no samples that are looked at, or others have them: they are read anew.
    if (added === null || (added.length > 0 && comersAmong(added, past()))) return false
    const fromT = overlapMs > OVERLAP_MS ? fromMs - this.baseMs : Infinity
    for (let batch = selection.next(); batch !== null; batch = selection.next()) {
      if (batch.histograms !== null || !this.#welcome(batch, past) || !this.#takeBatch(batch, { pulledT, keptT, fromT })) return false
    }
    this.#sweep(keptT)
    return true
  }

  /** How far behind the pull before samples may have come since, as far as windows hold them. Loaded before any is read. */
  #overlapMs({ lateRuns }: Querier): number {
    let overlapMs = OVERLAP_MS
    for (let k = 0; lateRuns !== undefined && k < LATE_RUN_CLASSES; k++) {
      const count = Atomics.load(lateRuns, k)
      const atLeastMs = LATE_RUN_MS * 2 ** k
      if (count !== this.#lateRuns[k] && atLeastMs < this.#lateMsMax) overlapMs = Math.max(overlapMs, 2 * atLeastMs)
      this.#lateRuns[k] = count
    }
    return overlapMs
  }

  /** Gives slots to series of the batch that have samples and none yet; false if one has a past. */
  #welcome(batch: SeriesBatch, past: () => Uint32Array): boolean {
    for (let s = 0; s < batch.seriesCount; s++) {
      const place = batch.index[s]!
      if (this.#series.slotOf(place) !== NO_SLOT || sampleCount(batch, s) === 0) continue
      if (comersAmong(Uint32Array.of(this.#series.refOf(place)), past())) return false
      this.#seat(place)
    }
    return true
  }

  #seat(place: number): void {
    const slot = this.#series.seat(place)
    if (slot >= this.slotCap) this.#growSlots(Math.ceil(slot * 1.25) + 16)
    this.end[slot] = 0
    this.dropped[slot] = 0
    this.droppedT[slot] = 0
    this.staleT[slot] = 0
    this.voidedAt[slot] = this.pullNumber
    this.arena.sums?.begin(slot)
  }

  #growSlots(count: number): void {
    this.end = resized(this.end, count)
    this.dropped = resized(this.dropped, count)
    this.droppedT = resized(this.droppedT, count)
    this.staleT = resized(this.staleT, count)
    this.voidedAt = resized(this.voidedAt, count)
    this.arena.growSlots(count)
  }

  /** `fromT`: since when the batch has all, Infinity where nothing came late. False if all must be read. */
  #takeBatch(batch: SeriesBatch, { pulledT, keptT, fromT }: { pulledT: number; keptT: number; fromT: number }): boolean {
    const { n, t, v, index, seriesCount, hasGaps, present, stale } = batch
    const { baseMs, end, arena } = this
    const words = (n + 31) >>> 5
    for (let s = 0; s < seriesCount; s++) {
      const slot = this.#series.slotOf(index[s]!)
      if (slot === NO_SLOT) continue
      const newest = end[slot]! > 0 ? arena.t[arena.base[slot]! + end[slot]! - 1]! : this.droppedT[slot]!
      let from = n
      while (from > 0 && t[from - 1]! - baseMs > newest) from--
      // What came between those that are here has no place.
      if (fromT < Infinity && end[slot]! > 0 && sampleCount(batch, s, from) !== this.#countIn(slot, fromT - 1, newest)) return false
      const coming = end[slot] === 0 ? sampleCount(batch, s) : n - from
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
        if (at <= pulledT) this.#noteLate(slot, pulledT - at)
        if (!this.#push(slot, at, v[s * n + i]!, { keptT, coming })) return false
      }
    }
    return true
  }

  #noteLate(slot: number, byMs: number): void {
    this.lateCount++
    this.voidedAt[slot] = this.pullNumber
    if (byMs > LATE_MS) this.#isLate = true
  }

  /** A sample, the first of at most `coming`; false if there is no room. */
  #push(slot: number, at: number, value: number, more: { keptT: number; coming: number }): boolean {
    const { arena, end } = this
    if (end[slot] === arena.room[slot] && !this.#makeRoom(slot, more)) return false
    const place = end[slot]!++
    const base = arena.base[slot]!
    arena.t[base + place] = at
    arena.v[base + place] = value
    arena.sums?.push(slot, base, place, value, this.dropped[slot]!)
    return true
  }

  /** Drops samples that no window holds, and takes a longer run where these are few. */
  #makeRoom(slot: number, { keptT, coming }: { keptT: number; coming: number }): boolean {
    const { arena, end } = this
    const hasRoom = this.#drop(slot, keptT) * 16 > arena.room[slot]! && arena.room[slot]! > end[slot]!
    if (hasRoom) return true
    const count = end[slot]! + (end[slot] === 0 ? coming : 1)
    const length = roomFor(count)
    if (length > SAMPLES_MAX || arena.usedBytes + length * arena.sampleBytes > this.#bytesMax) return false
    arena.resize(slot, end[slot]!, count)
    return true
  }

  /** Lets go of the samples up to `keptT`; how many they were. */
  #drop(slot: number, keptT: number): number {
    const { arena, end } = this
    const from = arena.base[slot]!
    let count = 0
    while (count < end[slot]! && arena.t[from + count]! <= keptT) count++
    if (count === 0) return 0
    this.droppedT[slot] = arena.t[from + count - 1]!
    arena.drop(slot, count, end[slot]!)
    end[slot]! -= count
    this.dropped[slot]! += count
    return count
  }

  /** Looks through the next slots: those of series that have ended become free, and runs that have become too long are exchanged. */
  #sweep(keptT: number): void {
    const { arena, end } = this
    const { refs, slots } = this
    const to = Math.min(refs.length, this.#sweepFrom + Math.ceil(refs.length / SWEEP_PULLS))
    for (let i = this.#sweepFrom; i < to; i++) {
      const slot = slots[i]!
      const base = arena.base[slot]!
      if (end[slot]! > 0 && arena.t[base + end[slot]! - 1]! <= keptT) {
        arena.release(slot)
        end[slot] = 0
        this.#series.unseat(refs[i]!)
      } else if (end[slot]! > 0 && arena.t[base]! <= keptT) {
        this.#shrink(slot, keptT)
      }
    }
    this.#sweepFrom = to === refs.length ? 0 : to
  }

  #shrink(slot: number, keptT: number): void {
    const { arena, end } = this
    const base = arena.base[slot]!
    let gone = 0
    while (arena.t[base + gone]! <= keptT) gone++
    if (roomFor(end[slot]! - gone) > SHRINK_SHARE * arena.room[slot]!) return
    this.#drop(slot, keptT)
    arena.resize(slot, end[slot]!, end[slot]!)
  }

  #build(querier: Querier, timeMs: number): void {
    const before = this.#counts(timeMs)
    this.version++
    this.pullNumber = 0
    this.#isLate = false
    this.#sweepFrom = 0
    this.#builtMs = timeMs
    this.#idsVersion = querier.idsVersion ?? 0
    this.baseMs = timeMs - this.spanMs - SLACK_MS - 1
    this.#overlapMs(querier)
    const selection = this.#select(querier, this.baseMs, timeMs)
    this.#series.begin(selection.refs, querier.seriesRefs([this.matchers], this.baseMs, timeMs))
    let batch = selection.next()
    this.#clear(batch === null ? 0 : roomFor(batch.n) * this.slotCount)
    for (; batch !== null; batch = selection.next()) {
      if (batch.histograms !== null) return this.#refuse('native histograms')
      if (!this.#takeBatch(batch, { pulledT: -1, keptT: 0, fromT: Infinity })) return this.#refuse('too many samples for the memory of windows')
    }
    this.#series.arrange()
    this.refs.forEach((ref, i) => {
      const known = before.get(ref)
      if (known !== undefined) this.lateCount += Math.max(0, this.#countIn(this.slots[i]!, known.fromMs - this.baseMs, known.toMs - this.baseMs) - known.count)
    })
  }

  #refuse(why: string): void {
    this.refusal = why
    this.#series.begin(NO_REFS, NO_REFS)
    this.#clear(0)
  }

  /** No slot has samples; there is room for about so many. */
  #clear(sampleCount: number): void {
    const { slotCount, slotCap } = this
    const cap = slotCount <= slotCap && slotCap <= 2 * slotCount ? slotCap : slotCount
    const fitting = Math.floor(this.#bytesMax / this.arena.sampleBytes)
    this.end = new Uint16Array(cap)
    this.dropped = new Uint32Array(cap)
    this.droppedT = new Uint32Array(cap)
    this.staleT = new Uint32Array(cap)
    this.voidedAt = new Uint32Array(cap)
    this.arena.clear(cap, Math.min(fitting, sampleCount))
  }

  #select(querier: Querier, mint: number, maxt: number): Selection {
    return querier.select(this.matchers, mint, maxt, { startMs: maxt, endMs: maxt, stepMs: 0, rangeMs: maxt - mint, func: '' })
  }

  /** Of each series: how many samples there are of the time that a build at `timeMs` reads again. */
  #counts(timeMs: number): Map<number, { count: number; fromMs: number; toMs: number }> {
    const fromMs = timeMs - this.spanMs
    const toMs = this.pulledMs
    const { slots, baseMs } = this
    return new Map(Array.from(this.refs, (ref, i) => [ref, { count: this.#countIn(slots[i]!, fromMs - baseMs, toMs - baseMs), fromMs, toMs }] as const))
  }

  /** Samples of a slot in (fromT, toT]. */
  #countIn(slot: number, fromT: number, toT: number): number {
    const { base, t } = this.arena
    let k = base[slot]! + this.end[slot]! - 1
    while (k >= base[slot]! && t[k]! > toT) k--
    const last = k
    while (k >= base[slot]! && t[k]! > fromT) k--
    return last - k
  }
}

const NO_REFS: Uint32Array = new Uint32Array(0)

/** Live ones of a series of a batch, of the first `to` times. */
function sampleCount({ n, hasGaps, present, stale }: SeriesBatch, s: number, to: number = n): number {
  if (hasGaps[s] === 0) return to
  const row = s * ((n + 31) >>> 5)
  let count = 0
  for (let w = 0; w * 32 < to; w++) {
    const rest = to - w * 32
    for (let bits = present[row + w]! & ~stale[row + w]! & (rest >= 32 ? -1 : (1 << rest) - 1); bits !== 0; bits &= bits - 1) count++
  }
  return count
}
