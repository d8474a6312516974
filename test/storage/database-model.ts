// The store against a plain Map: random work over some days of a fake clock (batches in order, late, of agents that come
// back, duplicates, staleness markers; deletes, cleaning, snapshots, restarts, kills, upkeep with cuts, compactions and
// retention, also of some series' own), all reads compared.
import fs from 'node:fs'
import { expect } from 'vitest'
import type { Matcher } from '../../lib/model/matcher.ts'
import { FakeClock } from '../../lib/std/clock.ts'
import { Logger } from '../../lib/std/log.ts'
import type { Random } from '../../lib/std/random.ts'
import type { Database } from '../../storage/database.ts'
import { REJECT_DUPLICATE, REJECT_OUT_OF_ORDER, STORED } from '../../storage/interface.ts'
import { SharedHeap } from '../../storage/head/shared-heap.ts'
import { RetentionView } from '../../storage/retention-view.ts'
import { expectSame } from '../support/expect-same.ts'
import { NOW, abandon, append, batchOf, keyOf, open, readAll, series, type Points } from './store.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const OUT_OF_ORDER = 10 * MINUTE
/** All times are multiples of it, so that samples meet. */
const STEP = 10_000

type Model = Map<string, Map<number, number | 'stale'>>

export interface ModelReport {
  cuts: number
  compactions: number
  retentions: number
  restarts: number
  /** Series that the head had let go of, over all restarts. */
  forgotten: number
  /** Ids of groups given again. */
  regrouped: number
  deletes: number
  /** Samples that were deleted, and of these the ones that came again. */
  deleted: number
  again: number
  cleanings: number
  snapshots: number
  /** Samples that were past their series' own retention when they were asked for. */
  hidden: number
  samples: number
}

export function emptyReport(): ModelReport {
  return { cuts: 0, compactions: 0, retentions: 0, restarts: 0, forgotten: 0, regrouped: 0, deletes: 0, deleted: 0, again: 0, cleanings: 0, snapshots: 0, hidden: 0, samples: 0 }
}

/** `commands` of them in a folder; throws where the store and the Map disagree. */
export async function modelRun(random: Random, folder: string, commands: number, name: string): Promise<ModelReport> {
  const run = new ModelRun(random, folder, name)
  for (let step = 0; step < commands; step++) await run.command(step)
  run.compare(-Infinity, Infinity, 'end')
  await run.close()
  return run.report
}

class ModelRun {
  readonly report: ModelReport = emptyReport()
  readonly #random: Random
  readonly #folder: string
  readonly #name: string
  readonly #model: Model = new Map()
  readonly #newest = new Map<string, number>()
  /** Times at which each series had samples that were deleted. */
  readonly #deleted = new Map<string, Set<number>>()
  readonly #retentionMs: number
  /** Series whose number begins with a 1 may have a retention of their own; null: none has. */
  readonly #ownMs: number | null
  readonly #total: number
  /** With small ones log and segments soon let ids of groups go. */
  readonly #fileBytesMax: { log: number; segments: number }
  readonly #logged: string[] = []
  readonly #logger = new Logger({ level: 'warn', format: 'logfmt', write: (line) => void this.#logged.push(line) })
  /** Series come in waves: those of the last one are silent for so long that the head forgets them, and come back. */
  readonly #hasWaves: boolean
  #from = 0
  #clock: FakeClock
  #db: Database

  constructor(random: Random, folder: string, name: string) {
    this.#random = random
    this.#folder = folder
    this.#name = name
    this.#total = 3 + random.int(30)
    // Of 70 h blocks grow to 6 h, of 10 h they do not.
    this.#retentionMs = [10, 70, 70][random.int(3)]! * HOUR
    this.#ownMs = [null, null, 4 * HOUR, 100 * HOUR][random.int(4)]!
    this.#hasWaves = random.int(2) === 0
    this.#fileBytesMax = random.int(3) === 0 ? { log: 1 << 20, segments: 1 << 20 } : { log: 1024, segments: 512 }
    this.#clock = new FakeClock(NOW)
    this.#db = this.#open()
  }

  #open(folder: string = this.#folder, clock: FakeClock = this.#clock): Database {
    const db = open(folder, { clock, retentionMs: this.#retentionMs, outOfOrderMs: OUT_OF_ORDER, headBytesMax: 32 * 2 ** 20, fileBytesMax: this.#fileBytesMax, logger: this.#logger })
    if (this.#ownMs !== null) {
      db.setLimits({
        retentionMs: this.#retentionMs, retentionBytes: Infinity, minuteRetentionMs: 0, hourRetentionMs: 0, outOfOrderMs: OUT_OF_ORDER,
        rules: [{ matchers: [{ name: 'i', op: '=~', value: '1.*' }], ages: { 'raw': this.#ownMs, '1m': null, '1h': null } }],
      })
    }
    return db
  }

  async command(step: number): Promise<void> {
    const random = this.#random
    const action = random.int(40)
    if (action === 0) await this.#delete()
    else if (action === 1) await this.#clean()
    else if (action === 2) await this.#restart()
    else if (action === 3) await (random.int(4) === 0 ? this.#snapshot(step) : this.#restart())
    else if (action < 10) await this.#clock.advance(random.int(3) === 0 ? random.int(4 * HOUR) : random.int(20 * MINUTE))
    else if (action < 16) await this.#maintain()
    else if (action < 18) this.#compareSome(`step ${step}`)
    else this.#append(step)
  }

  /** One series, those of a metric, or all; of some hours, of all time, or of what may still come late. */
  async #delete(): Promise<void> {
    const random = this.#random
    const one = random.int(this.#total)
    const kinds: readonly [Matcher, (i: number) => boolean][] = [
      [{ name: 'i', op: '=', value: String(one) }, (i) => i === one],
      [{ name: '__name__', op: '=', value: `m${one % 5}` }, (i) => i % 5 === one % 5],
      [{ name: 'i', op: '!=', value: String(one) }, (i) => i !== one],
      [{ name: 'i', op: '=~', value: `${one}.*` }, (i) => String(i).startsWith(String(one))],
    ]
    const [matcher, isMeant] = kinds[random.int(kinds.length)]!
    const now = this.#clock.now()
    const from = random.int(4) === 0 ? -8.64e15 : now - random.int(12 * HOUR)
    const to = random.int(4) === 0 ? 8.64e15 : from === -8.64e15 ? now - random.int(12 * HOUR) : from + random.int(6 * HOUR)
    await this.#db.blocks.delete([[matcher]], from, to)
    this.report.deletes++
    for (let i = 0; i < this.#total; i++) {
      if (!isMeant(i)) continue
      const key = keyOf(series(i))
      const gone = this.#deleted.get(key) ?? new Set<number>()
      this.#deleted.set(key, gone)
      for (const t of this.#model.get(key)?.keys() ?? []) {
        if (t < from || t > to) continue
        this.#model.get(key)!.delete(t)
        gone.add(t)
        this.report.deleted++
      }
    }
  }

  async #clean(): Promise<void> {
    await this.#db.blocks.clean()
    this.report.cleanings++
  }

  /** A copy of the store holds what the store holds. */
  async #snapshot(step: number): Promise<void> {
    const name = `s${step}`
    this.compare(-Infinity, Infinity, `before snapshot ${name}`)
    await this.#db.blocks.snapshot(name, true)
    this.compare(-Infinity, Infinity, `after snapshot ${name}`)
    const folder = `${this.#folder}/snapshots/${name}`
    const copy = this.#open(folder, new FakeClock(this.#clock.now()))
    this.compare(-Infinity, Infinity, `snapshot ${name}`, copy)
    await copy.close()
    fs.rmSync(folder, { recursive: true })
    this.report.snapshots++
  }

  async #restart(): Promise<void> {
    await this.#db.commit()
    if (this.#random.int(2) === 0) await this.#closeAll()
    else {
      // In this process nothing of the old store may go on.
      await this.#maintain()
      // A kill leaves everything as it is; only the lock file tells. The old store has to close its files, elsewhere.
      const killed = `${this.#folder}.killed`
      fs.cpSync(this.#folder, killed, { recursive: true })
      await this.#closeAll()
      fs.rmSync(this.#folder, { recursive: true })
      fs.renameSync(killed, this.#folder)
      abandon(this.#folder)
    }
    this.#count()
    this.#clock = new FakeClock(this.#clock.now())
    this.#db = this.#open()
    this.report.restarts++
  }

  async #maintain(): Promise<void> {
    await this.#db.maintain()
    await this.#db.blocks.idle()
    expect(this.#logged, this.#name).toEqual([])
  }

  #count(): void {
    const { done, timeRetentions } = this.#db.blocks
    this.report.cuts += done.cut
    this.report.compactions += done.compact
    this.report.retentions += timeRetentions
    this.report.forgotten += this.#db.head.series.forgotten
    this.report.regrouped += this.#db.head.groupIds.again
  }

  #append(step: number): void {
    const random = this.#random
    const now = this.#clock.now()
    if (random.int(this.#hasWaves ? 15 : 1) === 0) this.#from = random.int(this.#total)
    const most = this.#hasWaves ? Math.ceil(this.#total / 3) : this.#total
    const all = Array.from({ length: 1 + random.int(most) }, (_, k) => (this.#from + k) % this.#total)
    const ids = random.int(3) === 0 ? all.filter(() => random.int(3) > 0) : all
    // Mostly now, often late, now and then what an agent kept for hours.
    const ago = [0, 0, 0, random.int(20 * MINUTE), random.int(20 * MINUTE), random.int(9 * HOUR)][random.int(6)]!
    const t = Math.floor((now - ago) / STEP) * STEP
    this.#clock.jump(random.int(30_000))
    for (let k = random.int(25); k >= 0; k--) this.#put(t - k * STEP, ids, `${this.#name} step ${step}`)
  }

  #put(t: number, ids: readonly number[], where: string): void {
    const random = this.#random
    const stale = ids.map(() => (random.int(30) === 0 ? 1 : 0))
    const values = ids.map(() => (random.int(10) === 0 ? random.float() : random.int(1000)))
    append(this.#db, batchOf(t, ids.map((i) => this.#db.series(series(i))), values, stale)).forEach((verdict, k) => {
      const key = keyOf(series(ids[k]!))
      const points = this.#model.get(key) ?? new Map<number, number | 'stale'>()
      this.#model.set(key, points)
      const newest = this.#newest.get(key) ?? -Infinity
      if (verdict === STORED) {
        // Of conflicting samples the first wins, also where that is known only when they are read.
        if (points.has(t)) expect(t, `${where}: ${key}`).toBeLessThanOrEqual(newest)
        else points.set(t, stale[k] === 1 ? 'stale' : values[k]!)
        if (this.#deleted.get(key)?.delete(t)) this.report.again++
        this.report.samples++
      } else if (verdict === REJECT_DUPLICATE) {
        expect(points.has(t), `${where}: a duplicate of nothing, ${key} at ${t}`).toBe(true)
      } else if (verdict === REJECT_OUT_OF_ORDER) {
        expect(newest - t, `${where}: refused inside the window, ${key} at ${t}`).toBeGreaterThan(OUT_OF_ORDER)
      } else {
        expect(t, `${where}: too old or in the future, ${key}: ${verdict}`).not.toBe(t)
      }
      if (verdict === STORED) this.#newest.set(key, Math.max(newest, t))
    })
  }

  #compareSome(where: string): void {
    const random = this.#random
    const now = this.#clock.now()
    const mint = random.int(3) === 0 ? -Infinity : now - random.int(12 * HOUR)
    const maxt = random.int(2) === 0 ? Infinity : now - random.int(6 * HOUR)
    this.compare(mint, maxt, where)
  }

  compare(mint: number, maxt: number, where: string, db: Database = this.#db): void {
    const retention = new RetentionView(new SharedHeap(db.handle().memory))
    const got = readAll(db, mint, maxt)
    for (const [key, points] of this.#model) {
      const all: Points = [...points].filter(([t]) => t >= mint && t <= maxt).toSorted((a, b) => a[0] - b[0])
      const found = got.get(key) ?? []
      const message = `${this.#name} ${where}: ${key}`
      if (this.#ownMs !== null) {
        // With retentions of their own each series ends where its own does, to the millisecond.
        const oldest = retention.nowT - (key.includes('|i|1') ? this.#ownMs : this.#retentionMs)
        const want = all.filter(([t]) => t >= oldest)
        expect(found, message).toEqual(want)
        this.report.hidden += all.length - want.length
        continue
      }
      const oldest = this.#clock.now() - this.#retentionMs
      // What is past the retention may be there still; where the block of a first sample has gone, a second one may show.
      expect(found.filter(([t]) => t >= oldest), message).toEqual(all.filter(([t]) => t >= oldest))
      for (const [t] of found) if (t < oldest) expectSame(points.has(t), true, `${message} at ${t}`)
    }
    for (const key of got.keys()) expectSame(this.#model.has(key), true, `${this.#name} ${where}: ${key}`)
  }

  async close(): Promise<void> {
    this.#count()
    await this.#closeAll()
  }

  async #closeAll(): Promise<void> {
    await this.#db.close()
    expect(openFilesIn(this.#folder), `${this.#name}: files that stay open`).toEqual([])
  }
}

/** Paths of this process's open files below a folder; none where the system does not tell. */
function openFilesIn(folder: string): string[] {
  if (!fs.existsSync('/proc/self/fd')) return []
  const paths = fs.readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      return [fs.readlinkSync(`/proc/self/fd/${fd}`)]
    } catch {
      // The one that listed them.
      return []
    }
  })
  return paths.filter((path) => path.startsWith(`${folder}/`))
}
