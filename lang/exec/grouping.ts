// by(…) and without(…): the group of every series, worked out once per query.
import { METRIC_NAME } from '../../lib/model/labels.ts'
import type { Budget } from './budget.ts'
import { isMarked, marked, type LabelTable } from './label-table.ts'
import { highestOf } from './matching.ts'
import type { Operator } from './operator.ts'

/** What an aggregation says of its groups. */
export interface GroupingSpec {
  grouping: readonly string[]
  isWithout: boolean
}

export interface Groups {
  /** Sets of the groups, in order of their first series; marked (label-table.ts) if any member's is. */
  sets: Uint32Array
  /** groupOf[s]: position in `sets` of the group of series s. */
  groupOf: Uint32Array
}

export interface InputGroups extends Groups {
  /** Samples that the input loaded to know its series. */
  loadedSamples: number
}

/** The groups of an operator's series. */
export function groupInput(input: Operator, spec: GroupingSpec, { budget, labels }: { budget: Budget; labels: LabelTable }): InputGroups {
  const heldBefore = budget.samplesHeld
  const groups = groupSeries(input.series(), groupSets(spec, labels))
  return { ...groups, loadedSamples: budget.samplesHeld - heldBefore }
}

/** Maps a set to that of its group. */
export function groupSets(spec: GroupingSpec, labels: LabelTable): (set: number) => number {
  const names = new Set(spec.grouping.map((name) => labels.intern(name)))
  if (!spec.isWithout) return names.size === 0 ? () => 0 : labels.keeping(names)
  names.add(labels.intern(METRIC_NAME))
  return labels.dropping(names)
}

export function groupSeries(series: Uint32Array, groupSet: (set: number) => number): Groups {
  const groupOf = series.map(groupSet)
  /** By set, one more than its position. */
  const places = new Uint32Array(highestOf(groupOf) + 1)
  const sets: number[] = []
  const markedPositions = new Set<number>()
  for (let s = 0; s < series.length; s++) {
    const set = groupOf[s]!
    const position = (places[set] ||= sets.push(set)) - 1
    groupOf[s] = position
    if (isMarked(series[s]!)) markedPositions.add(position)
  }
  return { sets: Uint32Array.from(sets, (set, position) => (markedPositions.has(position) ? marked(set) : set)), groupOf }
}
