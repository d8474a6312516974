// The labels of a stored series as texts.
import type { LabelSource } from '../../storage/interface.ts'
import { METRIC_NAME, type Labels } from '../model/labels.ts'

let ids = new Uint32Array(128)

export function labelsOfSeries(source: LabelSource, ref: number): Labels {
  const count = source.labelsOf(ref, ids)
  if (count > ids.length) source.labelsOf(ref, (ids = new Uint32Array(count)))
  return Array.from(ids.subarray(0, count), (id) => source.textOf(id))
}

export function withoutName(labels: Labels): Labels {
  return labels.filter((_, i) => labels[i - i % 2] !== METRIC_NAME)
}
