// Vector matching: which series of one side belong to which of the other. A signature is itself a label set of the
// table, so matching is integer work and done once per query.
import { METRIC_NAME } from '../../lib/model/labels.ts'
import type { VectorMatching } from '../parse/ast.ts'
import type { LabelTable } from './label-table.ts'

/** The signature of a set under on(…) or ignoring(…). */
export function signatures(matching: VectorMatching, labels: LabelTable): (set: number) => number {
  const names = new Set(matching.labels.map((name) => labels.intern(name)))
  if (matching.isOn) return labels.keeping(names)
  names.add(labels.intern(METRIC_NAME))
  return labels.dropping(names)
}

/** Positions of the series of each signature, in order. */
export function groupBySignature(sets: Uint32Array, signature: (set: number) => number): Map<number, number[]> {
  const groups = new Map<number, number[]>()
  sets.forEach((set, position) => {
    const key = signature(set)
    const group = groups.get(key)
    if (group === undefined) groups.set(key, [position])
    else group.push(position)
  })
  return groups
}

/** The highest of ids: arrays by id end there. */
export function highestOf(ids: Uint32Array): number {
  let highest = 0
  for (let i = 0; i < ids.length; i++) if (ids[i]! > highest) highest = ids[i]!
  return highest
}
