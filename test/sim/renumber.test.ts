// A start that numbers series anew, on a disk that ends at any of its calls: what was acknowledged is there, under its own name.
import { describe, expect, it } from 'vitest'
import { labelsFromRecord, type Labels } from '../../lib/model/labels.ts'
import { DiskError } from '../../lib/std/fs.ts'
import { Random } from '../../lib/std/random.ts'
import type { Database } from '../../storage/database.ts'
import { FolderError } from '../../storage/errors.ts'
import { STORED } from '../../storage/interface.ts'
import { append, batchOf, keyOf, readAll, type Points } from '../storage/store.ts'
import { testSeed } from '../support/seed.ts'
import { kill, maintained, startLife, type Life, type Wrong } from './life.ts'
import { SimNames } from './sim-names.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const START = Math.floor(1_700_000_000_000 / (6 * HOUR)) * 6 * HOUR
/** Four pages of refs; a start numbers anew from the middle on. */
const REF_MAX = 4 * 4096 - 1
const LIVES = Number(process.env['PROVE_LIVES'] ?? 12)

const labelsOf = (name: string, count: number): Labels[] => Array.from({ length: count }, (_, i) => labelsFromRecord({ __name__: name, i: String(i) }))

function start(names: SimNames, now: number, wrong: Wrong = {}): Life {
  return startLife({ names, now, ...wrong }, { retentionMs: 800 * HOUR, headBytesMax: 16 * 2 ** 20, refMax: REF_MAX, fileBytesMax: { log: 2048, segments: 2048 } })
}

/** Samples of some series at a time, acknowledged. */
async function stored(db: Database, labels: readonly Labels[], t: number, want: Map<string, Points>): Promise<void> {
  const refs = labels.map((one) => db.series(one))
  expect(append(db, batchOf(t, refs, refs.map((_, i) => i))).every((verdict) => verdict === STORED)).toBe(true)
  await db.commit()
  for (const [i, one] of labels.entries()) {
    const points = want.get(keyOf(one))
    if (points) points.push([t, i])
    else want.set(keyOf(one), [[t, i]])
  }
}

describe('a start that numbers series anew', () => {
  it('loses nothing, whichever disk call is the last, and gives no series the samples of another', async () => {
    const random = new Random(testSeed())
    const want = new Map<string, Points>()
    const first = start(new SimNames(), START)
    // Of refs in the first page and the third some have samples: in blocks, in segments, in the log.
    await stored(first.db, labelsOf('old', 40), START, want)
    for (const labels of labelsOf('idle', REF_MAX / 2)) first.db.series(labels)
    for (let k = 1; k < 56; k++) {
      first.clock.jump(10 * MINUTE)
      await stored(first.db, [...labelsOf('old', 5), ...labelsOf('new', 40)], first.clock.now(), want)
      if (k % 6 === 0) await maintained(first)
    }
    const now = first.clock.now()
    const left = await kill(first)
    const whole = start(left, now)
    const calls = whole.disk.calls
    expect(whole.db.head.series.renumberings).toBe(1)
    expect(readAll(whole.db)).toEqual(want)
    await kill(whole)
    for (let n = 0; n < LIVES; n++) {
      let names = left
      try {
        const cut = start(left, now, { endsAt: 1 + random.int(calls) })
        names = await kill(cut)
      } catch (error) {
        if (!(error instanceof DiskError || error instanceof FolderError)) throw error
      }
      const life = start(names.afterPowerCut(new Random(n), n % 2 === 0 ? 'nothing' : 'any'), now)
      const seen = new Map(Array.from(want, ([key, points]): [string, Points] => [key, [...points]]))
      expect(readAll(life.db), `life ${n}`).toEqual(seen)
      await stored(life.db, [...labelsOf('old', 3), ...labelsOf(`later${n}`, 5000)], now + MINUTE, seen)
      expect(readAll(life.db), `life ${n}, with more series`).toEqual(seen)
      const last = start((await kill(life)).afterPowerCut(new Random(n), 'nothing'), now + 2 * MINUTE)
      expect(readAll(last.db), `life ${n}, the one after it`).toEqual(seen)
      await kill(last)
    }
  }, 400_000)
})
