// Starts the thread of a query worker. It loads and warms up on its own, before anybody has a seat for it: at the start
// of the program that takes as long as all else, and goes on beside it.
import { Worker } from 'node:worker_threads'

/** Old and young generation of one worker; arrays are bounded by the engine's budget instead. */
const HEAP_MIB_MAX = 1024

/** `entry`: a file that calls serveQueries. The thread alone does not keep the process alive. */
export function startQueryThread(entry: URL): Worker {
  const worker = new Worker(entry, { resourceLimits: { maxOldGenerationSizeMb: HEAP_MIB_MAX } })
  // Who takes the thread listens for its failure, too; until then it ends nobody else.
  worker.once('error', () => {})
  worker.unref()
  return worker
}
