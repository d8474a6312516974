// What the tests of the store share: opening one, batches in few words, and everything it holds, read back as plain
// arrays through a Querier.
import fs from 'node:fs'
import { expect } from 'vitest'
import { FakeClock } from '../../lib/std/clock.ts'
import { labelsFromRecord, type Labels } from '../../lib/model/labels.ts'
import type { Matcher } from '../../lib/model/matcher.ts'
import { Database, type DatabaseOptions } from '../../storage/database.ts'
import { StoreQueryable } from '../../storage/store-querier.ts'
import type { Querier, SampleBatch, Selection } from '../../storage/interface.ts'

export const NOW = 1_700_000_000_000
const HEAD_BYTES = 256 * 2 ** 20
export const HINTS = { startMs: 0, endMs: 0, stepMs: 0, rangeMs: 0, func: '' }

export function open(folder: string, options: Partial<DatabaseOptions> = {}): Database {
  return new Database({ folder, retentionMs: Infinity, headBytesMax: HEAD_BYTES, clock: new FakeClock(NOW), ...options })
}

/** Lets another Database open the folder as if the first had been killed: its lock stays, its files are as they are. */
export function abandon(folder: string): void {
  fs.writeFileSync(`${folder}/lock`, '999999999 1\n')
}

export function batchOf(t: number, refs: readonly number[], values: readonly number[], stale?: readonly number[]): SampleBatch {
  return {
    count: refs.length, refs: Uint32Array.from(refs), values: Float64Array.from(values), t, times: null,
    stale: stale ? Uint8Array.from(stale) : null,
  }
}

/** Appends and returns the verdicts. */
export function append(db: Database, batch: SampleBatch): number[] {
  const verdicts = new Uint8Array(batch.count)
  db.append(batch, verdicts)
  return [...verdicts]
}

export type Points = [t: number, v: number | 'stale'][]

export const series = (i: number): Labels => labelsFromRecord({ __name__: `m${i % 5}`, i: String(i), job: 'test' })
export const keyOf = (labels: Labels): string => labels.join('|')

export function seriesOf(db: Database, count: number, first = 0): number[] {
  return Array.from({ length: count }, (_, i) => db.series(series(first + i)))
}

const EVERYTHING: readonly Matcher[] = [{ name: '__name__', op: '!=', value: '' }]

/** Everything in range, by label text, read through a Querier of its own. */
export function readAll(db: Database, mint: number = -Infinity, maxt: number = Infinity, matchers: readonly Matcher[] = EVERYTHING): Map<string, Points> {
  const queryable = new StoreQueryable(db.handle(), 1)
  try {
    const querier = queryable.querier()
    try {
      return drain(querier, querier.select(matchers, mint, maxt, HINTS))
    } finally {
      querier.close()
    }
  } finally {
    queryable.close()
  }
}

/** What is left of a selection; checks that times ascend and no series comes twice. */
export function drain(querier: Querier, selection: Selection): Map<string, Points> {
  const out = new Map<string, Points>()
  const pairs = new Uint32Array(256)
  for (let batch = selection.next(); batch; batch = selection.next()) {
    const words = (batch.n + 31) >>> 5
    // No expect of its own: of hundreds of thousands, it took most of the time of some tests.
    for (let i = 1; i < batch.n; i++) if (!(batch.t[i]! > batch.t[i - 1]!)) expect.fail(`${batch.t[i]} comes after ${batch.t[i - 1]}`)
    for (let s = 0; s < batch.seriesCount; s++) {
      const n = querier.labelsOf(selection.refs[batch.index[s]!]!, pairs)
      const key = Array.from(pairs.subarray(0, n), (symbol) => querier.textOf(symbol)).join('|')
      const points: Points = []
      for (let i = 0; i < batch.n; i++) {
        const bit = (bits: Uint32Array): boolean => ((bits[s * words + (i >>> 5)]! >>> (i & 31)) & 1) === 1
        if (batch.hasGaps[s] === 1 && !bit(batch.present)) continue
        points.push([batch.t[i]!, batch.hasGaps[s] === 1 && bit(batch.stale) ? 'stale' : batch.v[s * batch.n + i]!])
      }
      if (out.has(key)) expect.fail(`${key} in two batches`)
      if (points.length > 0) out.set(key, points)
    }
  }
  return out
}

export function samplesIn(read: ReadonlyMap<string, Points>): number {
  let sum = 0
  for (const points of read.values()) sum += points.length
  return sum
}
