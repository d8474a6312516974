// Rows of the 1-hour tier for tests: random ones with every edge a column has.
import type { Labels } from '../../lib/model/labels.ts'
import { compareLabels, labelsFromRecord } from '../../lib/model/labels.ts'
import { Random } from '../../lib/std/random.ts'
import type { BucketColumn } from '../../storage/tier/bucket.ts'
import { BucketBuffer } from '../../storage/tier/bucket-buffer.ts'
import type { SeriesRows } from '../../storage/tier/parquet-writer.ts'

export const HOUR_MS = 3_600_000
export const DOUBLES: readonly BucketColumn[] = ['sum', 'm2', 'min', 'max', 'first', 'last', 'correction', 'p99']
const EDGES = [0, -0, 1, -1, 0.1, 1e308, -1e308, 5e-324, Infinity, -Infinity, NaN, 2 ** 53, 123_456.789]

/** Series 1 to `count` in the order of their labels, each with rows in some of the `hours` buckets that end from t0 on. */
export function randomRows(random: Random, count: number, t0: number, hours: number): SeriesRows[] {
  const all = Array.from({ length: count }, (_, i) => randomSeries(random, i + 1, t0, hours))
  return all.toSorted((a, b) => compareLabels(a.labels, b.labels))
}

function randomSeries(random: Random, ref: number, t0: number, hours: number): SeriesRows {
  const ends = Array.from({ length: hours }, (_, h) => t0 + h * HOUR_MS).filter(() => random.float() < 0.8)
  const buffer = new BucketBuffer()
  buffer.shape(1, ends.length)
  const { columns } = buffer
  const isConstant = random.float() < 0.3
  ends.forEach((end, i) => {
    columns.staleAtEnd[i] = random.int(4) === 0 ? 1 : 0
    columns.count[i] = random.int(8) === 0 ? 0 : 1 + random.int(1000)
    if (columns.count[i]! > 0) {
      for (const name of DOUBLES) columns[name][i] = isConstant ? 42.5 : random.int(3) === 0 ? random.pick(EDGES) : Math.floor(random.float() * 1e6) / 100
      columns.firstT[i] = end - HOUR_MS + 1 + random.int(1000)
      columns.lastT[i] = end - random.int(1000)
      const bytes = 1 + random.int(40)
      const at = buffer.reserveSketch(bytes)
      for (let b = 0; b < bytes; b++) buffer.sketches[at + b] = random.int(256)
      buffer.endSketch(at + bytes)
    }
    buffer.endRow(i)
  })
  return { ref, labels: labelsOf(ref), lacksHistograms: ref % 7 === 0, n: ends.length, t: Float64Array.from(ends), columns, at: 0, sketches: buffer.sketches, sketchAt: buffer.sketchAt }
}

/** The same each time. */
function labelsOf(ref: number): Labels {
  const random = new Random(ref)
  return labelsFromRecord({
    __name__: random.pick(['up', 'node_load1', 'http_requests_total']), instance: `host-${ref}:9100`,
    ...(random.int(2) === 0 && { job: 'node' }), ...(random.int(10) === 0 && { 'ünï "c\\ö\nde': '\u{1f600} \u0000 wert' }),
  })
}
