// Values as integers of one power of ten, with their common divisor taken out (twin: storage/codec/decimal-scale.ts, to the bit).
import { POWERS_OF_TEN, powerOf } from './bits'
import { PATCHES, PIECE_VALUES, SCALED } from './memory'

const MANTISSA_MAX: f64 = 4503599627370496
const SPAN_MAX: f64 = 281474976710656
const SPREAD_MAX: f64 = 2251799813685248
const ROUNDING: f64 = 6755399441055744
const ROUNDED_MAX: f64 = 2251799813685248
const PATCH_SHIFT: i32 = 5
const MINUS_ZERO: u64 = 1 << 63
const DONE: i32 = -1
const NO_DECIMALS: i32 = -2

/** How many positions PATCHES has. */
export let patches: i32 = 0
/** m of the first value, after `reduce`. */
export let base: f64 = 0

/** Fills SCALED, with two more values behind; returns the exponent, or -1: they are no decimals. */
export function scale(n: i32): i32 {
  let e = 0
  for (let i = n >> 4; i < n; i += (n >> 3) + 1) e = exponentOf(load<f64>(PIECE_VALUES + (<usize>i << 3)), e, e)
  for (let next = e; next >= 0;) {
    e = next
    next = scaleBy(n, e)
    if (next === NO_DECIMALS) return -1
  }
  if (patches > 0) {
    for (let at = SCALED + (<usize>n << 3) - 16; at >= SCALED; at -= 8) {
      const m = load<f64>(at)
      if (m !== m) store<f64>(at, load<f64>(at, 8))
    }
    const first = load<f64>(SCALED)
    if (first !== first) return -1
  }
  const end = SCALED + (<usize>n << 3)
  v128.store(end, v128.load64_splat(end - 8))
  return e
}

/** The least exponent, from e on, at which x is a decimal, or `none`. */
function exponentOf(x: f64, e: i32, none: i32): i32 {
  for (; e < 15; e++) {
    const p = load<f64>(POWERS_OF_TEN + (<usize>e << 3))
    const m = Math.round(x * p)
    if (m / p === x && m <= MANTISSA_MAX && m >= -MANTISSA_MAX) return e
  }
  return none
}

// @ts-ignore: decorator
@inline
function mantissas(x: v128, power: v128, e: i32): v128 {
  return e === 0 ? x : f64x2.sub(f64x2.add(f64x2.mul(x, power), f64x2.splat(ROUNDING)), f64x2.splat(ROUNDING))
}

/** Which of x are their m / 10^e, and not -0. */
// @ts-ignore: decorator
@inline
function areExact(x: v128, m: v128, power: v128, e: i32): v128 {
  const areSame = e === 0 ? f64x2.eq(f64x2.floor(x), x) : f64x2.eq(f64x2.div(m, power), x)
  const areSmall = f64x2.le(f64x2.abs(m), f64x2.splat(e === 0 ? MANTISSA_MAX : ROUNDED_MAX))
  return v128.andnot(v128.and(areSame, areSmall), i64x2.eq(x, i64x2.splat(MINUS_ZERO)))
}

/** Scales with e; returns DONE, NO_DECIMALS, or the exponent to try next. */
function scaleBy(n: i32, e: i32): i32 {
  const power = powerOf(e)
  patches = 0
  for (let i = 0; i < n; i += 2) {
    const place = <usize>i << 3
    const two = v128.load(PIECE_VALUES + place)
    const m = mantissas(two, power, e)
    v128.store(SCALED + place, m)
    const exact = areExact(two, m, power, e)
    if (i64x2.all_true(exact)) continue
    if (i64x2.extract_lane(exact, 0) === 0) {
      const next = patchOrRaise(i, n, e)
      if (next !== DONE) return next
    }
    if (i + 1 < n && i64x2.extract_lane(exact, 1) === 0) {
      const next = patchOrRaise(i + 1, n, e)
      if (next !== DONE) return next
    }
  }
  return DONE
}

/** Value i is no decimal with e: the exponent with which it is one, or it is put down as a patch (DONE) where there is room. */
function patchOrRaise(i: i32, n: i32, e: i32): i32 {
  const x = load<f64>(PIECE_VALUES + (<usize>i << 3))
  const higher = x === 0 ? -1 : exponentOf(x, e + 1, -1)
  if (higher >= 0) return higher
  if (patches === n >> PATCH_SHIFT) return NO_DECIMALS
  const place = SCALED + (<usize>i << 3)
  store<f64>(place, i === 0 ? NaN : load<f64>(place - 8))
  store<u32>(PATCHES + (<usize>patches << 2), i)
  patches++
  return DONE
}

/** Turns SCALED into k: less the first, divided by the common divisor, which is returned (0: they span too much). */
export function reduce(n: i32): f64 {
  base = load<f64>(SCALED)
  const bases = f64x2.splat(base)
  const end = SCALED + (<usize>n << 3)
  let least = f64x2.splat(0)
  let most = f64x2.splat(0)
  // Behind the last value stands the same twice.
  for (let at = SCALED; at <= end; at += 16) {
    const m = f64x2.sub(v128.load(at), bases)
    v128.store(at, m)
    least = f64x2.pmin(least, m)
    most = f64x2.pmax(most, m)
  }
  const spread = Math.max(f64x2.extract_lane(most, 0), f64x2.extract_lane(most, 1)) - Math.min(f64x2.extract_lane(least, 0), f64x2.extract_lane(least, 1))
  if (spread >= SPREAD_MAX) return 0
  const g = divisorOf(end)
  if (spread / g >= SPAN_MAX) return 0
  if (g !== 1) {
    const divisors = f64x2.splat(g)
    for (let at = SCALED; at <= end; at += 16) v128.store(at, f64x2.div(v128.load(at), divisors))
  }
  return g
}

/** The greatest common divisor of the differences in SCALED, all below 2^51; 1 where all are 0. */
function divisorOf(end: usize): f64 {
  let g: f64 = 0
  for (let at = SCALED; at < end - 8 && g !== 1; at += 16) {
    const two = f64x2.abs(f64x2.sub(v128.load(at, 8), v128.load(at)))
    if (g !== 0) {
      // Fast path: multiples, as of pages of 4 KiB. Below 2^51 no other quotient is rounded to an integer.
      const quotients = f64x2.div(two, f64x2.splat(g))
      if (i64x2.all_true(f64x2.eq(f64x2.floor(quotients), quotients))) continue
    }
    g = commonDivisor(g, f64x2.extract_lane(two, 0))
    g = commonDivisor(g, f64x2.extract_lane(two, 1))
  }
  return g === 0 ? 1 : g
}

function commonDivisor(a: f64, b: f64): f64 {
  let x = <u64>a
  let y = <u64>b
  while (y !== 0) {
    const rest = (x | y) >> 32 === 0 ? <u64>(<u32>x % <u32>y) : x % y
    x = y
    y = rest
  }
  return <f64>x
}
