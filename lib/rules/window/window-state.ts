// The windows of one function over the series of a selector, at the time of the last tick, and what its function keeps of each. Where
// a window begins and ends among its series' samples is looked up: times are nearly even, so that a guess is right or next to it. A
// tick tells functions that keep something what entered and left.
import type { SampleColumns } from './sample-columns.ts'
import { foldBytes, makeFold, type Bounds, type Move, type WindowFold } from './window-folds.ts'
import type { WindowSpec } from './window-form.ts'

/** By place among `SampleColumns.refs`: what windows give; `values` is of undefined content where `hasValue` is 0. */
export interface WindowValues {
  values: Float64Array
  hasValue: Uint8Array
}

export class WindowState {
  readonly windowMs: number
  readonly #form: WindowSpec
  #fold: WindowFold
  #version = -1
  /** Of the tick, and the last pull before it. */
  #timeMs = -Infinity
  #pullNumber = 0

  constructor(form: WindowSpec, windowMs: number) {
    this.#form = form
    this.windowMs = windowMs
    this.#fold = makeFold(form)
  }

  static bytesFor(form: WindowSpec, slotCount: number): number {
    return slotCount * foldBytes(form)
  }

  /** Moves all windows to a time up to which the columns were pulled, also back by SLACK_MS. */
  advance(columns: SampleColumns, timeMs: number): void {
    const isFresh = this.#version !== columns.version
    if (!isFresh && timeMs === this.#timeMs && columns.pullNumber === this.#pullNumber) return
    if (foldBytes(this.#form) > 0) {
      this.#fold.grow(columns.slotCap)
      // Of a time after this one the windows may not know what has left since, or never entered.
      const isGap = isFresh || timeMs < this.#timeMs || timeMs - this.#timeMs >= this.windowMs
      this.#move(columns, timeMs - columns.baseMs, isGap ? null : this.#timeMs - columns.baseMs)
    }
    this.#version = columns.version
    this.#timeMs = timeMs
    this.#pullNumber = columns.pullNumber
  }

  /** The values of all windows as of the last tick. */
  fill(columns: SampleColumns, { values, hasValue }: WindowValues): void {
    const { arena: { base, t }, end, slots } = columns
    const fold = this.#fold
    const { samplesMin, usesFrom } = fold
    const endT = this.#timeMs - columns.baseMs
    const startT = endT - this.windowMs
    const bounds: Bounds = { from: 0, to: 0, startT, endT }
    const isInstant = this.#form.func === ''
    for (let i = 0; i < slots.length; i++) {
      const s = slots[i]!
      const at = base[s]!
      const to = placeBefore(t, at, end[s]!, endT)
      const from = usesFrom ? placeAfter(t, at, to, startT) : to - samplesMin
      const isThere = from >= 0 && to - from >= samplesMin && (usesFrom || t[at + from]! > startT)
      hasValue[i] = isThere && !(isInstant && isEnded(columns, s, t[at + to - 1]!, endT)) ? 1 : 0
      if (hasValue[i] === 0) continue
      bounds.from = at + from
      bounds.to = at + to
      values[i] = fold.value(s, columns, bounds)
    }
  }

  /** From the tick at `wasT` to that at `endT`; null: nothing is known of a tick before. */
  #move(columns: SampleColumns, endT: number, wasT: number | null): void {
    const { arena: { base, t }, end, slots, droppedT, voidedAt } = columns
    const fold = this.#fold
    const startT = endT - this.windowMs
    const oldT = wasT ?? 0
    const oldStartT = oldT - this.windowMs
    const move: Move = { from: 0, newFrom: 0, to: 0, newTo: 0 }
    for (let i = 0; i < slots.length; i++) {
      const s = slots[i]!
      const at = base[s]!
      const newTo = placeBefore(t, at, end[s]!, endT)
      const newFrom = placeAfter(t, at, newTo, startT)
      if (newTo === newFrom) continue
      // What was dropped had been in the window, or came when the tick was over.
      if (wasT === null || voidedAt[s]! > this.#pullNumber || droppedT[s]! > oldStartT) {
        fold.scan(s, columns, at + newFrom, at + newTo)
        continue
      }
      const to = placeBefore(t, at, newTo, oldT)
      const from = placeAfter(t, at, to, oldStartT)
      if (newFrom === from && newTo === to) continue
      if (to > newFrom && to > from) {
        move.from = at + from
        move.newFrom = at + newFrom
        move.to = at + to
        move.newTo = at + newTo
        fold.slide(s, columns, move)
      } else {
        fold.scan(s, columns, at + newFrom, at + newTo)
      }
    }
  }
}

/** How many of the `count` samples from `base` on are of `endT` or before; most often all of them, or one less. */
function placeBefore(t: Uint32Array, base: number, count: number, endT: number): number {
  let to = count
  while (to > 0 && t[base + to - 1]! > endT) to--
  return to
}

/** Steps from a guess until it is given up. */
const STEPS_MAX = 8

/** How many of the `count` samples from `base` on are of `startT` or before. */
function placeAfter(t: Uint32Array, base: number, count: number, startT: number): number {
  if (count === 0) return 0
  const first = t[base]!
  const last = t[base + count - 1]!
  if (first > startT) return 0
  if (last <= startT) return count
  let place = 1 + Math.floor(((startT - first) * (count - 1)) / (last - first))
  for (let step = 0; step < STEPS_MAX; step++) {
    if (t[base + place]! <= startT) place++
    else if (t[base + place - 1]! > startT) place--
    else return place
  }
  let [lo, hi] = [0, count]
  while (lo < hi) {
    const mid = (lo + hi) >>> 1
    if (t[base + mid]! <= startT) lo = mid + 1
    else hi = mid
  }
  return lo
}

/** An instant selector gives nothing of a series whose newest sample says that it has ended. */
function isEnded({ staleT }: SampleColumns, slot: number, newest: number, endT: number): boolean {
  return staleT[slot]! > newest && staleT[slot]! <= endT
}
