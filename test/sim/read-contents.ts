// All that a store holds, by label text and time, read through a Querier. A native histogram is its text.
import type { Database } from '../../storage/database.ts'
import { StoreQueryable } from '../../storage/store-querier.ts'
import type { Querier, SeriesBatch, Selection } from '../../storage/interface.ts'
import { tierFaults, viewTier } from '../support/tier-faults.ts'
import { valueText, type Value } from './ledger.ts'

/** `warnings` takes what the querier says of damage, `faults` where the rows of tiers are not those of the samples. */
export function readContents(db: Database, warnings: string[] = [], faults: string[] = []): Map<string, Map<number, Value>> {
  const queryable = new StoreQueryable(db.handle(), 1)
  try {
    const querier = queryable.querier()
    try {
      const selection = querier.select([{ name: '__name__', op: '!=', value: '' }], -Infinity, Infinity, { startMs: 0, endMs: 0, stepMs: 0, rangeMs: 0, func: '' })
      const contents = drain(querier, selection)
      warnings.push(...(querier.damage?.() ?? []))
      if (warnings.length === 0) faults.push(...tierFaults(viewTier(querier)))
      warnings.push(...(querier.damage?.() ?? []))
      return contents
    } finally {
      querier.close()
    }
  } finally {
    queryable.close()
  }
}

function drain(querier: Querier, selection: Selection): Map<string, Map<number, Value>> {
  const out = new Map<string, Map<number, Value>>()
  const pairs = new Uint32Array(256)
  for (let batch = selection.next(); batch; batch = selection.next()) {
    for (let s = 0; s < batch.seriesCount; s++) {
      const n = querier.labelsOf(selection.refs[batch.index[s]!]!, pairs)
      const key = Array.from(pairs.subarray(0, n), (symbol) => querier.textOf(symbol)).join('|')
      if (out.has(key)) throw new Error(`${key} is in two batches`)
      const samples = samplesOf(batch, s)
      if (samples.size > 0) out.set(key, samples)
    }
  }
  return out
}

function samplesOf(batch: SeriesBatch, s: number): Map<number, Value> {
  const samples = new Map<number, Value>()
  const words = (batch.n + 31) >>> 5
  const has = (bits: Uint32Array, i: number): boolean => ((bits[s * words + (i >>> 5)]! >>> (i & 31)) & 1) === 1
  for (let i = 0; i < batch.n; i++) {
    if (i > 0 && batch.t[i]! <= batch.t[i - 1]!) throw new Error(`times ${batch.t[i - 1]}, ${batch.t[i]} do not ascend`)
    if (batch.hasGaps[s] === 1 && !has(batch.present, i)) continue
    const value = batch.v[s * batch.n + i]!
    const startTime = batch.startTimes?.[s * batch.n + i] ?? 0
    if (batch.hasGaps[s] === 1 && has(batch.stale, i)) samples.set(batch.t[i]!, 'stale')
    else if (batch.histograms !== null && has(batch.histogramBits, i)) samples.set(batch.t[i]!, valueText(batch.histograms[value]!, startTime))
    else samples.set(batch.t[i]!, startTime === 0 ? value : valueText(value, startTime))
  }
  return samples
}
