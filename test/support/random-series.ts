// Series as they come in practice and as they should not: irregular scrapes, gaps of hours, staleness markers, resets, NaN,
// infinities, steady values, small changes of large values.
import type { Random } from '../../lib/std/random.ts'
import type { MemoryStorage } from './memory-storage.ts'

export interface RandomSeriesOptions {
  /** First sample about here, Unix ms. */
  startMs: number
  endMs: number
  /** Also values whose sums are no longer those of their parts: infinities, huge ones, such that cancel. */
  isWild: boolean
}

/** The value behind `values`. */
type NextValue = (random: Random, last: number, values: readonly number[]) => number

const TAME: readonly NextValue[] = [
  // A counter, with resets.
  (random, last) => (random.int(60) === 0 ? random.int(3) : last + random.int(100)),
  // A counter of fractions, seldom reset, sometimes to zero.
  (random, last) => (random.int(200) === 0 ? 0 : last + random.int(1000) / 7),
  (random) => random.int(1000) / 10,
  (random) => random.int(2),
  () => 0.1,
  // Steady for a while.
  (random, last) => (random.int(40) === 0 ? random.int(50) / 3 : last),
  (random) => (random.int(30) === 0 ? NaN : random.int(100)),
]

const WILD: readonly NextValue[] = [
  (random) => 1e9 + random.int(1000) / 1000,
  (random) => random.int(2_000_001) / 1000 - 1000,
  (random) => (random.int(50) === 0 ? [Infinity, -Infinity, NaN][random.int(3)]! : random.int(100) - 50),
  (random) => (random.int(2) === 0 ? 1 : -1) * 10 ** random.int(300),
  (random, last) => (random.int(2) === 0 ? -last : random.int(1000) / 3),
  // Cancels but for the last digits with what was there an hour or two before.
  (random, _last, values) => (values.length < 120 ? random.int(1000) / 3 : -values.at(-120)! * (1 + random.int(1000) * 1e-15)),
  () => NaN,
  (random) => (random.int(2) === 0 ? 0 : -0),
  (random) => (random.int(200) === 0 ? 1.5e308 : 1e292),
]

/** Fills the store with series `m_total`, labels g and i. */
export function addRandomSeries(storage: MemoryStorage, random: Random, options: RandomSeriesOptions): void {
  const { startMs, endMs, isWild } = options
  const kinds = isWild ? [...TAME, ...WILD] : TAME
  kinds.forEach((next, i) => {
    const labels = ['__name__', 'm_total', 'g', String(i % 3), 'i', String(i)]
    const intervalMs = [15_000, 30_000, 60_000, 5_000 + random.int(200_000)][random.int(4)]!
    const jitterMs = random.int(3) === 0 ? 0 : random.int(intervalMs)
    const isAligned = jitterMs === 0 && random.int(2) === 0
    const offsetMs = isAligned ? 0 : random.int(intervalMs)
    const values = [random.int(1000)]
    for (let t = startMs + offsetMs; t <= endMs; t += intervalMs) {
      const at = t + (jitterMs === 0 ? 0 : random.int(jitterMs))
      if (random.int(80) === 0) {
        if (random.int(2) === 0) storage.addStale(labels, at)
        // Seconds to hours.
        t += Math.floor(2 ** random.int(14)) * 1000
        continue
      }
      values.push(next(random, values.at(-1)!, values))
      storage.add(labels, at, values.at(-1)!)
    }
  })
}
