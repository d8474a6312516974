// Series that leave the head on a disk that ends or refuses at any of its calls: index and definitions are written anew, refs
// end and others come for the same labels, and no sample that was acknowledged is lost or another's.
import { describe, expect, it } from 'vitest'
import { labelsFromRecord, type Labels } from '../../lib/model/labels.ts'
import { DiskError } from '../../lib/std/fs.ts'
import { Random } from '../../lib/std/random.ts'
import type { Database } from '../../storage/database.ts'
import { LogError } from '../../storage/errors.ts'
import { STORED } from '../../storage/interface.ts'
import { append, batchOf, keyOf, readAll } from '../storage/store.ts'
import { expectSame } from '../support/expect-same.ts'
import { testSeed } from '../support/seed.ts'
import { kill, maintained, startLife, type Life, type Wrong } from './life.ts'
import { SimNames } from './sim-names.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const START = Math.floor(1_700_000_000_000 / (6 * HOUR)) * 6 * HOUR
const GENERATIONS = 9
/** Lives of a run; which calls end them is drawn anew each time. */
const LIVES = Number(process.env['PROVE_LIVES'] ?? 24)

/** Values by label set and time. */
type Samples = Map<string, Map<number, number>>

function start(names: SimNames, now: number, wrong: Wrong = {}): Life {
  return startLife({ names, now, ...wrong }, { retentionMs: 800 * HOUR, headBytesMax: 16 * 2 ** 20, fileBytesMax: { log: 512, segments: 512 } })
}

/** Some that stay, some of this generation alone, some that come every fourth time. */
function labelsIn(generation: number): Labels[] {
  const pods = Array.from({ length: 12 }, (_, i) => labelsFromRecord({ __name__: 'cpu', pod: `p${generation}-${i}` }))
  const returning = Array.from({ length: 4 }, (_, i) => labelsFromRecord({ __name__: 'cpu', pod: `r${generation % 4}-${i}` }))
  return [labelsFromRecord({ __name__: 'up', host: 'a' }), ...pods, ...returning]
}

function note(into: Samples, key: string, t: number, v: number): void {
  const points = into.get(key)
  if (points) points.set(t, v)
  else into.set(key, new Map([[t, v]]))
}

/** Two hours of samples and the upkeep behind them. Ends where the disk does. */
async function generation(life: Life, number: number, sent: Samples, acked: Samples): Promise<void> {
  const { db, clock } = life
  const labels = labelsIn(number)
  for (let k = 0; k < 8; k++) {
    clock.jump(15 * MINUTE)
    const t = clock.now()
    try {
      const refs = labels.map((one) => db.series(one))
      const values = refs.map((_, i) => number * 1000 + k * 20 + i)
      for (const [i, one] of labels.entries()) note(sent, keyOf(one), t, values[i]!)
      const verdicts = append(db, batchOf(t, refs, values))
      expect(verdicts.every((verdict) => verdict === STORED)).toBe(true)
      await db.commit()
      for (const [i, one] of labels.entries()) note(acked, keyOf(one), t, values[i]!)
    } catch (error) {
      if (!(error instanceof LogError || error instanceof DiskError)) throw error
      await clock.advance(2000)
    }
  }
  await maintained(life)
}

function check(db: Database, sent: Samples, acked: Samples, what: string): void {
  const found = new Map(Array.from(readAll(db), ([key, points]) => [key, new Map(points)]))
  for (const [key, points] of acked) for (const [t, v] of points) expectSame(found.get(key)?.get(t), v, `${what}: ${key} at ${t}`)
  for (const [key, points] of found) for (const [t, v] of points) expectSame(sent.get(key)?.get(t), v, `${what}: ${key} at ${t} was not sent`)
}

describe('series that leave the head', () => {
  it('lose nothing, whichever disk call is the last, and go on in the next life', async () => {
    const random = new Random(testSeed())
    const whole = start(new SimNames(), START)
    const samples: Samples = new Map()
    const from = whole.disk.calls
    for (let g = 0; g < GENERATIONS; g++) await generation(whole, g, samples, new Map())
    const { series } = whole.db.head
    expect(series.forgotten).toBeGreaterThan(40)
    expect(series.count).toBeLessThan(60)
    let again = whole.db.head.groupIds.again
    check(whole.db, samples, samples, 'a whole life')
    const to = whole.disk.calls
    await kill(whole)
    for (let n = 0; n < LIVES; n++) {
      // What is new here happens in the second half.
      const endsAt = from + Math.floor((to - from) * (0.4 + 0.6 * random.float()))
      const [sent, acked]: Samples[] = [new Map(), new Map()] as [Samples, Samples]
      const life = start(new SimNames(), START, { endsAt })
      for (let g = 0; g < GENERATIONS && !life.disk.isDead; g++) await generation(life, g, sent!, acked!)
      const left = (await kill(life)).afterPowerCut(new Random(n), n % 2 === 0 ? 'nothing' : 'any')
      const next = start(left, START + (GENERATIONS + 1) * 2 * HOUR)
      check(next.db, sent!, acked!, `call ${endsAt}`)
      for (let g = GENERATIONS; g < GENERATIONS + 5; g++) await generation(next, g, sent!, acked!)
      check(next.db, sent!, acked!, `call ${endsAt}, five generations on`)
      expect(next.db.head.series.count, `call ${endsAt}`).toBeLessThan(90)
      again += life.db.head.groupIds.again + next.db.head.groupIds.again
      const last = start((await kill(next)).afterPowerCut(new Random(n), 'nothing'), START + 40 * HOUR)
      check(last.db, sent!, acked!, `call ${endsAt}, the life after that`)
      await kill(last)
    }
    expect(again, 'ids of groups given again').toBeGreaterThan(LIVES)
  }, 400_000)

  it('lose nothing where the disk refuses a call', async () => {
    const random = new Random(testSeed())
    for (let n = 0; n < LIVES; n++) {
      const kind = (['EIO', 'sync', 'short'] as const)[n % 3]!
      const at = 300 + random.int(1200)
      const [sent, acked]: Samples[] = [new Map(), new Map()] as [Samples, Samples]
      const life = start(new SimNames(), START, { faults: [{ at, kind }] })
      for (let g = 0; g < GENERATIONS + 2; g++) await generation(life, g, sent!, acked!)
      check(life.db, sent!, acked!, `${kind} at ${at}`)
      const next = start((await kill(life)).afterPowerCut(new Random(n), 'nothing'), START + (GENERATIONS + 3) * 2 * HOUR)
      check(next.db, sent!, acked!, `${kind} at ${at}, the next life`)
      await kill(next)
    }
  }, 400_000)
})
