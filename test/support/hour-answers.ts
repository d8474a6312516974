// What a reader of the 1-hour tier must give, and what it gave, in a form that is quickly compared.
import { expect } from 'vitest'
import type { BucketColumn, BucketColumns, BucketSelection } from '../../storage/tier/bucket.ts'
import type { HourSeries } from '../../storage/tier/hour-reader.ts'
import type { HourArchive } from './hour-archive.ts'

export const seriesOf = (refs: Uint32Array): HourSeries => ({ refs, byLabels: new Map() })

/** By `ref@t`: a row that is there, its wanted columns where it has samples, as text: 200,000 objects take long to compare. */
export type Rows = Map<string, string>

function rowText(columns: BucketColumns, at: number, wanted: readonly BucketColumn[]): string {
  const count = columns.count[at]!
  const values = count > 0 ? wanted.map((name) => columns[name][at]!) : []
  return [count, columns.staleAtEnd[at]!, ...values].map((value) => (Object.is(value, -0) ? '-0' : String(value))).join(' ')
}

/** Rows of those series that end in (mint, maxt]. */
export function expected({ rows }: HourArchive, refs: Uint32Array, mint: number, maxt: number, wanted: readonly BucketColumn[]): Rows {
  const out: Rows = new Map()
  for (const { ref, n, t, columns } of rows.flat()) {
    if (!refs.includes(ref)) continue
    for (let i = 0; i < n; i++) {
      const [count, stale] = [columns.count[i]!, columns.staleAtEnd[i]!]
      if (t[i]! <= mint || t[i]! > maxt || (count === 0 && stale === 0)) continue
      out.set(`${ref}@${t[i]}`, rowText(columns, i, wanted))
    }
  }
  return out
}

/** Reads the selection to its end; each series must come in one batch. */
export function collected(selection: BucketSelection, wanted: readonly BucketColumn[]): Rows {
  const out: Rows = new Map()
  const seen = new Set<number>()
  for (let batch = selection.next(); batch !== null; batch = selection.next()) {
    const { n, t, columns } = batch
    for (let i = 1; i < n; i++) if (!(t[i]! > t[i - 1]!)) expect.fail(`${t[i]} after ${t[i - 1]}`)
    for (let s = 0; s < batch.seriesCount; s++) {
      const ref: number = selection.refs[batch.index[s]!]!
      if (seen.has(ref)) expect.fail(`series ${ref} in two batches`)
      seen.add(ref)
      for (let i = 0; i < n; i++) {
        const [count, staleAtEnd] = [columns.count[s * n + i]!, columns.staleAtEnd[s * n + i]!]
        if (count === 0 && staleAtEnd === 0) continue
        out.set(`${ref}@${t[i]}`, rowText(columns, s * n + i, wanted))
      }
    }
  }
  return out
}

/** As toEqual, which takes seconds for 400,000 rows. */
export function expectRows(got: Rows, want: Rows): void {
  for (const [key, row] of want) if (got.get(key) !== row) expect.fail(`${key} is ${got.get(key)}, not ${row}`)
  expect(got.size).toBe(want.size)
}
