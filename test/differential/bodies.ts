// The data set as senders would push it.
import { snappyCompress } from '../support/snappy-compress.ts'
import { STALE_NAN, field, label, sample, writeRequest } from '../support/remote-write-body.ts'
import { histogramField } from '../support/remote-write-histogram.ts'
import type { DataSample, DataSeries } from './data-set.ts'

/**
 * A slice as the bodies of remote write requests. Of one request the receiver takes all floats before all histograms, and drops in
 * silence what then comes too late: so no request holds both kinds of a series.
 */
export function bodiesOf(slice: readonly DataSeries[]): Uint8Array<ArrayBuffer>[] {
  const requests: Uint8Array[][] = []
  for (const { labels, samples } of slice) {
    const labelFields: Uint8Array[] = []
    for (let i = 0; i < labels.length; i += 2) labelFields.push(label(labels[i]!, labels[i + 1]!))
    runsOf(samples).forEach((run, i) => {
      requests[i] ??= []
      requests[i].push(field(1, ...labelFields, ...run.map(sampleField)))
    })
  }
  return requests.map((series) => new Uint8Array(snappyCompress(writeRequest([], ...series))))
}

/** Samples that follow one another and are of one kind. */
function runsOf(samples: readonly DataSample[]): DataSample[][] {
  const runs: DataSample[][] = []
  for (const one of samples) {
    const run = runs.at(-1)
    if (run !== undefined && (run[0]!.h === null) === (one.h === null)) run.push(one)
    else runs.push([one])
  }
  return runs
}

function sampleField({ t, v, isStale, h }: DataSample): Uint8Array {
  return h !== null ? histogramField(h, t) : sample(isStale ? STALE_NAN : v, t)
}
