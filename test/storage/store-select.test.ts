// Selections share buffers; what one hands out is its own until its next call.
import { describe, expect, it } from 'vitest'
import type { Matcher } from '../../lib/model/matcher.ts'
import type { Selection } from '../../storage/interface.ts'
import { StoreQueryable } from '../../storage/store-querier.ts'
import { tempFolder } from '../support/temp-folder.ts'
import { HINTS, NOW, append, batchOf, open, seriesOf } from './store.ts'

const STEP = 60_000
const ROWS = 200

const of = (i: number): Matcher[] => [{ name: 'i', op: '=', value: String(i) }]

/** The values of the next batch, and where they lie. */
function nextValues(selection: Selection): { values: number[]; buffer: ArrayBufferLike } | null {
  const batch = selection.next()
  return batch && { values: Array.from(batch.v.subarray(0, batch.seriesCount * batch.n)), buffer: batch.v.buffer }
}

describe('selections', () => {
  it.each([['of the head', false], ['across blocks and head', true]])('%s keep their batches apart while they are read in turn, and hand their buffers on when they have ended', async (_, isCut) => {
    const db = open(tempFolder())
    const refs = seriesOf(db, 3)
    for (let k = 0; k < ROWS; k++) append(db, batchOf(NOW - (ROWS - 1 - k) * STEP, refs, [k, 1000 + k, 2000 + k]))
    if (isCut) await db.maintain()
    await db.blocks.idle()
    expect(db.blocks.blocks.length > 0).toBe(isCut)
    const queryable = new StoreQueryable(db.handle(), 1)
    const querier = queryable.querier()
    const [a, b] = [querier.select(of(0), 0, NOW, HINTS), querier.select(of(1), 0, NOW, HINTS)]
    const row = (base: number): number[] => Array.from({ length: ROWS }, (_, k) => base + k)
    const first = a.next()!
    const second = nextValues(b)!
    expect(second.values).toEqual(row(1000))
    expect(Array.from(first.v.subarray(0, first.n))).toEqual(row(0))
    expect([a.next(), b.next()]).toEqual([null, null])
    const third = nextValues(querier.select(of(2), 0, NOW, HINTS))!
    expect(third.values).toEqual(row(2000))
    expect([first.v.buffer, second.buffer]).toContain(third.buffer)
    querier.close()
    queryable.close()
    await db.close()
  })
})
