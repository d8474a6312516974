// Entry file of a thread that holds passwords against their hashes, one after the other.
import { parentPort } from 'node:worker_threads'
import bcrypt from 'bcryptjs'
import { assert } from '../lib/std/assert.ts'
import type { PasswordJob } from './password-thread.ts'

const port = parentPort
assert(port !== null, 'password-worker.ts runs as a worker')
port.on('message', ({ password, hash }: PasswordJob) => port.postMessage(bcrypt.compareSync(password, hash)))
