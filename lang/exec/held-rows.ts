// Rows that wait for others, in blocks of bounded size. A row takes any free place, and a block goes once none of its rows
// is waited for: rows that come and go in much the same order never take more than a block or two, however many there are,
// and in any order no more than waited at the worst moment.
//
//   block 0 │ row │ free │ row │      block 1 (gone)      block 2 │ row │ row │ free │
import { assert } from '../../lib/std/assert.ts'
import type { Side } from './arithmetic.ts'
import type { Budget } from './budget.ts'
import { samplesInRow } from './histogram-samples.ts'
import type { HistogramTable } from './histogram-table.ts'
import type { RowBatch, Steps } from './operator.ts'
import { rowsPerBatch } from './row-batch.ts'

/** Empty blocks kept for the next rows: an array as large as a block is mapped, and cleared, when it is made. */
const SPARE_MAX = 2

interface Block {
  values: Float64Array
  kinds: Uint8Array
  /** What each row counts as. */
  samples: Float64Array
  /** Rows that nobody waits for: free[0, freeCount). */
  free: Uint32Array
  freeCount: number
}

export interface HeldRowsScope {
  steps: Steps
  budget: Budget
  histograms: HistogramTable
}

export class HeldRows {
  readonly #scope: HeldRowsScope
  readonly #rowsPerBlock: number
  readonly #blocks: (Block | null)[] = []
  /** Where in `#blocks` there is none. */
  readonly #gaps: number[] = []
  /** Numbers of the blocks with free rows. */
  #open: number[] = []
  #emptyCount = 0
  /** Rows held now. */
  count = 0

  /** `seriesCount`: no more rows than this will come. */
  constructor(seriesCount: number, scope: HeldRowsScope) {
    this.#scope = scope
    this.#rowsPerBlock = rowsPerBatch(scope.steps, seriesCount)
  }

  /** Copies row r of a batch; returns the place it is found under. */
  put(batch: RowBatch, r: number): number {
    const { steps: { count: width }, budget, histograms } = this.#scope
    if (this.#open.length === 0) this.#addBlock()
    const number = this.#open.at(-1)!
    const block = this.#blocks[number]!
    if (block.freeCount === this.#rowsPerBlock) this.#emptyCount--
    const row = block.free[--block.freeCount]!
    if (block.freeCount === 0) this.#open.pop()
    const at = r * width
    block.values.set(batch.values.subarray(at, at + width), row * width)
    block.kinds.set(batch.kinds.subarray(at, at + width), row * width)
    block.samples[row] = samplesInRow({ values: batch.values, kinds: batch.kinds, at }, width, histograms)
    budget.keepSamples(block.samples[row]!)
    this.count++
    return number * this.#rowsPerBlock + row
  }

  /** The row at a place; valid until it is released. */
  at(place: number): Side {
    const { values, kinds } = this.#blockAt(Math.floor(place / this.#rowsPerBlock))
    return { values, kinds, at: (place % this.#rowsPerBlock) * this.#scope.steps.count }
  }

  /** Nobody waits for the row any more. */
  release(place: number): void {
    const number = Math.floor(place / this.#rowsPerBlock)
    const row = place % this.#rowsPerBlock
    const block = this.#blockAt(number)
    this.#scope.budget.keepSamples(-block.samples[row]!)
    block.samples[row] = 0
    this.count--
    block.free[block.freeCount++] = row
    if (block.freeCount === 1) this.#open.push(number)
    if (block.freeCount < this.#rowsPerBlock) return
    if (this.#emptyCount < SPARE_MAX) {
      this.#emptyCount++
      return
    }
    this.#open = this.#open.filter((other) => other !== number)
    this.#drop(number, block)
  }

  /** Lets go of all rows. */
  clear(): void {
    this.#blocks.forEach((block, number) => {
      if (block === null) return
      this.#scope.budget.keepSamples(-block.samples.reduce((sum, samples) => sum + samples, 0))
      this.#drop(number, block)
    })
    this.#open = []
    this.#emptyCount = this.count = 0
  }

  #blockAt(number: number): Block {
    const block = this.#blocks[number]
    assert(block != null, `no row is held in block ${number}`)
    return block
  }

  #addBlock(): void {
    const { steps, budget } = this.#scope
    const rows = this.#rowsPerBlock
    const size = rows * steps.count
    const block: Block = { values: budget.floats(size), kinds: budget.bytes(size), samples: budget.floats(rows), free: budget.ints(rows), freeCount: rows }
    // The first row on top.
    for (let row = 0; row < rows; row++) block.free[row] = rows - 1 - row
    const number = this.#gaps.pop() ?? this.#blocks.length
    this.#blocks[number] = block
    this.#open.push(number)
    this.#emptyCount++
  }

  #drop(number: number, { values, kinds, samples, free }: Block): void {
    this.#blocks[number] = null
    this.#gaps.push(number)
    this.#scope.budget.releaseBytes(values.byteLength + kinds.byteLength + samples.byteLength + free.byteLength)
  }
}
