// The data set in our stores, in the order in which the reference got it.
import type { Appender } from '../../storage/interface.ts'
import { timeSlices, type DataSeries } from './data-set.ts'

/** Appends all samples; throws if the store refuses one. Resolves when they are durable. */
export async function load(appender: Appender, data: readonly DataSeries[]): Promise<void> {
  for (const slice of timeSlices(data)) {
    const rows = slice.flatMap(({ labels, samples }) => {
      const ref = appender.series(labels)
      return samples.map((sample) => ({ ref, sample }))
    })
    const verdicts = new Uint8Array(rows.length)
    const refused = appender.append({
      count: rows.length,
      refs: Uint32Array.from(rows, ({ ref }) => ref),
      values: Float64Array.from(rows, ({ sample }) => sample.v),
      t: 0,
      times: Float64Array.from(rows, ({ sample }) => sample.t),
      stale: Uint8Array.from(rows, ({ sample }) => (sample.isStale ? 1 : 0)),
      histograms: rows.map(({ sample }) => sample.h),
    }, verdicts)
    if (refused > 0) throw new Error(`the store refused ${refused} samples`)
  }
  await appender.commit()
}
