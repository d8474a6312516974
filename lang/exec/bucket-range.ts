// The rows of a range function over a tier's buckets: one kernel call per series computes every step of a span.
import type { BucketBatch } from '../../storage/tier/bucket.ts'
import type { BucketForm } from '../func/bucket-forms.ts'
import type { BucketWindows } from '../func/bucket-kernel.ts'
import type { Pace, Windows } from '../func/range-kernel.ts'
import { RunScratch } from './bucket-run.ts'
import { ABSENT } from './operator.ts'
import type { StepSamples } from './step-samples.ts'
import { locate, samplesIn } from './windows.ts'

/** Windows whose bounds are those of rows. */
export function bucketWindows(windows: Windows): BucketWindows {
  const { startMs, endMs, rangeMs } = windows
  return { ...windows, scale: startMs.map((ms, i) => rangeMs / (endMs[i]! - ms)) }
}

export class BucketRange {
  readonly #form: BucketForm
  readonly #windows: BucketWindows
  readonly #pace: Pace
  readonly #run: RunScratch
  #locatedT: Float64Array | null = null
  /** The series filled last had samples. */
  #hasRows = false
  /** A point came from a window whose bounds were moved. */
  isCoarse = false
  rowsRead = 0
  samplesRead = 0

  constructor(form: BucketForm, windows: BucketWindows, pace: Pace) {
    this.#form = form
    this.#windows = windows
    this.#pace = pace
    this.#run = new RunScratch(form.columns)
  }

  startBatch(_batch: BucketBatch): void {
    this.#locatedT = null
  }

  /** As RowFiller's; returns whether raw samples must be asked. */
  fill(batch: BucketBatch, s: number, tail: { batch: BucketBatch; s: number } | null, row: { values: Float64Array; kinds: Uint8Array; at: number }): boolean {
    const windows = this.#windows
    const run = this.#run
    const rows = run.load(batch, s, tail, false)
    this.#hasRows = rows > 0
    if (rows === 0) return false
    // The columns of a batch share their times.
    if (run.t !== this.#locatedT || run.t !== batch.t) locate(windows, run.t, rows)
    this.#locatedT = run.t
    this.rowsRead += run.tierRows
    this.samplesRead += samplesIn(windows)
    const isInDoubt = this.#form.kernel(windows, run, row.values, row.kinds, row.at, this.#pace)
    if (!this.isCoarse) this.isCoarse = hasMoved(windows, row)
    return isInDoubt
  }

  countSteps(_row: object, first: number, steps: StepSamples): void {
    if (this.#hasRows) steps.addWindows(this.#windows, first, false)
  }
}

function hasMoved({ count, scale }: BucketWindows, { kinds, at }: { kinds: Uint8Array; at: number }): boolean {
  for (let i = 0; i < count; i++) if (scale[i] !== 1 && kinds[at + i] !== ABSENT) return true
  return false
}

