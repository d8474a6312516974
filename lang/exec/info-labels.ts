// Which labels a series gets from the info series that belong to it at a step. Info series change seldom, so what a
// series got at the step before is looked at first.
import { METRIC_NAME } from '../../lib/model/labels.ts'
import { compileMatcher, type Matcher } from '../../lib/model/matcher.ts'
import { unmarked, type LabelTable } from './label-table.ts'
import { ExecutionError } from './query-error.ts'

/** No result: the series is left out at this step. */
const LEFT_OUT = -1

export class InfoLabels {
  readonly #labels: LabelTable
  readonly #infos: Uint32Array
  readonly #name: number
  /** Labels to take; null for all. */
  readonly #wanted: ReadonlySet<number> | null
  /** Every matcher of labels takes the empty value: a series without info stays as it is. */
  readonly #isOptional: boolean
  readonly #last = new Map<number, { infos: readonly number[]; result: number }>()

  /** `data` are the matchers of labels, `infos` the sets of the info series. */
  constructor(labels: LabelTable, data: readonly Matcher[], infos: Uint32Array) {
    this.#labels = labels
    this.#infos = infos
    this.#name = labels.intern(METRIC_NAME)
    this.#wanted = data.length === 0 ? null : new Set(data.map(({ name }) => labels.intern(name)))
    this.#isOptional = data.every((matcher) => compileMatcher(matcher)(''))
  }

  /**
   * The set of a base series (`base`, its place `place`) with what the newest info series of its groups give, or a
   * negative number where it is left out. Throws ExecutionError where info series contradict one another.
   */
  resultOf(base: number, place: number, groups: readonly number[], newest: Int32Array): number {
    const last = this.#last.get(place)
    if (last !== undefined && last.infos.every((info, k) => info === newest[groups[k]!])) return last.result
    const infos = groups.map((group) => newest[group]!)
    const result = this.#combine(base, infos.filter((info) => info >= 0))
    this.#last.set(place, { infos, result })
    return result
  }

  #combine(base: number, infos: readonly number[]): number {
    if (infos.length === 0) return this.#isOptional ? unmarked(base) : LEFT_OUT
    const labels = this.#labels
    const added = new Map<number, number>()
    for (const info of infos) {
      const pairs = labels.pairs(this.#infos[info]!)
      for (let p = 0; p < pairs.length; p += 2) {
        const name = pairs[p]!
        const value = pairs[p + 1]!
        if (name === this.#name || this.#wanted?.has(name) === false) continue
        const other = added.get(name)
        if (other !== undefined && other !== value) throw new ExecutionError(`conflicting label: ${labels.textOf(name)}`)
        if (labels.get(base, name) === 0) added.set(name, value)
      }
    }
    let set = base
    for (const [name, value] of added) set = labels.with(set, name, value)
    // A name that was to be dropped stays, as in 3.14.
    return unmarked(set)
  }
}
