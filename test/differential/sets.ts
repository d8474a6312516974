// The sets of recorded queries: data, generator, size, and how the engine is to be set.
import { FLOAT_METRICS } from './catalog.ts'
import { floatDataSet, type DataSeries } from './data-set.ts'
import { QueryGenerator } from './query-generator.ts'

export interface QuerySet {
  name: string
  /** Of data and queries. */
  seed: number
  count: number
  /** With promql-delayed-name-removal. */
  isNameDelayed: boolean
  data(seed: number): DataSeries[]
  generator(seed: number): QueryGenerator
}

export const QUERY_SETS: readonly QuerySet[] = [
  {
    name: 'floats', seed: 20231115, count: 5000, isNameDelayed: false,
    data: floatDataSet, generator: (seed) => new QueryGenerator(seed, FLOAT_METRICS),
  },
  {
    name: 'delayed-names', seed: 20231116, count: 1000, isNameDelayed: true,
    data: floatDataSet, generator: (seed) => new QueryGenerator(seed, FLOAT_METRICS),
  },
]
