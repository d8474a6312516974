// Writes an hour file of rows from several sources, series by series in the order of their labels: raw samples of some hours
// beside the file that had them before, the days of a month, a file without what was deleted.
import { assert } from '../../lib/std/assert.ts'
import { compareLabels, type Labels } from '../../lib/model/labels.ts'
import { BucketBuffer } from './bucket-buffer.ts'
import type { HourFileWriter, SeriesRows } from './parquet-writer.ts'

/** Series with rows, in the order of their labels; two with the same labels may follow one another. */
export interface RowSource {
  /** The next one, null at the end. Its rows are valid until the next call. */
  next(): SeriesRows | null
}

/** Where two sources have the same bucket of a series, the later one's row is taken. */
export function mergeRows(sources: readonly RowSource[], writer: HourFileWriter): void {
  const heads = sources.map((source) => source.next())
  const merged = new Merged()
  for (;;) {
    let least: Labels | null = null
    for (const head of heads) if (head !== null && (least === null || compareLabels(head.labels, least) < 0)) least = head.labels
    if (least === null) return
    merged.clear()
    for (const [s, source] of sources.entries()) {
      let head = heads[s] ?? null
      while (head !== null && compareLabels(head.labels, least) === 0) {
        merged.take(head)
        head = source.next()
      }
      heads[s] = head
    }
    writer.add(merged.rows(least))
  }
}

const COLUMNS = ['count', 'sum', 'm2', 'min', 'max', 'first', 'last', 'correction', 'p99', 'firstT', 'lastT'] as const

/** Rows of one series, copied together. */
class Merged {
  readonly #taken = new BucketBuffer()
  readonly #sorted = new BucketBuffer()
  #length = 0
  #ref = 0
  #lacksHistograms = false

  constructor() {
    this.#taken.shape(1, CAPACITY)
    this.#sorted.shape(1, CAPACITY)
  }

  clear(): void {
    this.#length = 0
    this.#ref = 0
    this.#lacksHistograms = false
  }

  take(from: SeriesRows): void {
    assert(this.#length + from.n <= CAPACITY, `${this.#length + from.n} rows of a series in one file`)
    // A series that the head has forgotten has no ref.
    if (from.ref !== 0) this.#ref = from.ref
    if (from.lacksHistograms) this.#lacksHistograms = true
    for (let i = 0; i < from.n; i++) copyRow(from.t[i]!, from, from.at + i, this.#taken, this.#length++)
  }

  /** In order of time; of equal ones the last that was taken. */
  rows(labels: Labels): SeriesRows {
    const { t } = this.#taken
    const order = Array.from({ length: this.#length }, (_, i) => i).toSorted((a, b) => t[a]! - t[b]! || a - b)
    const sorted = this.#sorted
    let n = 0
    for (const [i, row] of order.entries()) {
      const isReplaced = i + 1 < order.length && t[order[i + 1]!] === t[row]
      if (!isReplaced) copyRow(t[row]!, this.#taken, row, sorted, n++)
    }
    return { ref: this.#ref, labels, lacksHistograms: this.#lacksHistograms, n, t: sorted.t, columns: sorted.columns, at: 0, sketches: sorted.sketches, sketchAt: sorted.sketchAt }
  }
}

/** Hours of the longest month, from two sources each, and some. */
const CAPACITY = 2048

type Rows = Pick<SeriesRows, 'columns' | 'sketches' | 'sketchAt'>

/** Row `i` of `from` becomes row `to` of `into`, which is filled in order. */
function copyRow(t: number, { columns, sketches, sketchAt }: Rows, i: number, into: BucketBuffer, to: number): void {
  into.t[to] = t
  for (const name of COLUMNS) into.columns[name][to] = columns[name][i]!
  into.columns.staleAtEnd[to] = columns.staleAtEnd[i]!
  const bytes = sketchAt[i + 1]! - sketchAt[i]!
  if (to === 0) into.restart()
  const at = into.reserveSketch(bytes)
  for (let b = 0; b < bytes; b++) into.sketches[at + b] = sketches[sketchAt[i]! + b]!
  into.endSketch(at + bytes)
  into.endRow(to)
}
