#!/usr/bin/env node
// Entry point. Node runs this file as it is.
import v8 from 'node:v8'

// Scraping and ingest make much short-lived garbage next to a small heap: a small nursery keeps it in the processor's
// caches and some 40 MB out of memory. It must be set before the heap grows.
v8.setFlagsFromString('--max-semi-space-size=2')

const { run } = await import('./run.ts')
process.exitCode = await run(process.argv.slice(2))
