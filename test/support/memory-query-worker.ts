// Entry file of a query worker over a plain in-memory store, for tests of the pool. Three metrics misbehave while they
// are selected, as a store or a query of death would: `stuck` never returns, `slow` takes its time batch by batch,
// `crash` ends the thread.
import { parentPort } from 'node:worker_threads'
import { Engine } from '../../lang/engine.ts'
import { serveQueries } from '../../lang/worker.ts'
import type { Querier, Queryable, SeriesBatch } from '../../storage/interface.ts'
import { MemoryStorage } from './memory-storage.ts'

const storage = new MemoryStorage()

/** Batches without end, 1 ms each: a query that can only be stopped from outside. */
function endless(): SeriesBatch {
  const until = performance.now() + 1
  while (performance.now() < until);
  const none = new Uint32Array(0)
  const floats = new Float64Array(0)
  const hasGaps = new Uint8Array(0)
  return { n: 0, t: floats, seriesCount: 0, index: none, v: floats, hasGaps, present: none, stale: none, histograms: null, histogramBits: none, startTimes: null }
}

const queryable: Queryable = {
  querier(): Querier {
    const querier = storage.querier()
    const select = querier.select.bind(querier)
    querier.select = (matchers, mint, maxt, hints) => {
      const name = matchers.find((matcher) => matcher.name === '__name__')?.value
      if (name === 'stuck') for (;;);
      if (name === 'crash') process.exit(3)
      const selection = select(matchers, mint, maxt, hints)
      return name === 'slow' ? { refs: selection.refs, next: endless } : selection
    }
    return querier
  },
}

serveQueries(parentPort!, (data, seat) => {
  const { seriesCount, failsAtStart } = data as { seriesCount: number; failsAtStart?: boolean }
  if (failsAtStart === true) throw new Error('the entry file fails')
  for (let s = 0; s < seriesCount; s++) {
    for (let i = 0; i < 10; i++) storage.add(['__name__', 'up', 'instance', String(s)], i * 10_000, s + i)
  }
  storage.add(['__name__', 'slot'], 0, seat.slot)
  return { engine: new Engine(), queryable }
})
