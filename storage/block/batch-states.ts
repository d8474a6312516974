// A batch's bitmaps as the codec of pieces takes them: a state for each row.
import { PIECE_ROWS } from '../codec/piece-shape.ts'
import { ABSENT, LIVE, STALE } from '../codec/presence.ts'
import type { SeriesBatch } from '../interface.ts'

const states = new Uint8Array(PIECE_ROWS)

/** States of rows [from, from + rows) of a series with gaps, rows ≤ PIECE_ROWS; good until the next call. */
export function statesOf({ n, present, stale }: SeriesBatch, s: number, from: number, rows: number): Uint8Array {
  const words = s * ((n + 31) >>> 5)
  for (let i = 0; i < rows; i++) {
    const word = words + ((from + i) >>> 5)
    const shift = (from + i) & 31
    states[i] = ((present[word]! >>> shift) & 1) === 0 ? ABSENT : ((stale[word]! >>> shift) & 1) === 0 ? LIVE : STALE
  }
  return states
}

/** Samples, live or stale, of a series with gaps. */
export function countSamples({ n, present }: SeriesBatch, s: number): number {
  const words = (n + 31) >>> 5
  let count = 0
  for (let w = s * words; w < (s + 1) * words; w++) for (let bits = present[w]!; bits !== 0; bits &= bits - 1) count++
  return count
}
