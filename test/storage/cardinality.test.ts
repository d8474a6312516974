// What the index is made of, by hand: two metrics, one label with many values.
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Engine } from '../../lang/engine.ts'
import { labelsFromRecord } from '../../lib/model/labels.ts'
import { StoreQueryable } from '../../storage/store-querier.ts'
import { append, batchOf, NOW, open } from './store.ts'

let folder = ''
beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'monitor-cardinality-'))
})
afterEach(() => fs.rmSync(folder, { recursive: true, force: true }))

function ask(limit: number, fill: (db: ReturnType<typeof open>) => void): unknown {
  const db = open(folder)
  fill(db)
  const queryable = new StoreQueryable(db.handle(), 1)
  const reply = new Engine().run({ kind: 'cardinality', limit, timeoutMs: 1000 }, queryable)
  queryable.close()
  void db.close()
  return JSON.parse(Buffer.from(reply.body).toString())
}

describe('cardinality', () => {
  it('lists the metrics, labels and pairs with the most series', () => {
    expect(ask(2, (db) => {
      const refs = ['a', 'bb', 'ccc'].map((instance) => db.series(labelsFromRecord({ __name__: 'up', instance, job: 'node' })))
      refs.push(db.series(labelsFromRecord({ __name__: 'load', instance: 'a', job: 'node' })))
      append(db, batchOf(NOW - 1000, refs, [1, 1, 1, 0.5]))
      append(db, batchOf(NOW, refs, [1, 1, 1, 0.5]))
    })).toEqual({
      status: 'success',
      data: {
        headStats: { numSeries: 4, numLabelPairs: 6, chunkCount: 4, minTime: NOW - 1000, maxTime: NOW },
        seriesCountByMetricName: [{ name: 'up', value: 3 }, { name: 'load', value: 1 }],
        labelValueCountByLabelName: [{ name: 'instance', value: 3 }, { name: '__name__', value: 2 }],
        memoryInBytesByLabelName: [{ name: '__name__', value: 50 }, { name: 'instance', value: 47 }],
        seriesCountByLabelValuePair: [{ name: 'job=node', value: 4 }, { name: '__name__=up', value: 3 }],
      },
    })
  })

  it('says of an empty head what Prometheus says', () => {
    expect(ask(10, () => {})).toMatchObject({ data: { headStats: { numSeries: 0, chunkCount: 0 }, seriesCountByMetricName: [] } })
  })
})
