// The forms that share work between windows (lists of resets, counts of pairs, extremes up to a pivot) against the plain
// definition on random data with resets, equal values and NaN. Expected values of the functions themselves stand in
// test/lang/promql and in the shared conformance files.
import { describe, expect, it } from 'vitest'
import { changes, resets } from '../../../lang/func/changes.ts'
import { maxOverTime, minOverTime } from '../../../lang/func/extreme-over-time.ts'
import { quantile } from '../../../lib/model/quantile.ts'
import { avgOverTime, sumOverTime } from '../../../lang/func/over-time.ts'
import type { RangeKernel } from '../../../lang/func/range-kernel.ts'
import { increase, increaseWithStarts } from '../../../lang/func/rate.ts'
import { Random } from '../../../lib/std/random.ts'
import { NO_HURRY, windowsOver } from '../../support/windows.ts'

const random = new Random(42)

interface Data {
  t: Float64Array
  v: Float64Array
}

function randomData(n: number): Data {
  const t = new Float64Array(n)
  for (let i = 0, ms = 0; i < n; i++) t[i] = ms += 1 + random.int(20) * (random.int(30) === 0 ? 20 : 1)
  return { t, v: t.map(() => (random.int(20) === 0 ? NaN : random.int(8) === 0 ? -0 : random.int(12) - 4)) }
}

/** One window, one step: what the definition says, with nothing shared. */
type Plain = (v: readonly number[], t: readonly number[], startMs: number, endMs: number) => number | undefined

function compare(kernel: RangeKernel, plain: Plain): void {
  for (let round = 0; round < 60; round++) {
    const { t, v } = randomData(1 + random.int(300))
    const rangeMs = [7, 60, 300, 3000][round % 4]!
    const w = windowsOver(t, { startMs: -50 + random.int(200), stepMs: 1 + random.int(60), count: 1 + random.int(120) }, rangeMs, random.int(2) * 33)
    const at = random.int(5)
    const padded = new Float64Array(v.length + 9)
    padded.set(v, 9)
    const out = new Float64Array(at + w.count)
    const kinds = new Uint8Array(at + w.count)
    kernel(w, t, padded, 9, out, kinds, at, [], NO_HURRY)
    for (let i = 0; i < w.count; i++) {
      const inside = [...t.keys()].filter((k) => t[k]! > w.startMs[i]! && t[k]! <= w.endMs[i]!)
      const want = inside.length === 0 ? undefined : plain(inside.map((k) => v[k]!), inside.map((k) => t[k]!), w.startMs[i]!, w.endMs[i]!)
      const got = kinds[at + i] === 1 ? out[at + i] : undefined
      expect(Object.is(got, want), `round ${round} step ${i}: got ${got}, want ${want}`).toBe(true)
    }
  }
}

const plainIncrease: Plain = (v, t, startMs, endMs) => {
  if (v.length < 2) return undefined
  let result = v.at(-1)! - v[0]!
  for (let k = 1; k < v.length; k++) if (v[k]! < v[k - 1]!) result += v[k - 1]!
  let toStart = (t[0]! - startMs) / 1000
  let toEnd = (endMs - t.at(-1)!) / 1000
  const sampled = (t.at(-1)! - t[0]!) / 1000
  const average = sampled / (v.length - 1)
  if (toStart >= average * 1.1) toStart = average / 2
  if (result > 0 && v[0]! >= 0) toStart = Math.min(toStart, sampled * (v[0]! / result))
  if (toEnd >= average * 1.1) toEnd = average / 2
  return result * ((sampled + toStart + toEnd) / sampled)
}

/** Neumaier's sum with its compensation apart, as Prometheus adds (util/kahansum). */
function kahan(v: readonly number[]): { sum: number; c: number } {
  let sum = 0
  let c = 0
  for (const x of v) {
    const total = sum + x
    if (Math.abs(total) === Infinity) c = 0
    else if (Math.abs(sum) >= Math.abs(x)) c += (sum - total) + x
    else c += (x - total) + sum
    sum = total
  }
  return { sum, c }
}

const plainSum: Plain = (v) => {
  const { sum, c } = kahan(v)
  return Math.abs(sum) === Infinity ? sum : sum + c
}

/** Without overflow. */
const plainMean: Plain = (v) => {
  const { sum, c } = kahan(v)
  return sum / v.length + c / v.length
}

const VALUES: ReadonlyMap<string, (k: number) => number> = new Map([
  ['a counter', (k: number) => k * 1234.5 + random.float()],
  ['noise around zero', () => random.float() - 0.5],
  ['noise of all sizes', () => (random.float() - 0.5) * 10 ** (random.int(40) - 20)],
  ['tiny values behind a huge one', (k: number) => (k === 7 ? 1e30 : random.float())],
  ['huge values that cancel out', (k: number) => (k % 2 === 0 ? 1e100 : -1e100) + k],
  ['an infinity', (k: number) => (k === 50 ? Infinity : k)],
  ['sums that overflow', () => 1.5e308],
])

describe('range kernels', () => {
  it('increase lists resets once', () => compare(increase, plainIncrease))

  it('changes counts pairs that enter and leave', () => {
    compare(changes, (v) => v.filter((x, k) => k > 0 && x !== v[k - 1] && !(Number.isNaN(x) && Number.isNaN(v[k - 1]))).length)
  })

  it('resets counts pairs that enter and leave', () => compare(resets, (v) => v.filter((x, k) => k > 0 && x < v[k - 1]!).length))

  it('min_over_time shares the work of windows', () => compare(minOverTime, (v) => v.reduce((best, x) => (x < best || Number.isNaN(best) ? x : best))))

  it('max_over_time shares the work of windows', () => compare(maxOverTime, (v) => v.reduce((best, x) => (x > best || Number.isNaN(best) ? x : best))))

  describe.each([...VALUES])('over %s', (name, valueOf) => {
    const sum = { name: 'sum', kernel: sumOverTime, plain: plainSum }
    const mean = { name: 'mean', kernel: avgOverTime, plain: plainMean }
    // Means of sums that overflow have a test of their own.
    it.each(name === 'sums that overflow' ? [sum] : [sum, mean])('$name: to the bit where windows are scanned, within 1e-12 where they share their samples', ({ kernel, plain }) => {
      for (const [stepMs, count] of [[400, 10], [10, 400]] as const) {
        const t = Float64Array.from({ length: 400 }, (_, k) => k * 10)
        const v = Float64Array.from(t, (_, k) => valueOf(k))
        const w = windowsOver(t, { startMs: 0, stepMs, count }, 500)
        const out = new Float64Array(count)
        kernel(w, t, v, 0, out, new Uint8Array(count), 0, [], NO_HURRY)
        for (let i = 0; i < count; i++) {
          const want = plain([...v.subarray(w.lo[i], w.hi[i])], [], 0, 0)!
          const isNear = Object.is(out[i], want) || (stepMs === 10 && Math.abs(out[i]! - want) <= 1e-12 * Math.abs(want))
          expect(isNear, `step ${stepMs}, window ${i}: got ${out[i]}, want ${want}`).toBe(true)
        }
      }
    })
  })

  it('avg_over_time is an incremental mean where the sum overflows', () => {
    const t = Float64Array.from({ length: 4 }, (_, k) => k)
    const w = windowsOver(t, { startMs: 3, stepMs: 0, count: 1 }, 10)
    const out = new Float64Array(1)
    avgOverTime(w, t, Float64Array.of(1.5e308, 1.5e308, 1.5e308, 1.5e308), 0, out, new Uint8Array(1), 0, [], NO_HURRY)
    expect(out[0]).toBe(1.5e308)
  })

  it('means of few windows are added up in order, also where nothing came since the first of them', () => {
    // Answers of Prometheus 3.14.0 for a series that has ended.
    const v = Float64Array.of(96.985, 96.239, 98.024, 99.65, 98.657, 97.797, 98.324, 97.076, 95.386, 97.082)
    const t = Float64Array.of(5978, 29_782, 38_175, 62_141, 74_288, 76_976, 99_756, 122_044, 125_644, 131_308)
    const w = windowsOver(t, { startMs: 305_000, stepMs: 60_000, count: 3 }, 300_000)
    const out = new Float64Array(3)
    avgOverTime(w, t, v, 0, out, new Uint8Array(3), 0, [], NO_HURRY)
    expect([...out]).toEqual([97.52199999999999, 97.387, 96.234])
  })

  it('quantile sorts short and long windows alike, NaN first', () => {
    for (let n = 1; n < 200; n++) {
      const { v } = randomData(n)
      const sorted = [...v].toSorted((a, b) => (Number.isNaN(a) ? -1 : Number.isNaN(b) ? 1 : a - b))
      const q = random.float()
      const rank = q * (n - 1)
      const below = Math.floor(rank)
      const want = sorted[below]! * (1 - (rank - below)) + sorted[Math.min(n - 1, below + 1)]! * (rank - below)
      const got = quantile(q, v)
      // The order of 0 and -0 is nobody's promise.
      expect(got === want || (Number.isNaN(got) && Number.isNaN(want)), `n ${n}: got ${got}, want ${want}`).toBe(true)
    }
  })
})

describe('increase where start times are known', () => {
  /** One window of a minute from 0 on; seconds. */
  const f = (samples: readonly (readonly [t: number, v: number, start: number])[], want: number | null, overlaps = 0): void => {
    const t = Float64Array.from(samples, ([at]) => at * 1000)
    const w = windowsOver(t, { startMs: 60_000, stepMs: 1, count: 1 }, 60_000)
    const [out, kinds] = [new Float64Array(1), new Uint8Array(1)]
    expect(increaseWithStarts(w, t, Float64Array.from(samples, ([, v]) => v), Float64Array.from(samples, ([, , start]) => start * 1000), out, kinds, 0, NO_HURRY)).toBe(overlaps)
    expect(kinds[0] === 0 ? null : out[0]).toBe(want)
  }

  it('counts the first sample from its start, and does not stretch a single one', () => {
    f([[50, 10, 20]], 10)
    f([[50, 10, 0]], null)
    // From its start 20 s before the first one, over 10 s more than was sampled.
    f([[30, 4, 10], [50, 10, 10]], 10 * (40 + 10) / 40)
  })

  it('takes a first sample below zero for none that has been at zero', () => {
    f([[20, -5, 0], [40, 5, 0]], 10 * (20 + 20 + 20) / 20)
  })

  it('adds what was counted before a reset, and says where starts overlap', () => {
    f([[20, 5, 0], [40, 7, 30]], (2 + 5) * (20 + 5 / 7 * 20 + 20) / 20)
    f([[20, 5, 5], [30, 6, 7], [40, 7, 7]], 7 * (35 + 5) / 35, 1)
  })
})
