// What the piece that was decoded last has beside floats: native histograms and start times (FORMAT.md, "Piece").
import type { FloatHistogram } from '../../lib/model/histogram.ts'
import { decodeHistogramColumn } from '../codec/histogram-column.ts'
import { decodeStartTimes, lastHistogramsAt, lastStartTimesAt, states } from '../codec/piece-decode.ts'
import { PIECE_ROWS } from '../codec/piece-shape.ts'
import { HISTOGRAM } from '../codec/presence.ts'
import { BlockError } from '../errors.ts'
import type { BatchBuffer } from '../head/batch-buffer.ts'
import type { Page } from './page-cache.ts'

const histograms: FloatHistogram[] = []
const startTimes = new Float64Array(PIECE_ROWS)

/** Decodes them, where there are any; `page` holds the piece. Throws BlockError. */
export function readExtras(path: string, page: Page, rows: number): void {
  if (lastHistogramsAt < 0 && lastStartTimesAt < 0) return
  histograms.length = 0
  try {
    let count = 0
    if (lastHistogramsAt >= 0) for (let i = 0; i < rows; i++) if (states[i] === HISTOGRAM) count++
    if (count > 0) decodeHistogramColumn(page.bytes, lastHistogramsAt, count, { from: 0, to: count }, histograms)
    if (lastStartTimesAt >= 0) decodeStartTimes(page, lastStartTimesAt, rows, startTimes)
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    throw new BlockError(`cannot read histograms or start times in a piece of ${path}: ${error.message}`)
  }
}

/** Gives those of rows [from, to) of the piece to series s of the batch, from position `at` on. */
export function putExtras(batch: BatchBuffer, s: number, at: number, { from, to }: { from: number; to: number }): void {
  if (lastHistogramsAt >= 0) {
    let k = 0
    for (let i = 0; i < to; i++) {
      if (states[i] !== HISTOGRAM) continue
      if (i >= from) batch.putHistogram(s, at + i - from, histograms[k]!)
      k++
    }
  }
  if (lastStartTimesAt >= 0) for (let i = from; i < to; i++) batch.putStartTime(s, at + i - from, startTimes[i]!)
}
