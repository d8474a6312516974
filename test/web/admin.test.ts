// The admin API over a real store: what it deletes is gone from answers, what it refuses changes nothing.
import fs from 'node:fs'
import { describe, expect, it, onTestFinished } from 'vitest'
import { DatabaseAdmin } from '../../cmd/storage-admin.ts'
import { storageStatus } from '../../cmd/storage-status.ts'
import { FakeClock } from '../../lib/std/clock.ts'
import { Random } from '../../lib/std/random.ts'
import type { MetaStore } from '../../lib/meta/interface.ts'
import type { StorageStatus } from '../../web/parts.ts'
import type { Database } from '../../storage/database.ts'
import { metadataText, readMetadata, writeMetadata } from '../../storage/metadata-file.ts'
import { openStore } from '../lib/meta/open-store.ts'
import { SILENCE } from '../lib/meta/store-conformance.ts'
import { NOW, append, batchOf, open, readAll, samplesIn, seriesOf } from '../storage/store.ts'
import { tempFolder } from '../support/temp-folder.ts'
import { failure, form, get, start } from './requests.ts'

const POST = { method: 'POST' }

async function withStore(): Promise<{ base: string; db: Database; meta: MetaStore; folder: string }> {
  const folder = tempFolder()
  const db = open(folder)
  onTestFinished(() => db.close())
  const meta = openStore(`${folder}/meta`)
  onTestFinished(() => meta.close())
  const refs = seriesOf(db, 4)
  for (let k = 0; k < 10; k++) append(db, batchOf(NOW - (9 - k) * 1000, refs, refs))
  const { base } = await start(() => ({ storage: { status: () => storageStatus(db, { currency: 'EUR', disk: 0.5, bucket: null }) }, admin: new DatabaseAdmin({ db, meta }, new FakeClock(NOW), new Random(1)) }))
  return { base: `${base}/api/v1/admin/tsdb`, db, meta, folder }
}

describe('/status/storage', () => {
  it('tells what is in blocks, in the head and in the log', async () => {
    const { base, db } = await withStore()
    const ask = async (): Promise<StorageStatus> => ((await get(`${base.replace('admin/tsdb', 'status/storage')}`))[1] as { data: StorageStatus }).data
    const before = await ask()
    expect(before).toMatchObject({ tiers: [{ name: 'raw', blocks: 0, bytes: 0, samples: 0, series: 0, minTime: null, maxTime: null, cost: 0 }], currency: 'EUR', head: { series: 4, maxTime: NOW } })
    expect(before.log.bytes).toBeGreaterThan(0)
    await db.blocks.snapshot('x', true)
    expect(await ask()).toMatchObject({ tiers: [{ blocks: db.blocks.blocks.length, samples: 40, series: 4, minTime: NOW - 9000, maxTime: NOW }] })
    expect((await ask()).tiers[0]!.bytes).toBeGreaterThan(100)
  })
})

describe('the admin API', () => {
  it('is off unless it is asked for', async () => {
    const { base } = await start()
    for (const name of ['delete_series?match[]=up', 'clean_tombstones', 'snapshot']) {
      expect(await get(`${base}/api/v1/admin/tsdb/${name}`, POST)).toEqual(failure(503, 'unavailable', 'admin APIs disabled'))
    }
  })

  it('deletes series by selector and time, and cleans up', async () => {
    const { base, db } = await withStore()
    const seconds = (ms: number): string => String(ms / 1000)
    expect(await get(`${base}/delete_series?match[]=m0&match[]={i="1"}&start=${seconds(NOW - 3000)}&end=${seconds(NOW)}`, POST)).toEqual([204, ''])
    expect(samplesIn(readAll(db))).toBe(40 - 8)
    expect(await get(`${base}/delete_series`, form('match[]=m2'))).toEqual([204, ''])
    expect(samplesIn(readAll(db))).toBe(40 - 8 - 10)
    expect(await get(`${base}/clean_tombstones`, { method: 'PUT' })).toEqual([204, ''])
    expect(samplesIn(readAll(db))).toBe(40 - 8 - 10)
  })

  it('refuses what is no selector or no time, other methods and other sites, and deletes nothing', async () => {
    const { base, db } = await withStore()
    expect(await get(`${base}/delete_series`, POST)).toEqual(failure(400, 'bad_data', 'no match[] parameter provided'))
    expect((await get(`${base}/delete_series?match[]={`, POST))[1]).toMatchObject({ error: expect.stringMatching(/^invalid parameter "match\[\]": 1:2: parse error/) })
    expect((await get(`${base}/delete_series?match[]=m0&start=x`, POST))[0]).toBe(400)
    expect((await get(`${base}/delete_series?match[]=m0`))[0]).toBe(405)
    expect(await get(`${base}/snapshot?skip_head=maybe`, POST)).toEqual(failure(400, 'bad_data', 'invalid parameter "skip_head": unable to parse boolean: strconv.ParseBool: parsing "maybe": invalid syntax'))
    expect((await get(`${base}/snapshot?skip_head=T`, POST))[0]).toBe(200)
    expect(await get(`${base}/delete_series?match[]=m0`, { ...POST, headers: { 'Sec-Fetch-Site': 'cross-site' } })).toEqual(failure(403, 'bad_data', 'cross-site requests are refused: use the pages under the address in --web.external-url'))
    expect(samplesIn(readAll(db))).toBe(40)
  })

  it('makes snapshots that can be opened', async () => {
    const { base, folder } = await withStore()
    const [status, body] = await get(`${base}/snapshot`, POST)
    expect(status).toBe(200)
    const { name } = (body as { data: { name: string } }).data
    expect(name).toMatch(/^20231114T221320Z-[0-9a-f]{16}$/)
    expect(fs.readdirSync(`${folder}/snapshots`)).toEqual([name])
    const copy = open(`${folder}/snapshots/${name}`)
    expect(samplesIn(readAll(copy))).toBe(40)
    await copy.close()
  })

  it('puts into snapshots what people have said and what is known of metrics, also where two are asked for at once', async () => {
    const { base, meta, folder } = await withStore()
    const metadata = { targets: [], pushed: new Map([['m0', { type: 'gauge' as const, help: 'h', unit: '' }]]) }
    writeMetadata(folder, metadataText(metadata))
    const kept = meta.putSilence(SILENCE)
    const answers = await Promise.all([get(`${base}/snapshot`, POST), get(`${base}/snapshot?skip_head=1`, POST), kept])
    await meta.putSilence({ ...SILENCE, id: 'later' })
    for (const [status, body] of answers.slice(0, 2) as [number, { data: { name: string } }][]) {
      expect(status).toBe(200)
      const snapshot = `${folder}/snapshots/${body.data.name}`
      expect(readMetadata(snapshot, () => undefined)).toEqual(metadata)
      const copy = openStore(`${snapshot}/meta`)
      expect(await copy.silences()).toEqual([SILENCE])
      await copy.close()
    }
    expect(fs.readdirSync(`${folder}/meta`)).not.toContain('monitor.db.new')
  })
})
