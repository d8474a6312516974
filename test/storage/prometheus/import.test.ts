// Golden Prometheus folders (data-folder.test.ts), imported: queries answer what Prometheus answered, also after a restart, and
// a second import of the same folder changes nothing.
import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { FakeClock } from '../../../lib/std/clock.ts'
import type { Database } from '../../../storage/database.ts'
import { importPrometheus, type ImportReport } from '../../../storage/prometheus/import.ts'
import { StoreQueryable } from '../../../storage/store-querier.ts'
import { copyFolder, tempFolder } from '../../support/temp-folder.ts'
import { answerOf, recordedAnswer } from '../recorded-answers.ts'
import { open } from '../store.ts'

const GOLDEN = path.join(import.meta.dirname, '../../golden/prometheus-data')
const ANSWERED_AT_MS = 1_795_869_986_000
const NEWER = path.join(import.meta.dirname, '../../golden/prometheus-3.14-data')
const NEWER_ANSWERED_AT_MS = 1_795_943_805_000

async function take(db: Database, source: string): Promise<ImportReport> {
  const queryable = new StoreQueryable(db.handle(), 2)
  const querier = queryable.querier()
  try {
    return await importPrometheus(source, { db, labels: querier, onProgress: () => {} })
  } finally {
    querier.close()
    queryable.close()
  }
}

const openAt = (folder: string, ms = ANSWERED_AT_MS): Database => open(folder, { clock: new FakeClock(ms + 60_000) })

describe('an import of a Prometheus data folder', () => {
  it('answers as Prometheus did, also after a restart and a second import', async () => {
    const want = recordedAnswer(`${GOLDEN}.json.gz`)
    const folder = tempFolder()
    const db = openAt(folder)
    const report = await take(db, GOLDEN)
    expect(report).toMatchObject({ blocks: 4, damage: [], logs: { unknownRecords: 0 } })
    expect(report.logs.refused.every((count) => count === 0)).toBe(true)
    expect(answerOf(db, '1h', ANSWERED_AT_MS)).toEqual(want)
    await db.close()
    const again = openAt(folder)
    expect(again.blocks.blocks).toHaveLength(4)
    expect(answerOf(again, '1h', ANSWERED_AT_MS)).toEqual(want)
    await take(again, GOLDEN)
    expect(answerOf(again, '1h', ANSWERED_AT_MS)).toEqual(want)
    await again.close()
  })

  it('brings what came out of order and is in no block, and leaves what was deleted of the log', async () => {
    const want = recordedAnswer(`${NEWER}.json.gz`)
    const folder = tempFolder()
    const db = openAt(folder, NEWER_ANSWERED_AT_MS)
    const report = await take(db, NEWER)
    expect(report).toMatchObject({ blocks: 2, damage: [], logs: { unknownRecords: 0 } })
    expect(report.lateSamples).toBeGreaterThan(50)
    expect(report.logs.refused.every((count) => count === 0)).toBe(true)
    expect(answerOf(db, '1h', NEWER_ANSWERED_AT_MS)).toEqual(want)
    await db.close()
    const again = openAt(folder, NEWER_ANSWERED_AT_MS)
    await take(again, NEWER)
    expect(answerOf(again, '1h', NEWER_ANSWERED_AT_MS)).toEqual(want)
    await again.close()
  })

  it('takes what is whole of a damaged one, and says what was not', async () => {
    const source = copyFolder(GOLDEN)
    const file = `${source}/01M8H2NJEZ6H09SWT2PC2C0HMB/chunks/000001`
    const bytes = readFileSync(file)
    bytes[100]! ^= 1
    writeFileSync(file, bytes)
    const db = openAt(tempFolder())
    const report = await take(db, source)
    expect(report.damage).toEqual([expect.stringMatching(/000001 at byte \d+: the checksum of a chunk does not hold/)])
    expect(report.blocks).toBe(4)
    await db.close()
  })

  it('leaves out a block that cannot be read at all, and says so', async () => {
    const source = copyFolder(GOLDEN)
    writeFileSync(`${source}/01M8H2NJEZ6H09SWT2PC2C0HMB/index`, 'no index')
    const db = openAt(tempFolder())
    const report = await take(db, source)
    expect(report.damage).toEqual([expect.stringMatching(/^block .*PC2C0HMB was left out: .*this is no Prometheus index/)])
    expect([report.blocks, db.blocks.blocks.length, db.blocks.isBusy]).toEqual([3, 3, false])
    await db.close()
  })
})
