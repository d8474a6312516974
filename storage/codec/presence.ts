// What each row of a piece has (FORMAT.md, "Piece"): as runs of states, or as two bitmaps where those are shorter.
import { writeVarint } from './bits.ts'

export const ABSENT = 0
export const LIVE = 1
export const STALE = 2
/** A native histogram, live. */
export const HISTOGRAM = 3
const FORM_RUNS = 0
const FORM_BITMAPS = 1

/** Writes the states of n rows; returns the position behind them. */
export function writePresence(states: Uint8Array, n: number, out: Uint8Array, at: number): number {
  const bitmapBytes = (n + 7) >>> 3
  let runs = 1
  for (let i = 1; i < n; i++) if (states[i] !== states[i - 1]) runs++
  // A run takes two bytes at the most: 1024 << 2 | 3.
  if (runs * 2 + 2 <= bitmapBytes * 2) return writeRuns(states, n, runs, out, at)
  out[at++] = FORM_BITMAPS
  out.fill(0, at, at + 2 * bitmapBytes)
  for (let i = 0; i < n; i++) {
    const bit = 1 << (i & 7)
    if ((states[i]! & 1) !== 0) out[at + (i >>> 3)]! |= bit
    if ((states[i]! & 2) !== 0) out[at + bitmapBytes + (i >>> 3)]! |= bit
  }
  return at + 2 * bitmapBytes
}

function writeRuns(states: Uint8Array, n: number, runs: number, out: Uint8Array, at: number): number {
  out[at++] = FORM_RUNS
  at = writeVarint(out, at, runs)
  for (let i = 0; i < n;) {
    const state = states[i]!
    let end = i + 1
    while (end < n && states[end] === state) end++
    at = writeVarint(out, at, ((end - i) << 2) | state)
    i = end
  }
  return at
}

/** Reads the states of n rows; returns the position behind them. Throws RangeError on damage it notices. */
export function readPresence(src: Uint8Array, at: number, n: number, states: Uint8Array): number {
  if (src[at] === FORM_RUNS) return readRuns(src, at + 1, n, states)
  if (src[at] !== FORM_BITMAPS) throw new RangeError(`presence of form ${src[at]}`)
  const high = at + 1 + ((n + 7) >>> 3)
  for (let i = 0; i < n; i++) {
    const byte = i >>> 3
    const shift = i & 7
    states[i] = ((src[at + 1 + byte]! >>> shift) & 1) | (((src[high + byte]! >>> shift) & 1) << 1)
  }
  return high + ((n + 7) >>> 3)
}

function readRuns(src: Uint8Array, at: number, n: number, states: Uint8Array): number {
  let runs = src[at++]!
  if (runs >= 128) runs = (runs & 127) | (src[at++]! << 7)
  let i = 0
  for (; runs > 0; runs--) {
    let run = src[at++]!
    if (run >= 128) run = (run & 127) | (src[at++]! << 7)
    const end = i + (run >>> 2)
    const state = run & 3
    if (end > n) throw new RangeError(`run of ${run >>> 2} rows at row ${i} of ${n}`)
    states.fill(state, i, end)
    i = end
  }
  if (i !== n) throw new RangeError(`presence of ${i} rows, not ${n}`)
  return at
}
