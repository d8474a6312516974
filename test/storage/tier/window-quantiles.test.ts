import { describe, expect, it } from 'vitest'
import { quantile } from '../../../lib/model/quantile.ts'
import { Random } from '../../../lib/std/random.ts'
import { SKETCH_BIN_BYTES, writeSketch } from '../../../storage/tier/sketch.ts'
import { WindowQuantiles, type SketchedRows } from '../../../storage/tier/window-quantiles.ts'
import { testSeed } from '../../support/seed.ts'

/** Rows that keep samples or sketches, or nothing, behind `first` rows of another series. */
function randomRows(random: Random, first: number, sketchShare: number): { rows: SketchedRows; values: number[][] } {
  const n = random.int(60)
  const values: number[][] = []
  const samples: number[] = []
  const sketches = new Uint8Array((first + n) * 40 * SKETCH_BIN_BYTES)
  const sampleAt = new Uint32Array(first + n + 1)
  const sketchAt = new Uint32Array(first + n + 1)
  const wild = random.pick([[], [NaN], [0, Infinity, -Infinity], [NaN, 0]])
  for (let row = 0, end = 0; row < first + n; row++) {
    const own = Array.from({ length: random.int(4) === 0 ? 0 : 1 + random.int(30) }, () => (wild.length > 0 && random.int(4) === 0 ? random.pick(wild) : Math.exp(20 * random.float() - 10) * random.pick([1, -1])))
    if (random.float() >= sketchShare) samples.push(...own)
    else if (own.length > 0) end = writeSketch(Float64Array.from(own).sort(), own.length, sketches, end)
    sampleAt[row + 1] = samples.length
    sketchAt[row + 1] = end
    if (row >= first) values.push(own)
  }
  return { rows: { first, n, t: Float64Array.from({ length: n }, (_, i) => 60_000 * (i + 1)), samples: Float64Array.from(samples), sampleAt, sketches, sketchAt }, values }
}

describe('quantiles over windows', () => {
  it('are those of the samples within 1 %, of any rows and windows, and those themselves where all are kept', () => {
    const seed = testSeed()
    const random = new Random(seed)
    let [points, exact] = [0, 0]
    for (let run = 0; run < 150; run++) {
      const count = 1 + random.int(40)
      const step = 60_000 * random.int(8)
      const length = 60_000 * (1 + random.int(20))
      const from = Float64Array.from({ length: count }, (_, i) => i * step - 300_000)
      const windows = { from, to: from.map((t) => t + length), qs: from.map(() => random.pick([0, 0.1, 0.5, 0.99, 1])) }
      const quantiles = new WindowQuantiles(windows)
      // One after the other, so that nothing of a series is left for the next.
      for (let s = 0; s < 3; s++) {
        const sketchShare = random.pick([0, 0.3, 1])
        const { rows, values } = randomRows(random, random.int(3) * 5, sketchShare)
        const row = quantiles.of(s, rows)
        expect(row).toMatchObject({ index: s, rows: rows.n })
        for (let i = 0; i < count; i++) {
          const own = values.filter((_, k) => rows.t[k]! > from[i]! && rows.t[k]! <= windows.to[i]!).flat()
          const want = quantile(windows.qs[i]!, Float64Array.from(own))
          const what = `seed ${seed}, run ${run}, window ${i}: ${row.values[i]}, not ${want} of ${own.length}`
          expect(row.found[i], what).toBe(own.length === 0 ? 0 : 1)
          if (Number.isFinite(want)) {
            // It lies between two samples, each of which is off by so much.
            const near = [Math.floor, Math.ceil].map((round) => Math.abs(quantile(1, Float64Array.from(own.toSorted((a, b) => (a !== a ? -1 : b !== b ? 1 : a - b)).slice(0, 1 + round(windows.qs[i]! * (own.length - 1)))))))
            const most = 0.0101 * Math.max(...near)
            expect(Math.abs(row.values[i]! - want), what).toBeLessThanOrEqual(sketchShare === 0 ? 0 : most)
          } else expect(row.values[i], what).toBe(want)
          if (own.length > 0) points++
          if (sketchShare === 0) exact++
        }
      }
    }
    expect(points).toBeGreaterThan(1000)
    expect(exact).toBeGreaterThan(1000)
  })
})
