// The sets of recorded queries: data, generator, size, and how the engine is to be set.
import { FLOAT_METRICS } from './catalog.ts'
import { HISTOGRAM_METRICS, histogramDataSet, KEPT_FLOATS } from './histogram-data-set.ts'
import { nativeRoots } from './native-roots.ts'
import { newerRoots } from './newer-roots.ts'
import { floatDataSet, type DataSeries } from './data-set.ts'
import { QueryGenerator } from './query-generator.ts'

export interface QuerySet {
  name: string
  /** Of data and queries. */
  seed: number
  count: number
  /** With promql-delayed-name-removal. */
  isNameDelayed: boolean
  /** Of what Prometheus 3.5 does not know. */
  isNewer: boolean
  data(seed: number): DataSeries[]
  generator(seed: number): QueryGenerator
}

/** Natives most of the time, floats as partners. */
const MIXED_METRICS = [...HISTOGRAM_METRICS, ...FLOAT_METRICS.filter(({ name }) => KEPT_FLOATS.has(name)).map((metric) => ({ ...metric, weight: metric.weight / 3 }))]

export const QUERY_SETS: readonly QuerySet[] = [
  {
    name: 'floats', seed: 20231115, count: 5000, isNameDelayed: false, isNewer: false,
    data: floatDataSet, generator: (seed) => new QueryGenerator(seed, FLOAT_METRICS),
  },
  {
    name: 'delayed-names', seed: 20231116, count: 1000, isNameDelayed: true, isNewer: false,
    data: floatDataSet, generator: (seed) => new QueryGenerator(seed, FLOAT_METRICS),
  },
  {
    name: 'histograms', seed: 20231117, count: 2500, isNameDelayed: false, isNewer: false,
    data: histogramDataSet, generator: (seed) => new QueryGenerator(seed, MIXED_METRICS, (self, known) => [...known, ...nativeRoots(self)]),
  },
  {
    name: 'newer', seed: 20231118, count: 800, isNameDelayed: false, isNewer: true,
    data: histogramDataSet, generator: (seed) => new QueryGenerator(seed, MIXED_METRICS, newerRoots),
  },
  {
    name: 'newer-delayed-names', seed: 20231119, count: 400, isNameDelayed: true, isNewer: true,
    data: histogramDataSet, generator: (seed) => new QueryGenerator(seed, MIXED_METRICS, newerRoots),
  },
]
