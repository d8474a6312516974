// What is kept of each window of one function, and how it changes when samples enter at the new end and leave at the old one.
// Values are those that the engine's kernels give by scanning the window (lang/func), sums within 1e-12 of them. Of ten million
// windows every byte counts: where the window lies and what its samples tell is not kept.
//
//   count, last …   nothing
//   sum, avg        nothing: sums run along the samples (running-sums.ts)
//   min, max        the place of the extreme; a scan where it leaves
//   rate and like   how many counter resets there are; first and last sample are looked up
//   lines           nothing: they are fitted when they are asked for
//   all else        a scan of the window that has changed
import { extrapolationFactor, NO_ZERO, stretched } from '../../../lang/func/extrapolation.ts'
import { RANGE_KERNELS } from '../../../lang/func/range-funcs.ts'
import type { RangeKernel, Windows } from '../../../lang/func/range-kernel.ts'
import { assert } from '../../std/assert.ts'
import { resized } from '../../std/typed-array.ts'
import type { SampleColumns } from './sample-columns.ts'
import type { WindowSpec } from './window-form.ts'

/** Samples of all series (sample-columns.ts); those of one window are [from, to) of both. */
export type Samples = Pick<SampleColumns, 'arena' | 'dropped'>

export interface WindowFold {
  /** The fewest samples that give a value. */
  readonly samplesMin: number
  /** Whether `value` asks where the window begins. */
  readonly usesFrom: boolean
  /** For so many slots; what is known of some stays. */
  grow(slotCount: number): void
  /** Looks at the whole window. */
  scan(slot: number, samples: Samples, from: number, to: number): void
  /** Samples [from, newFrom) have left, [to, newTo) have entered; some have stayed. */
  slide(slot: number, samples: Samples, move: Move): void
  /** Of a window with samples enough, as it was scanned or slid last. */
  value(slot: number, samples: Samples, window: Bounds): number
}

export interface Move {
  from: number
  newFrom: number
  to: number
  newTo: number
}

/** Samples [from, to), and the window's bounds on the scale of t. */
export interface Bounds {
  from: number
  to: number
  startT: number
  endT: number
}

/** Whether windows are differences of the samples' running sums. */
export function needsSums({ func }: WindowSpec): boolean {
  return func === 'avg_over_time' || func === 'sum_over_time'
}

/** Bytes a window takes; 0: it need not be told when it moves. */
export function foldBytes({ func }: WindowSpec): number {
  switch (func) {
    case 'rate': case 'increase': case 'min_over_time': case 'max_over_time': return 2
    case '': case 'last_over_time': case 'count_over_time': case 'present_over_time': case 'delta': case 'irate': case 'idelta': case 'deriv': case 'predict_linear':
    case 'avg_over_time': case 'sum_over_time': return 0
    case 'stddev_over_time': case 'stdvar_over_time': case 'quantile_over_time': case 'changes': case 'resets': return 8
  }
}

export function makeFold(form: WindowSpec): WindowFold {
  switch (form.func) {
    case 'avg_over_time': return new SumFold(new Scanner(form), true)
    case 'sum_over_time': return new SumFold(new Scanner(form), false)
    case 'min_over_time': return new ExtremeFold(1)
    case 'max_over_time': return new ExtremeFold(-1)
    case 'rate': return new ChangeFold(true, form.windowMs / 1000)
    case 'increase': return new ChangeFold(true, 1)
    case 'delta': return new ChangeFold(false, 1)
    case '': case 'last_over_time': return new PlaceFold(1, ({ arena: { v } }, { to }) => v[to - 1]!)
    case 'count_over_time': return new PlaceFold(1, (_, { from, to }) => to - from, true)
    case 'present_over_time': return new PlaceFold(1, () => 1)
    case 'irate': return new PlaceFold(2, irateAt)
    case 'idelta': return new PlaceFold(2, ({ arena: { v } }, { to }) => v[to - 1]! - v[to - 2]!)
    case 'deriv': case 'predict_linear': return new LineFold(new Scanner(form), form.offsetMs)
    case 'stddev_over_time': case 'stdvar_over_time': case 'quantile_over_time': case 'changes': case 'resets':
      return new ScanFold(new Scanner(form))
  }
}

/** The engine's kernel over one window. */
class Scanner {
  readonly #kernel: RangeKernel
  readonly #args: readonly Float64Array[]
  readonly #windows: Windows
  readonly #out = new Float64Array(1)
  readonly #kinds = new Uint8Array(1)
  #times = NO_TIMES

  constructor({ func, arg, windowMs }: WindowSpec) {
    const known = RANGE_KERNELS.get(func)
    assert(known !== undefined, `no kernel ${func}`)
    this.#kernel = known.kernel
    this.#args = [Float64Array.of(arg)]
    this.#windows = {
      count: 1, lo: new Int32Array(1), hi: new Int32Array(1), startMs: new Float64Array(1), endMs: new Float64Array(1), evalMs: new Float64Array(1), rangeMs: windowMs, stretch: null,
    }
  }

  /** Of a function that does not look at times. */
  value(v: Float64Array, from: number, to: number): number {
    this.#windows.hi[0] = to - from
    this.#kernel(this.#windows, NO_TIMES, v, from, this.#out, this.#kinds, 0, this.#args, UNHURRIED)
    return this.#out[0]!
  }

  /** Of one that does; `evalT` is the evaluation's time on the scale of t. */
  valueAt({ arena: { t, v } }: Samples, from: number, to: number, evalT: number): number {
    if (this.#times.length < to - from) this.#times = new Float64Array(2 * (to - from))
    const times = this.#times
    for (let k = from; k < to; k++) times[k - from] = t[k]!
    this.#windows.hi[0] = to - from
    this.#windows.evalMs[0] = evalT
    this.#kernel(this.#windows, times, v, from, this.#out, this.#kinds, 0, this.#args, UNHURRIED)
    return this.#out[0]!
  }
}

const NO_TIMES: Float64Array = new Float64Array(0)
/** Windows of rules are short. */
const UNHURRIED = { spend: (): void => {} }

/** What the place of the window tells. */
class PlaceFold implements WindowFold {
  readonly samplesMin: number
  readonly usesFrom: boolean
  readonly #valueOf: (samples: Samples, window: Bounds) => number

  constructor(samplesMin: number, valueOf: (samples: Samples, window: Bounds) => number, usesFrom = false) {
    this.samplesMin = samplesMin
    this.usesFrom = usesFrom
    this.#valueOf = valueOf
  }

  grow(): void {}

  scan(): void {}

  slide(): void {}

  value(_slot: number, samples: Samples, window: Bounds): number {
    return this.#valueOf(samples, window)
  }
}

/** After prometheus promql/functions.go, instantValue. */
function irateAt({ arena: { t, v } }: Samples, { to }: Bounds): number {
  const current = v[to - 1]!
  const previous = v[to - 2]!
  return (current < previous ? current : current - previous) / ((t[to - 1]! - t[to - 2]!) / 1000)
}

/** A line through the samples. */
class LineFold implements WindowFold {
  readonly samplesMin = 2
  readonly usesFrom = true
  readonly #scanner: Scanner
  readonly #offsetMs: number

  constructor(scanner: Scanner, offsetMs: number) {
    this.#scanner = scanner
    this.#offsetMs = offsetMs
  }

  grow(): void {}

  scan(): void {}

  slide(): void {}

  value(_slot: number, samples: Samples, { from, to, endT }: Bounds): number {
    return this.#scanner.valueAt(samples, from, to, endT + this.#offsetMs)
  }
}

class ScanFold implements WindowFold {
  readonly samplesMin = 1
  readonly usesFrom = false
  #values: Float64Array = new Float64Array(0)
  readonly #scanner: Scanner

  constructor(scanner: Scanner) {
    this.#scanner = scanner
  }

  grow(slotCount: number): void {
    if (slotCount !== this.#values.length) this.#values = resized(this.#values, slotCount)
  }

  scan(slot: number, { arena: { v } }: Samples, from: number, to: number): void {
    this.#values[slot] = this.#scanner.value(v, from, to)
  }

  slide(slot: number, samples: Samples, { newFrom, newTo }: Move): void {
    this.scan(slot, samples, newFrom, newTo)
  }

  value(slot: number): number {
    return this.#values[slot]!
  }
}

/** A difference of running sums, which are kept by sample. */
class SumFold implements WindowFold {
  readonly samplesMin = 1
  readonly usesFrom = true
  readonly #scanner: Scanner
  readonly #isMean: boolean

  constructor(scanner: Scanner, isMean: boolean) {
    this.#scanner = scanner
    this.#isMean = isMean
  }

  grow(): void {}

  scan(): void {}

  slide(): void {}

  value(slot: number, { arena: { base, sums, v }, dropped }: Samples, { from, to }: Bounds): number {
    assert(sums !== null, 'no running sums')
    const at = base[slot]!
    const sum = sums.sum(slot, at, from - at, to - at, dropped[slot]!)
    if (sum !== sum) return this.#scanner.value(v, from, to)
    return this.#isMean ? sum / (to - from) : sum
  }
}

class ExtremeFold implements WindowFold {
  readonly samplesMin = 1
  readonly usesFrom = false
  /** Counted from the first sample that the slot ever had (SampleColumns.dropped), modulo 2^16; those of one slot are fewer than half of that. */
  #places: Uint16Array = new Uint16Array(0)
  /** 1 of the least, -1 of the greatest. */
  readonly #sign: number

  constructor(sign: number) {
    this.#sign = sign
  }

  grow(slotCount: number): void {
    if (slotCount !== this.#places.length) this.#places = resized(this.#places, slotCount)
  }

  scan(slot: number, samples: Samples, from: number, to: number): void {
    this.#take(slot, samples, from, { from: from + 1, to })
  }

  slide(slot: number, samples: Samples, { newFrom, to, newTo }: Move): void {
    const best = this.#best(slot, samples)
    if (best < newFrom) this.scan(slot, samples, newFrom, newTo)
    else this.#take(slot, samples, best, { from: to, to: newTo })
  }

  value(slot: number, samples: Samples): number {
    return samples.arena.v[this.#best(slot, samples)]!
  }

  #best(slot: number, { arena: { base }, dropped }: Samples): number {
    return base[slot]! + (((this.#places[slot]! - dropped[slot]!) << 16) >> 16)
  }

  /** Of equals the newest stays longest, but for zeros, whose signs may differ; NaN counts only among NaN. */
  #take(slot: number, { arena: { base, v }, dropped }: Samples, best: number, { from, to }: { from: number; to: number }): void {
    const sign = this.#sign
    let place = best
    let extreme = v[best]!
    for (let k = from; k < to; k++) {
      const x = v[k]!
      if (!(sign * x < sign * extreme || (x === extreme && x !== 0) || extreme !== extreme)) continue
      extreme = x
      place = k
    }
    this.#places[slot] = place - base[slot]! + dropped[slot]!
  }
}

class ChangeFold implements WindowFold {
  readonly samplesMin = 2
  readonly usesFrom = true
  /** Samples below the one before, both in the window. */
  #resets: Uint16Array = new Uint16Array(0)
  readonly #isCounter: boolean
  readonly #divisor: number

  constructor(isCounter: boolean, divisor: number) {
    this.#isCounter = isCounter
    this.#divisor = divisor
  }

  grow(slotCount: number): void {
    if (slotCount !== this.#resets.length) this.#resets = resized(this.#resets, slotCount)
  }

  scan(slot: number, { arena: { v } }: Samples, from: number, to: number): void {
    if (this.#isCounter) this.#resets[slot] = resetsIn(v, from, to)
  }

  slide(slot: number, { arena: { v } }: Samples, { from, newFrom, to, newTo }: Move): void {
    if (!this.#isCounter) return
    // A reset lies between two samples: those whose first has left are gone, those whose second has entered are new.
    this.#resets[slot] = this.#resets[slot]! - resetsIn(v, from, newFrom + 1) + resetsIn(v, to - 1, newTo)
  }

  /** After prometheus promql/functions.go, extrapolatedRate, in its order of operations (lang/func/rate.ts). */
  value(slot: number, { arena: { t, v } }: Samples, { from, to, startT, endT }: Bounds): number {
    const last = to - 1
    const firstValue = v[from]!
    let result = v[last]! - firstValue
    if (this.#isCounter && this.#resets[slot]! > 0) {
      for (let k = from + 1; k <= last; k++) if (v[k]! < v[k - 1]!) result += v[k - 1]!
    }
    const sampled = (t[last]! - t[from]!) / 1000
    const interval = sampled / (last - from)
    const start = stretched((t[from]! - startT) / 1000, interval)
    const end = stretched((endT - t[last]!) / 1000, interval)
    const zeroShare = this.#isCounter && result > 0 && firstValue >= 0 ? firstValue / result : NO_ZERO
    return result * (extrapolationFactor(sampled, start, end, zeroShare) / this.#divisor)
  }
}

function resetsIn(v: Float64Array, from: number, to: number): number {
  let count = 0
  for (let k = from + 1; k < to; k++) if (v[k]! < v[k - 1]!) count++
  return count
}
