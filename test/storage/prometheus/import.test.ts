// Golden Prometheus folders (data-folder.test.ts), imported: queries answer what Prometheus answered, also after a restart, and
// a second import of the same folder changes nothing.
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { FakeClock } from '../../../lib/std/clock.ts'
import { crc32c } from '../../../lib/std/crc32c.ts'
import { compactBlocks } from '../../../storage/block/compact.ts'
import type { Database } from '../../../storage/database.ts'
import { importPrometheus, type ImportReport } from '../../../storage/prometheus/import.ts'
import { StoreQueryable } from '../../../storage/store-querier.ts'
import { copyFolder, tempFolder } from '../../support/temp-folder.ts'
import { answerOf, recordedAnswer } from '../recorded-answers.ts'
import { abandon, open } from '../store.ts'

const GOLDEN = path.join(import.meta.dirname, '../../golden/prometheus-data')
const ANSWERED_AT_MS = 1_795_869_986_000
const NEWER = path.join(import.meta.dirname, '../../golden/prometheus-3.14-data')
const NEWER_ANSWERED_AT_MS = 1_795_943_805_000

const ULIDS = ['01M8H2NJEZ6H09SWT2PC2C0HMB', '01M8H2RP3MMJGTR18F7NMGHFKF', '01M8H2WBS8BWWZS1DY38VBKHZ1', '01M8H300F2SXFKHJ8TT1FH4YRM'] as const

async function take(db: Database, source: string, onProgress: (what: string) => void = () => {}): Promise<ImportReport> {
  const queryable = new StoreQueryable(db.handle(), 2)
  const querier = queryable.querier()
  try {
    return await importPrometheus(source, { db, labels: querier, onProgress })
  } finally {
    querier.close()
    queryable.close()
  }
}

const openAt = (folder: string, ms = ANSWERED_AT_MS): Database => open(folder, { clock: new FakeClock(ms + 60_000), outOfOrderMs: Infinity })

interface Meta {
  minTime: number
  maxTime: number
  compaction: { sources: readonly string[]; hints?: readonly string[] }
}

function changeMeta(source: string, ulid: string, change: (meta: Meta) => void): void {
  const file = `${source}/${ulid}/meta.json`
  const meta = JSON.parse(readFileSync(file, 'utf8')) as Meta
  change(meta)
  writeFileSync(file, JSON.stringify(meta))
}

/** A log of Prometheus with samples of one series, a ms apart, and further records. */
function writeLog(folder: string, count: number, { t0 = ANSWERED_AT_MS - count, more = [] as readonly Buffer[] } = {}): void {
  const series = Buffer.from([1, 0, 0, 0, 0, 0, 0, 0, 1, 1, 8, ...Buffer.from('__name__'), 1, ...Buffer.from('m')])
  const pages: Buffer[] = [fragment(series)]
  for (let from = 0; from < count;) {
    const n = Math.min(2000, count - from)
    const record = Buffer.alloc(17 + n * 12)
    record[0] = 2
    record.writeBigInt64BE(1n, 1)
    record.writeBigInt64BE(BigInt(t0 + from), 9)
    let at = 17
    for (let i = 0; i < n; i++) {
      record[at++] = 0
      for (let z = i * 2; ; z >>>= 7) {
        record[at++] = z < 128 ? z : (z & 127) | 128
        if (z < 128) break
      }
      record.writeDoubleBE(from + i, at)
      at += 8
    }
    pages.push(fragment(record.subarray(0, at)))
    from += n
  }
  for (const record of more) pages.push(fragment(record))
  mkdirSync(folder, { recursive: true })
  writeFileSync(`${folder}/00000000`, Buffer.concat(pages))
}

function zigzag(value: number): Buffer {
  const bytes: number[] = []
  let rest = BigInt(value) * 2n
  for (; rest >= 128n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128)
  return Buffer.from([...bytes, Number(rest)])
}

/** A page with one whole record. */
function fragment(record: Buffer): Buffer {
  const page = Buffer.alloc(32 * 1024)
  page[0] = 1
  page.writeUInt16BE(record.length, 1)
  page.writeUInt32BE(crc32c(record, 0, record.length), 3)
  record.copy(page, 7)
  return page
}

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
    expect(await take(again, GOLDEN)).toMatchObject({ blocks: 0, knownBlocks: 4, logs: { appended: 0, repeated: report.logs.appended } })
    expect(again.blocks.blocks).toHaveLength(4)
    expect(answerOf(again, '1h', ANSWERED_AT_MS)).toEqual(want)
    await again.close()
  })

  it('knows what it has taken over when blocks were compacted since, here and there', async () => {
    const folder = tempFolder()
    const db = openAt(folder)
    await take(db, GOLDEN)
    const here = db.blocks.blocks.map((block) => `${folder}/blocks/${block.folder}`)
    await db.close()
    const { meta } = (await compactBlocks(here, { folder: tempFolder(), number: 9, isCompressed: true }))!
    expect(meta.sources.toSorted()).toEqual([...here.map((block) => path.basename(block)), ...ULIDS.map((ulid) => `prometheus:${ulid}`)].toSorted())
    // Prometheus has made one block of the first two, and another came.
    const source = copyFolder(GOLDEN)
    changeMeta(source, ULIDS[0], ({ compaction }) => (compaction.sources = ULIDS.slice(0, 2)))
    changeMeta(source, ULIDS[2], ({ compaction }) => (compaction.sources = [ULIDS[2], '01M8H300F2SXFKHJ8TT1FH4YRN']))
    const again = openAt(folder)
    expect(await take(again, source)).toMatchObject({ blocks: 1, knownBlocks: 3 })
    await again.close()
  })

  it('goes on where it was killed', async () => {
    const want = recordedAnswer(`${GOLDEN}.json.gz`)
    const folder = tempFolder()
    const killed = openAt(folder)
    let blocks = 0
    const cutOff = take(killed, GOLDEN, (what) => {
      if (!what.includes('samples')) return
      if (++blocks === 3) throw new Error('killed')
    })
    await expect(cutOff).rejects.toThrow('killed')
    abandon(folder)
    const db = openAt(folder)
    expect(await take(db, GOLDEN)).toMatchObject({ blocks: 2, knownBlocks: 2 })
    expect(db.blocks.blocks).toHaveLength(4)
    expect(answerOf(db, '1h', ANSWERED_AT_MS)).toEqual(want)
    await db.close()
  })

  it.each([['late samples only', 1, ['from-out-of-order']], ['two such, which does not say so', 2, []]])('takes of the logs what lies beside a block of %s', async (_of, level, hints) => {
    const want = recordedAnswer(`${GOLDEN}.json.gz`)
    const source = copyFolder(GOLDEN)
    const late = `${source}/01M8H300F2SXFKHJ8TT1FH4YRN`
    cpSync(`${source}/${ULIDS[3]}`, late, { recursive: true })
    changeMeta(source, path.basename(late), (meta) => {
      meta.minTime = meta.maxTime
      meta.maxTime = ANSWERED_AT_MS
      Object.assign(meta.compaction, { level, hints })
    })
    const db = openAt(tempFolder())
    await take(db, source)
    expect(answerOf(db, '1h', ANSWERED_AT_MS)).toEqual(want)
    await db.close()
  })

  it('lets the disk keep up with long logs, of which no more than a part may wait for it', async () => {
    const source = tempFolder()
    const count = 300_000
    writeLog(`${source}/wal`, count)
    const db = openAt(tempFolder())
    const report = await take(db, source)
    expect(report).toMatchObject({ damage: [], logs: { appended: count } })
    expect(db.logBytes).toBeGreaterThan(9 * 2 ** 20)
    expect(db.log.syncCount).toBeGreaterThan(1)
    await db.close()
  })

  it('brings what came out of order and is in no block, and leaves what was deleted of the log', async () => {
    const want = recordedAnswer(`${NEWER}.json.gz`)
    const folder = tempFolder()
    const db = openAt(folder, NEWER_ANSWERED_AT_MS)
    const report = await take(db, NEWER)
    expect(report).toMatchObject({ blocks: 2, damage: [], logs: { unknownRecords: 0 } })
    expect(report.logs.refused.every((count) => count === 0)).toBe(true)
    expect(answerOf(db, '1h', NEWER_ANSWERED_AT_MS)).toEqual(want)
    await db.close()
    const again = openAt(folder, NEWER_ANSWERED_AT_MS)
    expect(await take(again, NEWER)).toMatchObject({ blocks: 0, knownBlocks: 2 })
    expect(answerOf(again, '1h', NEWER_ANSWERED_AT_MS)).toEqual(want)
    await again.close()
  })

  it('deletes of the log what came in order before, as Prometheus does, and takes no part of a record it cannot read', async () => {
    const source = tempFolder()
    const t0 = ANSWERED_AT_MS - 1000
    const deleted = Buffer.from([3, 0, 0, 0, 0, 0, 0, 0, 1, ...zigzag(t0 + 10), ...zigzag(t0 + 19)])
    // A sample and a half.
    const broken = Buffer.alloc(30)
    broken[0] = 2
    broken.writeBigInt64BE(1n, 1)
    broken.writeBigInt64BE(BigInt(t0 + 60), 9)
    writeLog(`${source}/wal`, 50, { t0, more: [deleted, broken, broken] })
    writeLog(`${source}/wbl`, 5, { t0: t0 + 10 })
    const db = openAt(tempFolder())
    const report = await take(db, source)
    expect(report).toMatchObject({ logs: { appended: 45, repeated: 0 }, damage: [expect.stringMatching(/^2 records of .*wal\/00000000 were left out; the first: .*wanted/)] })
    const [series] = answerOf(db, '1h', ANSWERED_AT_MS)
    expect(series!.values!.map(([t, v]) => [Math.round(t * 1000) - t0, Number(v)])).toEqual(Array.from({ length: 50 }, (_, i) => [i, i >= 10 && i < 15 ? i - 10 : i]).filter(([i]) => i! < 15 || i! > 19))
    await db.close()
  })

  it('takes what is whole of a damaged one, and says what was not', async () => {
    const source = copyFolder(GOLDEN)
    const file = `${source}/01M8H2NJEZ6H09SWT2PC2C0HMB/chunks/000001`
    const bytes = readFileSync(file)
    bytes[100]! ^= 1
    // The second of three chunks of its series.
    bytes[2830]! ^= 1
    writeFileSync(file, bytes)
    const db = openAt(tempFolder())
    const report = await take(db, source)
    expect(report.damage).toEqual([
      expect.stringMatching(/000001 at byte \d+: the checksum of a chunk does not hold/), expect.stringMatching(/000001 at byte 2817: the checksum of a chunk does not hold/),
    ])
    expect(report.blocks).toBe(4)
    await db.close()
  })

  it('leaves out samples before 1970, and says so once', async () => {
    const source = copyFolder(GOLDEN)
    const file = `${source}/01M8H2NJEZ6H09SWT2PC2C0HMB/chunks/000001`
    const bytes = readFileSync(file)
    // The first two chunks: length, encoding, number of samples (2 bytes), first time as a zigzag varint; their checksums behind them.
    for (let chunk = 0, at = 8; chunk < 2; chunk++) {
      const lengthBytes = bytes[at]! < 128 ? 1 : 2
      const length = lengthBytes === 1 ? bytes[at]! : (bytes[at]! & 127) | (bytes[at + 1]! << 7)
      const from = at + lengthBytes
      bytes[from + 3]! ^= 1
      at = from + 1 + length
      bytes.writeUInt32BE(crc32c(bytes, from, at), at)
      at += 4
    }
    writeFileSync(file, bytes)
    const db = openAt(tempFolder())
    const report = await take(db, source)
    expect(report.damage).toEqual([expect.stringMatching(/^samples before 1970 of .*PC2C0HMB were left out/)])
    expect([report.blocks, db.blocks.blocks.length]).toEqual([4, 4])
    await db.close()
  })

  it('reads of the log no more than it needs where blocks were made of others', async () => {
    const want = recordedAnswer(`${GOLDEN}.json.gz`)
    const source = copyFolder(GOLDEN)
    for (const ulid of ULIDS) changeMeta(source, ulid, (meta) => Object.assign(meta.compaction, { level: 2 }))
    const [db, usual] = [openAt(tempFolder()), openAt(tempFolder())]
    const { logs } = await take(db, source)
    expect(logs).toEqual((await take(usual, GOLDEN)).logs)
    expect(answerOf(db, '1h', ANSWERED_AT_MS)).toEqual(want)
    await Promise.all([db.close(), usual.close()])
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
