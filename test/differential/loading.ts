// The data set in our stores, in the order in which the reference got it.
import type { FloatHistogram } from '../../lib/model/histogram.ts'
import type { Appender } from '../../storage/interface.ts'
import { StoredHints } from '../../lib/rules/unit-test/stored-hints.ts'
import type { RemoteWriteReceiver } from '../../lib/ingest/remote-write.ts'
import { bodiesOf } from './bodies.ts'
import { timeSlices, type DataSample, type DataSeries } from './data-set.ts'

/** Appends all samples; throws if the store refuses one. Resolves when they are durable. */
export async function load(appender: Appender, data: readonly DataSeries[]): Promise<void> {
  const hints = new Map<string, StoredHints>()
  for (const slice of timeSlices(data)) {
    const rows = slice.flatMap(({ labels, samples }) => {
      const ref = appender.series(labels)
      const key = JSON.stringify(labels)
      const stored = hints.get(key) ?? new StoredHints()
      hints.set(key, stored)
      return samples.map((sample) => ({ ref, sample, h: readAs(stored, sample) }))
    })
    const verdicts = new Uint8Array(rows.length)
    const refused = appender.append({
      count: rows.length,
      refs: Uint32Array.from(rows, ({ ref }) => ref),
      values: Float64Array.from(rows, ({ sample }) => sample.v),
      t: 0,
      times: Float64Array.from(rows, ({ sample }) => sample.t),
      stale: Uint8Array.from(rows, ({ sample }) => (sample.isStale ? 1 : 0)),
      histograms: rows.map(({ h }) => h),
    }, verdicts)
    if (refused > 0) throw new Error(`the store refused ${refused} samples`)
  }
  await appender.commit()
}

/** Pushes all samples as the reference got them; throws if one is refused. Resolves when they are durable. */
export async function push(receiver: RemoteWriteReceiver, data: readonly DataSeries[]): Promise<void> {
  for (const slice of timeSlices(data)) {
    for (const body of bodiesOf(slice)) {
      const { status, message } = await receiver.write(body)
      if (status !== 204) throw new Error(`refused with ${status}: ${message}`)
    }
  }
}

/** A sample's histogram with the hint that the reference's storage gives back. */
function readAs(stored: StoredHints, { h, isStale }: DataSample): FloatHistogram | null {
  if (h !== null) return stored.histogram(h)
  if (isStale) stored.stale()
  else stored.float()
  return null
}
