// Whether a tier of a store says what its raw samples say, where both claim to be whole.
import type { Querier } from '../../storage/interface.ts'
import { TIER_MS, type BucketBatch, type BucketColumns, type TierName, type TierQuerier } from '../../storage/tier/bucket.ts'
import { MemoryTiers } from './memory-tiers.ts'

type Bucketed = Exclude<TierName, 'raw'>
const ALL = [{ name: '__name__', op: '!=', value: '' }] as const
export const COLUMNS: readonly (keyof BucketColumns)[] = ['count', 'sum', 'm2', 'min', 'max', 'first', 'last', 'correction', 'p99', 'firstT', 'lastT', 'staleAtEnd']

/** By label set and end of bucket (Unix ms): the columns, in the order above; [0, 1] for one that only ends stale. */
export type Rows = Map<string, number[]>

export interface TierView {
  name: Bucketed
  /** Of the tier, in its coverage. */
  rows: Rows
  /** What they should be, by the raw samples. */
  want: Rows
  /** Part of time both are whole of. */
  from: number
  to: number
}

export function viewTier(querier: Querier, which: Bucketed = '1m'): TierView {
  const [raw, tier] = ['raw', which].map((name) => querier.buckets!.tiers(ALL).find((one) => one.name === name))
  // A bucket that reaches into time of which raw samples are gone is not made of all its samples.
  const from = Math.max(tier?.from ?? 0, raw!.from + TIER_MS[which])
  const to = tier?.to ?? 0
  if (tier === undefined || to <= from) return { name: which, rows: new Map(), want: new Map(), from, to }
  return { name: which, rows: rowsOf(querier, querier.buckets!, from, to, which), want: rowsOf(querier, new MemoryTiers(querier, {}), from, to, which), from, to }
}

/** Sentences about rows that differ, at most five. */
export function tierFaults({ name, rows, want }: TierView): string[] {
  const faults: string[] = []
  for (const [key, row] of want) {
    const own = rows.get(key)
    if (own === undefined) faults.push(`the ${name} tier lacks ${key}`)
    else if (!own.every((value, i) => isSame(value, row[i]!, i))) faults.push(`the ${name} tier has ${key}: ${own.join()}, not ${row.join()}`)
  }
  for (const key of rows.keys()) if (!want.has(key)) faults.push(`the ${name} tier has ${key}, of which there are no samples`)
  return faults.slice(0, 5)
}

/** Sums of many samples, and their squares, are rounded to 44 bits. */
function isSame(a: number, b: number, column: number): boolean {
  const isRounded = COLUMNS[column] === 'sum' || COLUMNS[column] === 'm2'
  return Object.is(a, b) || a === b || (isRounded && Math.abs(a - b) <= 1e-13 * Math.abs(b))
}

export function rowsOf(querier: Querier, tiers: TierQuerier, from: number, to: number, which: Bucketed = '1m'): Rows {
  const selection = tiers.selectBuckets(which, ALL, from, to, COLUMNS)
  const rows: Rows = new Map()
  if (selection === null) throw new Error(`the ${which} tier is not here`)
  for (let batch = selection.next(); batch !== null; batch = selection.next()) addRows(querier, selection.refs, batch, rows)
  return rows
}

function addRows(querier: Querier, refs: Uint32Array, batch: BucketBatch, rows: Rows): void {
  const pairs = new Uint32Array(64)
  for (let s = 0; s < batch.seriesCount; s++) {
    const n = querier.labelsOf(refs[batch.index[s]!]!, pairs)
    const labels = Array.from(pairs.subarray(0, n), (symbol) => querier.textOf(symbol)).join('|')
    for (let i = 0; i < batch.n; i++) {
      const row = COLUMNS.map((name) => batch.columns[name][s * batch.n + i]!)
      const key = `${labels} ${batch.t[i]}`
      if (row[0] === 0 && row.at(-1) === 0) continue
      if (rows.has(key)) throw new Error(`${key} is there twice`)
      rows.set(key, row[0] === 0 ? [0, 1] : row)
    }
  }
}
