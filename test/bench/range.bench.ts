// Range kernels: ns per output point over series of 1,440 samples at 10 s, 240 steps of 60 s, as `sum by(rate(x[5m]))`
// over a day's graph sees them. Run: node test/bench/range.bench.ts
import { changes } from '../../lang/func/changes.ts'
import { maxOverTime } from '../../lang/func/extreme-over-time.ts'
import { avgOverTime, sumOverTime } from '../../lang/func/over-time.ts'
import { quantileOverTime } from '../../lang/func/quantile-over-time.ts'
import type { RangeKernel, Windows } from '../../lang/func/range-kernel.ts'
import { rate } from '../../lang/func/rate.ts'
import { systemClock } from '../../lib/std/clock.ts'
import { Random } from '../../lib/std/random.ts'
import { NO_HURRY, windowsOver } from '../support/windows.ts'

const SAMPLES = 1440
const SERIES = 200
const STEPS = 240
const ROUNDS = 7

const random = new Random(1)
const t = Float64Array.from({ length: SAMPLES }, (_, i) => i * 10_000)
const v = new Float64Array(SERIES * SAMPLES)
for (let s = 0; s < SERIES; s++) {
  for (let i = 0, sum = 0; i < SAMPLES; i++) {
    sum = s % 10 === 0 && random.int(400) === 0 ? 0 : sum + random.int(1000)
    v[s * SAMPLES + i] = sum
  }
}
const out = new Float64Array(STEPS)
const kinds = new Uint8Array(STEPS)
const args = [new Float64Array(STEPS).fill(0.9)]

function measure(name: string, kernel: RangeKernel, w: Windows): void {
  const times: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    const started = systemClock.monotonic()
    for (let s = 0; s < SERIES; s++) kernel(w, t, v, s * SAMPLES, out, kinds, 0, args, NO_HURRY)
    times.push(systemClock.monotonic() - started)
  }
  const median = times.toSorted((a, b) => a - b)[ROUNDS >> 1]!
  const perWindow = w.hi[STEPS - 1]! - w.lo[STEPS - 1]!
  console.log(`${name.padEnd(20)} ${String(perWindow).padStart(5)} samples/window ${(median * 1e6 / SERIES / STEPS).toFixed(1).padStart(9)} ns/point`)
}

for (const rangeMs of [300_000, 3_600_000]) {
  const w = windowsOver(t, { startMs: 0, stepMs: 60_000, count: STEPS }, rangeMs)
  measure('rate', rate, w)
  measure('sum_over_time', sumOverTime, w)
  measure('avg_over_time', avgOverTime, w)
  measure('max_over_time', maxOverTime, w)
  measure('changes', changes, w)
  measure('quantile_over_time', quantileOverTime, w)
}
