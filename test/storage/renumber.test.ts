// More series and groups than there are ids: against a plain Map, with kills and restarts between.
import fs from 'node:fs'
import { describe, expect, it } from 'vitest'
import { FakeClock } from '../../lib/std/clock.ts'
import { Logger } from '../../lib/std/log.ts'
import { Random } from '../../lib/std/random.ts'
import { labelsFromRecord, type Labels } from '../../lib/model/labels.ts'
import type { Database } from '../../storage/database.ts'
import { SeriesLimitError } from '../../storage/errors.ts'
import { STORED } from '../../storage/interface.ts'
import { testSeed } from '../support/seed.ts'
import { tempFolder } from '../support/temp-folder.ts'
import { NOW, abandon, append, batchOf, keyOf, open, readAll, type Points } from './store.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const T = Math.floor(NOW / (6 * HOUR)) * 6 * HOUR
/** Ids of series; files take them by pages of 4,096. */
const REF_MAX = 8 * 4096 - 1
const RETENTION_MS = 10 * HOUR
/** New series of two hours, of which one in so many has samples. */
const POD_COUNT = 1200
const SILENT = 12

const pod = (generation: number, i: number): Labels => labelsFromRecord({ __name__: `cpu${i % 3}`, job: 'app', pod: `pod-${generation}-${i}` })
const host = (i: number): Labels => labelsFromRecord({ __name__: 'up', instance: `host-${i}`, job: 'app' })

interface Life {
  db: Database
  clock: FakeClock
}

function start(folder: string, now: number): Life {
  const clock = new FakeClock(now)
  const db = open(folder, { clock, refMax: REF_MAX, retentionMs: RETENTION_MS, minuteRetentionMs: RETENTION_MS, fileBytesMax: { log: 2048, segments: 2048 } })
  return { db, clock }
}

async function maintained(db: Database): Promise<void> {
  for (let round = 0; round < 4; round++) {
    await db.maintain()
    await db.blocks.idle()
  }
}

/** Two hours of some series, and the cut that follows. */
async function twoHours({ db, clock }: Life, labels: readonly Labels[], want: Map<string, Points>): Promise<void> {
  for (let k = 0; k < 4; k++) {
    await clock.advance(30 * MINUTE)
    const refs = labels.map((one) => db.series(one))
    const values = refs.map((_, i) => i + k * 10_000)
    expect(append(db, batchOf(clock.now(), refs, values)).every((verdict) => verdict === STORED)).toBe(true)
    for (const [i, one] of labels.entries()) {
      const points = want.get(keyOf(one))
      if (points) points.push([clock.now(), values[i]!])
      else want.set(keyOf(one), [[clock.now(), values[i]!]])
    }
  }
  await db.commit()
  await maintained(db)
}

/** What is inside the retention for sure. */
function recent(all: ReadonlyMap<string, Points>, now: number): Map<string, Points> {
  const kept = new Map<string, Points>()
  for (const [key, points] of all) {
    const some = points.filter(([t]) => t >= now - RETENTION_MS + 3 * HOUR)
    if (some.length > 0) kept.set(key, some)
  }
  return kept
}

async function killed({ db, clock }: Life, folder: string): Promise<number> {
  const left = `${folder}.left`
  fs.cpSync(folder, left, { recursive: true })
  await db.close()
  fs.rmSync(folder, { recursive: true })
  fs.renameSync(left, folder)
  abandon(folder)
  return clock.now()
}

describe('a folder whose ids of series are used up', () => {
  it('numbers them anew at a start, and takes more series than there are ids, over kills and restarts', async () => {
    const random = new Random(testSeed())
    const folder = tempFolder()
    const want = new Map<string, Points>()
    const hosts = Array.from({ length: 20 }, (_, i) => host(i))
    let life = start(folder, T)
    let made = hosts.length
    let since = 0
    let again = 0
    let renumberings = 0
    for (let generation = 0; made < 2 * REF_MAX; generation++) {
      const returning = generation < 3 ? [] : Array.from({ length: 50 }, (_, i) => pod(generation - 3, i))
      await twoHours(life, [...hosts, ...returning, ...Array.from({ length: POD_COUNT / SILENT }, (_, i) => pod(generation, i))], want)
      for (let i = POD_COUNT / SILENT; i < POD_COUNT; i++) life.db.series(pod(generation, i))
      made += POD_COUNT
      const { newest } = life.db.head.series
      if (newest < 0.7 * REF_MAX && ++since < 5 && random.int(3) > 0) continue
      since = 0
      again += life.db.head.groupIds.again
      let now = life.clock.now()
      if (random.int(2) === 0) await life.db.close()
      else now = await killed(life, folder)
      life = start(folder, now)
      if (newest > REF_MAX / 2) renumberings++
      expect(life.db.head.series.newest, `after ${made} series`).toBeLessThan(REF_MAX)
      expect(recent(readAll(life.db), now), `after ${made} series`).toEqual(recent(want, now))
    }
    expect(renumberings).toBeGreaterThan(1)
    console.log(`${made} series, ${REF_MAX} ids, ${life.db.head.series.renumberings} times numbered anew`)
    expect(again, 'ids of groups given again').toBeGreaterThan(8)
    expect(recent(readAll(life.db), life.clock.now())).toEqual(recent(want, life.clock.now()))
    await life.db.close()
  }, 300_000)

  it('refuses new series with what to do where none is left, and stores those it has', async () => {
    const folder = tempFolder()
    const lines: string[] = []
    const clock = new FakeClock(T)
    const db = open(folder, { clock, refMax: 10, logger: new Logger({ level: 'warn', format: 'logfmt', write: (line) => void lines.push(line) }) })
    const refs = Array.from({ length: 10 }, (_, i) => db.series(host(i)))
    expect(() => db.series(host(10))).toThrow(new SeriesLimitError('cannot store a new series: the 10 ids that the folder has for series, those of series long gone included, are given; restart Monitor, and it numbers them anew'))
    expect(append(db, batchOf(clock.now(), refs, refs)).every((verdict) => verdict === STORED)).toBe(true)
    for (let round = 0; round < 2; round++) await db.maintain()
    expect(lines.length).toBe(1)
    expect(lines[0]).toContain('10 of 10 ids of series are given, and new series are refused when all are; restart Monitor, and it numbers them anew')
    await db.close()
  })
})
