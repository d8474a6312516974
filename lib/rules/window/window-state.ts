// The windows of one function over the series of a selector, at the time of the last tick: where each begins and ends among its
// series' samples, and what its function keeps of it. A tick moves both ends and tells the function what entered and left.
import type { SampleColumns } from './sample-columns.ts'
import { foldBytes, makeFold, type Bounds, type Move, type WindowFold } from './window-folds.ts'
import type { WindowSpec } from './window-form.ts'

/** Bytes of a window's place. */
const PLACE_BYTES = 4

/** By slot: what windows give; `values` is of undefined content where `hasValue` is 0. */
export interface WindowValues {
  values: Float64Array
  hasValue: Uint8Array
}

export class WindowState {
  readonly windowMs: number
  readonly #form: WindowSpec
  #fold: WindowFold
  /**
   * Positions, counted from the first sample that the slot ever had here (SampleColumns.dropped), modulo 2^16: of two ticks less
   * than a window apart they lie at most as many samples apart as a slot has, and those are fewer than half of that.
   */
  #from: Uint16Array = new Uint16Array(0)
  #to: Uint16Array = new Uint16Array(0)
  #version = -1
  #timeMs = -Infinity

  constructor(form: WindowSpec, windowMs: number) {
    this.#form = form
    this.windowMs = windowMs
    this.#fold = makeFold(form, 0)
  }

  static bytesFor(form: WindowSpec, count: number): number {
    return count * (PLACE_BYTES + foldBytes(form))
  }

  /** Moves all windows to a time up to which the columns were pulled, also back by SLACK_MS. */
  advance(columns: SampleColumns, timeMs: number): void {
    const isFresh = this.#version !== columns.version
    if (!isFresh && timeMs === this.#timeMs) return
    if (isFresh) this.#begin(columns)
    // Nothing has stayed: positions of so long ago mean nothing. Back in time the windows are looked at anew.
    const isGap = isFresh || timeMs < this.#timeMs || timeMs - this.#timeMs >= this.windowMs
    this.#timeMs = timeMs
    this.#move(columns, timeMs - columns.baseMs, isGap)
  }

  /** The values of all windows as of the last tick. */
  fill(columns: SampleColumns, { values, hasValue }: WindowValues): void {
    const { cap, dropped } = columns
    const fold = this.#fold
    const { samplesMin } = fold
    const endT = this.#timeMs - columns.baseMs
    const bounds: Bounds = { from: 0, to: 0, startT: endT - this.windowMs, endT }
    const isInstant = this.#form.func === ''
    for (let s = 0; s < columns.refs.length; s++) {
      const from = position(this.#from[s]!, dropped[s]!)
      const to = position(this.#to[s]!, dropped[s]!)
      hasValue[s] = to - from >= samplesMin && !(isInstant && isEnded(columns, s, to, endT)) ? 1 : 0
      if (hasValue[s] === 0) continue
      bounds.from = s * cap + from
      bounds.to = s * cap + to
      values[s] = fold.value(s, columns, bounds)
    }
  }

  #begin(columns: SampleColumns): void {
    const count = columns.slotCap
    this.#version = columns.version
    this.#fold = makeFold(this.#form, count)
    this.#from = new Uint16Array(count)
    this.#to = new Uint16Array(count)
  }

  #move(columns: SampleColumns, endT: number, isGap: boolean): void {
    const { cap, t, end, dropped } = columns
    const fold = this.#fold
    const froms = this.#from
    const tos = this.#to
    const startT = endT - this.windowMs
    const move: Move = { from: 0, newFrom: 0, to: 0, newTo: 0 }
    for (let s = 0; s < columns.refs.length; s++) {
      const base = s * cap
      const limit = end[s]!
      const gone = dropped[s]!
      let from = position(froms[s]!, gone)
      let to = position(tos[s]!, gone)
      // What has left was dropped before it was looked at.
      const isLost = isGap || from < 0
      if (isLost) from = to = 0
      let newTo = to
      while (newTo < limit && t[base + newTo]! <= endT) newTo++
      let newFrom = from
      while (newFrom < newTo && t[base + newFrom]! <= startT) newFrom++
      if (!isLost && newFrom === from && newTo === to) continue
      froms[s] = newFrom + gone
      tos[s] = newTo + gone
      if (newTo === newFrom) continue
      if (to > newFrom && to > from) {
        move.from = base + from
        move.newFrom = base + newFrom
        move.to = base + to
        move.newTo = base + newTo
        fold.slide(s, columns, move)
      } else {
        fold.scan(s, columns, base + newFrom, base + newTo)
      }
    }
  }
}

/** Among the samples of the slot that are here; below 0 for one that was dropped. */
function position(place: number, dropped: number): number {
  return ((place - dropped) << 16) >> 16
}

/** An instant selector gives nothing of a series whose newest sample says that it has ended. */
function isEnded({ cap, t, staleT }: SampleColumns, slot: number, to: number, endT: number): boolean {
  const newest = t[slot * cap + to - 1]!
  return staleT[slot]! > newest && staleT[slot]! <= endT
}
