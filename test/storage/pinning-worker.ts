// A query thread that opens a querier, says so, and never comes back: for a main thread that terminates it.
import { parentPort, workerData } from 'node:worker_threads'
import { StoreQueryable, type StoreHandle } from '../../storage/store-querier.ts'

export interface PinningData {
  handle: StoreHandle
  slot: number
}

if (parentPort) {
  const { handle, slot } = workerData as PinningData
  const querier = new StoreQueryable(handle, slot).querier()
  querier.select([{ name: 'job', op: '=', value: 'test' }], -Infinity, Infinity, { startMs: 0, endMs: 0, stepMs: 0, rangeMs: 0, func: '' }).next()
  parentPort.postMessage('open')
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
}
