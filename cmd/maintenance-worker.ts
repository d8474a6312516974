// The entry file of the thread that does jobs on blocks: cuts the head, compacts, removes.
import os from 'node:os'
import v8 from 'node:v8'
import vm from 'node:vm'
import { parentPort, workerData } from 'node:worker_threads'
import { assert } from '../lib/std/assert.ts'
import { serveJobs, type JobSeat } from '../storage/job-runner.ts'

/** What a job leaves is garbage; where it is less it may stay. */
const LEFT_BYTES_MAX = 8 << 20

// There is no other door to the collector.
v8.setFlagsFromString('--expose-gc')
const collect = vm.runInNewContext('gc') as () => void
let keptBytes = heldBytes()

assert(parentPort !== null, 'maintenance-worker.ts runs as a worker')
// Linux gives each thread its own priority: scrapes and queries come first. Elsewhere it would be the process'.
if (process.platform === 'linux') os.setPriority(10)
serveJobs(parentPort, workerData as JobSeat, collectLarge)

/** V8 collects when a thread allocates, and this one rests behind a job, for ten seconds and more: with 100 MB of buffers after a cut of 60,000 series. */
function collectLarge(): void {
  if (heldBytes() - keptBytes < LEFT_BYTES_MAX) return
  collect()
  keptBytes = heldBytes()
}

/** Of this thread. */
function heldBytes(): number {
  const { heapTotal, arrayBuffers } = process.memoryUsage()
  return heapTotal + arrayBuffers
}
