// The windows of one function over the series of a selector, at the time of the last tick: where each begins and ends among its
// series' samples, and its value. A tick moves both ends and tells the function what entered and left.
import type { SampleColumns } from './sample-columns.ts'
import { foldBytes, makeFold, type Bounds, type Move, type WindowFold } from './window-folds.ts'
import type { WindowForm } from './window-form.ts'

/** Bytes of a window's place. */
const PLACE_BYTES = 9

export class WindowState {
  readonly windowMs: number
  /** By slot: whether the window has a value. */
  hasValue: Uint8Array = new Uint8Array(0)
  readonly #form: WindowForm
  #fold: WindowFold
  /** Positions, counted from the first sample that the slot ever had here (SampleColumns.dropped). */
  #from: Uint32Array = new Uint32Array(0)
  #to: Uint32Array = new Uint32Array(0)
  #version = -1
  #timeMs = -Infinity

  constructor(form: WindowForm, windowMs: number) {
    this.#form = form
    this.windowMs = windowMs
    this.#fold = makeFold(form, 0)
  }

  static bytesFor(form: WindowForm, count: number): number {
    return count * (PLACE_BYTES + foldBytes(form))
  }

  /** By slot; undefined content where `hasValue` is 0. */
  get values(): Float64Array {
    return this.#fold.values
  }

  /** Moves all windows to a time up to which the columns were pulled. */
  advance(columns: SampleColumns, timeMs: number): void {
    const isFresh = this.#version !== columns.version
    if (!isFresh && timeMs === this.#timeMs) return
    if (isFresh) this.#begin(columns)
    this.#timeMs = timeMs
    this.#move(columns, timeMs - columns.baseMs)
    if (this.#fold.at !== null) this.#evaluate(columns, timeMs - columns.baseMs)
    if (this.#form.func === '') this.#hideStale(columns, timeMs - columns.baseMs)
  }

  #begin(columns: SampleColumns): void {
    const count = columns.refs.length
    this.#version = columns.version
    this.#fold = makeFold(this.#form, count)
    this.#from = new Uint32Array(count)
    this.#to = new Uint32Array(count)
    this.hasValue = new Uint8Array(count)
  }

  #move(columns: SampleColumns, endT: number): void {
    const { cap, t, start, end, dropped } = columns
    const fold = this.#fold
    const { samplesMin } = fold
    const froms = this.#from
    const tos = this.#to
    const { hasValue } = this
    const startT = endT - this.windowMs
    const move: Move = { from: 0, newFrom: 0, to: 0, newTo: 0 }
    for (let s = 0; s < froms.length; s++) {
      const base = s * cap - dropped[s]!
      const first = dropped[s]! + start[s]!
      const limit = dropped[s]! + end[s]!
      let from = froms[s]!
      let to = tos[s]!
      // What has left was dropped before it was looked at.
      const isLost = from < first
      if (isLost) from = to = first
      let newTo = to
      while (newTo < limit && t[base + newTo]! <= endT) newTo++
      let newFrom = from
      while (newFrom < newTo && t[base + newFrom]! <= startT) newFrom++
      if (!isLost && newFrom === froms[s] && newTo === tos[s]) continue
      froms[s] = newFrom
      tos[s] = newTo
      hasValue[s] = newTo - newFrom >= samplesMin ? 1 : 0
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

  #evaluate(columns: SampleColumns, endT: number): void {
    const { cap, dropped } = columns
    const at = this.#fold.at!
    const bounds: Bounds = { from: 0, to: 0, startT: endT - this.windowMs, endT }
    for (let s = 0; s < this.#from.length; s++) {
      if (this.hasValue[s] === 0) continue
      const base = s * cap - dropped[s]!
      bounds.from = base + this.#from[s]!
      bounds.to = base + this.#to[s]!
      at(s, columns, bounds)
    }
  }

  /** An instant selector gives nothing of a series whose newest sample says that it has ended. */
  #hideStale(columns: SampleColumns, endT: number): void {
    const { cap, t, dropped, staleT } = columns
    for (let s = 0; s < this.#from.length; s++) {
      if (this.#to[s] === this.#from[s]) continue
      const newest = t[s * cap - dropped[s]! + this.#to[s]! - 1]!
      this.hasValue[s] = staleT[s]! > newest && staleT[s]! <= endT ? 0 : 1
    }
  }
}
