// Values as integers of one power of ten, with their common divisor taken out: x = (base + divisor · k) / 10^e, exactly.
import { POW10 } from './chunk-encode.ts'
import { PIECE_ROWS } from './piece-shape.ts'

const MANTISSA_MAX = 2 ** 52
/** Of k, so that second differences and what lies over a reference stay exact. */
const SPAN_MAX = 2 ** 48
/** Of m, so that its second differences stay exact. */
const SPREAD_MAX = 2 ** 51
const INT_MAX = 2 ** 31 - 1
const ROUNDING = 1.5 * 2 ** 52
const ROUNDED_MAX = 2 ** 51
/** Of this many values one may be no decimal. */
const PATCH_SHIFT = 5
/** What scaling says. */
const DONE = -1
const NO_DECIMALS = -2

/** m of each value; after `reduce`, k. */
export const scaled: Float64Array = new Float64Array(PIECE_ROWS)
/** Positions of values that are no decimals; their predecessor's m stands in their place. */
export const patchAt: Uint16Array = new Uint16Array(PIECE_ROWS)
export let patches = 0
/** m of the first value, after `reduce`. */
export let base = 0

/**
 * Fills `scaled` and returns the least exponent at which (nearly) every value is m / 10^e, or -1. What is not is put
 * down as a patch, with its predecessor's m in its place.
 */
export function scale(src: Float64Array, from: number, n: number): number {
  let e = 0
  // A few values all over the piece first: starting again for a higher exponent is then rare.
  for (let i = n >>> 4; i < n; i += (n >>> 3) + 1) e = exponentOf(src[from + i]!, e, e)
  for (let next = e; next >= 0;) {
    e = next
    next = e === 0 ? scaleWhole(src, from, n) : scaleBy(src, from, n, e)
    if (next === NO_DECIMALS) return -1
  }
  for (let i = n - 2; i >= 0 && patches > 0; i--) if (scaled[i] !== scaled[i]) scaled[i] = scaled[i + 1]!
  return scaled[0] === scaled[0] ? e : -1
}

/** The least exponent, from e on, at which x is a decimal, or `none`. */
function exponentOf(x: number, e: number, none: number): number {
  for (; e < 15; e++) {
    const p = POW10[e]!
    const m = Math.round(x * p)
    if (m / p === x && m <= MANTISSA_MAX && m >= -MANTISSA_MAX) return e
  }
  return none
}

/** Scales with e = 0; returns DONE, NO_DECIMALS, or the exponent to try next. */
function scaleWhole(src: Float64Array, from: number, n: number): number {
  patches = 0
  for (let i = 0; i < n; i++) {
    const x = src[from + i]!
    if (Math.floor(x) === x && x <= MANTISSA_MAX && x >= -MANTISSA_MAX && (x !== 0 || 1 / x > 0)) {
      scaled[i] = x
    } else {
      const next = patchOrRaise(x, i, n, 0)
      if (next !== DONE) return next
    }
  }
  return DONE
}

/** The same for e > 0. */
function scaleBy(src: Float64Array, from: number, n: number, e: number): number {
  const p = POW10[e]!
  patches = 0
  for (let i = 0; i < n; i++) {
    const x = src[from + i]!
    // Adding and taking away 1.5 × 2^52 rounds to an integer, below 2^51.
    const m = x * p + ROUNDING - ROUNDING
    if (m / p === x && m <= ROUNDED_MAX && m >= -ROUNDED_MAX && (m !== 0 || 1 / x > 0)) {
      scaled[i] = m
    } else {
      const next = patchOrRaise(x, i, n, e)
      if (next !== DONE) return next
    }
  }
  return DONE
}

/** Value i is no decimal with e: the exponent with which it is one, or it is put down as a patch (DONE) where there is room. */
function patchOrRaise(x: number, i: number, n: number, e: number): number {
  const higher = x === 0 ? -1 : exponentOf(x, e + 1, -1)
  if (higher >= 0) return higher
  if (patches === n >>> PATCH_SHIFT) return NO_DECIMALS
  scaled[i] = i === 0 ? NaN : scaled[i - 1]!
  patchAt[patches++] = i
  return DONE
}

/** The greatest common divisor of the differences in `scaled`, 1 where all are 0. */
function divisorOf(n: number): number {
  let g = 0
  for (let i = 1; i < n && g !== 1; i++) {
    const d = Math.abs(scaled[i]! - scaled[i - 1]!)
    // Fast path: a multiple, as of pages of 4 KiB.
    if (d === g || (d <= INT_MAX && g <= INT_MAX && g !== 0 && (d | 0) % (g | 0) === 0) || d === 0) continue
    g = g === 0 ? d : commonDivisor(g, d)
  }
  return g === 0 ? 1 : g
}

function commonDivisor(a: number, b: number): number {
  while (b > INT_MAX || a > INT_MAX) {
    const rest = a % b
    if (rest === 0) return b
    a = b
    b = rest
  }
  let x = a | 0
  let y = b | 0
  while (y !== 0) {
    const rest = x % y
    x = y
    y = rest
  }
  return x
}

/** Turns `scaled` into k: less the first, divided by the common divisor, which is returned (0: they span too much). */
export function reduce(n: number): number {
  const g = divisorOf(n)
  base = scaled[0]!
  let min = 0
  let max = 0
  for (let i = 0; i < n; i++) {
    const m = scaled[i]! - base
    scaled[i] = m
    if (m < min) min = m
    if (m > max) max = m
  }
  if (max - min >= SPREAD_MAX || (max - min) / g >= SPAN_MAX) return 0
  if (g !== 1) for (let i = 0; i < n; i++) scaled[i]! /= g
  return g
}
