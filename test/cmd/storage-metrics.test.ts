// What the store says of its last end and of damage, as an alert reads it.
import fs from 'node:fs'
import { describe, expect, it } from 'vitest'
import { registerStorageMetrics } from '../../cmd/storage-metrics.ts'
import { Metrics } from '../../lib/std/metrics.ts'
import { repairFolder } from '../../storage/repair/repair.ts'
import { tempFolder } from '../support/temp-folder.ts'
import { NOW, abandon, append, batchOf, open, seriesOf } from '../storage/store.ts'

const NAMES = ['monitor_unclean_shutdown', 'prometheus_tsdb_wal_corruptions_total', 'monitor_storage_damaged_blocks']

/** Values of the metrics above, of a store that is opened and closed again. */
async function seen(folder: string): Promise<number[]> {
  const db = open(folder)
  const metrics = new Metrics()
  registerStorageMetrics(metrics, db)
  const text = await metrics.registry.metrics()
  await db.close()
  return NAMES.map((name) => Number(new RegExp(`^${name} (.*)$`, 'm').exec(text)![1]))
}

describe('metrics of the store', () => {
  it('tell of an end that was not clean until the next start, of damaged records and of blocks that are missed at each', async () => {
    const folder = tempFolder()
    const db = open(folder)
    const refs = seriesOf(db, 10)
    for (let k = 0; k < 40; k++) append(db, batchOf(NOW - 60_000 + k, refs, refs))
    await db.blocks.snapshot('cut', true)
    for (let k = 0; k < 20; k++) append(db, batchOf(NOW + k, refs, refs))
    await db.close()
    expect(await seen(folder)).toEqual([0, 0, 0])
    abandon(folder)
    expect(await seen(folder)).toEqual([1, 0, 0])
    expect(await seen(folder)).toEqual([0, 0, 0])
    const logs = fs.readdirSync(`${folder}/log`).map((name) => `${folder}/log/${name}`).toSorted((a, b) => fs.statSync(b).size - fs.statSync(a).size)
    const bytes = fs.readFileSync(logs[0]!)
    bytes[bytes.length - 320]! ^= 1
    fs.writeFileSync(logs[0]!, bytes)
    expect(await seen(folder)).toEqual([0, 1, 0])
    const block = fs.readdirSync(`${folder}/blocks`).find((name) => /^\d/.test(name))!
    fs.writeFileSync(`${folder}/blocks/${block}/meta.json`, '')
    expect(await seen(folder)).toEqual([0, 1, 1])
    expect(await seen(folder), 'what is in quarantine is missed').toEqual([0, 1, 1])
    await repairFolder(folder, false, () => undefined)
    expect(await seen(folder), 'what was repaired is not').toEqual([0, 0, 0])
  })

  it('tell how long syncs of the log take', async () => {
    const db = open(tempFolder())
    const metrics = new Metrics()
    registerStorageMetrics(metrics, db)
    const refs = seriesOf(db, 1)
    for (let k = 0; k < 3; k++) {
      append(db, batchOf(NOW + k, refs, refs))
      await db.commit()
    }
    const text = await metrics.registry.metrics()
    await db.close()
    expect(text).toMatch(/^prometheus_tsdb_wal_fsync_duration_seconds_count 3$/m)
    // By the store's clock, which stands.
    expect(text).toMatch(/^prometheus_tsdb_wal_fsync_duration_seconds\{quantile="0.99"\} 0$/m)
  })
})
