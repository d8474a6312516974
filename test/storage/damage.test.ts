// What is on disk may be cut or flipped anywhere: the store starts, loses what was hit and nothing else, and says so.
import fs from 'node:fs'
import { describe, expect, it } from 'vitest'
import { Random } from '../../lib/std/random.ts'
import { FakeClock } from '../../lib/std/clock.ts'
import { labelsFromRecord } from '../../lib/model/labels.ts'
import { Database } from '../../storage/database.ts'
import { STORED } from '../../storage/interface.ts'
import { StoreQueryable } from '../../storage/store-querier.ts'
import { DamageTally, MARK_BYTES, TIMED_MARK_BYTES, writeMark } from '../../storage/log/damage.ts'
import { FRAME_HEAD_BYTES, FRAME_OVERHEAD_BYTES, TYPE_ROW, sealFrame } from '../../storage/log/frame.ts'
import { LOG_HEADER_BYTES } from '../../storage/log/log-file.ts'
import { scanFrames } from '../../storage/log/scan-frames.ts'
import { waitFor } from '../support/monitor-process.ts'
import { testSeed } from '../support/seed.ts'
import { copyFolder, tempFolder } from '../support/temp-folder.ts'
import { append, batchOf, keyOf, open as openStore, readAll, series, seriesOf } from './store.ts'

const NOW = 1_700_000_000_000
const SERIES = 40
const ROWS = 20

function open(folder: string): Database {
  return new Database({ folder, retentionMs: Infinity, headBytesMax: 64 * 2 ** 20, clock: new FakeClock(NOW) })
}

/** A folder with ROWS rows of SERIES series in its log, closed. */
async function written(): Promise<string> {
  const folder = tempFolder()
  const db = open(folder)
  const refs = Uint32Array.from({ length: SERIES }, (_, i) => db.series(labelsFromRecord({ __name__: 'm', i: String(i) })))
  for (let k = 0; k < ROWS; k++) {
    db.append({ count: SERIES, refs, values: Float64Array.from(refs, (ref) => ref * 1000 + k), t: NOW + k, times: null, stale: null }, new Uint8Array(SERIES))
  }
  await db.close()
  return folder
}

/** Times seen for every series; checks that values are the ones written. */
function timesOf(db: Database): Map<string, number[]> {
  const queryable = new StoreQueryable(db.handle(), 1)
  const querier = queryable.querier()
  const out = new Map<string, number[]>()
  const selection = querier.select([{ name: '__name__', op: '=', value: 'm' }], -Infinity, Infinity, { startMs: 0, endMs: 0, stepMs: 0, rangeMs: 0, func: '' })
  const pairs = new Uint32Array(16)
  for (let batch = selection.next(); batch; batch = selection.next()) {
    for (let s = 0; s < batch.seriesCount; s++) {
      const ref = selection.refs[batch.index[s]!]!
      const n = querier.labelsOf(ref, pairs)
      const times: number[] = []
      for (let i = 0; i < batch.n; i++) {
        const isThere = batch.hasGaps[s] === 0 || ((batch.present[s * ((batch.n + 31) >>> 5) + (i >>> 5)]! >>> (i & 31)) & 1) === 1
        if (!isThere) continue
        expect(batch.v[s * batch.n + i]).toBe(ref * 1000 + batch.t[i]! - NOW)
        times.push(batch.t[i]! - NOW)
      }
      out.set(querier.textOf(pairs[n - 1]!), times)
    }
  }
  querier.close()
  queryable.close()
  return out
}

function logFile(folder: string): string {
  return `${folder}/log/${fs.readdirSync(`${folder}/log`).toSorted()[0]!}`
}

/** Puts another log in the place of all that is there, as a crash leaves it. */
function onlyLog(folder: string, bytes: Uint8Array): void {
  for (const name of fs.readdirSync(`${folder}/log`)) fs.rmSync(`${folder}/log/${name}`)
  fs.rmSync(`${folder}/files.json`, { force: true })
  fs.writeFileSync(`${folder}/log/00000000000000000000.log`, bytes)
}

/** Between the header of a log that was closed and the mark at its end. */
const rowBytes = (log: Buffer): number => (log.length - LOG_HEADER_BYTES - TIMED_MARK_BYTES) / ROWS
const all = Array.from({ length: ROWS }, (_, k) => k)

describe('damage', () => {
  it('loses only unfinished rows when the log is cut anywhere', async () => {
    const folder = await written()
    const whole = fs.readFileSync(logFile(folder))
    const random = new Random(testSeed())
    for (let round = 0; round < 100; round++) {
      const cut = round < 60 ? whole.length - round : 16 + random.int(whole.length - 16)
      onlyLog(folder, whole.subarray(0, cut))
      const db = open(folder)
      const seen = timesOf(db).get('0') ?? []
      expect(seen).toEqual(all.slice(0, seen.length))
      expect(seen.length).toBe(Math.min(ROWS, Math.floor((cut - 16) / rowBytes(whole))))
      expect(db.recovery.corruptRecords).toBe(0)
      await db.close()
    }
  })

  it('loses one row for one flipped bit, and counts it', async () => {
    const folder = await written()
    const whole = fs.readFileSync(logFile(folder))
    const random = new Random(testSeed())
    for (let round = 0; round < 60; round++) {
      const bit = random.int(rowBytes(whole) * ROWS * 8)
      const bytes = Buffer.from(whole)
      bytes[16 + (bit >>> 3)]! ^= 1 << (bit & 7)
      onlyLog(folder, bytes)
      const hit = Math.floor((bit >>> 3) / rowBytes(whole))
      const isPadding = (bit >>> 3) % rowBytes(whole) >= rowBytes(whole) - 4
      const db = open(folder)
      expect(timesOf(db).get('7')).toEqual(isPadding ? all : all.filter((k) => k !== hit))
      // Also in the last row: the mark behind it says that it was whole.
      expect(db.recovery).toMatchObject({ corruptRecords: isPadding ? 0 : 1, corruptBytes: isPadding ? 0 : rowBytes(whole) })
      await db.close()
    }
  })

  it('counts what a mark covers, from where to where it says', () => {
    const f = (hit: number, from: number, to: number, want: { frames: number; bytes: number }): void => {
      const bytes = Buffer.alloc(4 * 64 + MARK_BYTES)
      for (let frame = 0; frame < 3; frame++) sealFrame(bytes, frame * 64, TYPE_ROW, 40)
      writeMark(bytes, 3 * 64, from * 64, to * 64)
      sealFrame(bytes, 3 * 64 + MARK_BYTES, TYPE_ROW, 40)
      bytes[hit * 64 + 20]! ^= 8
      let visits = 0
      const tally = scanFrames(bytes, 0, bytes.length, () => visits++)
      expect(visits).toBe(3)
      expect(tally).toMatchObject({ ...want, syncedTo: to * 64, soundEnd: bytes.length })
    }
    f(0, 0, 2, { frames: 1, bytes: 64 })
    f(1, 0, 2, { frames: 1, bytes: 64 })
    f(2, 0, 2, { frames: 0, bytes: 0 })
    f(0, 1, 3, { frames: 0, bytes: 0 })
    f(2, 1, 3, { frames: 1, bytes: 64 })
  })

  it('tells a hole that a power cut left from damage in what was synced', async () => {
    const folder = tempFolder()
    const db = open(folder)
    const refs = Uint32Array.from({ length: SERIES }, (_, i) => db.series(labelsFromRecord({ __name__: 'm', i: String(i) })))
    const row = (k: number): number => db.append({ count: SERIES, refs, values: Float64Array.from(refs, (ref) => ref * 1000 + k), t: NOW + k, times: null, stale: null }, new Uint8Array(SERIES))
    for (let k = 0; k < 10; k++) row(k)
    await db.commit()
    // These lie behind the mark that the first ten are on the device; whether they are themselves, no mark says.
    for (let k = 10; k < 20; k++) row(k)
    // They are written, and not synced, with the next batch.
    const { whole, starts } = await waitFor('all rows in the file', () => {
      const bytes = fs.readFileSync(logFile(folder))
      const frames: number[] = []
      scanFrames(bytes, LOG_HEADER_BYTES, bytes.length, (_type, _at, _length, frameAt) => frames.push(frameAt))
      return Promise.resolve(frames.length >= 20 && { whole: bytes, starts: frames })
    })
    expect(starts).toHaveLength(20)
    const f = async (hit: number, corruptRecords: number): Promise<void> => {
      const bytes = Buffer.from(whole)
      bytes[starts[hit]! + 40]! ^= 1
      const copy = copyFolder(folder)
      fs.writeFileSync(logFile(copy), bytes)
      fs.writeFileSync(`${copy}/lock`, '999999999 1\n')
      for (let start = 0; start < 3; start++) {
        const again = open(copy)
        expect(timesOf(again).get('7')).toEqual(all.filter((k) => k !== hit))
        expect(again.recovery, `row ${hit}, start ${start}`).toMatchObject({ corruptRecords, corruptBytes: corruptRecords * (starts[1]! - starts[0]!) })
        await again.close()
      }
    }
    await f(3, 1)
    await f(9, 1)
    await f(10, 0)
    await f(15, 0)
    await db.close()
  })

  it('reads definitions from the second copy where the first is damaged', async () => {
    const folder = await written()
    const path = `${folder}/series/definitions`
    const whole = fs.readFileSync(path)
    const length = whole.length - 65536
    for (let at = 0; at < length; at++) {
      const bytes = Buffer.from(whole)
      bytes[at]! ^= 1 << (at & 7)
      fs.writeFileSync(path, bytes)
      if (at % 29 !== 0) continue
      const db = open(folder)
      expect(timesOf(db).size, `byte ${at}`).toBe(SERIES)
      expect(timesOf(db).get('39')).toEqual(all)
      await db.close()
      fs.writeFileSync(path, whole)
    }
  })

  it('finds every bit flipped in a frame', () => {
    const frame = Buffer.alloc(FRAME_OVERHEAD_BYTES + 64)
    for (let i = 0; i < 64; i++) frame[16 + i] = i * 7
    sealFrame(frame, 0, TYPE_ROW, 64)
    let visits = 0
    expect(scanFrames(frame, 0, frame.length, () => visits++)).toMatchObject({ frames: 0, bytes: 0, soundEnd: frame.length })
    expect(visits).toBe(1)
    for (let bit = 0; bit < (frame.length - 4) * 8; bit++) {
      const damaged = Buffer.from(frame)
      damaged[bit >>> 3]! ^= 1 << (bit & 7)
      scanFrames(damaged, 0, damaged.length, () => expect.fail(`bit ${bit} went unseen`))
    }
  })

  it('takes nothing of a damaged payload for a frame of its own', () => {
    const inner = Buffer.alloc(FRAME_OVERHEAD_BYTES + 16)
    sealFrame(inner, 0, TYPE_ROW, 16)
    // A text that somebody sent may hold any bytes.
    const bytes = Buffer.alloc(2 * FRAME_OVERHEAD_BYTES + 96 + 8)
    inner.copy(bytes, 32)
    const next = sealFrame(bytes, 0, TYPE_ROW, 96)
    sealFrame(bytes, next, TYPE_ROW, 8)
    const visited = (): number[] => {
      const at: number[] = []
      scanFrames(bytes, 0, bytes.length, (_type, _at, _length, frameAt) => at.push(frameAt))
      return at
    }
    expect(visited()).toEqual([0, next])
    bytes[next - 12]! ^= 1
    expect(visited()).toEqual([next])
  })

  it('keeps segments apart: one that is damaged takes no other with it', async () => {
    const folder = tempFolder()
    const db = open(folder)
    const refs = Uint32Array.from({ length: SERIES }, (_, i) => db.series(labelsFromRecord({ __name__: 'm', i: String(i) })))
    for (let k = 0; k < 200; k++) {
      db.append({ count: SERIES, refs, values: Float64Array.from(refs, (ref) => ref * 1000 + k), t: NOW + k, times: null, stale: null }, new Uint8Array(SERIES))
    }
    await db.close()
    const path = `${folder}/head/00000001.seg`
    const bytes = fs.readFileSync(path)
    // The header of the third segment: it is then not found at all.
    const starts: number[] = []
    scanFrames(bytes, 0, bytes.length, (_type, _at, _length, frameAt) => starts.push(frameAt))
    bytes[starts[2]! + 1]! ^= 4
    fs.writeFileSync(path, bytes)
    for (const name of fs.readdirSync(`${folder}/log`)) fs.rmSync(`${folder}/log/${name}`)
    const again = open(folder)
    const seen = timesOf(again).get('11')!
    expect(seen).toEqual(Array.from({ length: starts.length * 32 }, (_, k) => k).filter((k) => k < 64 || k >= 96))
    await again.close()
  })

  it('takes rows from the log where the segment that should hold them is torn or lies', async () => {
    const folder = tempFolder()
    const db = open(folder)
    const refs = Uint32Array.from({ length: SERIES }, (_, i) => db.series(labelsFromRecord({ __name__: 'm', i: String(i) })))
    for (let k = 0; k < 110; k++) {
      db.append({ count: SERIES, refs, values: Float64Array.from(refs, (ref) => ref * 1000 + k), t: NOW + k, times: null, stale: null }, new Uint8Array(SERIES))
    }
    await db.close()
    const path = `${folder}/head/00000001.seg`
    const whole = fs.readFileSync(path)
    const starts: number[] = []
    scanFrames(whole, 0, whole.length, (_type, _at, _length, frameAt) => starts.push(frameAt))
    const f = async (change: (bytes: Buffer) => void): Promise<void> => {
      const copy = tempFolder()
      fs.cpSync(folder, copy, { recursive: true })
      const bytes = Buffer.from(whole)
      change(bytes)
      fs.writeFileSync(`${copy}/head/00000001.seg`, bytes)
      for (let start = 0; start < 2; start++) {
        const again = open(copy)
        expect(timesOf(again).get('5')).toEqual(Array.from({ length: 110 }, (_, k) => k))
        await again.close()
      }
    }
    for (let segment = 0; segment < starts.length; segment++) {
      await f((bytes) => bytes.fill(0, starts[segment]! + 400, starts[segment + 1] ?? bytes.length))
      // The LSN up to which it claims to hold rows, the group, the number of columns.
      await f((bytes) => void (bytes[starts[segment]! + 16 + 45]! ^= 2))
      await f((bytes) => void (bytes[starts[segment]! + 16]! ^= 2))
      await f((bytes) => void (bytes[starts[segment]! + 16 + 4]! ^= 2))
    }
    await f((bytes) => bytes.fill(0))
  })

  it('shows the first of conflicting samples also where the log has it in place of a segment', async () => {
    const folder = tempFolder()
    const db = openStore(folder)
    const refs = seriesOf(db, 2)
    const [, moved] = refs as [number, number]
    for (let k = 0; k < 32; k++) append(db, batchOf(NOW + 2 * k, refs, [k, k]))
    append(db, batchOf(NOW + 1, [moved], [100]))
    // Its group runs ahead, and it leaves.
    for (let k = 32; k < 100; k++) append(db, batchOf(NOW + 2 * k, refs.slice(0, 1), [k]))
    append(db, batchOf(NOW + 100, [moved], [50]))
    // Its new group does not have what it sent before: the other value lies with its late samples.
    expect(append(db, batchOf(NOW + 10, [moved], [-1]))).toEqual([STORED])
    const seen = readAll(db)
    expect(seen.get(keyOf(series(1)))).toContainEqual([NOW + 10, 5])
    await db.close()
    const path = `${folder}/head/00000001.seg`
    const bytes = fs.readFileSync(path)
    const starts: number[] = []
    scanFrames(bytes, 0, bytes.length, (_type, _at, _length, frameAt) => starts.push(frameAt))
    fs.writeFileSync(path, bytes.fill(0, starts[0]! + 100, starts[1]))
    const again = openStore(folder)
    expect(again.recovery.replayedRows).toBeGreaterThan(32)
    expect(readAll(again)).toEqual(seen)
    await again.close()
  })

  it('never reads a segment or row as another group\'s, when ids are given again', async () => {
    const folder = tempFolder()
    const db = open(folder)
    const refs = Uint32Array.from({ length: SERIES }, (_, i) => db.series(labelsFromRecord({ __name__: 'lost', i: String(i) })))
    for (let k = 0; k < 40; k++) {
      db.append({ count: SERIES, refs, values: Float64Array.from(refs, () => -1), t: NOW + k, times: null, stale: null }, new Uint8Array(SERIES))
    }
    await db.close()
    // As after a power cut that kept segment and log but not the definitions.
    fs.truncateSync(`${folder}/series/definitions`, 0)
    for (let round = 0; round < 3; round++) {
      const again = open(folder)
      const made = Uint32Array.from({ length: SERIES }, (_, i) => again.series(labelsFromRecord({ __name__: 'm', i: String(i) })))
      again.append({ count: SERIES, refs: made, values: Float64Array.from(made, (ref) => ref * 1000 + round), t: NOW + round, times: null, stale: null }, new Uint8Array(SERIES))
      expect(timesOf(again).get('3')).toEqual([0, 1, 2].slice(0, round + 1))
      await again.close()
    }
  })

  it('leaves out a segment whose payload does not match its checksum, and names it', async () => {
    const folder = tempFolder()
    const db = open(folder)
    const refs = Uint32Array.from({ length: SERIES }, (_, i) => db.series(labelsFromRecord({ __name__: 'm', i: String(i) })))
    for (let k = 0; k < 200; k++) {
      db.append({ count: SERIES, refs, values: Float64Array.from(refs, (ref) => ref * 1000 + k), t: NOW + k, times: null, stale: null }, new Uint8Array(SERIES))
    }
    const path = `${folder}/head/00000001.seg`
    const bytes = fs.readFileSync(path)
    const starts: number[] = []
    scanFrames(bytes, 0, bytes.length, (_type, _at, _length, frameAt) => starts.push(frameAt))
    bytes[starts[1]! + 300]! ^= 16
    fs.writeFileSync(path, bytes)
    const seen = timesOf(db).get('11')!
    expect(seen).toEqual(Array.from({ length: 200 }, (_, k) => k).filter((k) => k < 32 || k >= 64))
    const queryable = new StoreQueryable(db.handle(), 2)
    const querier = queryable.querier()
    const selection = querier.select([{ name: '__name__', op: '=', value: 'm' }], 0, Infinity, { startMs: 0, endMs: 0, stepMs: 0, rangeMs: 0, func: '' })
    while (selection.next() !== null);
    expect(querier.damage!()).toEqual([expect.stringContaining('do not match their checksum')])
    querier.close()
    queryable.close()
    await db.close()
  })
})

it('what begins within synced bytes is damage, wherever it ends; what begins behind them is not', () => {
  const f = (from: number, to: number, want: readonly number[]): void => {
    const tally = new DamageTally()
    for (const [at, end] of [[64, 128], [128, 160], [256, 320]] as const) tally.found(at, end)
    const mark = Buffer.alloc(MARK_BYTES)
    writeMark(mark, 0, from, to)
    tally.synced(mark, FRAME_HEAD_BYTES, 16, 400)
    expect(tally.stretches.flatMap(({ at, end }) => [at, end]), `synced from ${from} to ${to}`).toEqual(want)
    expect([tally.frames, tally.bytes]).toEqual([want.length / 2, want.length === 0 ? 0 : want.reduce((sum, at, i) => sum + (i % 2 === 0 ? -at : at), 0)])
  }
  f(0, 64, [])
  f(0, 65, [64, 160])
  f(0, 256, [64, 160])
  f(0, 300, [64, 160, 256, 320])
  f(65, 300, [256, 320])
})
