// Constructs that only mean something with native histograms, besides those that all queries have.
import { HISTOGRAM_FUNCTIONS } from './catalog.ts'
import type { QueryGenerator, Root } from './query-generator.ts'

/** Each comes up several times a turn. */
export function nativeRoots(from: QueryGenerator): Root[] {
  const { random } = from
  const native = (depth: number): string => {
    const metric = from.metric(['native'])
    const roll = random.float()
    if (roll < 0.3) return from.selector(metric).text
    const ranged = `${random.pick(['rate', 'increase', 'sum_over_time', 'avg_over_time', 'last_over_time', 'delta', 'irate'])}(${from.selector(metric, random.pick(['[1m]', '[5m]', '[77s]'])).text})`
    if (roll < 0.55) return ranged
    if (roll < 0.8) return `${random.pick(['sum', 'avg', 'sum by (job)', 'sum without (instance)', 'avg by (job)'])} (${ranged})`
    return from.vector(depth, ['native']).text
  }
  const quantile = (): string => random.pick(['0.5', '0.9', '0.99', '0', '1', '0.1', '-1', '2', 'NaN'])
  const bound = (): string => random.pick(['0', '0.5', '1', '2', '-1', '5', '-Inf', 'Inf', '0.0005', 'NaN', '100'])
  const simple = HISTOGRAM_FUNCTIONS.map((name): Root => [name, (depth) => `${name}(${native(depth)})`])
  const both: Root[] = [
    ['histogram_quantile', (depth) => `histogram_quantile(${quantile()}, ${native(depth)})`],
    ['histogram_fraction', (depth) => `histogram_fraction(${bound()}, ${bound()}, ${native(depth)})`],
    ['scaled histogram', (depth) => `(${native(depth)}) ${random.pick(['*', '/', '+', '-', '%', '^', '==', '!=', '>'])} ${random.pick(['2', '0', '-1', '0.5', 'NaN'])}`],
    ['histogram pair', () => {
      const metric = from.metric(['native'])
      return `${from.selector(metric).text} ${random.pick(['+', '-', '*', '/', '==', '!=', '<', '== bool', 'and', 'or', 'unless'])} ${from.selector(metric).text}`
    }],
    ['native matrix', () => from.selector(from.metric(['native']), '[1m]').text],
    ['native selector', () => from.selector(from.metric(['native'])).text],
    ...['sum', 'avg', 'count', 'min', 'stddev', 'topk', 'limitk', 'group', 'quantile', 'count_values'].map((op): Root => [op, () => {
      const param = { topk: '2, ', limitk: '2, ', quantile: '0.5, ', count_values: '"v", ' }[op] ?? ''
      return `${op} ${random.pick(['', 'by (job) ', 'without (instance) '])}(${param}${from.selector(from.metric(['native'])).text})`
    }]),
    ...['rate', 'increase', 'irate', 'delta', 'idelta', 'resets', 'changes', 'sum_over_time', 'avg_over_time', 'last_over_time', 'count_over_time', 'present_over_time', 'min_over_time', 'deriv', 'stddev_over_time', 'ts_of_last_over_time']
      .map((name): Root => [name, () => `${name}(${from.selector(from.metric(['native']), random.pick(['[1m]', '[5m]', '[77s]', '[30s]', '[10m]'])).text})`]),
  ]
  return [...simple, ...simple, ...simple, ...both, ...both, ...both, ...both]
}
