// Results of subqueries of one step that look at nothing but the past, kept from one query to the next: a rule that compares now
// with a baseline asks for the same one until its next step.
//
//   last_over_time((baseline offset 1w)[15m:15m])     the baseline is evaluated once in a quarter of an hour
//
// All that such a step reads lies an hour back or more. Samples that come later still are seen at the next step.
import { bytesOf, type DenseRows } from './dense.ts'

/** Of all results together; those that were kept first go first. */
const BYTES_MAX = 64 << 20

interface PastResult {
  atMs: number
  /** Of the label table whose ids the rows hold. */
  generation: number
  rows: DenseRows
}

/** By text of the inner expression: its newest result. */
export class PastResults {
  readonly #results = new Map<string, PastResult>()
  #bytes = 0

  /** A copy, which is the caller's; null where there is none of this time. */
  find(text: string, atMs: number, generation: number): DenseRows | null {
    const known = this.#results.get(text)
    return known?.atMs === atMs && known.generation === generation ? copyOf(known.rows) : null
  }

  keep(text: string, result: PastResult): void {
    this.#drop(text)
    this.#results.set(text, { ...result, rows: copyOf(result.rows) })
    this.#bytes += sizeOf(result.rows)
    for (const oldest of this.#results.keys()) {
      if (this.#bytes <= BYTES_MAX) break
      this.#drop(oldest)
    }
  }

  #drop(text: string): void {
    const known = this.#results.get(text)
    if (known === undefined) return
    this.#results.delete(text)
    this.#bytes -= sizeOf(known.rows)
  }
}

function sizeOf(rows: DenseRows): number {
  return rows.series.byteLength + bytesOf(rows)
}

function copyOf({ series, values, kinds }: DenseRows): DenseRows {
  return { series: series.slice(), values: values.slice(), kinds: kinds.slice() }
}
