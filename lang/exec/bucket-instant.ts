// The rows of an instant selector over a tier's buckets: at every step the newest sample in (t - lookback, t].
//
//   rows        ├───────┼───────┼───────┤         at ▲ a row's end: its last sample is the newest, unless a marker is
//   steps              ▲    △                     at △ within a row: the row's last if it is not behind the step, else
//                                                 nobody can tell: its last all the same, and a warning
import type { BucketBatch, BucketColumn } from '../../storage/tier/bucket.ts'
import type { Windows } from '../func/range-kernel.ts'
import { RunScratch } from './bucket-run.ts'
import type { Wanted } from './instant-rows.ts'
import { FLOAT } from './operator.ts'
import type { StepSamples } from './step-samples.ts'
import { locate } from './windows.ts'

export const INSTANT_COLUMNS: readonly BucketColumn[] = ['last', 'firstT', 'lastT']

export class BucketInstant {
  readonly #windows: Windows
  readonly #wanted: Wanted
  /** Of buckets; 0 where a row ends at each step. */
  readonly #widthMs: number
  readonly #run = new RunScratch(INSTANT_COLUMNS)
  /** Some step's answer was a guess. */
  isCoarse = false
  rowsRead = 0
  samplesRead = 0

  /** `windows` are those asked for. */
  constructor(windows: Windows, wanted: Wanted, widthMs: number) {
    this.#windows = windows
    this.#wanted = wanted
    this.#widthMs = widthMs
  }

  startBatch(_batch: BucketBatch): void {}

  fill(batch: BucketBatch, s: number, tail: { batch: BucketBatch; s: number } | null, row: { values: Float64Array; kinds: Uint8Array; at: number }): boolean {
    const rows = this.#run.load(batch, s, tail, true)
    if (rows === 0) return false
    const { t, at, columns } = this.#run
    const { count, hi, startMs, endMs } = this.#windows
    locate(this.#windows, t, rows)
    this.rowsRead += this.#run.tierRows
    const source = this.#wanted === 'value' ? columns.last : columns.lastT
    for (let i = 0; i < count; i++) {
      // The row that the step lies within, if one does.
      const inside = hi[i]! < rows && t[hi[i]!]! - this.#widthMs < endMs[i]! ? hi[i]! : -1
      const k = inside < 0 ? this.#live(hi[i]! - 1, startMs[i]!) : this.#within(hi[i]! - 1, inside, i)
      if (k < 0) continue
      const value = source[at + k]!
      row.values[row.at + i] = this.#wanted === 'value' ? value : this.#wanted === 'time' ? value / 1000 : 0
      row.kinds[row.at + i] = FLOAT
      this.samplesRead++
    }
    return false
  }

  countSteps({ kinds, at }: { kinds: Uint8Array; at: number }, first: number, steps: StepSamples): void {
    for (let i = 0; i < this.#windows.count; i++) if (kinds[at + i] === FLOAT) steps.add(first + i, 1, 1)
  }

  /** Row k, if a step sees its last sample: not behind a marker, not before the lookback; else -1. */
  #live(k: number, startMs: number): number {
    const { at, columns: { lastT, staleAtEnd } } = this.#run
    return k >= 0 && staleAtEnd[at + k] === 0 && lastT[at + k]! > startMs ? k : -1
  }

  /** Which row tells the newest sample of step i: `inside`, within which it lies, or the one before; -1 for none. */
  #within(before: number, inside: number, i: number): number {
    const { at, columns: { count, firstT, lastT, staleAtEnd } } = this.#run
    const startMs = this.#windows.startMs[i]!
    const endMs = this.#windows.endMs[i]!
    const p = at + inside
    const hasSample = count[p]! > 0
    if (hasSample && lastT[p]! <= endMs && staleAtEnd[p] === 0) return this.#live(inside, startMs)
    if (hasSample && firstT[p]! <= endMs) {
      this.isCoarse = true
      // A marker follows the last sample closely: a series that ended within the bucket ended there.
      return lastT[p]! <= endMs ? -1 : inside
    }
    // Between the row before and the step there may be a marker, and nothing else.
    const k = this.#live(before, startMs)
    if (k >= 0) this.isCoarse = true
    return k
  }
}
