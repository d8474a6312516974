// Integers in miniblocks of 128: each less a reference, in as few bits as most of them need, outliers apart (PFOR;
// Zukowski, Héman, Nes, Boncz 2006). FORMAT.md, "Piece".
import { integerWidth, packBits, writeVarint, zigzag } from './bits.ts'

export const MINIBLOCK = 128
export const MINIBLOCK_EXCEPTIONS = 128

const miniblock = new Float64Array(MINIBLOCK)
/** Values of the miniblock by width of what is over the reference; those below it count as too wide. */
const widths = new Uint8Array(56)
const TOO_WIDE = 55
let bestWidth = 0
let bestExceptions = 0
let bestCost = 0

/** Writes values[0, count); returns the position behind them. All are below 2^50, and so are their differences. */
export function writeMiniblocks(values: Float64Array, count: number, out: Uint8Array, at: number): number {
  let refBefore = 0
  for (let from = 0; from < count; from += MINIBLOCK) {
    const n = Math.min(MINIBLOCK, count - from)
    const ref = chooseReference(values, from, n)
    const w = bestWidth
    out[at++] = bestExceptions > 0 ? w | MINIBLOCK_EXCEPTIONS : w
    at = writeVarint(out, at, zigzag(ref - refBefore))
    refBefore = ref
    if (bestExceptions > 0) {
      at = writeExceptions(values, from, n, ref, 2 ** w, out, at)
      at = packBits(out, at, miniblock, 0, n, 0, w)
    } else {
      at = packBits(out, at, values, from, n, ref, w)
    }
  }
  return at
}

/** Lists what does not fit below the limit, and fills `miniblock` with what does. */
function writeExceptions(values: Float64Array, from: number, n: number, ref: number, limit: number, out: Uint8Array, at: number): number {
  at = writeVarint(out, at, bestExceptions)
  for (let i = 0; i < n; i++) {
    const over = values[from + i]! - ref
    const fits = over >= 0 && over < limit
    miniblock[i] = fits ? over : 0
    if (fits) continue
    out[at++] = i
    at = writeVarint(out, at, zigzag(over))
  }
  return at
}

/** The reference of values[from, from + n), and in `bestWidth` the width, that take the fewest bytes. */
function chooseReference(values: Float64Array, from: number, n: number): number {
  const pivot = values[from]!
  let min = pivot
  let max = pivot
  // Of even and odd places apart, as the kernel adds them up.
  let evenSum = 0
  let oddSum = 0
  let evenSquares = 0
  let oddSquares = 0
  for (let i = 0; i < n; i += 2) {
    const a = values[from + i]!
    const b = i + 1 < n ? values[from + i + 1]! : pivot
    if (a < min) min = a
    if (a > max) max = a
    if (b < min) min = b
    if (b > max) max = b
    const evenOff = a - pivot
    const oddOff = b - pivot
    evenSum += evenOff
    oddSum += oddOff
    evenSquares += evenOff * evenOff
    oddSquares += oddOff * oddOff
  }
  const sum = evenSum + oddSum
  const squares = evenSquares + oddSquares
  const range = max - min
  bestWidth = integerWidth(range)
  bestExceptions = 0
  // Fast path: the variance is what even (range² / 12) and normal spreads have, so none lies far from the rest.
  if (bestWidth <= 32 && (range === 0 || n < 8 || (squares - sum * sum / n) * 40 > range * range * n)) return min
  return outlierReference(values, from, n)
}

/**
 * As chooseReference, where some may lie far from the rest. Candidates: the least
 * value; what most are (Boyer and Moore's vote); the least but for up to two far below the rest (a counter's reset).
 */
function outlierReference(values: Float64Array, from: number, n: number): number {
  let s0 = Infinity
  let s1 = Infinity
  let s2 = Infinity
  let s3 = Infinity
  let most = 0
  let votes = 0
  for (let i = 0; i < n; i++) {
    const r = values[from + i]!
    if (r === most) {
      votes++
    } else if (votes === 0) {
      most = r
      votes = 1
    } else {
      votes--
    }
    if (r >= s3) continue
    if (r >= s2) {
      s3 = r
      continue
    }
    s3 = s2
    if (r >= s1) {
      s2 = r
      continue
    }
    s2 = s1
    if (r >= s0) {
      s1 = r
      continue
    }
    s1 = s0
    s0 = r
  }
  chooseWidth(values, from, n, s0)
  const other = votes > n >>> 1 ? most : s2 - s1 > 4 * (s3 - s2) + 4 ? s2 : s1 - s0 > 4 * (s3 - s1) + 4 ? s1 : s0
  if (other === s0) return s0
  const cost = bestCost
  const width = bestWidth
  const exceptions = bestExceptions
  chooseWidth(values, from, n, other)
  if (bestCost < cost) return other
  bestWidth = width
  bestExceptions = exceptions
  return s0
}

/** Sets bestWidth, bestExceptions and bestCost (bytes) for a reference. */
function chooseWidth(values: Float64Array, from: number, n: number, ref: number): void {
  widths.fill(0)
  for (let i = 0; i < n; i++) {
    const over = values[from + i]! - ref
    widths[over < 0 ? TOO_WIDE : integerWidth(over)]!++
  }
  let exceptions = 0
  let cost = 0
  bestCost = Infinity
  for (let w = TOO_WIDE; w >= 0; w--) {
    if (w <= 32) {
      const total = ((n * w + 7) >>> 3) + cost + (exceptions > 0 ? 1 : 0)
      if (total < bestCost) {
        bestCost = total
        bestWidth = w
        bestExceptions = exceptions
      }
    }
    const here = widths[w]!
    exceptions += here
    cost += here * (1 + Math.ceil((w + 1) / 7))
  }
}
