// Baselines of anomaly rules as their thread knows them: those that another thread has evaluated (baseline-thread.ts), so that hours
// of weeks are read without a rule that waits. While a new one is made, the one before is used; where there is none, the rule waits.
//
//   10:15  ask ──▶ BaselineThread       rules of 10:15:03 compare with the baseline of 10:00
//   10:15:09   ◀── rows                 from now on with that of 10:15
import type { DenseRows } from '../../../lang/exec/dense.ts'
import type { LabelTable } from '../../../lang/exec/label-table.ts'
import { copyOf, PastResults, type PastResult, type PastSource } from '../../../lang/exec/past-results.ts'
import type { PackedRows } from '../../../lang/exec/packed-rows.ts'

/** An expression as of a time. */
export interface BaselineAsk {
  text: string
  atMs: number
}

/** `error`: why there can be no rows; with neither, nothing was evaluated. */
export interface BaselineAnswer extends BaselineAsk {
  rows: PackedRows | null
  error: string
}

/** A baseline that has not been evaluated anew for so long says nothing of now. */
const AGE_MS_MAX = 3_600_000

export class AwaitedPast implements PastSource {
  readonly #ask: (ask: BaselineAsk) => void
  readonly #unpack: (rows: PackedRows) => Omit<PastResult, 'atMs'> | null
  readonly #results = new PastResults()
  /** By text: what is under way, or has failed as of that time. */
  readonly #asked = new Map<string, { atMs: number; error: string }>()
  #isWaiting = false
  #error = ''

  constructor(ask: (ask: BaselineAsk) => void, unpack: (rows: PackedRows) => Omit<PastResult, 'atMs'> | null) {
    this.#ask = ask
    this.#unpack = unpack
  }

  find(text: string, atMs: number, { generation }: LabelTable): DenseRows | null {
    const newest = this.#results.newest(text, generation)
    const isNear = newest !== null && Math.abs(newest.atMs - atMs) <= AGE_MS_MAX
    // A group that looks further back may ask for the step before.
    if (!isNear || newest.atMs < atMs) this.#request(text, atMs)
    if (isNear) return copyOf(newest.rows)
    const error = this.#asked.get(text)?.error ?? ''
    if (error === '') this.#isWaiting = true
    else this.#error = error
    return { series: new Uint32Array(0), values: new Float64Array(0), kinds: new Uint8Array(0) }
  }

  /** All are evaluated elsewhere. */
  keep(_text: string, _result: PastResult): void {}

  /** Whether the query since the last call lacked a baseline, and what failed if one cannot be made. */
  takeLack(): { isWaiting: boolean; error: string } {
    const lack = { isWaiting: this.#isWaiting, error: this.#error }
    this.#isWaiting = false
    this.#error = ''
    return lack
  }

  /** Takes what was asked for. */
  receive({ text, atMs, rows, error }: BaselineAnswer): void {
    // What failed is asked for again as of the next step; what was not evaluated, or speaks of symbols that are no more, at once.
    if (error === '') this.#asked.delete(text)
    else this.#asked.set(text, { atMs, error })
    const unpacked = rows && this.#unpack(rows)
    if (unpacked !== null) this.#results.keep(text, { atMs, ...unpacked })
  }

  #request(text: string, atMs: number): void {
    const asked = this.#asked.get(text)
    if (asked !== undefined && (asked.error === '' || asked.atMs === atMs)) return
    this.#asked.set(text, { atMs, error: '' })
    this.#ask({ text, atMs })
  }
}

/** What travels by transfer. */
export function buffersOf({ rows }: BaselineAnswer): ArrayBuffer[] {
  return rows === null ? [] : [rows.symbols.buffer, rows.ends.buffer, rows.values.buffer]
}
