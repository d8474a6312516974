// The head's memory used up at every point of the work: what is refused has its name and leaves nothing behind, what is
// stored stays readable, now and after a restart, and when memory comes back the work goes on.
import fs from 'node:fs'
import { describe, expect, it } from 'vitest'
import { FakeClock } from '../../lib/std/clock.ts'
import { labelsFromRecord, type Labels } from '../../lib/model/labels.ts'
import type { Database } from '../../storage/database.ts'
import { FolderError, LogError } from '../../storage/errors.ts'
import { STORED } from '../../storage/interface.ts'
import type { Arena } from '../../storage/head/arena.ts'
import { SIDE_PAIR_COUNT, SIDE_SYMBOL_COUNT, sideWord } from '../../storage/head/shared-heap.ts'
import { tempFolder } from '../support/temp-folder.ts'
import { NOW, abandon, append, batchOf, keyOf, open, readAll, samplesIn, series, seriesOf, type Points } from './store.ts'

const HEAD_BYTES = 4 * 2 ** 20

interface Piece {
  at: number
  units: number
}

const RESERVE_UNITS = 1024

/** Takes all memory but `leave` units, which lie side by side in pieces of powers of two; the rest can be given back. */
function useUp(arena: Arena, leave: number): Piece[] {
  const pieces: Piece[] = []
  const reserve = arena.allocate(RESERVE_UNITS)
  for (let units = 65536; units >= 1; units /= 2) {
    try {
      for (;;) pieces.push({ at: arena.allocate(units), units })
    } catch (error) {
      expect(error).toBeInstanceOf(LogError)
    }
  }
  for (const { at, units } of inPowersOfTwo(reserve, leave)) arena.free(at, units)
  return [...pieces, ...inPowersOfTwo(reserve + leave, RESERVE_UNITS - leave)]
}

function inPowersOfTwo(at: number, units: number): Piece[] {
  const pieces: Piece[] = []
  for (let left = units; left > 0; left -= pieces.at(-1)!.units) pieces.push({ at: at + units - left, units: 2 ** (31 - Math.clz32(left)) })
  return pieces
}

const wide = (i: number): Labels => labelsFromRecord(Object.fromEntries([['__name__', `wide${i}`], ...Array.from({ length: 12 }, (_, k) => [`label_${k}`, `v${i}_${k}`])]))

/** Does something that may be refused for want of memory; true if it was done. */
function attempt(f: () => void): boolean {
  try {
    f()
    return true
  } catch (error) {
    expect(error).toBeInstanceOf(LogError)
    return false
  }
}

/** What must be readable: the samples of batches that were taken whole. Parts of refused ones may be there, too. */
function expectStored(db: Database, want: ReadonlyMap<string, Points>, sent: ReadonlyMap<string, Points>): void {
  const seen = readAll(db)
  for (const [key, points] of want) {
    const times = new Map(seen.get(key))
    for (const [t, v] of points) expect(times.get(t), `${key} at ${t - NOW}`).toBe(v)
  }
  for (const [key, points] of seen) {
    const times = new Map(sent.get(key))
    for (const [t, v] of points) expect(times.get(t), `${key} at ${t - NOW}, which nobody sent so`).toBe(v)
  }
}

class Sender {
  readonly stored = new Map<string, Points>()
  readonly sent = new Map<string, Points>()
  readonly #db: Database

  constructor(db: Database) {
    this.#db = db
  }

  /** Appends one row of these label sets, made if they are new. */
  send(t: number, sets: readonly Labels[]): boolean {
    const values = sets.map((labels) => labels.length * 1000 + (t - NOW) / 8)
    const note = (into: Map<string, Points>): void => sets.forEach((labels, i) => into.set(keyOf(labels), [...(into.get(keyOf(labels)) ?? []), [t, values[i]!]]))
    note(this.sent)
    return attempt(() => {
      const refs = sets.map((labels) => this.#db.series(labels))
      expect(append(this.#db, batchOf(t, refs, values))).toEqual(sets.map(() => STORED))
      note(this.stored)
    })
  }
}

describe('head memory that is used up', () => {
  it('refuses by name at whatever point it ends, keeps what was stored, and takes more when there is room again', async () => {
    let refusals = 0
    let taken = 0
    for (let leave = 0; leave <= 900; leave += leave < 24 ? 1 : leave < 200 ? 9 : 70) {
      const folder = tempFolder()
      const db = open(folder, { headBytesMax: HEAD_BYTES })
      const sender = new Sender(db)
      const known = Array.from({ length: 20 }, (_, i) => series(i))
      for (let k = 0; k < 31; k++) sender.send(NOW - 600_000 + k * 10_000, k < 15 ? known : known.slice(0, 15))
      // Known by name, but in no group yet.
      const spare = Array.from({ length: 12 }, (_, i) => series(60 + i))
      for (const labels of spare) db.series(labels)
      const pieces = useUp(db.head.arena, leave)
      const isTaken = [
        sender.send(NOW - 260_000, [...known.slice(0, 15), ...spare]),
        sender.send(NOW - 250_000, known.slice(0, 15)),
        sender.send(NOW - 240_000, [...known.slice(0, 15), wide(1)]),
        sender.send(NOW - 430_000, known.slice(15)),
        sender.send(NOW - 425_500, known.slice(2, 5)),
        sender.send(NOW - 230_000, [wide(2), series(100), wide(3)]),
        sender.send(NOW - 220_000, Array.from({ length: 40 }, (_, i) => series(200 + i))),
      ]
      taken += isTaken.filter((done) => done).length
      refusals += isTaken.filter((done) => !done).length
      expectStored(db, sender.stored, sender.sent)
      for (const { at, units } of pieces) db.head.arena.free(at, units)
      // The sender tries again, and goes on.
      for (let k = 0; k < 40; k++) {
        expect(sender.send(NOW - 200_000 + k * 1000, [...known, ...spare, wide(1), wide(2), wide(3 + k), ...Array.from({ length: 40 }, (_, i) => series(200 + i))])).toBe(true)
      }
      expectStored(db, sender.stored, sender.sent)
      const live = readAll(db)
      await db.close()
      const again = open(folder)
      expect(readAll(again), `after a restart, ${leave} units left`).toEqual(live)
      expect(again.recovery.corruptRecords).toBe(0)
      await again.close()
    }
    expect(Math.min(refusals, taken)).toBeGreaterThan(50)
  }, 120_000)

  it('writes no segment that it cannot link', async () => {
    const folder = tempFolder()
    const db = open(folder, { headBytesMax: HEAD_BYTES })
    const refs = seriesOf(db, 20)
    for (let k = 0; k < 32; k++) append(db, batchOf(NOW + k, refs, refs))
    const pieces = useUp(db.head.arena, 0)
    for (let k = 32; k < 42; k++) expect(() => append(db, batchOf(NOW + k, refs, refs))).toThrow(LogError)
    expect(db.head.flushedSegments).toBe(0)
    expect(samplesIn(readAll(db))).toBe(32 * 20)
    for (const { at, units } of pieces) db.head.arena.free(at, units)
    for (let k = 32; k < 70; k++) append(db, batchOf(NOW + k, refs, refs))
    await db.close()
    const again = open(folder)
    expect(again.recovery.segments).toBe(2)
    expect(samplesIn(readAll(again))).toBe(70 * 20)
    await again.close()
  })

  it('gives no series a second column in a group that it was leaving when the memory ended', async () => {
    const db = open(tempFolder(), { headBytesMax: HEAD_BYTES })
    const refs = seriesOf(db, 40)
    const t = NOW - 600_000
    append(db, batchOf(t, refs, refs))
    append(db, batchOf(t + 60_000, refs.slice(0, 39), refs))
    // Enough to note where the last series was, not for the group it would go to.
    const pieces = useUp(db.head.arena, 2)
    expect(() => append(db, batchOf(t + 30_000, refs.slice(39), [7]))).toThrow(LogError)
    expect(db.head.series.groupOf(refs[39]!)).toBe(0)
    for (const { at, units } of pieces) db.head.arena.free(at, units)
    append(db, batchOf(t + 120_000, refs, refs))
    expect(readAll(db).get(keyOf(series(39)))).toEqual([[t, refs[39]], [t + 120_000, refs[39]]])
    await db.close()
  })

  it('lets small things into large pieces that have come back', async () => {
    const db = open(tempFolder(), { headBytesMax: HEAD_BYTES })
    const refs = seriesOf(db, 2)
    append(db, batchOf(NOW, refs, refs))
    const pieces = useUp(db.head.arena, 0)
    expect(() => seriesOf(db, 5000, 50)).toThrow(LogError)
    const large = pieces.reduce((best, piece) => (piece.units > best.units ? piece : best))
    expect(large.units).toBeGreaterThan(4096)
    db.head.arena.free(large.at, large.units)
    const more = seriesOf(db, 100, 50)
    append(db, batchOf(NOW + 1, more, more))
    expect(readAll(db).size).toBe(102)
    await db.close()
  })

  it('uses up no ids by refusals', async () => {
    const db = open(tempFolder(), { headBytesMax: HEAD_BYTES })
    const { heap, arena } = db.head
    // Few texts make many pairs: the next pair wants a larger table, which is not to be had.
    const pair = (k: number): Labels => labelsFromRecord({ __name__: 'p', [`n${k % 30}`]: `v${Math.floor(k / 30)}` })
    let made = 0
    while (heap.u32[sideWord(0) + SIDE_PAIR_COUNT]! < 511) db.series(pair(made++))
    const symbols = heap.u32[sideWord(0) + SIDE_SYMBOL_COUNT]!
    const pieces = useUp(arena, 0)
    // Long texts use up what is left of the memory for texts.
    const long = (k: number): Labels => labelsFromRecord({ __name__: 'p', n0: `${k}${'x'.repeat(2000)}` })
    for (let k = 0; k < 1000; k++) {
      expect(() => db.series(pair(made))).toThrow(LogError)
      expect(() => db.series(long(k))).toThrow(LogError)
    }
    for (const { at, units } of pieces) arena.free(at, units)
    db.series(pair(made))
    db.series(long(5000))
    expect(heap.u32[sideWord(0) + SIDE_PAIR_COUNT]).toBe(513)
    expect(heap.u32[sideWord(0) + SIDE_SYMBOL_COUNT]! - symbols).toBeLessThan(40)
    await db.close()
  })

  it('that was used up when a kill came is enough for the next start: there is no loop of crashes', async () => {
    for (const churned of [0, 3]) {
      const folder = tempFolder()
      const clock = new FakeClock(NOW)
      const db = open(folder, { headBytesMax: HEAD_BYTES, clock })
      let made = 0
      const make = (): number => db.series(series(made++))
      const targets: number[][] = []
      // Targets come until no more fit; those that are there go on, some of their series are replaced, some samples are late.
      const isTaken = (k: number): boolean => attempt(() => {
        targets.push(Array.from({ length: 200 }, make))
        for (const refs of targets) {
          for (let c = 0; c < churned; c++) refs[(k * churned + c) % refs.length] = make()
          append(db, batchOf(clock.now(), refs, refs.map((ref) => ref * k)))
          append(db, batchOf(clock.now() - 15_001, refs.slice(0, 9), refs.slice(0, 9)))
        }
      })
      for (let k = 0; isTaken(k); k++) await clock.advance(10_000)
      expect(targets.length).toBeGreaterThan(5)
      await db.commit()
      const killed = `${tempFolder()}/copy`
      fs.cpSync(folder, killed, { recursive: true })
      const want = readAll(db)
      await db.close()
      abandon(killed)
      const again = open(killed, { headBytesMax: HEAD_BYTES, clock: new FakeClock(clock.now()) })
      expect(readAll(again)).toEqual(want)
      await again.close()
    }
  })

  it('names the folder when a start finds more than the memory holds', async () => {
    const folder = tempFolder()
    const db = open(folder)
    const refs = seriesOf(db, 20_000)
    append(db, batchOf(NOW, refs, refs))
    await db.close()
    expect(() => open(folder, { headBytesMax: HEAD_BYTES })).toThrow(FolderError)
    expect(() => open(folder, { headBytesMax: HEAD_BYTES })).toThrow('raise --storage.head.memory')
    expect(fs.existsSync(`${folder}/lock`), 'a start that failed leaves no lock').toBe(false)
    const again = open(folder)
    expect(samplesIn(readAll(again))).toBe(20_000)
    await again.close()
  })
})
