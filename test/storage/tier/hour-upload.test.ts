// Hour files on their way to the object store: nothing leaves the folder before the store is known to hold it.
import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { systemClock } from '../../../lib/std/clock.ts'
import { Random } from '../../../lib/std/random.ts'
import { FolderStore } from '../../../storage/object-store/folder-store.ts'
import { ObjectStoreError } from '../../../storage/object-store/object-store.ts'
import { compactMonth, sweepHours } from '../../../storage/tier/hour-build.ts'
import { HourFiles } from '../../../storage/tier/hour-files.ts'
import { readManifest, readStored } from '../../../storage/tier/hour-manifest.ts'
import { selectHours } from '../../../storage/tier/hour-reader.ts'
import { uploadHours } from '../../../storage/tier/hour-upload.ts'
import { spanOfDay, spanOfMonth, writeArchive, type HourArchive } from '../../support/hour-archive.ts'
import { HOUR_MS, randomRows } from '../../support/hour-rows.ts'
import { tempFolder } from '../../support/temp-folder.ts'

const NOW = Date.parse('2026-12-02T00:00:00Z')
const SPANS = [spanOfMonth('2026-10'), spanOfDay('2026-11-01'), spanOfDay('2026-11-02')]

const make = (): HourArchive => writeArchive(tempFolder(), SPANS, ({ from, to }) => randomRows(new Random(from), 20, from, (to - from) / HOUR_MS))

/** All counts, by series and bucket. */
function counts(folder: string, bucket: string): Map<string, number> {
  const files = new HourFiles(folder, { folder: bucket }, systemClock)
  files.begin()
  const refs = Uint32Array.from({ length: 20 }, (_, i) => i + 1)
  const selection = selectHours(files, { refs, byLabels: new Map() }, { mint: -Infinity, maxt: Infinity }, [])
  const found = new Map<string, number>()
  for (let batch = selection.next(); batch !== null; batch = selection.next()) {
    for (let row = 0; row < batch.seriesCount * batch.n; row++) {
      if (batch.columns.count[row]! > 0) found.set(`${batch.index[Math.floor(row / batch.n)]}@${batch.t[row % batch.n]}`, batch.columns.count[row]!)
    }
  }
  expect([...files.leftOut]).toEqual([])
  return found
}

describe('uploading hour files', () => {
  it('puts them with their sidecars and the list; months leave the folder, days stay', async () => {
    const { folder, files } = make()
    const bucket = tempFolder()
    const before = counts(folder, bucket)
    const report = await uploadHours(folder, new FolderStore(bucket), NOW)
    expect(report).toEqual({ files: 3, bytes: files.reduce((sum, { bytes }) => sum + bytes, 0), waiting: 0, failure: '', gone: [] })
    expect(fs.readdirSync(bucket)).toEqual([...files.flatMap(({ name }) => [name, `${name}.index`]), 'archive.json'])
    expect(files.map(({ name }) => fs.existsSync(path.join(folder, name)))).toEqual([false, true, true])
    expect(counts(folder, bucket)).toEqual(before)
    expect(await uploadHours(folder, new FolderStore(bucket), NOW)).toMatchObject({ files: 0, waiting: 0 })
  })

  it('waits until a day is over', async () => {
    const { folder, files } = make()
    const bucket = tempFolder()
    await uploadHours(folder, new FolderStore(bucket), SPANS[2]!.to - 1)
    expect(readStored(folder)).toEqual(new Set(files.slice(0, 2).map(({ name }) => name)))
  })

  it('takes from the store what went out of the list, when no query can be reading it', async () => {
    const { folder } = make()
    const bucket = tempFolder()
    const store = new FolderStore(bucket)
    const before = counts(folder, bucket)
    await uploadHours(folder, store, NOW)
    fs.writeFileSync(path.join(bucket, '1h-2026-11-01-000099.parquet'), 'someone else\'s')
    await compactMonth({ folder, store, nowMs: NOW, cutoffs: [] }, spanOfMonth('2026-11'))
    await uploadHours(folder, store, NOW)
    expect(fs.readdirSync(bucket).filter((name) => name.endsWith('.parquet'))).toHaveLength(5)
    sweepHours({ folder, store, nowMs: NOW + HOUR_MS, cutoffs: [] })
    await uploadHours(folder, store, NOW)
    expect(fs.readdirSync(bucket).filter((name) => name.endsWith('.parquet'))).toEqual(['1h-2026-10-000001.parquet', '1h-2026-11-000004.parquet', '1h-2026-11-01-000099.parquet'])
    expect(fs.readdirSync(folder).filter((name) => name.endsWith('.parquet'))).toEqual([])
    expect(counts(folder, bucket)).toEqual(before)
  })

  it('keeps what a store refuses, and says so', async () => {
    const { folder, files } = make()
    const bucket = tempFolder()
    const store = new FolderStore(bucket)
    const full = Object.assign(Object.create(store) as FolderStore, {
      holds: store.holds.bind(store), list: store.list.bind(store), delete: store.delete.bind(store),
      put: (key: string) => Promise.reject(new ObjectStoreError('REFUSED', `cannot put ${key}: 403 AccessDenied`)),
    })
    const report = await uploadHours(folder, full, NOW)
    expect(report).toEqual({ files: 0, bytes: 0, waiting: 3, failure: `cannot put ${files[0]!.name}: 403 AccessDenied`, gone: [] })
    expect(files.every(({ name }) => fs.existsSync(path.join(folder, name)))).toBe(true)
  })

  it('ends a round in which the store does not answer, and counts what waits', async () => {
    const { folder, files } = make()
    const asked: string[] = []
    const dead = (key: string): Promise<never> => {
      asked.push(key)
      return Promise.reject(new ObjectStoreError('UNREACHABLE', `cannot HEAD ${key}: 503`))
    }
    const silent = Object.assign(Object.create(new FolderStore(tempFolder())) as FolderStore, { holds: dead, put: dead })
    expect(await uploadHours(folder, silent, NOW)).toEqual({ files: 0, bytes: 0, waiting: 3, failure: `cannot HEAD ${files[0]!.name}: 503`, gone: [] })
    expect(asked).toEqual(files.slice(0, 2).map(({ name }) => name))
  })

  it('takes nothing for gone by a listing that is behind', async () => {
    const { folder } = make()
    const bucket = new FolderStore(tempFolder())
    await uploadHours(folder, bucket, NOW)
    const late = Object.assign(Object.create(bucket) as FolderStore, { holds: bucket.holds.bind(bucket), head: bucket.head.bind(bucket), put: bucket.put.bind(bucket), list: () => Promise.resolve([]) })
    expect(await uploadHours(folder, late, NOW)).toMatchObject({ waiting: 0, failure: '', gone: [] })
    expect(readStored(folder)).toEqual(new Set(readManifest(folder).files.map(({ name }) => name)))
  })

  it('puts what a bucket that was made anew lacks, and names what nobody has any more', async () => {
    const { folder, files } = make()
    const bucket = tempFolder()
    await uploadHours(folder, new FolderStore(bucket), NOW)
    for (const name of fs.readdirSync(bucket)) fs.rmSync(path.join(bucket, name))
    expect(await uploadHours(folder, new FolderStore(bucket), NOW)).toMatchObject({ files: 2, failure: '', gone: [files[0]!.name] })
    expect(fs.readdirSync(bucket)).toEqual([...files.slice(1).flatMap(({ name }) => [name, `${name}.index`]), 'archive.json'])
    expect(await uploadHours(folder, new FolderStore(bucket), NOW)).toMatchObject({ files: 0, gone: [files[0]!.name] })
    fs.truncateSync(path.join(bucket, files[1]!.name), 100)
    expect(await uploadHours(folder, new FolderStore(bucket), NOW)).toMatchObject({ files: 1 })
  })

  it.each(['upload.sent', 'upload.checked', 'upload.noted', 'upload.sent:3', 'upload.noted:2'])('loses nothing by kill -9 at %s', (point) => {
    const { folder, files } = make()
    const bucket = tempFolder()
    const before = counts(folder, bucket)
    const run = (armed: string): ReturnType<typeof spawnSync> => spawnSync(process.execPath, [path.join(import.meta.dirname, '../../support/upload-process.ts'), folder, bucket, armed])
    expect(run(point).signal).toBe('SIGKILL')
    expect(counts(folder, bucket)).toEqual(before)
    expect(run('').status).toBe(0)
    expect(counts(folder, bucket)).toEqual(before)
    expect(readStored(folder)).toEqual(new Set(readManifest(folder).files.map(({ name }) => name)))
    expect(fs.readdirSync(bucket).filter((name) => name.endsWith('.parquet'))).toEqual(files.map(({ name }) => name))
  })
})
