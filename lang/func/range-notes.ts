// What a range function has to say about the series it works on, in Prometheus' words (util/annotations): always with
// the metric's name and the place of the range vector it was given.
import type { Annotations } from '../exec/annotations.ts'
import type { LabelTable } from '../exec/label-table.ts'
import { METRIC_NAME } from '../../lib/model/labels.ts'
import type { Span } from '../parse/ast.ts'
import { quote } from '../../lib/std/go-format.ts'

/** One per call. `enter` says which series is spoken of; texts are made only where there is something to say. */
export class RangeNotes {
  readonly #annotations: Annotations
  readonly #labels: LabelTable
  readonly #place: Span
  readonly #nameSymbol: number
  #set = 0

  constructor(annotations: Annotations, labels: LabelTable, place: Span) {
    this.#annotations = annotations
    this.#labels = labels
    this.#place = place
    this.#nameSymbol = labels.intern(METRIC_NAME)
  }

  /** The label set, by id, that the next notes are about. */
  enter(set: number): void {
    this.#set = set
  }

  mixOfFloatsAndHistograms(): void {
    this.#warn(`encountered a mix of histograms and floats for metric name ${this.#name()}`)
  }

  mixOfSchemas(): void {
    this.#warn(`vector contains a mix of histograms with exponential and custom buckets schemas for metric name ${this.#name()}`)
  }

  notCounter(): void {
    this.#warn(`this native histogram metric is not a counter: ${this.#name()}`)
  }

  notGauge(): void {
    this.#warn(`this native histogram metric is not a gauge: ${this.#name()}`)
  }

  conflictingResets(): void {
    this.#warn('conflicting counter resets during histogram aggregation')
  }

  ignoredHistograms(): void {
    this.#annotations.info(`ignored histograms in a range containing both floats and histograms for metric name ${this.#name()}`, this.#place)
  }

  reconciledBounds(during: 'addition' | 'subtraction' | 'aggregation'): void {
    this.#annotations.info(`mismatched custom buckets were reconciled during ${during}`, this.#place)
  }

  /** Said once, with the number of windows it happened in. */
  overlappingStartTime(windows: number): void {
    const text = `sample has start time that overlaps with previous sample timestamp for metric ${this.#name()}`
    const seen = this.#annotations.warnMerged(text, this.#place, () => ({ windows: 0 }), (gathered) => {
      return gathered.windows > 1 ? `${text} (${gathered.windows} occurrences)` : text
    })
    seen.windows += windows
  }

  #warn(text: string): void {
    this.#annotations.warn(text, this.#place)
  }

  #name(): string {
    return quote(this.#labels.textOf(this.#labels.get(this.#set, this.#nameSymbol)))
  }
}
