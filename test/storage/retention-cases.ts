// What tests of retention have in common: a store of three jobs, some hours at a time.
import type { FakeClock } from '../../lib/std/clock.ts'
import { labelsFromRecord, type Labels } from '../../lib/model/labels.ts'
import type { Matcher } from '../../lib/model/matcher.ts'
import type { Database, StorageLimits } from '../../storage/database.ts'
import type { RetentionRule } from '../../storage/retention-rules.ts'
import { NOW, append, batchOf } from './store.ts'

export const MINUTE: number = 60_000
export const HOUR: number = 60 * MINUTE
/** A time at which blocks of six hours begin, Unix ms. */
export const T: number = Math.floor(NOW / (6 * HOUR)) * 6 * HOUR
export const equal = (name: string, value: string): Matcher => ({ name, op: '=', value })
export const limits = (rules: RetentionRule[], retentionMs: number = 48 * HOUR): StorageLimits => ({ retentionMs, retentionBytes: Infinity, minuteRetentionMs: 0, hourRetentionMs: 0, outOfOrderMs: 10 * MINUTE, rules })

export const of = (job: string, i: number): Labels => labelsFromRecord({ __name__: `m${i % 2}`, job, i: String(i) })
export const jobs = ['ci', 'app', 'audit'] as const

/** Two hours of samples of each job, every 10 minutes, and a cut where it is due. */
export async function twoHours(db: Database, clock: FakeClock, counts: Readonly<Partial<Record<string, number>>> = {}): Promise<void> {
  for (let k = 0; k < 12; k++) {
    await clock.advance(10 * MINUTE)
    for (const job of jobs) {
      const refs = Array.from({ length: counts[job] ?? 4 }, (_, i) => db.series(of(job, i)))
      append(db, batchOf(clock.now(), refs, refs.map(() => clock.now() / 1000)))
    }
  }
  for (let round = 0; round < 3; round++) {
    await db.maintain()
    await db.blocks.idle()
  }
}
