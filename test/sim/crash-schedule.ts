// One seed, one life story of a store: opened over a simulated disk, fed, crashed at some disk call, opened on what is
// left, several times over. Everything that breaks the contract of durability comes back as a sentence.
import { setImmediate as nextTurn } from 'node:timers/promises'
import { FakeClock } from '../../lib/std/clock.ts'
import { DiskError, useDisk } from '../../lib/std/fs.ts'
import { Random } from '../../lib/std/random.ts'
// The store loads it with its first job, in turns of the event loop that no seed decides.
import '../../storage/block-jobs.ts'
import { Database } from '../../storage/database.ts'
import { BlockError, FolderError, LogError } from '../../storage/errors.ts'
import { STORED } from '../../storage/interface.ts'
import { Ledger, type Contents } from './ledger.ts'
import { readContents } from './read-contents.ts'
import { SimDisk, type Fault } from './sim-disk.ts'
import type { Survival } from './sim-file.ts'
import { SimNames } from './sim-names.ts'
import { Workload, toBatch, valueOf, type PlannedBatch } from './workload.ts'

const FOLDER = '/data'
const HEAD_BYTES = 8 * 2 ** 20
const LIVES_MAX = 5
/** One store in so many is administered. */
const ADMIN_SHARE = 4
const STEPS_MAX = 40
/** A commit or close that takes more turns of the event loop hangs. */
const TURNS_MAX = 1000
/** Attempts, 5 s apart, of a store to go on after its disk has failed: one that is full is so for at most 50 calls. */
const RETRIES_MAX = 20
/** Turns in which what is left of a crashed store comes to rest. */
const REST_TURNS = 8
const SURVIVALS: readonly Survival[] = ['nothing', 'all', 'prefix', 'any', 'any', 'any']

export interface ScheduleReport {
  seed: number
  /** What broke the contract; empty if all is well. */
  violations: string[]
  crashes: number
  /** Faults of the disk that struck. */
  faults: number
  promised: number
  diskCalls: number
}

/** Runs the schedule of a seed. Owns the disk of this thread while it runs. */
export async function runSchedule(seed: number): Promise<ScheduleReport> {
  const schedule = new Schedule(seed)
  const before = useDisk(schedule.disk)
  try {
    await schedule.run()
  } finally {
    useDisk(before)
  }
  return schedule.report
}

class Schedule {
  readonly report: ScheduleReport
  disk: SimDisk
  readonly #random: Random
  readonly #ledger = new Ledger()
  readonly #workload: Workload
  readonly #retentionMs: number
  readonly #fileBytesMax: { log: number; segments: number }
  readonly #minuteRetentionMs: number
  /** Whether samples are deleted and snapshots made; few stores see that. */
  readonly #hasAdmin: boolean
  #snapshots = 0
  #clock = new FakeClock()
  #newestT = -Infinity

  constructor(seed: number) {
    const random = new Random(seed)
    this.#random = random
    this.report = { seed, violations: [], crashes: 0, faults: 0, promised: 0, diskCalls: 0 }
    this.#workload = new Workload(random)
    this.#retentionMs = random.int(3) === 0 ? 3_600_000 * (1 + random.int(5)) : Infinity
    this.#fileBytesMax = { log: 4096 << random.int(6), segments: 2048 << random.int(6) }
    this.#minuteRetentionMs = random.pick([0, 24 * 3_600_000, 4 * 3_600_000])
    this.#hasAdmin = random.int(ADMIN_SHARE) === 0
    this.disk = this.#nextDisk(new SimNames())
  }

  async run(): Promise<void> {
    for (let life = 1 + this.#random.int(LIVES_MAX); life > 0 && this.#isWell; life--) {
      await this.#live()
      this.#replaceDisk(this.#namesLeft(), true)
    }
    if (this.#isWell) await this.#settle()
  }

  get #isWell(): boolean {
    return this.report.violations.length === 0
  }

  #violated(what: string): void {
    if (this.report.violations.length < 10) this.report.violations.push(what)
  }

  /** Opens, feeds, and ends the store, one way or another. */
  async #live(): Promise<void> {
    const db = this.#open()
    if (db === null) return this.#rest()
    const refs = new Map<string, number>()
    for (let step = this.#random.int(STEPS_MAX); step >= 0 && !this.disk.isDead && this.#isWell; step--) {
      try {
        await this.#step(db, refs)
      } catch (error) {
        if (this.#isExpected(error)) continue
        this.#violated(`a step failed: ${textOf(error)}`)
      }
    }
    if (this.#random.int(2) === 0) await this.#expectGoesOn(db, refs)
    if (!this.disk.isDead && this.#random.int(3) === 0) await this.#close(db)
    await this.#rest()
  }

  /** null if the disk did not let it. */
  #open(): Database | null {
    try {
      const db = new Database({
        folder: FOLDER, retentionMs: this.#retentionMs, headBytesMax: HEAD_BYTES, clock: this.#clock, random: this.#random, fileBytesMax: this.#fileBytesMax,
        minuteRetentionMs: this.#minuteRetentionMs,
      })
      this.#checkRecovered(db)
      return db
    } catch (error) {
      if (!this.#isExpected(error)) this.#violated(`does not open: ${textOf(error)}`)
      return null
    }
  }

  /** Errors that a caller is told to expect, where the disk has given reason. */
  #isExpected(error: unknown): boolean {
    // A folder that the disk does not let be made is told with what to do.
    const isRefused = error instanceof FolderError && error.cause instanceof DiskError
    return (isRefused || error instanceof DiskError || error instanceof LogError || error instanceof BlockError) && this.#hasFault
  }

  get #hasFault(): boolean {
    return this.disk.isDead || this.disk.happened.length > 0
  }

  #checkRecovered(db: Database): void {
    const contents = this.#read(db)
    if (contents === null) return
    for (const fault of this.#ledger.compareRecovered(contents, this.#oldest)) this.#violated(`after a start: ${fault}`)
    const { corruptRecords, corruptBytes } = db.recovery
    if (corruptRecords + corruptBytes > 0) this.#violated(`${corruptRecords} records, ${corruptBytes} bytes count as damaged, though nothing was`)
  }

  #checkLive(db: Database): void {
    const contents = this.#read(db)
    if (contents === null) return
    for (const fault of this.#ledger.compareLive(contents, this.#oldest)) this.#violated(`while running: ${fault}`)
  }

  /** null if the disk did not let it read all, and it said so. */
  #read(db: Database): Contents | null {
    for (let attempt = 0; attempt < 2; attempt++) {
      const warnings: string[] = []
      const faults: string[] = []
      const contents = readContents(db, warnings, faults)
      if (warnings.length === 0) {
        for (const fault of faults) this.#violated(fault)
        return contents
      }
      if (!this.#hasFault) this.#violated(`reads with warnings: ${warnings.join('; ')}`)
    }
    return null
  }

  /** Samples before this may be gone. */
  get #oldest(): number {
    return Math.min(this.#clock.now(), this.#newestT) - this.#retentionMs
  }

  async #step(db: Database, refs: Map<string, number>): Promise<void> {
    if (this.#hasAdmin && this.#random.int(6) === 0) return this.#administer(db)
    const kind = this.#random.int(20)
    if (kind < 12) {
      for (const batch of this.#workload.next(this.#clock.now())) this.#append(db, batch, refs)
      await this.#clock.advance(1 + this.#random.int(100))
    } else if (kind < 15) await this.#commit(db)
    else if (kind < 17) await this.#turns(this.#random.int(4))
    else if (kind < 19) await this.#passTime()
    else this.#checkLive(db)
  }

  /** A delete, what follows it in the files, or a snapshot: jobs on blocks, which may end amid them. */
  async #administer(db: Database): Promise<void> {
    const kind = this.#random.int(4)
    if (kind < 2) {
      const metric = `m${this.#random.int(3)}`
      const to = Math.max(0, this.#newestT) - this.#random.int(this.#random.pick([100, 60_000]))
      const from = to - this.#random.int(this.#random.pick([100, 5000, 3_600_000]))
      const deleted = this.#ledger.deleting(`__name__|${metric}|`, from, to)
      await db.blocks.delete([[{ name: '__name__', op: '=', value: metric }]], from, to)
      if (!this.disk.isDead) deleted()
    } else if (kind === 2) await db.blocks.clean()
    else await this.#snapshot(db)
  }

  /** What was there when it was asked for is in it. */
  async #snapshot(db: Database): Promise<void> {
    const name = `s${++this.#snapshots}`
    await db.blocks.snapshot(name, true)
    if (this.disk.isDead) return
    const copy = new Database({ folder: `${FOLDER}/snapshots/${name}`, retentionMs: Infinity, headBytesMax: HEAD_BYTES, clock: this.#clock, random: this.#random })
    try {
      const contents = this.#read(copy)
      if (contents === null || this.disk.isDead) return
      for (const fault of this.#ledger.compareLive(contents, this.#oldest)) this.#violated(`in a snapshot: ${fault}`)
    } finally {
      await copy.close()
    }
  }

  #append(db: Database, planned: PlannedBatch, refs: Map<string, number>): void {
    const batch = toBatch(planned, Uint32Array.from(planned.labels, (labels) => {
      const key = labels.join('|')
      let ref = refs.get(key)
      if (ref === undefined) refs.set(key, (ref = db.series(labels)))
      return ref
    }))
    const verdicts = new Uint8Array(batch.count)
    try {
      db.append(batch, verdicts)
      this.#note(planned, verdicts, true)
    } catch (error) {
      // A log that refuses says so before anything is stored; a segment that cannot be written comes half way.
      if (!(error instanceof LogError)) this.#note(planned, verdicts, false)
      throw error
    }
  }

  #note(planned: PlannedBatch, verdicts: Uint8Array, isSure: boolean): void {
    const { labels, times } = planned
    for (const [i, label] of labels.entries()) {
      const t = times.length === 1 ? times[0]! : times[i]!
      if (isSure && verdicts[i] !== STORED) continue
      this.#newestT = Math.max(this.#newestT, t)
      this.#ledger.sent(label.join('|'), t, valueOf(planned, i), isSure)
    }
  }

  /** Sometimes nobody waits for it. */
  async #commit(db: Database): Promise<void> {
    const mark = this.#ledger.mark()
    const { disk } = this
    let isDone = false
    const done = db.commit().then(() => {
      // An answer that a crash overtook was never sent.
      if (!disk.isDead) this.#ledger.promise(mark)
    }, (error: unknown) => {
      if (!this.#isExpected(error)) this.#violated(`a commit failed: ${textOf(error)}`)
    }).finally(() => (isDone = true))
    if (this.#random.int(3) === 0) return
    for (let turns = 0; !isDone && turns < TURNS_MAX; turns++) await nextTurn()
    if (isDone) await done
    else this.#violated('a commit hangs')
  }

  /** A store whose disk has failed takes and promises samples again once it is well, without a new start. */
  async #expectGoesOn(db: Database, refs: Map<string, number>): Promise<void> {
    if (this.disk.happened.length === 0) return
    let last: unknown
    for (let tries = 0; tries < RETRIES_MAX && !this.disk.isDead && this.#isWell; tries++) {
      await this.#clock.advance(5000)
      await this.#turns(REST_TURNS)
      try {
        for (const batch of this.#workload.next(this.#clock.now())) this.#append(db, batch, refs)
        const mark = this.#ledger.mark()
        await db.commit()
        if (!this.disk.isDead) this.#ledger.promise(mark)
        return
      } catch (error) {
        if (!this.#isExpected(error)) throw error
        last = error
      }
    }
    if (!this.disk.isDead && this.#isWell) this.#violated(`does not go on: ${textOf(last)}`)
  }

  async #passTime(): Promise<void> {
    const ms = this.#random.pick([200, 1000, 15_000, 60_000, 16 * 60_000, 2 * 3_600_000])
    for (let passed = 0; passed < ms && !this.disk.isDead; passed += 15_000) {
      await this.#clock.advance(Math.min(15_000, ms - passed))
      if (ms < 1_000_000 || passed % 240_000 === 0) await this.#turns(1 + this.#random.int(6))
    }
  }

  async #close(db: Database): Promise<void> {
    const mark = this.#ledger.mark()
    try {
      await db.close()
      this.#ledger.promise(mark)
    } catch (error) {
      if (!this.#isExpected(error)) this.#violated(`does not close: ${textOf(error)}`)
    }
  }

  async #turns(count: number): Promise<void> {
    for (let i = 0; i < count; i++) await nextTurn()
  }

  /** The end, for whatever still runs: its calls fail, and it has time to notice. */
  async #rest(): Promise<void> {
    this.disk.end()
    await this.#turns(REST_TURNS)
  }

  /** After the end of a process all that was written is there; after a power cut what was synced, and some of the rest. */
  #namesLeft(): SimNames {
    this.report.crashes++
    if (this.#random.int(3) === 0) return this.disk.names
    return this.disk.afterPowerCut(this.#random.pick(SURVIVALS))
  }

  #replaceDisk(names: SimNames, mayFail: boolean): void {
    this.report.diskCalls += this.disk.calls
    this.report.faults += this.disk.happened.length
    this.disk = mayFail ? this.#nextDisk(names) : new SimDisk({ random: this.#random, names })
    this.#clock = new FakeClock(this.#clock.now() + this.#random.int(60_000))
    useDisk(this.disk)
  }

  #nextDisk(names: SimNames): SimDisk {
    const random = this.#random
    const callsMax = 16 << random.int(7)
    const faults: Fault[] = []
    if (random.int(3) === 0) {
      const at = 1 + random.int(callsMax)
      const kind = random.pick(['EIO', 'short', 'short', 'sync', 'ENOSPC'] as const)
      faults.push(kind === 'ENOSPC' ? { at, kind, until: at + random.int(50) } : { at, kind })
    }
    return new SimDisk({ random, names, faults, endsAt: 1 + random.int(callsMax) })
  }

  /** Nothing fails any more: two starts in a row show the same, with a power cut between. */
  async #settle(): Promise<void> {
    for (let round = 0; round < 2 && this.#isWell; round++) {
      this.#replaceDisk(round === 0 ? this.disk.names : this.disk.afterPowerCut('nothing'), false)
      const db = this.#open()
      if (db === null) return
      this.report.promised = this.#ledger.promised
      if (round === 1) await this.#close(db)
      await this.#rest()
    }
  }
}

function textOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}
