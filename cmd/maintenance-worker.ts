// The entry file of the thread that does jobs on blocks: cuts the head, compacts, removes.
import os from 'node:os'
import { parentPort, workerData } from 'node:worker_threads'
import { assert } from '../lib/std/assert.ts'
import { serveJobs, type JobSeat } from '../storage/job-runner.ts'

assert(parentPort !== null, 'maintenance-worker.ts runs as a worker')
// Linux gives each thread its own priority: scrapes and queries come first. Elsewhere it would be the process'.
if (process.platform === 'linux') os.setPriority(10)
serveJobs(parentPort, workerData as JobSeat)
