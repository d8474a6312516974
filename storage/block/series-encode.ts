// Encodes a series of a batch, a piece at a time (FORMAT.md, "Piece").
import type { FloatHistogram } from '../../lib/model/histogram.ts'
import { encodeHistogramColumn } from '../codec/histogram-column.ts'
import { encodeGappedPiece, encodeMixedPiece, encodePiece } from '../codec/piece-encode.ts'
import { PIECE_BYTES_MAX, PIECE_ROWS } from '../codec/piece-shape.ts'
import { ABSENT, HISTOGRAM, LIVE, STALE } from '../codec/presence.ts'
import type { SeriesBatch } from '../interface.ts'

/** The piece that was encoded last begins here. */
export let encoded: Uint8Array = new Uint8Array(PIECE_BYTES_MAX)

const states = new Uint8Array(PIECE_ROWS)
const startTimes = new Float64Array(PIECE_ROWS)
const NO_BYTES = new Uint8Array(0)

/** Encodes rows [from, from + rows) of series s, rows ≤ PIECE_ROWS, into `encoded`; returns its length. */
export function encodeSeriesPiece(batch: SeriesBatch, s: number, from: number, rows: number): number {
  const at = s * batch.n + from
  if (batch.histograms !== null || batch.startTimes !== null) return encodeExtras(batch, s, from, rows)
  // Fast path: floats without gaps.
  if (batch.hasGaps[s] === 0) return encodePiece(batch.v, at, rows, encoded, 0)
  fillStates(batch, s, from, rows)
  return encodeGappedPiece(batch.v, at, rows, states, encoded, 0)
}

function encodeExtras(batch: SeriesBatch, s: number, from: number, rows: number): number {
  const at = s * batch.n + from
  const histograms: FloatHistogram[] = []
  if (batch.hasGaps[s] === 1) fillStates(batch, s, from, rows)
  else states.fill(LIVE, 0, rows)
  const words = s * ((batch.n + 31) >>> 5)
  let isKnown = false
  for (let i = 0; i < rows; i++) {
    if (batch.histograms !== null && ((batch.histogramBits[words + ((from + i) >>> 5)]! >>> ((from + i) & 31)) & 1) === 1) {
      states[i] = HISTOGRAM
      histograms.push(batch.histograms[batch.v[at + i]!]!)
    }
    startTimes[i] = batch.startTimes === null || states[i] === ABSENT ? 0 : batch.startTimes[at + i]!
    if (startTimes[i] !== 0) isKnown = true
  }
  if (histograms.length === 0 && !isKnown) return encodeGappedPiece(batch.v, at, rows, states, encoded, 0)
  const column = histograms.length === 0 ? NO_BYTES : encodeHistogramColumn(histograms, 0, histograms.length)
  if (encoded.length < 2 * PIECE_BYTES_MAX + column.length) encoded = new Uint8Array(2 * PIECE_BYTES_MAX + 2 * column.length)
  return encodeMixedPiece(batch.v, at, rows, states, { histograms: column, startTimes: isKnown ? startTimes : null }, encoded)
}

function fillStates({ n, present, stale }: SeriesBatch, s: number, from: number, rows: number): void {
  const words = s * ((n + 31) >>> 5)
  for (let i = 0; i < rows; i++) {
    const word = words + ((from + i) >>> 5)
    const shift = (from + i) & 31
    states[i] = ((present[word]! >>> shift) & 1) === 0 ? ABSENT : ((stale[word]! >>> shift) & 1) === 0 ? LIVE : STALE
  }
}

/** Samples of a series, of any kind. */
export function countSamples({ n, hasGaps, present }: SeriesBatch, s: number): number {
  if (hasGaps[s] === 0) return n
  const words = (n + 31) >>> 5
  let count = 0
  for (let w = s * words; w < (s + 1) * words; w++) for (let bits = present[w]!; bits !== 0; bits &= bits - 1) count++
  return count
}
