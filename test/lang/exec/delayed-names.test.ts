// A name that was to be dropped stays when a filter of two vectors or info() comes behind, as in Prometheus 3.14.0.
import { describe, expect, it } from 'vitest'
import { Engine } from '../../../lang/engine.ts'
import { ALL_FEATURES } from '../../../lang/parse/parse.ts'
import { MemoryStorage } from '../../support/memory-storage.ts'

function metrics(query: string): unknown {
  const store = new MemoryStorage()
  store.add(['__name__', 'm', 'instance', 'a', 'job', 'j'], 0, 3)
  store.add(['__name__', 'target_info', 'instance', 'a', 'job', 'j', 'v', '1'], 0, 1)
  const engine = new Engine({ features: { ...ALL_FEATURES, delayedNameRemoval: true } })
  const { body } = engine.run({ kind: 'instant', query, timeMs: 0, timeoutMs: 1000, limit: 0, lookbackMs: 300_000, stats: '' }, store)
  return (JSON.parse(new TextDecoder().decode(body)) as { data: { result: { metric: unknown }[] } }).data.result.map(({ metric }) => metric)
}

describe('a name that is to go', () => {
  const named = { __name__: 'm', instance: 'a', job: 'j' }
  const nameless = { instance: 'a', job: 'j' }

  it.each<[string, unknown]>([
    ['m >= m', named],
    ['-m >= -m', named],
    ['m >= -m', named],
    ['-m <= m', named],
    ['info(-m)', { ...named, v: '1' }],
    ['info(m)', { ...named, v: '1' }],
    ['info(-target_info)', { ...nameless, v: '1' }],
    ['topk(1, -m)', nameless],
    ['-m and m', nameless],
    ['m and -m', named],
    ['label_replace(-m, "__name__", "n", "", "")', { ...named, __name__: 'n' }],
    ['label_replace(-m, "instance", "b", "", "")', { instance: 'b', job: 'j' }],
  ])('%s', (query, metric) => expect(metrics(query)).toEqual([metric]))
})
