// Random lives of a store with tiers: samples in order and late, deletions, retention, restarts, series that end and
// come back. Whenever it is at rest, its rows are those of its raw samples.
import { describe, expect, it } from 'vitest'
import { FakeClock } from '../../lib/std/clock.ts'
import { labelsFromRecord, type Labels } from '../../lib/model/labels.ts'
import type { Matcher } from '../../lib/model/matcher.ts'
import { Random } from '../../lib/std/random.ts'
import { Database } from '../../storage/database.ts'
import type { RetentionRule } from '../../storage/retention-rules.ts'
import { StoreQueryable } from '../../storage/store-querier.ts'
import { quantile } from '../../lib/model/quantile.ts'
import { randomHistogram } from '../support/random-histogram.ts'
import { testSeed } from '../support/seed.ts'
import { tempFolder } from '../support/temp-folder.ts'
import { tierFaults, viewTier } from '../support/tier-faults.ts'
import { HINTS, abandon, batchOf } from './store.ts'

const HOUR = 3_600_000
const T0 = Math.floor(1_700_000_000_000 / (54 * HOUR)) * 54 * HOUR
/** Some 3.5 s each. */
const RUNS = Number(process.env['PROVE_TIER_RUNS'] ?? 8)
const STEPS = 14

class Life {
  readonly #random: Random
  readonly #folder = tempFolder()
  readonly #clock = new FakeClock(T0)
  readonly #rules: readonly RetentionRule[]
  readonly #options: { retentionMs: number; minuteRetentionMs: number; hourRetentionMs: number }
  #db: Database
  #generation = 0
  rows = 0
  hours = 0

  constructor(random: Random) {
    this.#random = random
    this.#options = { retentionMs: random.pick([Infinity, 8 * HOUR]), minuteRetentionMs: random.pick([Infinity, 20 * HOUR]), hourRetentionMs: random.pick([Infinity, 30 * HOUR]) }
    // Half of the lives have series that are kept for longer than others, or less long.
    const age = (): number | null => random.pick([null, 6 * HOUR, 14 * HOUR, 100 * HOUR])
    const matchers: Matcher[] = [{ name: '__name__', op: '=', value: 'm1' }]
    this.#rules = random.int(2) === 0 ? [] : [{ matchers, ages: { raw: age(), '1m': age(), '1h': age() } }]
    this.#db = this.#open()
  }

  #open(): Database {
    const db = new Database({ folder: this.#folder, headBytesMax: 64 * 2 ** 20, clock: this.#clock, random: new Random(3), ...this.#options })
    db.setLimits({ ...this.#options, retentionBytes: Infinity, outOfOrderMs: 600_000, rules: this.#rules })
    return db
  }

  async run(what: string): Promise<void> {
    for (let step = 0; step < STEPS; step++) {
      await this.#step()
      await this.#settle()
      this.#check(`${what}, step ${step}`)
    }
    await this.#db.close()
  }

  async #step(): Promise<void> {
    const random = this.#random
    const kind = random.int(10)
    if (kind < 5) this.#feed(random.pick([0.5, 2, 3, 7]))
    else if (kind < 7) this.#late()
    else if (kind < 8) await this.#delete()
    else if (kind < 9) await this.#restart()
    else this.#generation++
  }

  #labels(i: number): Labels {
    return labelsFromRecord({ __name__: `m${i % 3}`, i: String(i), generation: i < 4 ? '' : String(this.#generation % 3) })
  }

  #feed(hours: number): void {
    const random = this.#random
    const stepMs = random.pick([15_000, 30_000, 60_000, 4000])
    const from = this.#clock.now()
    const until = from + (stepMs < 10_000 ? 0.6 : hours) * HOUR
    const refs = Array.from({ length: 7 }, (_, i) => this.#db.series(this.#labels(i)))
    for (let t = from; t < until; t += stepMs) {
      this.#clock.jump(t - this.#clock.now())
      const some = refs.filter(() => random.int(12) > 0)
      const values = some.map((_, i) => (i === 0 ? t / 1000 : i === 1 ? 5 : i === 2 ? random.float() : random.int(500) / 10))
      const batch = batchOf(t, some, values, some.map(() => (random.int(300) === 0 ? 1 : 0)))
      if (random.int(200) === 0) batch.histograms = some.map((_, i) => (i === 3 ? randomHistogram(random) : null))
      this.#db.append(batch, new Uint8Array(some.length))
    }
  }

  /** Of series that have sent nothing for hours, back to long before the cut. */
  #late(): void {
    const t = this.#clock.now() - this.#random.int(9 * HOUR)
    const refs = [this.#db.series(this.#labels(20 + this.#random.int(3)))]
    for (let k = 0; k < 3; k++) this.#db.append(batchOf(t + k * 20_000, refs, [k]), new Uint8Array(1))
  }

  async #delete(): Promise<void> {
    const from = this.#clock.now() - this.#random.int(12 * HOUR)
    await this.#db.blocks.delete([[{ name: '__name__', op: '=', value: `m${this.#random.int(3)}` }]], from, from + this.#random.int(3 * HOUR))
  }

  async #restart(): Promise<void> {
    await this.#db.commit()
    if (this.#random.int(2) === 0) abandon(this.#folder)
    await this.#db.close()
    this.#db = this.#open()
  }

  async #settle(): Promise<void> {
    for (let round = 0; round < 3; round++) {
      await this.#db.maintain()
      await this.#db.blocks.idle()
    }
  }

  #check(what: string): void {
    const queryable = new StoreQueryable(this.#db.handle(), 1)
    const querier = queryable.querier()
    try {
      const [minutes, hours] = [viewTier(querier), viewTier(querier, '1h')]
      expect([...tierFaults(minutes), ...tierFaults(hours), ...querier.damage()], what).toEqual([])
      this.hours += hours.rows.size
      const { rows, from, to } = minutes
      this.rows += rows.size
      if (to <= from || !Number.isFinite(from)) return
      // A quantile over all that is covered, from samples and sketches, beside that of the raw samples.
      const selection = querier.select([{ name: 'i', op: '=', value: '1' }], from + 1, to, HINTS)
      const { refs } = selection
      const batch = selection.next()
      if (batch === null || batch.hasGaps[0] === 1 || batch.histograms !== null) return
      const exact = quantile(0.9, batch.v.slice(0, batch.n))
      const sketched = [...querier.buckets!.quantiles('1m', refs, { qs: Float64Array.of(0.9), from: Float64Array.of(from), to: Float64Array.of(to) })].find(({ index }) => index === batch.index[0])!.values[0]!
      expect(Math.abs(sketched - exact), `${what}: ${sketched}, not ${exact}`).toBeLessThanOrEqual(0.01 * Math.abs(exact))
    } finally {
      querier.close()
      queryable.close()
    }
  }
}

describe('a store with tiers', () => {
  it('has the rows of its samples whatever its life', async () => {
    const seed = Number(process.env['PROVE_SEED'] ?? testSeed())
    let [rows, hours] = [0, 0]
    for (let run = 0; run < RUNS; run++) {
      const life = new Life(new Random(seed + run))
      await life.run(`PROVE_SEED=${seed + run}`)
      rows += life.rows
      hours += life.hours
    }
    expect(rows).toBeGreaterThan(1000 * RUNS)
    expect(hours).toBeGreaterThan(10 * RUNS)
  }, 120_000 + RUNS * 35_000)
})
