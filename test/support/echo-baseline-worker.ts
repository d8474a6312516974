// A thread of baselines that answers with what it was asked for; of `die` it dies, of `hang` it never comes back.
import { parentPort } from 'node:worker_threads'
import type { BaselineAsk } from '../../lib/rules/baseline/awaited-past.ts'

parentPort!.on('message', (ask: BaselineAsk) => {
  if (ask.text === 'die') throw new Error('a fault of our own')
  if (ask.text === 'hang') Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
  parentPort!.postMessage({ ...ask, rows: null, error: `of ${ask.text}` })
})
