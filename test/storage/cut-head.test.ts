// The head's side of a cut: from its start no group of an older generation takes a sample below its time, and from its
// publication readers see the head without what was cut. What a cut read and what the head shows are the whole, disjoint.
import fs from 'node:fs'
import { describe, expect, it } from 'vitest'
import { FakeClock } from '../../lib/std/clock.ts'
import { Random } from '../../lib/std/random.ts'
import type { Database } from '../../storage/database.ts'
import { HeadQueryable } from '../../storage/head/head-querier.ts'
import { NO_TIERS, type Cut } from '../../storage/head/published.ts'
import { REJECT_DUPLICATE, STORED } from '../../storage/interface.ts'
import { StoreQueryable, headFolder } from '../../storage/store-querier.ts'
import { waitFor } from '../support/monitor-process.ts'
import { testSeed } from '../support/seed.ts'
import { tempFolder } from '../support/temp-folder.ts'
import { HINTS, NOW, append, batchOf, drain, keyOf, open, readAll, series, seriesOf, type Points } from './store.ts'

const HOUR = 3_600_000
const ALL = [{ name: '__name__', op: '!=', value: '' }] as const
/** A boundary of two hours shortly before NOW. */
const T = Math.floor(NOW / (2 * HOUR)) * 2 * HOUR

/** What a cut takes into blocks. */
function readCut(db: Database, { generation, t }: Cut): Map<string, Points> {
  const { memory, folder } = db.handle()
  const queryable = new HeadQueryable({ memory, segmentFolder: headFolder(folder) }, 2)
  const querier = queryable.querier(generation)
  try {
    return drain(querier, querier.select(ALL, -Infinity, t - 1, HINTS))
  } finally {
    querier.close()
    queryable.close()
  }
}

const timesOf = (read: ReadonlyMap<string, Points>, i: number): number[] => (read.get(keyOf(series(i))) ?? []).map(([t]) => t)

describe('a cut of the head', () => {
  it('puts what comes below its time into newer groups, in order or late, and leaves the rest where it was', async () => {
    const db = open(tempFolder(), { outOfOrderMs: 2 * HOUR })
    const [a, b] = seriesOf(db, 2) as [number, number]
    append(db, batchOf(T - 1000, [a, b], [1, 1]))
    append(db, batchOf(T, [a], [2]))
    const [c, d] = [db.series(series(2)), db.series(series(3))]
    append(db, batchOf(T - 1000, [c, d], [1, 1]))
    append(db, batchOf(T - 900, [c], [2]))
    const cut = db.head.cuts.begin(T)
    const groups = db.head.groups.length
    expect(append(db, batchOf(T + 1000, [a], [3]))).toEqual([STORED])
    expect(db.head.groups.length, 'in order above the cut').toBe(groups)
    expect(append(db, batchOf(T - 1000, [b], [1])), 'as it is in a frozen row').toEqual([STORED])
    expect(append(db, batchOf(T - 1000, [b], [4])), 'unlike a frozen row').toEqual([REJECT_DUPLICATE])
    expect(append(db, batchOf(T - 500, [b], [2])), 'in order below').toEqual([STORED])
    expect(append(db, batchOf(T - 900, [d], [2])), 'beside a frozen row').toEqual([STORED])
    expect(append(db, batchOf(T - 600, [a], [9])), 'late').toEqual([STORED])
    expect(db.head.groups.slice(groups).map(({ isLate, generation }) => [isLate, generation])).toEqual([[false, 2], [false, 2], [true, 2]])
    const read = readCut(db, cut)
    expect([0, 1, 2, 3].map((i) => timesOf(read, i))).toEqual([[T - 1000], [T - 1000], [T - 1000, T - 900], [T - 1000]])
    const all = readAll(db)
    expect([timesOf(all, 0), timesOf(all, 1)]).toEqual([[T - 1000, T - 600, T, T + 1000], [T - 1000, T - 500]])
    db.head.cuts.publish({ cover: cut, blocks: [], tiers: NO_TIERS, lost: [] })
    const rest = readAll(db)
    expect([0, 1, 2, 3].map((i) => timesOf(rest, i))).toEqual([[T - 600, T, T + 1000], [T - 500], [], [T - 900]])
    expect([timesOf(readAll(db, -Infinity, T - 700), 0), timesOf(readAll(db, T - 600, T - 600), 0)]).toEqual([[], [T - 600]])
    await db.close()
  })

  it('leaves a late sample the first of its time, also where what made it late is let go', async () => {
    const clock = new FakeClock(T + 13 * 60_000)
    const db = open(tempFolder(), { clock })
    const [a, b] = seriesOf(db, 2) as [number, number]
    append(db, batchOf(T - 1000, [a], [1]))
    append(db, batchOf(T + 12.5 * 60_000, [b], [2]))
    await db.maintain()
    await db.blocks.idle()
    expect(db.blocks.blocks.length).toBe(1)
    expect(append(db, batchOf(T - 2000, [a], [5]))).toEqual([STORED])
    await db.maintain()
    expect(db.head.newestOf(a)).toBe(-Infinity)
    expect(append(db, batchOf(T - 2000, [seriesOf(db, 3)[2]!, a], [6, 6]))).toEqual([STORED, REJECT_DUPLICATE])
    expect(append(db, batchOf(T - 2000, [a], [5]))).toEqual([STORED])
    expect(append(db, batchOf(T - 2500, [a], [7]))).toEqual([STORED])
    expect(append(db, batchOf(T + 12.6 * 60_000, [a], [8])), 'newer than the late ones').toEqual([STORED])
    const want: Points = [[T - 2500, 7], [T - 2000, 5], [T - 1000, 1], [T + 12.6 * 60_000, 8]]
    expect(readAll(db).get(keyOf(series(0)))).toEqual(want)
    await db.close()
  })

  it('is begun again as it was after a failure, and goes on from there', async () => {
    const db = open(tempFolder())
    const first = db.head.cuts.begin(T)
    expect(db.head.cuts.begin(T)).toBe(first)
    expect(db.head.cuts.begin(T + 2 * HOUR)).toEqual({ generation: first.generation + 1, t: T + 2 * HOUR })
    expect(db.head.cuts.cover.t).toBe(-Infinity)
    await db.close()
  })

  it('keeps what a reader opened before it sees, and lets memory and files go when that reader has closed', async () => {
    const folder = tempFolder()
    const clock = new FakeClock(NOW)
    // The first opening's segments lie in a file that nothing is added to any more.
    const first = open(folder)
    for (let k = 0; k < 64; k++) append(first, batchOf(T - 64_000 + k * 1000, seriesOf(first, 200), seriesOf(first, 200)))
    await first.close()
    const db = open(folder, { clock })
    const refs = seriesOf(db, 200)
    for (let k = 0; k < 40; k++) append(db, batchOf(T - 20_000 + k * 1000 + 500, refs, refs))
    append(db, batchOf(T - 5000, [db.series(series(1000))], [1]))
    const queryable = new StoreQueryable(db.handle(), 1)
    const early = queryable.querier()
    const selection = early.select(ALL, -Infinity, Infinity, HINTS)
    const cut = db.head.cuts.begin(T)
    const read = readCut(db, cut)
    db.head.cuts.publish({ cover: cut, blocks: [], tiers: NO_TIERS, lost: [] })
    expect(db.head.cuts.unread.t).toBe(-Infinity)
    await clock.advance(60_000)
    expect(timesOf(drain(early, selection), 0).length).toBe(104)
    early.close()
    queryable.close()
    const retired = db.head.groups.length
    await waitFor('the head to let go', async () => {
      await clock.advance(16_000)
      return db.head.groups.at(-1)!.columns === 0
    })
    expect(db.head.cuts.unread).toEqual(cut)
    expect(db.head.groups.length).toBe(retired)
    await waitFor('the file to go', async () => {
      await clock.advance(16_000)
      return fs.readdirSync(`${folder}/head`).join() === '00000002.seg,00000003.seg'
    })
    expect(timesOf(read, 0).length).toBe(84)
    expect(timesOf(readAll(db), 0)).toEqual(Array.from({ length: 20 }, (_, k) => T + k * 1000 + 500))
    expect(readAll(db).has(keyOf(series(1000)))).toBe(false)
    expect(append(db, batchOf(T + 50_000, [...refs, db.series(series(1000))], [...refs, 7])).every((verdict) => verdict === STORED)).toBe(true)
    expect(timesOf(readAll(db), 1000)).toEqual([T + 50_000])
    await db.close()
  })

  it('splits what is stored into two disjoint parts, over random batches and cuts', async () => {
    const seed = testSeed()
    for (let round = 0; round < 20; round++) await splitRun(new Random(seed + round), `seed ${seed} round ${round}`)
  }, 120_000)
})

async function splitRun(random: Random, name: string): Promise<void> {
  const clock = new FakeClock(NOW)
  const db = open(tempFolder(), { clock })
  const model = new Map<string, Map<number, number>>()
  const inBlocks = new Map<string, Map<number, number>>()
  let t = T - 2 * HOUR
  let boundary = T - 2 * HOUR
  let pending: Cut | null = null
  for (let step = 0; step < 150; step++) {
    const action = random.int(12)
    if (action === 0 && pending === null) {
      boundary = Math.max(boundary, t - random.int(600_000))
      pending = db.head.cuts.begin(boundary)
    } else if (action === 1 && pending !== null) {
      for (const [key, points] of readCut(db, pending)) {
        const held = inBlocks.get(key) ?? new Map<number, number>()
        inBlocks.set(key, held)
        for (const [at, v] of points) if (!held.has(at)) held.set(at, v as number)
      }
      db.head.cuts.publish({ cover: pending, blocks: [], tiers: NO_TIERS, lost: [] })
      pending = null
    } else if (action === 2) {
      await clock.advance(16_000)
    } else {
      t += random.int(60_000)
      const at = random.int(4) === 0 ? t - random.int(900_000) : t
      const ids = Array.from({ length: 1 + random.int(40) }, () => random.int(60))
      const values = ids.map(() => random.int(1000))
      append(db, batchOf(at, ids.map((i) => db.series(series(i))), values)).forEach((verdict, k) => {
        if (verdict !== STORED) return
        const key = keyOf(series(ids[k]!))
        const points = model.get(key) ?? new Map<number, number>()
        model.set(key, points)
        if (!points.has(at)) points.set(at, values[k]!)
      })
    }
    if (step % 10 !== 9) continue
    const shown = readAll(db)
    for (const [key, points] of model) {
      const got = new Map(inBlocks.get(key))
      // What is in blocks wins; a series whose samples all are takes an old one again.
      for (const [at, v] of shown.get(key) ?? []) if (!got.has(at)) got.set(at, v as number)
      expect([...got].toSorted((a, b) => a[0] - b[0]), `${name} step ${step}: ${key}`).toEqual([...points].toSorted((a, b) => a[0] - b[0]))
    }
  }
  await db.close()
}
