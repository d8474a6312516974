// The entry file of a thread that does one round of uploads of the archive's files.
import os from 'node:os'
import { parentPort, workerData } from 'node:worker_threads'
import { assert } from '../lib/std/assert.ts'
import { serveUpload, type UploadSeat } from '../storage/archive-uploads.ts'

assert(parentPort !== null, 'upload-worker.ts runs as a worker')
// Linux gives each thread its own priority: scrapes and queries come first. Elsewhere it would be the process'.
if (process.platform === 'linux') os.setPriority(10)
await serveUpload(parentPort, workerData as UploadSeat)
