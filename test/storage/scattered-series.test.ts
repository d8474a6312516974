// Series that come new between known ones, as in pages whose lines are sorted.
import { describe, expect, it } from 'vitest'
import { FakeClock } from '../../lib/std/clock.ts'
import { Random } from '../../lib/std/random.ts'
import { tempFolder } from '../support/temp-folder.ts'
import { NOW, append, batchOf, keyOf, open, readAll, series, type Points } from './store.ts'

describe('new series between known ones', () => {
  it('share a group, and keep what they sent, also after a restart', async () => {
    const folder = tempFolder()
    const clock = new FakeClock(NOW)
    let db = open(folder, { clock })
    const random = new Random(1)
    const want = new Map<string, Points>()
    let live = Array.from({ length: 400 }, (_, i) => i)
    let next = live.length
    const ROUNDS = 60
    for (let round = 0; round < ROUNDS; round++) {
      // Every third round a tenth of the series is replaced, one here, one there.
      if (round % 3 === 2) live = live.map((i) => (random.int(10) === 0 ? next++ : i))
      const refs = live.map((i) => db.series(series(i)))
      const t = clock.now()
      expect(append(db, batchOf(t, refs, live.map((i) => i + round))).every((verdict) => verdict === 0)).toBe(true)
      for (const i of live) {
        const key = keyOf(series(i))
        want.set(key, [...(want.get(key) ?? []), [t, i + round]])
      }
      clock.jump(15_000)
    }
    expect(next).toBeGreaterThan(1000)
    // One for each round with new series, and few that were broken up.
    expect(db.head.groups.length).toBeLessThan(ROUNDS)
    expect(readAll(db)).toEqual(want)
    await db.close()
    db = open(folder, { clock })
    expect(readAll(db)).toEqual(want)
    await db.close()
  })

  it('hold up nobody where one of them has newer samples elsewhere', () => {
    const db = open(tempFolder())
    const [a, b, c, d, e] = [0, 1, 2, 3, 4].map((i) => db.series(series(i))) as [number, number, number, number, number]
    const same = (...verdicts: number[]): void => expect(verdicts).toEqual(verdicts.map(() => 0))
    same(...append(db, batchOf(NOW, [a, b], [1, 2])))
    // d is ahead of the others, and has left its group.
    same(...append(db, batchOf(NOW + 60_000, [d], [4])))
    same(...append(db, batchOf(NOW + 30_000, [d], [3])))
    same(...append(db, batchOf(NOW + 10_000, [a, c, b, d, e], [1, 3, 2, 5, 6])))
    same(...append(db, batchOf(NOW + 20_000, [a, c, b, e], [1, 3, 2, 6])))
    const found = readAll(db)
    expect(found.get(keyOf(series(2)))).toEqual([[NOW + 10_000, 3], [NOW + 20_000, 3]])
    expect(found.get(keyOf(series(3)))).toEqual([[NOW + 10_000, 5], [NOW + 30_000, 3], [NOW + 60_000, 4]])
    expect(found.get(keyOf(series(4)))).toEqual([[NOW + 10_000, 6], [NOW + 20_000, 6]])
  })
})
