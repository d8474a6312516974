import { describe, expect, it } from 'vitest'
import { quantile } from '../../../lib/model/quantile.ts'
import { Random } from '../../../lib/std/random.ts'
import { SKETCH_BIN_BYTES, SketchSum, writeSketch } from '../../../storage/tier/sketch.ts'
import { testSeed } from '../../support/seed.ts'

const ascending = (values: Float64Array): Float64Array => Float64Array.from(values).sort()

function sketchOf(values: Float64Array): Uint8Array {
  const out = new Uint8Array((values.length + 1) * SKETCH_BIN_BYTES)
  return out.slice(0, writeSketch(ascending(values), values.length, out, 0))
}

function merged(parts: readonly Float64Array[]): SketchSum {
  const sum = new SketchSum()
  for (const part of parts) {
    const bytes = sketchOf(part)
    sum.add(bytes, 0, bytes.length, 1)
  }
  return sum
}

describe('a sketch', () => {
  it('gives quantiles of merged buckets within 1 %, whatever the spread', () => {
    for (let run = 0, seed = testSeed(); run < 300; run++, seed++) {
      const random = new Random(seed)
      const sign = random.pick([1, -1])
      const spread = random.pick([0.001, 1, 5, 300])
      const parts = Array.from({ length: 1 + random.int(20) }, () => Float64Array.from({ length: 1 + random.int(40) }, () => sign * Math.exp((random.float() - 0.5) * spread)))
      const all = Float64Array.from(parts.flatMap((part) => [...part]))
      for (const q of [0, 0.01, 0.5, 0.9, 0.99, 0.999, 1]) {
        const exact = quantile(q, Float64Array.from(all))
        expect(Math.abs(merged(parts).quantile(q) - exact), `seed ${seed}, q ${q}`).toBeLessThanOrEqual(0.01 * Math.abs(exact))
      }
    }
  })

  it('is as close among the numbers next to zero, but for being rounded to one of them', () => {
    const random = new Random(testSeed())
    for (const n of [...Array.from({ length: 3000 }, (_, i) => i + 1), ...Array.from({ length: 2000 }, () => Math.floor(2 ** (53 * random.float())))]) {
      const x = n * Number.MIN_VALUE
      const off = Math.abs(merged([Float64Array.of(-x)]).quantile(0.5) + x) / Number.MIN_VALUE
      expect(off, `${n} · 2^-1074`).toBeLessThanOrEqual(n < 50 ? 0 : 0.01 * n + 0.5)
    }
  })

  it('ranks NaN below all, and keeps zeros and infinities exactly', () => {
    const f = (values: number[], q: number, want: number): void => expect(merged([Float64Array.from(values)]).quantile(q)).toBe(want)
    f([0, 0, 0], 0.5, 0)
    f([NaN, 0, 0], 0, NaN)
    f([NaN, 0, 0], 1, 0)
    f([-Infinity, 0, 0, Infinity], 0, -Infinity)
    f([-Infinity, 0, 0, Infinity], 0.4, 0)
    f([-Infinity, 0, 0, Infinity], 1, quantile(1, Float64Array.of(-Infinity, 0, 0, Infinity)))
    f([-Infinity, 0, Infinity], 0.5, quantile(0.5, Float64Array.of(-Infinity, 0, Infinity)))
    expect(Math.abs(merged([Float64Array.of(Number.MAX_VALUE)]).quantile(1) / Number.MAX_VALUE - 1)).toBeLessThanOrEqual(0.01)
    expect(merged([Float64Array.of(5e-324), Float64Array.of(-5e-324)]).quantile(1)).toBe(5e-324)
    expect(new SketchSum().quantile(0.5)).toBeNaN()
  })

  it('of samples within 2 % takes five bytes at the most', () => {
    expect(sketchOf(Float64Array.from({ length: 6 }, (_, i) => 1e6 + i)).length).toBeLessThanOrEqual(5)
  })

  it('refuses bytes that are none', () => {
    const sum = new SketchSum()
    expect(() => sum.add(Uint8Array.of(2, 0, 1), 0, 3, 1)).toThrow(RangeError)
    expect(() => sum.add(Uint8Array.of(1, 0, 1, 9), 0, 4, 0)).toThrow(RangeError)
    expect(() => sum.add(Uint8Array.of(1, 255, 255, 255, 127, 1), 0, 6, 1)).toThrow(RangeError)
  })
})
