// The batches that operators hand up: how many rows fit one, and who pays for them.
import type { Budget } from './budget.ts'
import type { RowBatch, Steps } from './operator.ts'

/** Points per batch: 128 KiB of values stay in a core's own cache between operators. */
const BATCH_POINTS = 16_384

/** Rows of `steps.count` points that fit one batch, at least one. */
export function rowsPerBatch(steps: Steps, seriesCount: number): number {
  return Math.max(1, Math.min(seriesCount, Math.floor(BATCH_POINTS / steps.count)))
}

/** An empty batch for rows of so many series, paid for. */
export function makeBatch(steps: Steps, seriesCount: number, budget: Budget): RowBatch {
  const rows = rowsPerBatch(steps, seriesCount)
  const size = rows * steps.count
  return { rows: 0, index: budget.ints(rows), values: budget.floats(size), kinds: budget.bytes(size) }
}

/** Gives back what `makeBatch` has paid for: nobody looks at the batch any more. */
export function releaseBatch({ index, values, kinds }: RowBatch, budget: Budget): void {
  budget.releaseBytes(index.byteLength + values.byteLength + kinds.byteLength)
}
