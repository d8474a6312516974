// What the engine asks of those who keep things from one query to the next: windows (kept-windows.ts), and what is past.
import type { Matcher } from '../../lib/model/matcher.ts'
import type { Querier } from '../../storage/interface.ts'
import type { PastSource } from './past-results.ts'

export interface WindowAsk {
  /** '' of an instant selector, whose window is the lookback. */
  func: string
  /** The function's scalar argument, 0 where it has none. */
  arg: number
  matchers: readonly Matcher[]
  windowMs: number
  offsetMs: number
}

/** By place: a series and what its window gives, if `hasValue` is 1. Good until the next question. */
export interface KeptRows {
  refs: Uint32Array
  values: Float64Array
  hasValue: Uint8Array
}

/** null: these windows are not kept. */
export type KeptWindows = (asked: WindowAsk, timeMs: number, querier: Querier) => KeptRows | null

/** Of queries that come again and again. */
export interface Kept {
  windows: KeptWindows
  past: PastSource
}
