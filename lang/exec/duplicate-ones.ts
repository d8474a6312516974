// Series of the one side of a join that share a signature: an error, in Prometheus' words, at steps at which two of them
// have a point and the many side has any at all.
import { assert } from '../../lib/std/assert.ts'
import { compareLabels, METRIC_NAME, printLabels } from '../../lib/model/labels.ts'
import type { VectorMatching } from '../parse/ast.ts'
import type { LabelTable } from './label-table.ts'
import { ABSENT, type RowBatch } from './operator.ts'
import { ExecutionError } from './query-error.ts'

/** Which error of which query it would be. */
interface DuplicatePlace {
  matching: VectorMatching
  side: 'left' | 'right'
  labels: LabelTable
}

export class DuplicateOnes {
  readonly #width: number
  readonly #isManyThere: Uint8Array

  /** `isManyAlways`: the many side need not be there, since what is missing is filled in. */
  constructor(width: number, isManyAlways: boolean) {
    this.#width = width
    this.#isManyThere = new Uint8Array(width).fill(isManyAlways ? 1 : 0)
  }

  markMany(batch: RowBatch): void {
    const width = this.#width
    for (let r = 0; r < batch.rows; r++) {
      for (let i = 0; i < width; i++) this.#isManyThere[i]! |= batch.kinds[r * width + i]!
    }
  }

  /**
   * Throws for the earliest step up to `last`, if there is one. `rows`: of each group of series with one signature those
   * that have points, with their sets.
   */
  throwUpTo(last: number, rows: readonly (readonly OneRow[])[], { matching, side, labels }: DuplicatePlace): void {
    const step = this.#isManyThere.findIndex((isThere, i) => isThere !== 0 && rows.some((group) => present(group, i).length > 1))
    if (step < 0 || step > last) return
    // Of several groups that is told whose second series comes first.
    const pairs = rows.map((group) => present(group, step)).filter((there) => there.length > 1)
    const pair = pairs.reduce((first, there) => (there[1]!.position < first[1]!.position ? there : first))
    // In label order, so that the text does not depend on the order of series in the store.
    const [first, second] = pair.slice(0, 2).map(({ set }) => labels.labels(set)).toSorted(compareLabels)
    assert(first !== undefined && second !== undefined, 'a duplicate is two series')
    const names = new Set(matching.labels)
    const matched = second.filter((_, i) => {
      const name = second[i - (i % 2)]!
      return matching.isOn ? names.has(name) : name !== METRIC_NAME && !names.has(name)
    })
    throw new ExecutionError(
      `found duplicate series for the match group ${printLabels(matched)} on the ${side} hand-side of the operation: `
      + `[${printLabels(first)}, ${printLabels(second)}];many-to-many matching not allowed: matching labels must be unique on one side`,
    )
  }
}

/** A series of the one side and its kinds, from `at` on. */
export interface OneRow {
  position: number
  set: number
  kinds: Uint8Array
  at: number
}

function present(group: readonly OneRow[], step: number): OneRow[] {
  return group.filter(({ kinds, at }) => kinds[at + step] !== ABSENT)
}
