// One binary operator over rows whose points are floats or native histograms (prometheus promql/engine.go:
// vectorElemBinop). Rows of floats alone take the loops of arithmetic.ts; the others go point by point.
//
//   histogram + - == != histogram     histogram * / </ >/ float     float * histogram
//
// Anything else with a histogram leaves a gap and a note. Of the notes of one step only the last is told, as Prometheus
// does.
import {
  addHistograms, divideHistogram, equalHistograms, scaleHistogram, subtractHistograms, type Combined,
} from '../../lib/model/histogram-arithmetic.ts'
import { trimHistogram } from '../../lib/model/histogram-trim.ts'
import { compacted, type FloatHistogram } from '../../lib/model/histogram.ts'
import { COMPARISONS, type BinaryExpr } from '../parse/ast.ts'
import type { Annotations } from './annotations.ts'
import { calculateRow, filterRow, type NumberOp, type Side } from './arithmetic.ts'
import type { HistogramTable } from './histogram-table.ts'
import { ABSENT, FLOAT, HISTOGRAM } from './operator.ts'

/** What may be said of a step, as a small integer. */
const NO_NOTE = 0
const FLOAT_HISTOGRAM = 1
const HISTOGRAM_FLOAT = 2
const TWO_HISTOGRAMS = 3
const TWO_FLOATS = 4
const OTHER_LAYOUT = 5
const COLLISION = 6
const RECONCILED = 7

export interface ElementScope {
  histograms: HistogramTable
  annotations: Annotations
}

/** `out` may be either side, `kept` is the side whose value a comparison without `bool` keeps. */
export interface ElementPlace {
  kept: Side
  out: Side
  /** Of the row among all: Prometheus tells of the last one at a step that cannot be combined. Rows come in any order. */
  order: number
}

/** Whether an operator keeps values as they are where it keeps them at all, and with them the metric's name. */
export function isFilter(expr: BinaryExpr): boolean {
  return (COMPARISONS.has(expr.op) && !expr.returnBool) || isTrim(expr)
}

/** Whether an operator cuts native histograms. */
export function isTrim(expr: BinaryExpr): boolean {
  return expr.op === '</' || expr.op === '>/'
}

/** One per expression; call `tellNotes` when all rows are done. */
export class ElementOp {
  readonly #expr: BinaryExpr
  readonly #scope: ElementScope
  readonly #width: number
  readonly #isFilter: boolean
  readonly #isTrim: boolean
  /** The note of each step, and the order of the row it is of; null until there is one. */
  #notes: { kinds: Uint8Array; orders: Float64Array } | null = null
  /** What the loops over floats make of a row with histograms; null until there is one. */
  #floats: Side | null = null
  #voids: Uint8Array | null = null
  /** The result of the last point. */
  #kind = ABSENT
  #value = 0

  constructor(expr: BinaryExpr, scope: ElementScope, width: number) {
    this.#expr = expr
    this.#scope = scope
    this.#width = width
    this.#isFilter = COMPARISONS.has(expr.op) && !expr.returnBool
    this.#isTrim = isTrim(expr)
  }

  /** out[i] = left[i] op right[i] for every step. */
  apply(left: Side, right: Side, place: ElementPlace): void {
    const width = this.#width
    const isMixed = this.#isTrim
      || (this.#scope.histograms.size > 0 && (hasHistogram(left, width) || hasHistogram(right, width)))
    this.#voids = isMixed ? new Uint8Array(width) : null
    const op = this.#expr.op as NumberOp
    if (isMixed) this.#applyPointwise(left, right, place)
    else if (this.#isFilter) filterRow(op, left, right, place, width)
    else calculateRow(op, left, right, place.out, width)
  }

  /** Of the row applied last: 1 where two points cannot be combined at all; null where there is none. */
  get voids(): Uint8Array | null {
    return this.#voids
  }

  /** Says what there was to say of the steps. */
  tellNotes(): void {
    const notes = this.#notes
    if (notes === null) return
    const { op, span } = this.#expr
    const { annotations } = this.#scope
    for (const note of new Set(notes.kinds)) {
      if (note === OTHER_LAYOUT) annotations.warn(`incompatible bucket layout encountered for binary operator ${op}`, span)
      else if (note === COLLISION) annotations.warn(`conflicting counter resets during histogram ${this.#operation()}`, span)
      else if (note === RECONCILED) annotations.info(`mismatched custom buckets were reconciled during ${this.#operation()}`, span)
      else if (note !== NO_NOTE) {
        const left = note === FLOAT_HISTOGRAM || note === TWO_FLOATS ? 'float' : 'histogram'
        const right = note === HISTOGRAM_FLOAT || note === TWO_FLOATS ? 'float' : 'histogram'
        annotations.info(`incompatible sample types encountered for binary operator "${op}": ${left} ${op} ${right}`, span)
      }
    }
    this.#notes = null
  }

  #note(step: number, note: number, order: number): void {
    const notes = this.#notes ??= { kinds: new Uint8Array(this.#width), orders: new Float64Array(this.#width) }
    if (notes.kinds[step] !== NO_NOTE && notes.orders[step]! > order) return
    notes.kinds[step] = note
    notes.orders[step] = order
  }

  #operation(): string {
    return this.#expr.op === '+' ? 'addition' : 'subtraction'
  }

  #applyPointwise(left: Side, right: Side, { kept, out, order }: ElementPlace): void {
    const width = this.#width
    const floats = this.#floats ??= { values: new Float64Array(width), kinds: new Uint8Array(width), at: 0 }
    if (!this.#isTrim) calculateRow(this.#expr.op as NumberOp, left, right, floats, width)
    for (let i = 0; i < width; i++) {
      const keptKind = kept.kinds[kept.at + i]!
      const keptValue = kept.values[kept.at + i]!
      this.#kind = floats.kinds[i]!
      this.#value = floats.values[i]!
      const note = this.#kind === FLOAT ? NO_NOTE : this.#combine(left, right, i)
      if (note !== NO_NOTE) {
        this.#note(i, note, order)
        if (this.#kind === ABSENT) this.#voids![i] = 1
      }
      const isKept = this.#isFilter && this.#kind !== ABSENT
      // A comparison left 1 or 0; without `bool` that decides whether the side's own value stays.
      out.kinds[out.at + i] = !isKept ? this.#kind : this.#value === 1 ? keptKind : ABSENT
      out.values[out.at + i] = isKept ? keptValue : this.#value
    }
  }

  /** Leaves the result of points that are not both floats in #kind and #value and returns the note. */
  #combine(left: Side, right: Side, i: number): number {
    const { histograms } = this.#scope
    const leftKind = left.kinds[left.at + i]!
    const rightKind = right.kinds[right.at + i]!
    const x = left.values[left.at + i]!
    const y = right.values[right.at + i]!
    if (leftKind === ABSENT || rightKind === ABSENT) return NO_NOTE
    if (leftKind === FLOAT && rightKind === FLOAT) return TWO_FLOATS
    if (rightKind === FLOAT) return this.#withFloat(histograms.get(x), y)
    if (leftKind === HISTOGRAM) return this.#combineHistograms(histograms.get(x), histograms.get(y))
    if (this.#expr.op !== '*') return FLOAT_HISTOGRAM
    this.#setHistogram(compacted(scaleHistogram(histograms.get(y), x)))
    return NO_NOTE
  }

  #withFloat(h: FloatHistogram, x: number): number {
    const { op } = this.#expr
    if (op === '*') this.#setHistogram(compacted(scaleHistogram(h, x)))
    else if (op === '/') this.#setHistogram(compacted(divideHistogram(h, x)))
    else if (op === '</' || op === '>/') this.#setHistogram(trimHistogram(h, x, op === '</'))
    else return HISTOGRAM_FLOAT
    return NO_NOTE
  }

  #combineHistograms(a: FloatHistogram, b: FloatHistogram): number {
    const { op } = this.#expr
    if (op === '+') return this.#setCombined(addHistograms(a, b))
    if (op === '-') return this.#setCombined(subtractHistograms(a, b))
    if (op !== '==' && op !== '!=') return TWO_HISTOGRAMS
    this.#setFloat(equalHistograms(a, b) === (op === '==') ? 1 : 0)
    return NO_NOTE
  }

  #setCombined(combined: Combined | null): number {
    if (combined === null) return OTHER_LAYOUT
    // Prometheus takes the warning for a failure: the point is left out.
    if (combined.isCollision) return COLLISION
    this.#setHistogram(compacted(combined.histogram))
    return combined.isReconciled ? RECONCILED : NO_NOTE
  }

  #setFloat(value: number): void {
    this.#kind = FLOAT
    this.#value = value
  }

  #setHistogram(histogram: FloatHistogram): void {
    this.#kind = HISTOGRAM
    this.#value = this.#scope.histograms.put(histogram)
  }
}

/** Whether a row has a point that is a native histogram. */
export function hasHistogram({ kinds, at }: Side, width: number): boolean {
  const end = at + width
  for (let k = at; k < end; k++) if (kinds[k] === HISTOGRAM) return true
  return false
}
