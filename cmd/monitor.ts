#!/usr/bin/env node
// Entry point. Node runs this file as it is, and all the others where they have not been bundled.
import v8 from 'node:v8'

// What lives long here lies outside V8's heap, in shared memory and typed arrays; the heap is small and what it makes is
// short-lived. A nursery that stays small keeps the garbage in the processor's caches, and an old space that is
// collected when it has grown by half gives memory back early. V8 reads both whenever it decides about growth.
v8.setFlagsFromString('--semi-space-growth-factor=1')
v8.setFlagsFromString('--heap-growing-percent=50')

const argv = process.argv.slice(2)
// The dead man's switch works where nothing else does, a broken bundle included.
const bundle = argv[0] === 'deadman' ? null : (await import('./bundled.ts')).freshBundle()
const { run } = (await import(bundle === null ? './run.ts' : `${bundle}/run.js`)) as typeof import('./run.ts')
process.exitCode = await run(argv)
