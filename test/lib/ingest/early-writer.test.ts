// Remote write before the store is open: what is acknowledged is on the device, and in the store once that is open.
import fs from 'node:fs'
import { afterEach, describe, expect, it } from 'vitest'
import { EarlyWriter } from '../../../lib/ingest/early-writer.ts'
import { RemoteWriteReceiver, type RemoteWriteResult } from '../../../lib/ingest/remote-write.ts'
import { FakeClock } from '../../../lib/std/clock.ts'
import { useDisk } from '../../../lib/std/fs.ts'
import { silentLogger } from '../../../lib/std/log.ts'
import { Metrics } from '../../../lib/std/metrics.ts'
import { Inbox } from '../../../storage/inbox.ts'
import { open, readAll } from '../../storage/store.ts'
import { writeBody } from '../../support/remote-write-body.ts'
import { Symbols, bodyV2, sampleV2 } from '../../support/remote-write-v2-body.ts'
import { tempFolder } from '../../support/temp-folder.ts'

const NOW = 1_700_000_000_000
const KEY = '__name__|m'

afterEach(() => void useDisk(fs))

interface Early {
  writer: EarlyWriter
  inbox: Inbox
  metrics: Metrics
  clock: FakeClock
}

function early(folder: string): Early {
  const clock = new FakeClock(NOW)
  const metrics = new Metrics()
  const inbox = new Inbox(folder, 0)
  return { writer: new EarlyWriter({ inbox, clock, logger: silentLogger, metrics }), inbox, metrics, clock }
}

const body = (t: number, v: number): Uint8Array => writeBody([{ labels: [['__name__', 'm']], samples: [[v, t]] }])
const bodyOf2 = (t: number, v: number): Uint8Array => bodyV2(new Symbols(), [{ labels: [['__name__', 'm']], fields: [sampleV2(v, t)] }])
const files = (folder: string): string[] => (fs.existsSync(`${folder}/inbox`) ? fs.readdirSync(`${folder}/inbox`) : [])

describe('a request that comes before the store is open', () => {
  it('is in the store once that is open, and then leaves the inbox', async () => {
    const folder = tempFolder()
    const { writer, clock, metrics } = early(folder)
    const answers = await Promise.all([1, 2, 3].map((k) => writer.write(body(NOW + k, k))))
    answers.push(await writer.write(bodyOf2(NOW + 4, 4), 2))
    expect(answers).toEqual(answers.map(() => ({ status: 204, message: '', samplesWritten: 1, histogramsWritten: 0, exemplarsWritten: 0 })))
    expect(files(folder)).toEqual(['00000001.frames'])
    const db = open(folder, { clock })
    await writer.open(new RemoteWriteReceiver(db, metrics, 1))
    expect(readAll(db).get(KEY)).toEqual([[NOW + 1, 1], [NOW + 2, 2], [NOW + 3, 3], [NOW + 4, 4]])
    expect(await writer.write(body(NOW + 5, 5))).toMatchObject({ status: 204 })
    expect(await writer.write(bodyOf2(NOW + 6, 6), 2)).toMatchObject({ status: 204 })
    expect(readAll(db).get(KEY)).toHaveLength(6)
    await db.close()
    await expect.poll(() => files(folder)).toEqual([])
  })

  it('is stored by the next process where its own died, and once', async () => {
    const folder = tempFolder()
    const first = early(folder)
    for (let k = 1; k <= 3; k++) await first.writer.write(body(NOW + k, k))
    const second = early(folder)
    expect(second.inbox.left).toHaveLength(3)
    await second.writer.write(body(NOW + 4, 4))
    expect(files(folder)).toEqual(['00000001.frames', '00000002.frames'])
    const db = open(folder)
    await second.writer.open(new RemoteWriteReceiver(db, second.metrics, 1))
    await db.close()
    // It died before the files were gone.
    const third = early(folder)
    const again = open(folder)
    await third.writer.open(new RemoteWriteReceiver(again, third.metrics, 1))
    expect(readAll(again).get(KEY)).toEqual([[NOW + 1, 1], [NOW + 2, 2], [NOW + 3, 3], [NOW + 4, 4]])
    await again.close()
  })

  it('keeps its place before what comes while it is handed over', async () => {
    const folder = tempFolder()
    const { writer, clock, metrics } = early(folder)
    for (let k = 0; k < 50; k++) await writer.write(body(NOW + 1000, k))
    const db = open(folder, { clock })
    const opening = writer.open(new RemoteWriteReceiver(db, metrics, 1))
    // At a time at which another value came before.
    const late = writer.write(body(NOW + 1000, -1))
    await opening
    await late
    expect(readAll(db).get(KEY)).toEqual([[NOW + 1000, 0]])
    await db.close()
  })

  it('that is on its way to the device as the store opens is stored, too', async () => {
    const folder = tempFolder()
    const { writer, clock, metrics } = early(folder)
    const held: (() => void)[] = []
    useDisk({ ...fs, fdatasync: (fd: number, done: (error: Error | null) => void) => void held.push(() => fs.fdatasync(fd, done)) })
    const answer = writer.write(body(NOW, 1))
    await expect.poll(() => held.length).toBe(1)
    useDisk(fs)
    const db = open(folder, { clock })
    await writer.open(new RemoteWriteReceiver(db, metrics, 1))
    expect(readAll(db).size).toBe(0)
    held[0]!()
    expect(await answer).toMatchObject({ status: 204 })
    await expect.poll(() => readAll(db).get(KEY)).toEqual([[NOW, 1]])
    await expect.poll(() => files(folder)).toEqual([])
    await db.close()
  })

  it('stays in the inbox while another one that came with it is not stored', async () => {
    const folder = tempFolder()
    const { writer, clock, metrics } = early(folder)
    const refused = body(NOW + 1, 1)
    await writer.write(refused)
    for (const k of [2, 3]) await writer.write(body(NOW + k, k))
    let isRefusing = true
    /** A store that refuses one request for a while. */
    class Picky extends RemoteWriteReceiver {
      override write(sent: Uint8Array): Promise<RemoteWriteResult> {
        if (!isRefusing || sent !== refused) return super.write(sent)
        return Promise.resolve({ status: 503, message: 'no', samplesWritten: 0, histogramsWritten: 0, exemplarsWritten: 0 })
      }
    }
    const db = open(folder, { clock })
    await writer.open(new Picky(db, metrics, 1))
    await expect.poll(() => readAll(db).get(KEY)).toEqual([[NOW + 2, 2], [NOW + 3, 3]])
    await db.commit()
    expect(files(folder)).toEqual(['00000001.frames'])
    isRefusing = false
    await clock.advance(5000)
    await expect.poll(() => files(folder)).toEqual([])
    expect(readAll(db).get(KEY)).toEqual([[NOW + 1, 1], [NOW + 2, 2], [NOW + 3, 3]])
    await db.close()
  })

  it('is refused where its bytes are wrong, and where the disk is', async () => {
    const folder = tempFolder()
    const { writer } = early(folder)
    for (const version of [1, 2] as const) expect(await writer.write(Uint8Array.of(1, 2, 3), version)).toMatchObject({ status: 400, samplesWritten: 0 })
    expect(files(folder)).toEqual([])
    const refuse = (): never => { throw Object.assign(new Error('no'), { code: 'EIO' }) }
    useDisk({ ...fs, fdatasync: (_fd: number, done: (error: Error | null) => void) => { try { refuse() } catch (error) { done(error as Error) } } })
    expect(await writer.write(body(NOW, 1))).toEqual({ status: 503, message: expect.stringMatching(/^cannot keep the request: cannot sync .*EIO.*send it again$/), samplesWritten: 0, histogramsWritten: 0, exemplarsWritten: 0 })
    useDisk(fs)
    expect(await writer.write(body(NOW, 2))).toMatchObject({ status: 204 })
    expect(files(folder)).toEqual(['00000001.frames', '00000002.frames'])
    useDisk({ ...fs, statfsSync: () => ({ bsize: 4096, blocks: 1000, bavail: 0, files: 0, ffree: 0 }) })
    const full = new EarlyWriter({ inbox: new Inbox(folder, 1), clock: new FakeClock(NOW), logger: silentLogger, metrics: new Metrics() })
    expect(await full.write(body(NOW, 3))).toMatchObject({ status: 503, message: expect.stringContaining('disk reserve reached') })
  })

  it('that is refused holds up none that comes later, whatever refuses it', async () => {
    const folder = tempFolder()
    const inbox = new Inbox(folder, 0, 1000)
    const failing = { ...fs, fdatasync: (_fd: number, done: (error: Error | null) => void) => done(new Error('no')) }
    const closed: number[] = []
    const f = async (disk: object, why: RegExp): Promise<void> => {
      useDisk({ ...fs, ...disk })
      await expect(inbox.add(new Uint8Array(600))).rejects.toThrow(why)
      useDisk(fs)
      // It takes no room any more.
      const held = new Inbox(folder, 0).left.length
      await inbox.add(new Uint8Array(10))
      expect(new Inbox(folder, 0).left.length, String(why)).toBe(held + 1)
    }
    await f({ fdatasync: failing.fdatasync }, /^cannot keep the request: cannot sync .*send it again$/)
    await f({ ...failing, closeSync: (fd: number) => {
      closed.push(fd)
      fs.closeSync(fd)
      throw Object.assign(new Error('EIO: i/o error'), { code: 'EIO' })
    } }, /^cannot keep the request: .*send it again$/)
    expect(closed).toHaveLength(1)
    // What is no word of a disk at all.
    await f({ fdatasync: () => { throw new TypeError('a fault of ours') } }, /^cannot keep the request: a fault of ours; send it again$/)
  })

  it('is tried again where the store refuses it', async () => {
    const folder = tempFolder()
    const { writer, clock, metrics } = early(folder)
    await writer.write(body(NOW, 1))
    useDisk({ ...fs, statfsSync: () => ({ bsize: 4096, blocks: 1000, bavail: 0, files: 0, ffree: 0 }) })
    const db = open(folder, { clock })
    await writer.open(new RemoteWriteReceiver(db, metrics, 1))
    expect(readAll(db).size).toBe(0)
    expect(files(folder)).toEqual(['00000001.frames'])
    useDisk(fs)
    for (let second = 0; second < 7; second++) await clock.advance(1000)
    expect(readAll(db).get(KEY)).toEqual([[NOW, 1]])
    await expect.poll(() => files(folder)).toEqual([])
    await db.close()
  })

  it('is left out where a crash tore it, and the rest is there', async () => {
    const folder = tempFolder()
    const { writer } = early(folder)
    for (let k = 1; k <= 3; k++) await writer.write(body(NOW + k, k))
    const file = `${folder}/inbox/00000001.frames`
    fs.truncateSync(file, fs.statSync(file).size - 5)
    expect(new Inbox(folder, 0).left).toHaveLength(2)
    const bytes = fs.readFileSync(file)
    bytes[20]! ^= 1
    fs.writeFileSync(file, bytes)
    expect(new Inbox(folder, 0)).toMatchObject({ left: { length: 1 }, damagedBytes: expect.any(Number) })
  })
})
