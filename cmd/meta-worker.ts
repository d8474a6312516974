// The metadata thread's entry file.
import { parentPort, workerData } from 'node:worker_threads'
import { serveMeta, type MetaWorkerData } from '../lib/meta/worker.ts'
import { assert } from '../lib/std/assert.ts'

assert(parentPort !== null, 'meta-worker.ts runs as a worker')
serveMeta(parentPort, workerData as MetaWorkerData)
