// One evaluation of a subtree for all its copies in a query (plan/repeated.ts). Its rows are kept until each reader has
// copied them, since consumers write into what they are handed. What would be too large to keep is evaluated by every
// reader anew, as if it stood there once. What was read counts for each reader, as it would without any of this.
import type { Budget, Reads } from './budget.ts'
import { bytesOf, DenseOperator, drain, type DenseRows } from './dense.ts'
import type { Operator, RowBatch, Steps } from './operator.ts'
import { makeBatch, releaseBatch } from './row-batch.ts'

/** More than this is not kept. */
const KEPT_BYTES_MAX = 32 << 20
const BYTES_PER_POINT = 9

export class SharedRows {
  readonly #compile: () => Operator
  readonly #steps: Steps
  readonly #budget: Budget
  readonly #onOpen: (isEvaluating: boolean) => void
  readonly #reads: Reads[] = []
  /** The first reader's operator, compiled where it stands, so that errors come in order. */
  readonly #first: Operator
  #readers = 0
  /** Readers that have not copied all rows yet. */
  #unfinished = 0
  #isKept: boolean | null = null
  #rows: DenseRows | null = null

  /**
   * `compile` makes the operator of the subtree; it is called once now. `onOpen` is called when a reader begins, with
   * whether it is the one that evaluates.
   */
  constructor(compile: () => Operator, steps: Steps, budget: Budget, onOpen: (isEvaluating: boolean) => void = () => {}) {
    this.#onOpen = onOpen
    this.#compile = compile
    this.#steps = steps
    this.#budget = budget
    this.#first = this.#read(compile)
  }

  /** Whether another reader may still join: nothing was read yet, or all is kept. */
  get isOpen(): boolean {
    return this.#isKept === null || (this.#isKept && this.#unfinished > 0)
  }

  /** An operator with all rows of the subtree. */
  reader(): Operator {
    this.#unfinished++
    return new SharedReader(this, this.#readers++ === 0)
  }

  /** The operator of a reader that asks for the first time. */
  open(isFirst: boolean): Operator {
    this.#isKept ??= this.#readers > 1 && this.#read(() => this.#first.series()).length * this.#steps.count * BYTES_PER_POINT <= KEPT_BYTES_MAX
    if (!this.#isKept) return isFirst ? this.#first : this.#compile()
    this.#onOpen(this.#rows === null)
    if (this.#rows !== null) this.#reads.forEach((reads) => this.#budget.countAgain(reads))
    const rows = this.#rows ??= this.#read(() => drain(this.#first, this.#steps, this.#budget))
    // The last one to look may have the rows themselves.
    if (this.#unfinished === 1) {
      this.#unfinished = 0
      this.#rows = null
      return new DenseOperator(rows, this.#budget)
    }
    return new CopiedRows(rows, { steps: this.#steps, onEnd: () => this.#finish(rows) }, this.#budget)
  }

  #read<T>(work: () => T): T {
    const { result, reads } = this.#budget.recorded(work)
    this.#reads.push(reads)
    return result
  }

  #finish(rows: DenseRows): void {
    if (--this.#unfinished > 0) return
    this.#rows = null
    this.#budget.releaseBytes(bytesOf(rows))
  }
}

class SharedReader implements Operator {
  readonly #shared: SharedRows
  readonly #isFirst: boolean
  #operator: Operator | null = null

  constructor(shared: SharedRows, isFirst: boolean) {
    this.#shared = shared
    this.#isFirst = isFirst
  }

  series(): Uint32Array {
    return this.#opened().series()
  }

  next(): RowBatch | null {
    return this.#opened().next()
  }

  #opened(): Operator {
    return this.#operator ??= this.#shared.open(this.#isFirst)
  }
}

/** Rows that lie ready, handed up in batches of their own. */
class CopiedRows implements Operator {
  readonly #rows: DenseRows
  readonly #width: number
  readonly #out: RowBatch
  readonly #budget: Budget
  readonly #onEnd: () => void
  #at = 0
  #isDone = false

  /** `onEnd` is called once all is copied. */
  constructor(rows: DenseRows, { steps, onEnd }: { steps: Steps; onEnd: () => void }, budget: Budget) {
    this.#rows = rows
    this.#width = steps.count
    this.#onEnd = onEnd
    this.#budget = budget
    this.#out = makeBatch(steps, rows.series.length, budget)
  }

  series(): Uint32Array {
    return this.#rows.series
  }

  next(): RowBatch | null {
    const { series, values, kinds } = this.#rows
    const out = this.#out
    const width = this.#width
    const count = Math.min(out.index.length, series.length - this.#at)
    if (count === 0) {
      if (this.#isDone) return null
      this.#isDone = true
      releaseBatch(out, this.#budget)
      this.#onEnd()
      return null
    }
    const [from, to] = [this.#at * width, (this.#at + count) * width]
    for (let r = 0; r < count; r++) out.index[r] = this.#at + r
    out.values.set(values.subarray(from, to))
    out.kinds.set(kinds.subarray(from, to))
    out.rows = count
    this.#at += count
    return out
  }
}
