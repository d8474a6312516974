// A reader in another thread sees whole exemplars only, while the ring turns under it.
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { expect, it } from 'vitest'
import { ExemplarColumns } from '../../../lib/model/exemplar.ts'
import { ExemplarRing } from '../../../storage/exemplars/exemplar-ring.ts'
import type { RingReaderData } from './ring-reader.ts'

it('a reader sees whole exemplars while they are written over', async () => {
  const ring = new ExemplarRing(64)
  const data: RingReaderData = { buffer: ring.buffer, done: new Int32Array(new SharedArrayBuffer(4)) }
  const worker = new Worker(new URL('./ring-reader.ts', import.meta.url), { workerData: data })
  await once(worker, 'message')
  // As a reader of bodies does: one set of columns, so that the ring turns as fast as it can.
  const columns = new ExemplarColumns()
  for (let value = 1; value <= 300_000; value++) {
    const bytes = Buffer.from(`n${String(value).padEnd(1 + (value % 90), 'x')}`)
    columns.clear()
    columns.push({ bytes, offsets: [0, 1, 1, bytes.length], isEscaped: false, value, hasTime: true, timeMs: value }, 1 + (value % 5), 0)
    ring.append(columns, Infinity)
  }
  Atomics.store(data.done, 0, 1)
  const [{ seen, torn }] = (await once(worker, 'message')) as [{ seen: number; torn: string }]
  await worker.terminate()
  expect(torn).toBe('')
  expect(seen).toBeGreaterThan(1000)
}, 120_000)
