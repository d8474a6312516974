// Results of subqueries of one step that look at nothing but the past, kept from one query to the next: a rule that compares now
// with a baseline asks for the same one until its next step.
//
//   last_over_time((baseline offset 1w)[15m:15m])     the baseline is evaluated once in a quarter of an hour
//
// All that such a step reads lies an hour back or more. Samples that come later still are seen at the next step.
import { bytesOf, type DenseRows } from './dense.ts'
import type { LabelTable } from './label-table.ts'

/** Of all results together; those that were kept first go first. */
const BYTES_MAX = 128 << 20

export interface PastResult {
  atMs: number
  /** Of the label table whose ids the rows hold. */
  generation: number
  rows: DenseRows
}

/** Who is asked for results, and given those that had to be evaluated. */
export interface PastSource {
  /** Of an expression as of a time, a copy, which is the caller's; null: it is to be evaluated. */
  find(text: string, atMs: number, labels: LabelTable): DenseRows | null
  keep(text: string, result: PastResult): void
}

/** By text of the inner expression: its newest result. */
export class PastResults implements PastSource {
  readonly #results = new Map<string, PastResult>()
  #bytes = 0

  find(text: string, atMs: number, { generation }: LabelTable): DenseRows | null {
    const newest = this.newest(text, generation)
    return newest?.atMs === atMs ? copyOf(newest.rows) : null
  }

  /** Its rows stay here: to be copied. */
  newest(text: string, generation: number): PastResult | null {
    const known = this.#results.get(text)
    return known?.generation === generation ? known : null
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

export function copyOf({ series, values, kinds }: DenseRows): DenseRows {
  return { series: series.slice(), values: values.slice(), kinds: kinds.slice() }
}
