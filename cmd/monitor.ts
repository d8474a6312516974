#!/usr/bin/env node
// Entry point. Node runs this file as it is.
import v8 from 'node:v8'

// Scraping and ingest make much short-lived garbage beside a small heap: a nursery that stays small keeps it in the
// processor's caches and tens of megabytes out of memory. The growth factor is read whenever the nursery would grow.
v8.setFlagsFromString('--semi-space-growth-factor=1')

const { run } = await import('./run.ts')
process.exitCode = await run(process.argv.slice(2))
