// The store against a plain Map: whatever is appended, in whatever order, comes back, also after a restart.
import fs from 'node:fs'
import { describe, expect, it } from 'vitest'
import { FakeClock } from '../../lib/std/clock.ts'
import { labelsFromRecord } from '../../lib/model/labels.ts'
import { Random } from '../../lib/std/random.ts'
import { StoreQueryable } from '../../storage/store-querier.ts'
import { REJECT_DUPLICATE, REJECT_FUTURE, REJECT_OUT_OF_ORDER, REJECT_TOO_OLD, STORED } from '../../storage/interface.ts'
import { waitFor } from '../support/monitor-process.ts'
import { testSeed } from '../support/seed.ts'
import { tempFolder } from '../support/temp-folder.ts'
import { NOW, abandon, append, batchOf, keyOf, open, readAll, series, type Points } from './store.ts'

describe('the size of the log', () => {
  it('is that of its files, over any number of starts', async () => {
    const folder = tempFolder()
    for (let start = 0; start < 3; start++) {
      const db = open(folder)
      append(db, batchOf(NOW + start, [db.series(series(1))], [1]))
      await db.commit()
      expect(db.logBytes).toBeGreaterThan(0)
      expect(db.logBytes).toBeLessThan(10_000)
      await db.close()
    }
  })
})

describe('Database', () => {
  it('gives back rows, new columns, gaps and markers', async () => {
    const folder = tempFolder()
    const db = open(folder)
    const [a, b, c] = [db.series(series(1)), db.series(series(2)), db.series(series(3))]
    expect(append(db, batchOf(NOW, [a, b], [1, 2]))).toEqual([STORED, STORED])
    expect(append(db, batchOf(NOW + 10, [a, b], [1.5, 2.5]))).toEqual([STORED, STORED])
    expect(append(db, batchOf(NOW + 20, [a, b, c], [1, 2, 3]))).toEqual([STORED, STORED, STORED])
    expect(append(db, batchOf(NOW + 30, [a, c], [NaN, 4]))).toEqual([STORED, STORED])
    expect(append(db, batchOf(NOW + 40, [a, b, c], [7, 0, 9], [0, 1, 0]))).toEqual([STORED, STORED, STORED])
    const want = new Map<string, Points>([
      [keyOf(series(1)), [[NOW, 1], [NOW + 10, 1.5], [NOW + 20, 1], [NOW + 30, NaN], [NOW + 40, 7]]],
      [keyOf(series(2)), [[NOW, 2], [NOW + 10, 2.5], [NOW + 20, 2], [NOW + 40, 'stale']]],
      [keyOf(series(3)), [[NOW + 20, 3], [NOW + 30, 4], [NOW + 40, 9]]],
    ])
    expect(readAll(db)).toEqual(want)
    await db.close()
    const again = open(folder)
    expect(again.recovery.wasUnclean).toBe(false)
    expect(readAll(again)).toEqual(want)
    expect(again.series(series(2))).toBe(b)
    await again.close()
  })

  it('keeps label texts of any length and script, each series once', async () => {
    const folder = tempFolder()
    const db = open(folder)
    const texts = ['é', 'aé', 'x'.repeat(127), 'x'.repeat(128), `${'x'.repeat(126)}é`, '表'.repeat(500), 'y'.repeat(5000), `${'y'.repeat(5000)}😀`, '\0', 'é\0']
    const sets = texts.flatMap((text) => [labelsFromRecord({ __name__: 'm', [text]: 'v' }), labelsFromRecord({ __name__: text, a: text, b: text })])
    const refs = sets.map((labels) => db.series(labels))
    expect(new Set(refs).size).toBe(sets.length)
    append(db, batchOf(NOW, refs, refs))
    const want = new Map(sets.map((labels, i) => [keyOf(labels), [[NOW, refs[i]!]]]))
    expect(readAll(db)).toEqual(want)
    await db.close()
    const again = open(folder)
    expect(readAll(again)).toEqual(want)
    expect(sets.map((labels) => again.series([...labels]))).toEqual(refs)
    await again.close()
  })

  it('names every label of a series, however many', async () => {
    const db = open(tempFolder())
    const names = Array.from({ length: 700 }, (_, i) => `l${1000 + i}`)
    const ref = db.series(labelsFromRecord(Object.fromEntries(names.map((name) => [name, 'v']))))
    append(db, batchOf(NOW, [ref], [1]))
    const queryable = new StoreQueryable(db.handle(), 1)
    const querier = queryable.querier()
    expect(querier.labelNames([[{ name: 'l1000', op: '=', value: 'v' }]], NOW, NOW)).toEqual(names)
    querier.close()
    queryable.close()
    await db.close()
  })

  it('says why a sample is refused, and keeps the others', async () => {
    const db = open(tempFolder(), { retentionMs: 86_400_000 })
    const [a, b] = [db.series(series(1)), db.series(series(2))]
    append(db, batchOf(NOW, [a, b], [1, 2]))
    expect(append(db, batchOf(NOW, [a, b], [1, 3]))).toEqual([STORED, REJECT_DUPLICATE])
    expect(append(db, batchOf(NOW + 11 * 60_000, [a], [1]))).toEqual([REJECT_FUTURE])
    expect(append(db, batchOf(NOW - 86_400_001, [a], [1]))).toEqual([REJECT_TOO_OLD])
    expect(append(db, batchOf(NaN, [a], [1]))).toEqual([REJECT_TOO_OLD])
    expect(append(db, batchOf(NOW - 11 * 60_000, [a], [1]))).toEqual([REJECT_OUT_OF_ORDER])
    expect(append(db, batchOf(NOW - 9 * 60_000, [a], [5]))).toEqual([STORED])
    expect(append(db, batchOf(NOW - 9 * 60_000, [a], [5]))).toEqual([STORED])
    expect(append(db, batchOf(NOW - 9 * 60_000, [a], [6]))).toEqual([REJECT_DUPLICATE])
    expect(readAll(db).get(keyOf(series(1)))).toEqual([[NOW - 9 * 60_000, 5], [NOW, 1]])
    expect(readAll(db).get(keyOf(series(2)))).toEqual([[NOW, 2]])
    await db.close()
  })

  it('knows samples that are sent again after their series went to another group, also when they are encoded', async () => {
    for (const rows of [1, 40]) {
      const db = open(tempFolder())
      const [a, b] = [db.series(series(1)), db.series(series(2))]
      for (let k = 0; k < rows; k++) append(db, batchOf(NOW - 100_000 + k, [a, b], [k, k]))
      append(db, batchOf(NOW, [a], [1]))
      // In order for b, behind what its group has.
      append(db, batchOf(NOW - 50_000, [b], [1]))
      const before = readAll(db)
      expect(append(db, batchOf(NOW - 100_000, [b], [0]))).toEqual([STORED])
      expect([db.samplesRepeated, db.head.lateSamples]).toEqual([1, 0])
      expect(readAll(db)).toEqual(before)
      // Another value is stored; the older one is shown.
      expect(append(db, batchOf(NOW - 100_000, [b], [5]))).toEqual([STORED])
      expect([db.samplesRepeated, db.head.lateSamples]).toEqual([1, 1])
      expect(readAll(db)).toEqual(before)
      await db.close()
    }
  })

  it('knows rows that are sent again after they were encoded', async () => {
    const db = open(tempFolder())
    const refs = Array.from({ length: 50 }, (_, i) => db.series(series(i)))
    for (let k = 0; k < 70; k++) append(db, batchOf(NOW + k, refs, refs.map((ref) => ref + k)))
    for (const k of [10, 31, 32, 63, 64, 69]) {
      expect(new Set(append(db, batchOf(NOW + k, refs, refs.map((ref) => ref + k))))).toEqual(new Set([STORED]))
      expect(new Set(append(db, batchOf(NOW + k, refs, refs.map((ref) => ref + k + 1))))).toEqual(new Set([REJECT_DUPLICATE]))
    }
    expect(db.head.lateSamples).toBe(0)
    expect(db.head.groups.length).toBe(2)
    await db.close()
  })

  it('takes samples in order per series, however far their group has run ahead', async () => {
    const db = open(tempFolder())
    const refs = Array.from({ length: 10 }, (_, i) => db.series(series(i)))
    append(db, batchOf(NOW - 7_200_000, refs, refs.map(() => 0)))
    for (let k = 1; k < 50; k++) append(db, batchOf(NOW - 7_200_000 + k * 100_000, refs.slice(0, 9), refs.slice(0, 9).map(() => k)))
    // The tenth was away for an hour and now sends what it kept.
    for (let k = 1; k < 50; k++) expect(append(db, batchOf(NOW - 7_200_000 + k * 60_000, [refs[9]!], [k]))).toEqual([STORED])
    const got = readAll(db).get(keyOf(series(9)))!
    expect(got.map(([, v]) => v)).toEqual(Array.from({ length: 50 }, (_, k) => k))
    await db.close()
  })

  it('agrees with a plain Map over random batches, restarts and kills', async () => {
    const seed = testSeed()
    for (let round = 0; round < 25; round++) await modelRun(new Random(seed + round), `seed ${seed} round ${round}`)
  }, 120_000)

  it('encodes idle rows after a while and cuts the log behind what is synced, losing nothing', async () => {
    const folder = tempFolder()
    const clock = new FakeClock(NOW)
    for (let round = 0; round < 3; round++) {
      const db = open(folder, { clock: new FakeClock(NOW) })
      const refs = [1, 2, 3].map((i) => db.series(series(i)))
      append(db, batchOf(NOW + round, refs, [round, round * 2, round / 4]))
      await db.close()
    }
    const logs = (): string[] => fs.readdirSync(`${folder}/log`)
    expect(logs().length).toBe(3)
    const db = open(folder, { clock })
    const before = readAll(db)
    expect([...before.values()].map((points) => points.length)).toEqual([3, 3, 3])
    // Each round of maintenance waits for a real sync before the next is due.
    await waitFor('the log to be cut', async () => {
      await clock.advance(60_000)
      return logs().length === 1
    })
    expect(db.head.flushedSegments).toBe(1)
    expect(readAll(db)).toEqual(before)
    await db.close()
    const again = open(folder)
    expect(again.recovery.replayedSamples).toBe(0)
    expect(readAll(again)).toEqual(before)
    await again.close()
  })

  it('drops whole segment files when all they hold is past the retention', async () => {
    const folder = tempFolder()
    const clock = new FakeClock(NOW)
    const first = open(folder, { clock: new FakeClock(NOW), retentionMs: 3_600_000 })
    const ref = first.series(series(1))
    for (let k = 0; k < 64; k++) append(first, batchOf(NOW + k, [ref], [k]))
    await first.close()
    const db = open(folder, { clock, retentionMs: 3_600_000 })
    expect(readAll(db).get(keyOf(series(1)))!.length).toBe(64)
    clock.jump(365 * 86_400_000)
    await clock.advance(60_000)
    expect(fs.existsSync(`${folder}/head/00000001.seg`), 'a clock set a year ahead drops nothing').toBe(true)
    clock.jump(-365 * 86_400_000)
    await clock.advance(2 * 3_600_000)
    const t = clock.now()
    append(db, batchOf(t, [ref], [99]))
    await waitFor('the old file to go', async () => {
      await clock.advance(16_000)
      return !fs.existsSync(`${folder}/head/00000001.seg`)
    })
    expect(readAll(db).get(keyOf(series(1)))!.at(-1)).toEqual([t, 99])
    await db.close()
  })

  it('refuses a folder that another process owns, by pid', async () => {
    const folder = tempFolder()
    const start = fs.readFileSync(`/proc/${process.ppid}/stat`, 'utf8')
    fs.writeFileSync(`${folder}/lock`, `${process.ppid} ${start.slice(start.lastIndexOf(')') + 2).split(' ')[19]}\n`)
    expect(() => open(folder)).toThrow(`locked by pid ${process.ppid}`)
    fs.writeFileSync(`${folder}/lock`, '999999999 1\n')
    const db = open(folder)
    expect(db.recovery.wasUnclean).toBe(true)
    await db.close()
  })
})

/** Random work on a store and on a Map; every read must agree. */
async function modelRun(random: Random, name: string): Promise<void> {
  const folder = tempFolder()
  let db = open(folder)
  const model = new Map<string, Map<number, number | 'stale'>>()
  const newest = new Map<string, number>()
  let t = NOW - 3_600_000
  const total = 3 + random.int(200)
  for (let step = 0; step < 120; step++) {
    const action = random.int(20)
    if (action === 0) {
      await db.commit()
      // A kill leaves everything as it is; only the lock file tells.
      if (random.int(2) === 0) await db.close()
      else abandon(folder)
      db = open(folder)
    } else {
      const from = random.int(total)
      const ids = Array.from({ length: 1 + random.int(total) }, (_, k) => (from + k) % total)
      const chosen = random.int(3) === 0 ? ids.filter(() => random.int(3) > 0) : ids
      t += random.int(4) === 0 ? 0 : random.int(20_000)
      const at = random.int(8) === 0 ? t - random.int(60_000) : t
      const stale = chosen.map(() => (random.int(30) === 0 ? 1 : 0))
      const values = chosen.map(() => (random.int(10) === 0 ? random.float() : random.int(1000)))
      const verdicts = append(db, batchOf(at, chosen.map((i) => db.series(series(i))), values, stale))
      verdicts.forEach((verdict, k) => {
        const key = keyOf(series(chosen[k]!))
        const points = model.get(key) ?? new Map<number, number | 'stale'>()
        model.set(key, points)
        const value = stale[k] === 1 ? 'stale' : values[k]!
        if (verdict === STORED && !points.has(at)) points.set(at, value)
        else if (verdict === STORED && points.get(at) !== value) expect(at, `${name}: a conflict at a time long written`).toBeLessThanOrEqual(newest.get(key)!)
        else if (verdict !== STORED) expect([verdict, points.has(at)], `${name}: refused for no reason`).toEqual([REJECT_DUPLICATE, true])
        newest.set(key, Math.max(newest.get(key) ?? -Infinity, at))
      })
    }
    if (step % 20 !== 19) continue
    const mint = random.int(2) === 0 ? -Infinity : t - random.int(600_000)
    const maxt = random.int(2) === 0 ? Infinity : t - random.int(30_000)
    const want = new Map<string, Points>()
    for (const [key, points] of model) {
      const list = [...points].filter(([at]) => at >= mint && at <= maxt).toSorted((a, b) => a[0] - b[0])
      if (list.length > 0) want.set(key, list)
    }
    const got = readAll(db, mint, maxt)
    for (const key of new Set([...want.keys(), ...got.keys()])) expect(got.get(key), `${name} step ${step}: ${key}`).toEqual(want.get(key))
  }
  await db.close()
}
