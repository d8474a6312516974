// A thread that reads a ring again and again while another writes it, and says what it saw.
import { parentPort, workerData } from 'node:worker_threads'
import { readExemplars } from '../../../storage/exemplars/exemplar-reader.ts'

export interface RingReaderData {
  buffer: SharedArrayBuffer
  /** Element 0 is set when the writer is done. */
  done: Int32Array
}

const { buffer, done } = workerData as RingReaderData
const every = Uint32Array.of(1, 2, 3, 4, 5)
let seen = 0
let torn = ''
parentPort!.postMessage('ready')
while (Atomics.load(done, 0) === 0 && torn === '') {
  for (const { ref, exemplars } of readExemplars(buffer, [every], -Infinity, Infinity)) {
    for (const { labels, value, timeMs } of exemplars) {
      seen++
      // The writer makes every part of an exemplar from its number.
      const want = ['n', String(value).padEnd(1 + (value % 90), 'x')]
      if (timeMs !== value || ref !== 1 + (value % 5) || labels.join() !== want.join()) torn ||= `${ref} ${value}@${timeMs} ${labels.join()}`
    }
  }
}
parentPort!.postMessage({ seen, torn })
