// A reader in another thread sees whole exemplars only, while the ring turns under it.
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { expect, it } from 'vitest'
import { ExemplarRing } from '../../../storage/exemplars/exemplar-ring.ts'
import { columnsOf } from '../../support/exemplars.ts'
import type { RingReaderData } from './ring-reader.ts'

it('a reader sees whole exemplars while they are written over', async () => {
  const ring = new ExemplarRing(64)
  const data: RingReaderData = { buffer: ring.buffer, done: new Int32Array(new SharedArrayBuffer(4)) }
  const worker = new Worker(new URL('./ring-reader.ts', import.meta.url), { workerData: data })
  await once(worker, 'message')
  for (let value = 1; value <= 300_000; value++) {
    ring.append(columnsOf([{ ref: 1 + (value % 5), labels: { n: String(value).padEnd(1 + (value % 90), 'x') }, value, timeMs: value }]), Infinity)
  }
  Atomics.store(data.done, 0, 1)
  const [{ seen, torn }] = (await once(worker, 'message')) as [{ seen: number; torn: string }]
  await worker.terminate()
  expect(torn).toBe('')
  expect(seen).toBeGreaterThan(1000)
}, 120_000)
